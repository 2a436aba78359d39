"""Answers by link gathered in one process: told after the commit, in order, a bad one spoils no other."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select, text

from tests import areas
from tests.mobilization import rows
from tests.mobilization.rows import NOW, World
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.errors import NotFound, TooMany
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.desk import Answered, Reply
from volunteer_hub.mobilization.models import AnswerEvent, Offer
from volunteer_hub.mobilization.rules import Answer, OfferState
from volunteer_hub.web import answer_batch
from volunteer_hub.web.answer_batch import ByLink, Gathering, Recorded

YES = Reply(Answer.ACCEPT, 10)


@pytest.fixture
def world(fresh_database: str) -> Iterator[World]:
    """Three places, six people asked, in a database of this test's own."""
    with clock.fixed(NOW):
        with db.transaction(SYSTEM, "test") as tx:
            areas.plant(tx)
            made = rows.send(tx, [3], rows.people(tx, 6))
        yield made
    db.engine().dispose()


def links(world: World) -> list[str]:
    return [offers.link_token(offer.public_id) for offer in world.offers]


def stored() -> list[str]:
    """The states of all offers, by id."""
    with db.read(SYSTEM) as tx:
        return [state.value for state in tx.exec(select(Offer.state).order_by(col(Offer.id)))]


def outcomes(results: Sequence[Recorded | BaseException]) -> list[str]:
    return [one.outcome.value if isinstance(one, Answered) else type(one).__name__ for one in results]


async def all_of(gathering: Gathering, replies: Sequence[ByLink]) -> list[Answered | BaseException]:
    return await asyncio.gather(*(gathering.answer(*one) for one in replies), return_exceptions=True)


def test_what_comes_within_a_moment_is_recorded_together_in_its_order(world: World) -> None:
    batches: list[int] = []

    def record(replies: Sequence[ByLink]) -> list[Recorded]:
        batches.append(len(replies))
        return answer_batch.record(replies)

    replies = [(token, YES) for token in links(world)] + [("never given out", YES)]
    results = asyncio.run(all_of(Gathering(record), replies))
    assert outcomes(results) == ["accepted"] * 3 + ["standing_by"] * 3 + [NotFound.__name__]
    assert batches == [7]


def test_everybody_is_told_only_once_theirs_is_committed(world: World) -> None:
    """What another connection sees the moment that the first of them is told."""

    async def first() -> list[str]:
        gathering = Gathering(answer_batch.record)
        told = [asyncio.create_task(gathering.answer(token, YES)) for token in links(world)]
        await asyncio.wait(told, return_when=asyncio.FIRST_COMPLETED)
        return stored()

    assert asyncio.run(first()) == ["accepted"] * 3 + ["standing_by"] * 3


def test_one_that_cannot_be_stored_fails_alone(world: World) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        tx.execute(
            text(_POISON.format(deed="RAISE EXCEPTION 'no'", when=f"NEW.offer_id = {world.offer(1).id}"))
        )
        tx.execute(text(_TRIGGER))
    results = answer_batch.record([(token, YES) for token in links(world)[:3]])
    assert outcomes(results)[0::2] == ["accepted", "accepted"]
    assert isinstance(results[1], DBAPIError)
    assert stored() == ["accepted", "asked", "accepted", "asked", "asked", "asked"]


def test_a_connection_lost_in_the_midst_is_made_anew_and_all_are_recorded(world: World) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        tx.execute(text("CREATE SEQUENCE first_time"))
        deed = "PERFORM pg_terminate_backend(pg_backend_pid())"
        tx.execute(text(_POISON.format(deed=deed, when="nextval('first_time') = 1")))
        tx.execute(text(_TRIGGER))
    results = answer_batch.record([(token, YES) for token in links(world)])
    assert outcomes(results) == ["accepted"] * 3 + ["standing_by"] * 3
    with db.read(SYSTEM) as tx:
        assert len(tx.exec(select(AnswerEvent)).all()) == 6


def test_a_database_that_is_gone_is_told_to_everybody_at_once(world: World) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        tx.execute(text(_POISON.format(deed="PERFORM pg_terminate_backend(pg_backend_pid())", when="true")))
        tx.execute(text(_TRIGGER))
    results = answer_batch.record([(token, YES) for token in links(world)])
    assert all(isinstance(one, DBAPIError) for one in results)
    assert stored() == ["asked"] * 6


def test_whoever_does_not_wait_for_the_answer_has_given_it_all_the_same(world: World) -> None:
    async def impatient() -> None:
        gathering = Gathering(answer_batch.record)
        bo, lin = (asyncio.create_task(gathering.answer(token, YES)) for token in links(world)[:2])
        await asyncio.sleep(0)
        bo.cancel()
        assert (await lin).offer.state is OfferState.ACCEPTED
        await gathering.drain()

    asyncio.run(impatient())
    assert stored()[:2] == ["accepted", "accepted"]


def test_far_too_many_are_asked_to_come_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_batch, "MOST_WAITING", 4)
    results = asyncio.run(all_of(Gathering(answer_batch.record), [(token, YES) for token in links(world)]))
    assert outcomes(results) == ["accepted"] * 3 + ["standing_by"] + [TooMany.__name__] * 2


def test_many_taps_of_one_person_count_once(world: World) -> None:
    token = links(world)[0]
    results = asyncio.run(all_of(Gathering(answer_batch.record), [(token, YES)] * 50))
    assert outcomes(results) == ["accepted"] + ["stands"] * 49


_POISON = """
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF {when} THEN {deed}; END IF; RETURN NEW; END $$
"""
_TRIGGER = "CREATE TRIGGER poison BEFORE INSERT ON answer_events FOR EACH ROW EXECUTE FUNCTION poison()"
