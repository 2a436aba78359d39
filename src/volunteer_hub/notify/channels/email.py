"""E-mail by SMTP. The dedupe key is the Message-ID, so that a repeat is one letter to a mailbox."""

import asyncio
import hashlib
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib

from volunteer_hub.notify.channels.base import DeliveryError, Letter, Taken
from volunteer_hub.notify.rules import Channel as Name

_TIMEOUT_SECONDS = 20.0


class Email:
    """Letters over one kept connection; ``url`` is [smtp|smtps|smtp+starttls]://user:word@host."""

    name = Name.EMAIL
    senders = 1

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        options: dict[str, Any] = {
            "hostname": parts.hostname or "localhost",
            "port": parts.port or {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25),
            "use_tls": parts.scheme == "smtps",
            "start_tls": parts.scheme == "smtp+starttls",
            "timeout": _TIMEOUT_SECONDS,
        }
        if parts.username:
            options |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}
        self._options = options
        self._sender = sender
        self._client: aiosmtplib.SMTP | None = None
        self._one_at_a_time = asyncio.Lock()

    def sender(self, address: str) -> str:
        """The one sender there is."""
        del address
        return self._sender

    async def send(self, letter: Letter) -> Taken:
        """Hands the letter to the mail server. Raises DeliveryError, permanent for a wrong address."""
        message = self._message(letter)
        async with self._one_at_a_time:
            try:
                await (await self._connected()).send_message(message)
            except aiosmtplib.SMTPRecipientsRefused as error:
                code = error.recipients[0].code if error.recipients else 450
                raise DeliveryError(f"smtp {code}", permanent=code >= 500) from None
            except aiosmtplib.SMTPResponseException as error:
                await self._drop()
                permanent = error.code >= 500
                raise DeliveryError(f"smtp {error.code}", permanent=permanent, line=not permanent) from None
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                await self._drop()
                raise DeliveryError(type(error).__name__, line=True) from None
            except asyncio.CancelledError:
                await self._drop()  # in mid-conversation: the next letter needs a new connection
                raise
        return Taken()

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        try:
            message["To"] = letter.address
            message["Subject"] = " ".join(letter.subject.split())
        except ValueError:
            raise DeliveryError("not an address", permanent=True) from None
        domain = parseaddr(self._sender)[1].rpartition("@")[2] or "localhost"
        identity = hashlib.sha256(letter.dedupe_key.encode()).hexdigest()[:32]
        message["Message-ID"] = f"<{identity}@{domain}>"
        message["Date"] = formatdate(localtime=False)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.body)
        return message

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is None or not self._client.is_connected:
            self._client = aiosmtplib.SMTP(**self._options)
            await self._client.connect()
        return self._client

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def close(self) -> None:
        """Says goodbye to the mail server."""
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            try:
                await client.quit()
            except (aiosmtplib.SMTPException, OSError):
                client.close()
