"""One resource of a gateway in Twilio's format: a form under basic auth, answered with a name (sid)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

import httpx2

from volunteer_hub.notify.channels.base import DeliveryError, Letter, Taken

_TIMEOUT_SECONDS: Final = 20.0
_TRY_AGAIN: Final = frozenset({408, 425, 429})


class Resource:
    """``url`` is https://account:token@gateway/2010-04-01/Accounts/account/Messages.json?From=number."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        self._sender = httpx2.QueryParams(parts.query).get("From", "")
        auth = (unquote(parts.username or ""), unquote(parts.password or ""))
        self._client = httpx2.AsyncClient(auth=auth, timeout=_TIMEOUT_SECONDS, follow_redirects=False)

    async def order(self, letter: Letter, form: Mapping[str, str]) -> Taken:
        """Hands the form over with To, From and the letter's key. Raises DeliveryError; a refused number is
        permanent."""
        try:
            answer = await self._client.post(
                self._address,
                data={"To": letter.address, "From": self._sender, **form},
                headers={"Idempotency-Key": letter.dedupe_key},
            )
        except httpx2.HTTPError as error:
            raise DeliveryError(type(error).__name__, permanent=False) from None
        if answer.is_success:
            return Taken(provider_id=_name(answer))
        permanent = 400 <= answer.status_code < 500 and answer.status_code not in _TRY_AGAIN
        raise DeliveryError(f"gateway {answer.status_code}", permanent=permanent)

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
