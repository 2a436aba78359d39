"""A real mail server for tests: it keeps what it takes, and may be told to refuse."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from volunteer_hub.core.settings import settings


class PostOffice:
    """``letters`` are those taken; ``refuse`` maps an address to the answer for it, as "550 no"."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refuse: dict[str, str] = {}
        self.after: dict[str, str] = {}

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Takes or refuses one recipient."""
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Takes one letter; ``after`` answers for an address once the letter is in the box."""
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return self.after.get(envelope.rcpt_tos[0], "250 OK")

    def to(self, address: str) -> list[EmailMessage]:
        """The letters to one address, oldest first."""
        return [letter for letter in self.letters if letter["To"] == address]


@contextmanager
def post_office(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    """A mail server on a free port, and settings that name it."""
    office = PostOffice()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(office, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        monkeypatch.setenv("HUB_SMTP_URL", f"smtp://127.0.0.1:{port}")
        settings.cache_clear()
        yield office
    finally:
        controller.stop()
        settings.cache_clear()
