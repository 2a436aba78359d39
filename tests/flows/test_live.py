"""Whoever watches a callout sees what is done to it at once, whichever road it came by."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial

import pytest
from anyio.to_thread import run_sync
from sqlalchemy import func, text
from sqlmodel import col, select

from tests import areas
from tests.mobilization import rows
from tests.mobilization.rows import NOW, World
from volunteer_hub.core import clock, db, live
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.live import Look, Seen
from volunteer_hub.flows import field, respond
from volunteer_hub.mobilization import attendance, offers
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.rules import OfferState

_LISTENERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
)


@pytest.fixture
def world(fresh_database: str) -> Iterator[World]:
    with clock.fixed(NOW):
        with db.transaction(SYSTEM, "test") as tx:
            areas.plant(tx)
            made = rows.send(tx, [3], rows.people(tx, 3))
        yield made
    db.engine().dispose()


def counted() -> Seen:
    """How many have accepted, and how many of them are on their way."""
    with db.read(SYSTEM) as tx:
        callouts = frozenset(tx.exec(select(Offer.callout_id)))
        yes = select(func.count()).where(col(Offer.state) == OfferState.ACCEPTED)
        under_way = select(func.count()).where(col(Duty.arrives_at).is_not(None))
        return Seen("count", f"{tx.scalar(yes)} {tx.scalar(under_way)}", callouts)


def answered(token: str, tx: Tx) -> None:
    respond.accept(tx, token)


def on_the_way(token: str, tx: Tx) -> None:
    duty = attendance.of_offer(tx, respond.by_link(tx, token))
    assert duty is not None
    field.on_my_way(tx, duty, 20)


def done(deed: Callable[[Tx], None]) -> None:
    with db.transaction(GUEST, "test") as tx:
        deed(tx)


def heard() -> bool:
    """Whether the process listens to what is said."""
    with db.read(SYSTEM) as tx:
        return bool(tx.scalar(_LISTENERS))


async def until(events: AsyncIterator[bytes], shown: str) -> None:
    async for event in events:
        if f"data: {shown}\n".encode() in event:
            return


def test_a_deed_is_shown_without_waiting_for_the_next_reading(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "REREAD_SECONDS", 3_600)
    token = offers.link_token(world.offer().public_id)

    async def watching() -> None:
        events = live.stream(Look("count", counted, lambda _: True))
        async with asyncio.timeout(60):
            await until(events, "0 0")
            while not await run_sync(heard):
                await asyncio.sleep(0.05)
            await run_sync(done, partial(answered, token))
            await until(events, "1 0")
            await run_sync(done, partial(on_the_way, token))
            await until(events, "1 1")

    asyncio.run(watching())
