"""The mail server of the demo: letters arrive as files, and the crowd sees each once."""

import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from volunteer_hub.simulation import mailbox
from volunteer_hub.simulation.mailbox import Letter, Watch


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def send(port: int, to: str, subject: str, text: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "hub@localhost", to, subject
    message.set_content(text)
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.send_message(message)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    port = free_port()
    serving = mailbox.server(port, tmp_path / "mail")
    serving.start()
    yield port, tmp_path / "mail"
    serving.stop()


def test_a_letter_is_read_as_it_was_written_in_any_language(post: tuple[int, Path]) -> None:
    port, folder = post
    send(port, "Bo@example.org", "能来吗？", "请回复：\nhttp://127.0.0.1:8000/c/token\n")
    assert mailbox.letters(folder, "bo@EXAMPLE.org") == [
        Letter("bo@example.org", 1, "能来吗？", "请回复：\nhttp://127.0.0.1:8000/c/token\n")
    ]


def test_letters_are_kept_apart_by_recipient_and_in_order(post: tuple[int, Path]) -> None:
    port, folder = post
    send(port, "bo@example.org", "one", "1")
    send(port, "lin@example.org", "two", "2")
    send(port, "bo@example.org", "three", "3")
    assert [(it.number, it.subject) for it in mailbox.letters(folder, "bo@example.org")] == [
        (1, "one"),
        (2, "three"),
    ]
    assert [it.subject for it in mailbox.letters(folder, "lin@example.org")] == ["two"]
    assert mailbox.letters(folder, "kai@example.org") == []


def test_an_address_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    kept = mailbox.keep(tmp_path / "mail", "../../x@example.org", b"Subject: x\r\n\r\nx")
    assert kept.parent.parent == tmp_path / "mail"
    assert [it.address for it in mailbox.letters(tmp_path / "mail", "../../x@example.org")] == [
        "../../x@example.org"
    ]


def test_a_watch_tells_of_each_letter_once_and_of_none_that_was_there_before(tmp_path: Path) -> None:
    mailbox.keep(tmp_path, "bo@example.org", b"Subject: old\r\n\r\n")
    watch = Watch(tmp_path)
    assert watch.new() == []
    for number in range(30):
        mailbox.keep(tmp_path, f"p{number % 3}@example.org", f"Subject: {number}\r\n\r\n".encode())
    mailbox.keep(tmp_path, "bo@example.org", b"Subject: new\r\n\r\n")
    assert sorted(letter.subject for letter in watch.new()) == sorted([*map(str, range(30)), "new"])
    assert watch.new() == []
    mailbox.keep(tmp_path, "bo@example.org", b"Subject: newer\r\n\r\n")
    assert [(letter.subject, letter.number) for letter in watch.new()] == [("newer", 3)]


def test_as_a_process_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "volunteer_hub.simulation.mailbox"]
    process = subprocess.Popen([*command, "--port", str(port), "--folder", str(tmp_path / "mail")])
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    send(port, "bo@example.org", "one", "1")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert [it.subject for it in mailbox.letters(tmp_path / "mail", "bo@example.org")] == ["one"]
