"""One resource of a gateway in Twilio's format: a form under basic auth, answered with a name (sid)."""

import base64
import zlib
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlencode, urlsplit

import httpx2

from volunteer_hub.notify.channels.base import DeliveryError, Letter, Taken

_TIMEOUT_SECONDS: Final = 20.0
_LINE: Final = frozenset({401, 403, 404, 407, 408, 425, 429})
"""Answers of a gateway that say nothing about the number: who we are, what we may, or that it has no time."""


class Resource:
    """``url`` is https://account:token@gateway/2010-04-01/Accounts/account/Messages.json?From=number; several
    From share the recipients, each of whom always sees the same one."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        self._senders = httpx2.QueryParams(parts.query).get_list("From") or [""]
        auth = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        self._client = httpx2.AsyncClient(
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
            headers={
                "Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )

    @property
    def senders(self) -> int:
        """How many numbers we send from."""
        return len(self._senders)

    def sender(self, address: str) -> str:
        """The number that an address is written to from."""
        return self._senders[zlib.crc32(address.encode()) % len(self._senders)]

    async def order(self, letter: Letter, form: Mapping[str, str]) -> Taken:
        """Hands the form over with To, From and the letter's key. Raises DeliveryError; a refused number is
        permanent."""
        whole = {"To": letter.address, "From": self.sender(letter.address), **form}
        try:
            answer = await self._client.post(
                self._address,
                content=urlencode(whole).encode(),
                headers={"Idempotency-Key": letter.dedupe_key},
            )
        except httpx2.HTTPError as error:
            raise DeliveryError(type(error).__name__, line=True) from None
        if answer.is_success:
            return Taken(provider_id=_name(answer))
        permanent = 400 <= answer.status_code < 500 and answer.status_code not in _LINE
        raise DeliveryError(f"gateway {answer.status_code}", permanent=permanent, line=not permanent)

    async def close(self) -> None:
        """Ends kept connections."""
        await self._client.aclose()


def _name(answer: httpx2.Response) -> str | None:
    """What the gateway calls the message; a 2xx without one was taken all the same."""
    try:
        sid = answer.json().get("sid")
    except (ValueError, AttributeError):
        return None
    return sid if isinstance(sid, str) and sid else None
