"""Answers taken together come to the same as one by one in that order; one that is refused changes nothing.

For a longer run: `HUB_TEST_EXAMPLES=2000 pytest tests/mobilization/test_desk.py`.
"""

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as listening
from sqlmodel import col, select, text

from tests.mobilization import rows
from tests.mobilization.rows import HOUR, NOW, RULES
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, NotFound, Refused
from volunteer_hub.mobilization import desk, offers
from volunteer_hub.mobilization.desk import Reply, Result
from volunteer_hub.mobilization.models import AnswerEvent, Duty, Offer, SlotFill
from volunteer_hub.mobilization.rules import Answer, DeclineReason, Kind, OfferState

EXAMPLES = int(os.environ.get("HUB_TEST_EXAMPLES", "40"))
PEOPLE = 3
YES = Reply(Answer.ACCEPT, 20)

# What random batches must have come to now and then, or they prove little.
RARE = {"accepted", "standing_by", "withdrawn", "offer.promised_elsewhere", "stands", "promoted", "made way"}

WITHDRAW = Reply(Answer.WITHDRAW, reason=DeclineReason.BUSY)
ODD = (
    Reply(Answer.DECLINE),
    Reply(Answer.LATER, from_when=NOW + 2 * HOUR),
    Reply(Answer.LATER, from_when=NOW - HOUR),
    Reply(Answer.SEEN),
    Reply(Answer.ACK),
    Reply(Answer.ACCEPT, 10**6),
    Reply(Answer.NOT_ME),
)
offer_numbers = st.integers(0, PEOPLE * 4 - 1)
batches = st.lists(
    st.tuples(offer_numbers, st.sampled_from((*[YES] * 8, *[WITHDRAW] * 4, *ODD))), min_size=6, max_size=16
)


class Seen:
    """What the random batches came to."""

    came_to: ClassVar[Counter[str]] = Counter()


@pytest.fixture
def asked(tx: Tx) -> list[Offer]:
    """Everybody asked for two real slots that overlap, one in another real callout, and one in a drill."""
    world = rows.plant(tx, [1, 2], PEOPLE)
    real = rows.send(tx, [2], world.people, [(4, 12)], kind=Kind.REAL)
    other = rows.send(tx, [1, 2], world.people, [(1, 9), (9, 12)], kind=Kind.REAL)
    return [*real.offers, *other.offers, *world.offers[:PEOPLE]]


def told(results: Iterable[Result]) -> list[Any]:
    """The results, without the offers themselves, which live on."""
    return [
        (one.code, one.params)
        if isinstance(one, HubError)
        else (one.offer.id, one.outcome.value, ids(one.promoted), one.late, ids(one.drills))
        for one in results
    ]


def ids(some: Iterable[Offer]) -> list[int]:
    return [offer.id for offer in some]


def stored(tx: Tx) -> list[Any]:
    """All that answers write, and who is named for it in the trail."""
    tx.flush()
    offer = select(Offer).order_by(col(Offer.id)).execution_options(populate_existing=True)
    event = select(AnswerEvent).order_by(col(AnswerEvent.id))
    duty = select(Duty).order_by(col(Duty.offer_id)).execution_options(populate_existing=True)
    fill = select(SlotFill).order_by(col(SlotFill.slot_id)).execution_options(populate_existing=True)
    named = text(
        "SELECT DISTINCT row_id, actor_kind, actor_id FROM audit_lines WHERE table_name = 'offers' "
        "ORDER BY row_id, actor_id"
    )
    return [
        [one.model_dump() for one in tx.exec(offer)],
        [one.model_dump(exclude={"id"}) for one in tx.exec(event)],
        [one.model_dump(exclude={"id", "public_id"}) for one in tx.exec(duty)],
        [one.model_dump() for one in tx.exec(fill)],
        [tuple(row) for row in tx.execute(named)],
    ]


def test_together_is_as_one_by_one(tx: Tx, asked: list[Offer]) -> None:
    keys = ids(asked)

    @given(before=batches, batch=batches)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=EXAMPLES == 40,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def play(before: list[tuple[int, Reply]], batch: list[tuple[int, Reply]]) -> None:
        outcomes = []
        for together in (False, True):
            with tx.begin_nested() as example:
                desk.take(tx, [(keys[n], reply) for n, reply in before], RULES, own=True)
                given_now = [(keys[n], reply) for n, reply in batch]
                if together:
                    results = told(desk.take(tx, given_now, RULES, own=True))
                else:
                    results = [told(desk.take(tx, [one], RULES, own=True))[0] for one in given_now]
                outcomes.append((results, stored(tx)))
                example.rollback()
            tx.expire_all()
        assert outcomes[0] == outcomes[1]
        for result in outcomes[0][0]:
            Seen.came_to[result[0] if len(result) == 2 else result[1]] += 1
            Seen.came_to["promoted"] += len(result) > 2 and bool(result[2])
            Seen.came_to["made way"] += len(result) > 2 and bool(result[4])

    play()
    assert {name for name, count in Seen.came_to.items() if count} >= RARE


def test_the_first_wins_within_a_batch(tx: Tx) -> None:
    world = rows.plant(tx, [2], 5)
    results = desk.take(tx, [(offer.id, YES) for offer in reversed(world.offers)], RULES)
    assert [result.outcome.value for result in results if not isinstance(result, HubError)] == [
        *["accepted"] * 2,
        *["standing_by"] * 3,
    ]
    assert [offer.position for offer in world.offers] == [3, 2, 1, None, None]


def test_the_number_of_statements_does_not_grow_with_the_answers(tx: Tx) -> None:
    world = rows.plant(tx, [9], 9)
    connection, counts = tx.connection(), []
    for some in (world.offers[:1], world.offers[1:4], world.offers[4:]):
        sent: list[str] = []

        def note(*arguments: Any, sent: list[str] = sent) -> None:
            sent.append(arguments[2])

        listening.listen(connection, "before_cursor_execute", note)
        desk.take(tx, [(offer.id, YES) for offer in some], RULES, own=True)
        listening.remove(connection, "before_cursor_execute", note)
        counts.append(len(sent))
    assert counts == [counts[0]] * 3


def test_an_unknown_offer_and_a_refused_answer_leave_the_others_alone(tx: Tx) -> None:
    world = rows.plant(tx, [1], 2)
    bo, lin = world.offers
    bo.state = OfferState.EXPIRED
    results = desk.take(tx, [(2**62, YES), (bo.id, YES), (lin.id, YES)], RULES)
    assert [type(result).__name__ for result in results] == ["NotFound", "Gone", "Answered"]
    assert isinstance(results[0], NotFound)
    assert lin.state is OfferState.ACCEPTED


def test_who_is_promised_elsewhere_past_their_lock_is_refused_alone(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody marked absent checks in after all in this very moment."""
    world = rows.plant(tx, [2], 2)
    elsewhere = rows.send(tx, [1], world.people[:1])
    offers.accept(tx, elsewhere.offer())

    def blind(self: object, offer: Offer, but: object) -> bool:
        return False

    monkeypatch.setattr("volunteer_hub.mobilization.desk._Desk._elsewhere", blind)
    results = desk.take(tx, [(offer.id, YES) for offer in world.offers], RULES)
    assert isinstance(results[0], Refused)
    assert results[0].code == "offer.promised_elsewhere"
    tx.flush()
    found = select(Offer.state).where(col(Offer.callout_id) == world.callout.id).order_by(col(Offer.id))
    assert [state.value for state in tx.exec(found)] == ["asked", "accepted"]
    assert tx.exec(select(SlotFill.filled).where(col(SlotFill.slot_id) == world.slots[0])).one() == 1
