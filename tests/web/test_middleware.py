"""What every answer passes, whatever the route."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from tests.doors import client
from volunteer_hub.web.middleware import SecurityHeaders, Told

SCOPE = {"type": "http", "path": "/c/dGhpc2lzYXRva2VuMTIz"}
START = {"type": "http.response.start", "status": 500, "headers": []}


def served(app: Callable[..., Awaitable[None]]) -> list[Any]:
    """What was sent by an application behind Told."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Told(app)(dict(SCOPE), receive, send))
    return sent


def test_an_error_that_was_answered_goes_no_further() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"A fault of ours."})
        raise ValueError("Wang Xiaobo")

    assert [message["type"] for message in served(app)] == ["http.response.start", "http.response.body"]


def test_an_answer_broken_off_ends_the_connection_without_saying_whom_it_was_about() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        raise ValueError("cannot tell bo@example.org")

    with pytest.raises(ConnectionError) as broken:
        served(app)
    assert broken.value.__suppress_context__
    assert "bo@example.org" not in str(broken.value)


async def page(scope: Any, receive: Any, send: Any) -> None:
    """A page of one word."""
    await PlainTextResponse("here")(scope, receive, send)


def test_pictures_come_from_here_and_from_the_named_server_of_tiles_alone() -> None:
    def allowed(app: SecurityHeaders) -> str:
        return TestClient(app).get("/").headers["content-security-policy"]

    from_here = allowed(SecurityHeaders(page))
    assert "img-src 'self' data:;" in from_here
    tiled = allowed(SecurityHeaders(page, images="https://{s}.tiles.example.org/{z}/{x}/{y}.png"))
    assert tiled == from_here.replace("data:;", "data: https://*.tiles.example.org;")


def test_pages_and_files_go_packed_and_pictures_as_they_are(rollback: None) -> None:
    browser = client()

    def packing(path: str, asked: str = "gzip") -> str | None:
        answer = browser.get(path, headers={"accept-encoding": asked})
        assert answer.status_code == 200
        return answer.headers.get("content-encoding")

    assert [packing("/login"), packing("/static/hub.css"), packing("/livez")] == ["gzip", "gzip", None]
    assert packing("/static/mark-512.png") is None
    assert packing("/login", "identity") is None
