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
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        self._address = httpx2.URL(address)  # read once: of a text it would be read for every message
        self._senders = httpx2.QueryParams(parts.query).get_list("From") or [""]
        auth = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        self._headers = {
            "Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._trust = httpx2.create_ssl_context()
        self._clients: list[httpx2.AsyncClient] = []
        self._idle: list[httpx2.AsyncClient] = []

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
        client = self._idle.pop() if self._idle else self._opened()
        try:
            answer = await client.post(
                self._address,
                content=urlencode(whole).encode(),
                headers={"Idempotency-Key": letter.dedupe_key},
            )
        except httpx2.HTTPError as error:
            raise DeliveryError(type(error).__name__, line=True) from None
        finally:
            self._idle.append(client)
        if answer.is_success:
            return Taken(provider_id=_name(answer))
        permanent = 400 <= answer.status_code < 500 and answer.status_code not in _LINE
        raise DeliveryError(f"gateway {answer.status_code}", permanent=permanent, line=not permanent)

    def _opened(self) -> httpx2.AsyncClient:
        """One more, for one request at a time: a client with many connections goes through all of them at
        the beginning and end of each request, which takes a fifth of the processor time of sending."""
        client = httpx2.AsyncClient(
            timeout=_TIMEOUT_SECONDS, follow_redirects=False, headers=self._headers, verify=self._trust
        )
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """Ends kept connections."""
        for client in self._clients:
            await client.aclose()


def _name(answer: httpx2.Response) -> str | None:
    """What the gateway calls the message; a 2xx without one was taken all the same."""
    try:
        sid = answer.json().get("sid")
    except (ValueError, AttributeError):
        return None
    return sid if isinstance(sid, str) and sid else None
