"""A mail server for a made-up city: it keeps every letter as a file, a folder for each recipient.

``python -m volunteer_hub.simulation.mailbox --port 2525 --folder mail`` runs until it is told to stop.
"""

import argparse
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_SUFFIX: Final = ".eml"
_DOUBT_SECONDS: Final = 1.0  # a folder's time of change may lag behind what is in it


@dataclass(frozen=True)
class Letter:
    """One letter as its reader has it; ``number`` counts the letters to this address from 1."""

    address: str
    number: int
    subject: str
    text: str


class _Post:
    """What the server does with letters. Async because aiosmtpd calls it so; nothing in it waits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd's name)
        """Keeps one letter for every recipient."""
        del server, session
        content = envelope.content or b""
        for address in envelope.rcpt_tos:
            keep(self._folder, address, content if isinstance(content, bytes) else content.encode())
        return "250 OK"


def keep(folder: Path, address: str, content: bytes) -> Path:
    """Writes a letter (RFC 5322) into the recipient's folder; a reader sees all of it or nothing."""
    box = box_of(folder, address)
    box.mkdir(parents=True, exist_ok=True)
    path = box / f"{1 + len(list(box.glob(f'*{_SUFFIX}'))):04}{_SUFFIX}"
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(content)
    return unfinished.rename(path)


def box_of(folder: Path, address: str) -> Path:
    """The folder of one recipient, whatever characters the address has."""
    return folder / quote(address.lower(), safe="@+")


def letters(folder: Path, address: str) -> list[Letter]:
    """Everything that one address was sent, the oldest first."""
    return [_read(path) for path in sorted(box_of(folder, address).glob(f"*{_SUFFIX}"))]


def _read(path: Path) -> Letter:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    text = str(body.get_content()) if body is not None else ""
    lines = text.replace("\r\n", "\n")
    return Letter(unquote(path.parent.name), int(path.stem), str(message["Subject"] or ""), lines)


class Watch:
    """Tells which letters have come since it was asked last; those there at the beginning are old."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, int] = {}
        self._looked = 0.0
        for box in self._changed():
            self._read[box.name] = len(list(box.glob(f"*{_SUFFIX}")))

    def new(self) -> list[Letter]:
        """The letters that have come, those to one address in their order."""
        return [letter for box in self._changed() for letter in self._of(box)]

    def _changed(self) -> Sequence[Path]:
        if not self._folder.is_dir():
            return ()
        since, self._looked = self._looked - _DOUBT_SECONDS, time.time()
        with os.scandir(self._folder) as boxes:
            return [Path(box.path) for box in boxes if box.is_dir() and box.stat().st_mtime >= since]

    def _of(self, box: Path) -> Iterator[Letter]:
        seen = self._read.get(box.name, 0)
        for path in sorted(box.glob(f"*{_SUFFIX}"))[seen:]:
            self._read[box.name] = int(path.stem)
            yield _read(path)


def server(port: int, folder: Path) -> Controller:
    """The mail server on 127.0.0.1, not yet started. ``start`` raises OSError where the port is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    return Controller(_Post(folder), hostname="127.0.0.1", port=port)


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--folder", type=Path, required=True)
    given = arguments.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    serving = server(given.port, given.folder)
    serving.start()
    stopped.wait()
    serving.stop()


if __name__ == "__main__":
    main()
