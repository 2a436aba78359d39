"""A callout on the real server, and those who watch it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.databases import building
from tests.flows.callouts import NOW, Sent, sent
from tests.server import Server
from volunteer_hub.access import sessions
from volunteer_hub.access.models import Account
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM, Actor

PATIENCE_SECONDS = 30.0


class Watched:
    """A server with a callout of five people, and ways to look at it."""

    def __init__(self, server: Server, out: Sent, tokens: list[str]) -> None:
        self.server, self.out, self.tokens = server, out, tokens
        self.page = f"/callouts/{out.callout.public_id}"

    def cookie(self, actor: Actor) -> dict[str, str]:
        with db.transaction(SYSTEM, "test.session") as tx:
            return {"hub_session": sessions.open_for_account(tx, tx.get_one(Account, actor.id)).token}

    def says_yes(self, number: int) -> None:
        address = f"{self.server.address}/c/{self.tokens[number]}/accept"
        said = httpx2.post(
            address, data={"arrival": "30"}, headers={"origin": self.server.address}, trust_env=False
        )
        assert said.status_code == 303

    @contextmanager
    def watching(self, path: str, actor: Actor, **headers: str) -> Iterator[Iterator[tuple[str, str]]]:
        with (
            httpx2.Client(trust_env=False, timeout=PATIENCE_SECONDS) as client,
            client.stream(
                "GET",
                self.server.address + path,
                cookies=self.cookie(actor),
                headers={"accept-language": "en"} | headers,
            ) as answer,
        ):
            assert answer.status_code == 200, answer.status_code
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["x-accel-buffering"] == "no"
            yield events(answer.iter_lines())


def events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """(name, data) of every event, beats too."""
    name, data = "", list[str]()
    for line in lines:
        key, _, value = line.partition(":")
        if key == "event":
            name = value.strip()
        elif key == "data":
            data.append(value.removeprefix(" "))
        elif not line and name:
            yield name, "\n".join(data)
            name, data = "", []


def until(stream: Iterator[tuple[str, str]], words: str) -> str:
    """The data of the first event that has these words."""
    ends = time.monotonic() + PATIENCE_SECONDS
    for _, data in stream:
        if words in data:
            return data
        assert time.monotonic() < ends, data
    raise AssertionError("the stream ended")


@contextmanager
def watched(database: str, folder: Path, *, processes: int) -> Iterator[Watched]:
    """Mei's callout at ten in the morning, in the database of settings; HUB_SMTP_URL must be set."""
    db.follow_clock()
    db.move_clock(NOW)
    with clock.fixed(NOW), building() as tx:
        out = sent(tx, helpers=4)
        tokens = [out.token(tx, person) for person in (out.world.lin, *out.world.crowd[:3])]
        tx.expunge_all()
    try:
        with Server(database, folder, processes=processes, workers=0) as server:
            server.wait_until_ready()
            yield Watched(server, out, tokens)
    finally:
        clock.follow(lambda: None)
