"""Text messages against a gateway that speaks the wire format, on loopback."""

import asyncio
import base64
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import pytest

from volunteer_hub.notify import dispatch
from volunteer_hub.notify.channels.base import Letter, Taken
from volunteer_hub.notify.channels.sms import Sms
from volunteer_hub.notify.outbox import Outcome
from volunteer_hub.notify.rules import Channel, State

NOW = datetime(2031, 1, 20, 2, 40, tzinfo=UTC)
PUBLIC_ID = UUID("01890000-0000-7000-8000-000000000007")
LETTER = Letter(7, PUBLIC_ID, "offer:1:asked", Channel.SMS, "+8613912345678", "", "【实战】沙袋组，东门")


class Gateway(BaseHTTPRequestHandler):
    """Answers what the test asks for, and keeps what came in."""

    status = 201
    answer = b'{"sid": "SM1"}'
    seen: list[dict[str, Any]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        type(self).seen.append({"path": self.path, "form": form, "headers": dict(self.headers)})
        self.send_response(type(self).status)
        self.end_headers()
        self.wfile.write(type(self).answer)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def gateway() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Gateway.seen, Gateway.status, Gateway.answer = [], 201, b'{"sid": "SM1"}'
    yield f"http://acc:s3cret@127.0.0.1:{server.server_port}/2010-04-01/Accounts/acc/Messages.json?From=%2B8610000"
    server.shutdown()
    server.server_close()


def sent(url: str) -> Outcome:
    async def one() -> Outcome:
        channel = Sms(url)
        try:
            return (await dispatch.send_all([LETTER], {Channel.SMS: channel}, now=NOW))[0]
        finally:
            await channel.close()

    return asyncio.run(one())


def test_a_text_goes_out_in_the_wire_format_under_its_key(gateway: str) -> None:
    assert sent(gateway) == Outcome(7, State.SENT, "SM1")
    (got,) = Gateway.seen
    assert got["path"] == "/2010-04-01/Accounts/acc/Messages.json"
    assert got["form"] == {
        "To": "+8613912345678",
        "From": "+8610000",
        "Body": "【实战】沙袋组，东门",
        "StatusCallback": f"http://127.0.0.1:8000/api/v1/inbound/receipts/{PUBLIC_ID}",
    }
    headers = {name.lower(): value for name, value in got["headers"].items()}
    assert headers["idempotency-key"] == "offer:1:asked"
    assert headers["authorization"] == "Basic " + base64.b64encode(b"acc:s3cret").decode()


@pytest.mark.parametrize("answer", [b"", b"[1]", b'{"sid": 7}', b'{"sid": ""}'])
def test_a_gateway_that_gives_no_name_has_taken_the_text_all_the_same(gateway: str, answer: bytes) -> None:
    Gateway.answer = answer
    assert sent(gateway) == Outcome(7, State.SENT)


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (404, False), (401, False), (429, False), (500, False), (503, False)],
)
def test_a_refusal_says_whether_trying_again_is_useful(gateway: str, status: int, permanent: bool) -> None:
    Gateway.status = status
    assert sent(gateway) == Outcome(7, error=f"gateway {status}", permanent=permanent)


def test_a_gateway_that_is_away_is_tried_again() -> None:
    outcome = sent("http://a:b@127.0.0.1:9/Messages.json?From=1")
    assert (outcome.error, outcome.permanent) == ("ConnectError", False)


def test_a_channel_that_is_not_configured_fails_for_good() -> None:
    outcome = asyncio.run(dispatch.send_all([LETTER], {}, now=NOW))[0]
    assert (outcome.error, outcome.permanent) == ("channel sms is not configured", True)


def test_a_gateway_that_hangs_is_given_up_before_the_lease_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging:
        name = Channel.SMS
        senders = 1

        def sender(self, address: str) -> str:
            return address

        async def send(self, letter: Letter) -> Taken:
            await asyncio.sleep(60)
            return Taken()

        async def close(self) -> None:
            """Nothing is open."""

    monkeypatch.setattr(dispatch, "BATCH_SECONDS", 0.05)
    letters = [LETTER, LETTER]
    outcomes = asyncio.run(dispatch.send_all(letters, {Channel.SMS: Hanging()}, now=NOW))
    assert outcomes == [Outcome(7, error="no answer in time")] * 2
