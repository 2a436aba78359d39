"""Web push: a notification to one browser on one device, through the push service which that browser named.

The text is encrypted to the browser (RFC 8291), the request signed by us (RFC 8292), both put together here
because the address came from somebody's browser: it is called through core/net, as any that a person typed.
"""

import asyncio
import base64
import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parseaddr
from typing import Any, Final
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec

from volunteer_hub.core import net, policy, vault
from volunteer_hub.core.errors import HubError, Refused
from volunteer_hub.core.settings import settings
from volunteer_hub.notify import callbacks, vapid
from volunteer_hub.notify.channels.base import DeliveryError, Letter, Taken
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.rules import Channel as Name

GONE: Final = "gone"
"""The error of a subscription that its push service no longer knows."""
_SECONDS: Final = 5.0
_THREADS: Final = 8
_GONE: Final = frozenset({404, 410})
_LATER: Final = frozenset({408, 425, 429})


class WebPush:
    """``address`` of a letter is the sealed subscription, as a browser gives it: endpoint and keys.

    A push service that cannot be reached rests a while by itself: in some countries one never answers, and
    neither other services nor other channels shall wait for it.
    """

    name = Name.WEBPUSH
    senders = 1

    def __init__(self, mail_from: str) -> None:
        rules: Messages = policy.load("messages", Messages)
        self._contact = f"mailto:{parseaddr(mail_from)[1]}"
        self._keep_seconds = rules.give_up_minutes * 60
        self._rest_seconds = rules.line.rest_seconds
        self._resting: dict[str, float] = {}
        outbound = net.Outbound(internal=settings().internal_hosts, seconds=_SECONDS, max_bytes=100_000)
        self._client = net.safe_client(outbound)
        self._threads = ThreadPoolExecutor(_THREADS)

    def sender(self, address: str) -> str:
        """Nobody in particular."""
        del address
        return ""

    async def send(self, letter: Letter) -> Taken:
        """Hands the notification to its push service. Raises DeliveryError, `GONE` for good."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._send, letter)

    def _send(self, letter: Letter) -> Taken:
        opened = vault.unseal_here(letter.address)
        if opened is None:
            raise DeliveryError("not a subscription", permanent=True)
        subscription = json.loads(opened)
        endpoint = urlsplit(subscription["endpoint"])
        host = endpoint.netloc
        if self._resting.get(host, 0.0) > time.monotonic():
            raise DeliveryError("push service resting")
        topic = base64.urlsafe_b64encode(hashlib.sha256(letter.dedupe_key.encode()).digest()[:24]).decode()
        try:
            answer = self._client.post(
                subscription["endpoint"],
                content=_encrypted(subscription, _payload(letter, topic)),
                headers={
                    "Authorization": vapid.signed(f"{endpoint.scheme}://{host}", self._contact),
                    "Content-Encoding": "aes128gcm",
                    "Content-Type": "application/octet-stream",
                    "TTL": str(self._keep_seconds),
                    "Topic": topic,  # a repeat takes the place of the first where that still waits
                    "Urgency": "high",
                },
            )
        except Refused as error:
            raise DeliveryError(error.code, permanent=True) from None
        except HubError as error:
            self._resting[host] = time.monotonic() + self._rest_seconds
            raise DeliveryError(error.code) from None
        if answer.is_success:
            return Taken()
        if answer.status_code in _GONE:
            raise DeliveryError(GONE, permanent=True)
        permanent = 400 <= answer.status_code < 500 and answer.status_code not in _LATER
        raise DeliveryError(f"push {answer.status_code}", permanent=permanent)

    async def close(self) -> None:
        """Ends its threads and connections."""
        self._threads.shutdown()
        self._client.close()


def _payload(letter: Letter, tag: str) -> bytes:
    said = {"title": letter.subject, "body": letter.body, "link": letter.link, "tag": tag}
    return json.dumps(said | {"shown": callbacks.shown(letter.public_id)}, ensure_ascii=False).encode()


def _encrypted(subscription: dict[str, Any], content: bytes) -> bytes:
    keys = subscription["keys"]
    sealed: bytes = http_ece.encrypt(
        content,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=decoded(keys["p256dh"]),
        auth_secret=decoded(keys["auth"]),
        version="aes128gcm",
    )
    return sealed


def decoded(text: str) -> bytes:
    """Bytes in base64url, with or without its filling. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
