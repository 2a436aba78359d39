"""Where a gateway calls us back, and how it proves that it is the gateway.

The proof is Twilio's: HMAC-SHA1 under the account's token over the address called and the form's fields in
order, https://www.twilio.com/docs/usage/security#validating-requests. The address is the one that the outside
sees (HUB_BASE_URL): behind a proxy ours is another.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

from volunteer_hub.core.settings import settings
from volunteer_hub.core.signing import derived_token

INBOUND: Final = "/api/v1/inbound"


def address(path: str) -> str:
    """A path of ours as the outside calls it."""
    return settings().base_url.rstrip("/") + path


def receipt(message: UUID) -> str:
    """Where the receipts of one message go."""
    return address(f"{INBOUND}/receipts/{message}")


def call(message: UUID) -> str:
    """What is said in the call about a message."""
    return address(f"{INBOUND}/calls/{message}")


def pressed(message: UUID) -> str:
    """Where the key goes that was pressed in a call."""
    return address(f"{INBOUND}/calls/{message}/key")


def call_ended(message: UUID) -> str:
    """Where it is told how a call ended."""
    return address(f"{INBOUND}/calls/{message}/end")


def reports() -> str:
    """Where a template gateway reports what arrived: set up once with the provider, and told to nobody else,
    for what comes there is not signed."""
    return address(f"{INBOUND}/reports/{reports_key()}")


def reports_key() -> str:
    """The secret part of that address."""
    return derived_token("sms reports", "gateway")


def shown(message: UUID) -> str:
    """Where a device says that it has shown a message, as a path: it asks where the page came from."""
    return f"{INBOUND}/shown/{message}/{shown_key(message)}"


def shown_key(message: UUID) -> str:
    """What only the device knows to which a message was encrypted."""
    return derived_token("push shown", message)


def token() -> str | None:
    """What the gateway signs with: HUB_GATEWAY_TOKEN, else the token that we sign in with."""
    given = settings().gateway_token
    if given is not None:
        return given.get_secret_value()
    urls = (settings().sms_url, settings().voice_url)
    return next((unquote(word) for url in urls if url and (word := urlsplit(url).password)), None)


def signature(url: str, form: Iterable[tuple[str, str]], key: str) -> str:
    """The signature over an address and its form; a field given twice counts once for each value."""
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.digest(key.encode(), signed.encode(), hashlib.sha1)).decode()


def proven(path: str, form: Iterable[tuple[str, str]], given: str) -> bool:
    """Whether the gateway signed this call of a path (with its query) of ours; never without a token."""
    key = token()
    if key is None:
        return False
    return hmac.compare_digest(signature(address(path), form, key).encode(), given.encode())
