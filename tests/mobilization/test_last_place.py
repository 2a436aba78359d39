"""Many people at once, each on a connection of their own: no place and no person is given twice.

For the longer run: `HUB_TEST_ROUNDS=100 HUB_TEST_PEOPLE=500 pytest tests/mobilization/test_last_place.py`.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func
from sqlmodel import col, select

from tests import areas
from tests.mobilization import rows
from tests.mobilization.rows import NOW, RULES, World
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Gone, HubError, Refused
from volunteer_hub.mobilization import callouts, offers
from volunteer_hub.mobilization.models import Callout, Duty, Offer, SlotFill
from volunteer_hub.mobilization.rules import PLACED, CalloutState, DutyState, OfferState

ROUNDS = int(os.environ.get("HUB_TEST_ROUNDS", "5"))
PEOPLE = int(os.environ.get("HUB_TEST_PEOPLE", "100"))
THREADS = 20  # as many as connections in the pool

Deed = Callable[[Tx], object]


@pytest.fixture
def people(fresh_database: str) -> Iterator[list[int]]:
    """Volunteers in a database of this test's own."""
    with db.transaction(SYSTEM, "test") as tx:
        areas.plant(tx)
        made = rows.people(tx, PEOPLE)
    yield made
    db.engine().dispose()


def sent(maxima: list[int], who: list[int]) -> World:
    with db.transaction(SYSTEM, "test") as tx:
        tx.now = NOW
        return rows.send(tx, maxima, who)


def at_once(deeds: Sequence[Deed]) -> list[object]:
    """Runs each deed in a transaction of its own, THREADS at a time, started together; results or errors."""
    start = Barrier(THREADS)

    def one(deed: Deed) -> object:
        try:
            with clock.fixed(NOW), db.transaction(SYSTEM, "offer.answer") as tx:
                return deed(tx)
        except HubError as error:
            return error

    def worker(number: int) -> list[object]:
        start.wait()
        return [one(deed) for deed in deeds[number::THREADS]]

    with ThreadPoolExecutor(THREADS) as pool:
        return [result for results in pool.map(worker, range(THREADS)) for result in results]


def accepting(offer: Offer) -> Deed:
    return lambda tx: offers.accept(tx, offer).outcome.value


def withdrawing(offer: Offer) -> Deed:
    return lambda tx: offers.withdraw(tx, offer, RULES).outcome.value


def declining(offer: Offer) -> Deed:
    return lambda tx: offers.decline(tx, offer, RULES).outcome.value


def cancelling(callout: Callout) -> Deed:
    return lambda tx: callouts.cancel(tx, callout).callout.state.value


def states(tx: Tx, world: World) -> Counter[str]:
    counts = select(Offer.state, func.count()).where(col(Offer.callout_id) == world.callout.id)
    return Counter({state.value: n for state, n in tx.exec(counts.group_by(col(Offer.state)))})


def test_the_last_place_is_given_once_and_the_rest_stand_by(people: list[int]) -> None:
    for _ in range(ROUNDS):
        world = sent([1], people)
        outcomes = Counter(at_once([accepting(offer) for offer in world.offers]))
        assert outcomes == {"accepted": 1, "standing_by": PEOPLE - 1}
        with db.transaction(SYSTEM, "test") as tx:
            assert states(tx, world) == outcomes
            line = select(Offer.position).where(
                col(Offer.callout_id) == world.callout.id, col(Offer.position).is_not(None)
            )
            assert sorted(tx.exec(line)) == list(range(1, PEOPLE))
            assert tx.exec(select(SlotFill.filled).where(col(SlotFill.slot_id) == world.slots[0])).one() == 1
            callouts.cancel(tx, world.callout)


def test_the_same_answer_from_many_taps_counts_once(people: list[int]) -> None:
    world = sent([PEOPLE], people)
    bo = world.offer()
    assert Counter(at_once([accepting(bo)] * PEOPLE)) == {"accepted": 1, "stands": PEOPLE - 1}
    with db.transaction(SYSTEM, "test") as tx:
        assert tx.exec(select(func.count()).select_from(Duty)).one() == 1
        assert tx.exec(select(SlotFill.filled)).one() == 1


def test_one_person_accepting_overlapping_duties_at_once_is_promised_one(people: list[int]) -> None:
    for bo in people[:ROUNDS]:
        worlds = [sent([1], [bo]) for _ in range(THREADS)]
        results = at_once([accepting(world.offer()) for world in worlds])
        codes = Counter(one.code if isinstance(one, Refused) else one for one in results)
        assert codes == {"accepted": 1, "offer.promised_elsewhere": THREADS - 1}
        with db.transaction(SYSTEM, "test") as tx:
            held = select(func.count()).where(
                col(Offer.volunteer_id) == bo, col(Offer.state) == OfferState.ACCEPTED
            )
            assert tx.exec(held).one() == 1
            filled = select(func.sum(SlotFill.filled)).where(
                col(SlotFill.slot_id).in_([world.slots[0] for world in worlds])
            )
            assert tx.exec(filled).one() == 1


def test_accepting_and_withdrawing_pell_mell_loses_no_place_and_nobody_in_the_line(people: list[int]) -> None:
    draw = random.Random(8)
    world = sent([3, 5], people)
    deeds = [
        draw.choice((accepting, accepting, withdrawing))(draw.choice(world.offers)) for _ in range(6 * PEOPLE)
    ]
    results = at_once(deeds)
    refusals = {one.code for one in results if isinstance(one, HubError)}
    assert refusals <= {"offer.not_held", "offer.promised_elsewhere"}
    with db.transaction(SYSTEM, "test") as tx:
        tx.now = NOW
        offers.move_up(tx)
    with db.transaction(SYSTEM, "test") as tx:
        for slot, maximum in zip(world.slots, (3, 5), strict=True):
            filled = tx.exec(select(SlotFill.filled).where(col(SlotFill.slot_id) == slot)).one()
            placed = col(Offer.slot_id) == slot, col(Offer.state).in_(PLACED)
            assert tx.exec(select(func.count()).where(*placed)).one() == filled
            assert filled == maximum
        duties = select(func.count()).where(col(Duty.state) == DutyState.EXPECTED)
        assert tx.exec(duties).one() == 8


def test_cancelling_amid_answers_leaves_nobody_promised(people: list[int]) -> None:
    for _ in range(ROUNDS):
        world = sent([PEOPLE], people)
        deeds = [deed(offer) for offer in world.offers for deed in (declining, accepting)]
        deeds.insert(PEOPLE, cancelling(world.callout))
        results = at_once(deeds)
        codes = {one.code if isinstance(one, Gone) else one for one in results}
        assert codes <= {
            "accepted",
            "declined",
            "withdrawn",
            "stands",
            CalloutState.CANCELLED.value,
            "offer.cancelled",
        }
        with db.transaction(SYSTEM, "test") as tx:
            assert set(states(tx, world)) <= {"cancelled", "declined", "withdrawn"}
            assert tx.exec(select(SlotFill.filled).where(col(SlotFill.slot_id) == world.slots[0])).one() == 0


def test_a_promotion_never_waits_and_the_sweep_heals_what_it_passed_over(people: list[int]) -> None:
    bo, lin, kai = people[:3]
    world = sent([1], [bo, lin, kai])
    elsewhere = sent([1], [kai])
    for offer in world.offers:
        at_once([accepting(offer)] * THREADS)
    with clock.fixed(NOW), db.transaction(SYSTEM, "lin") as one, db.transaction(SYSTEM, "kai") as other:
        offers.seen(one, world.offer(1))
        offers.accept(other, elsewhere.offer())
        with db.transaction(SYSTEM, "bo") as tx:
            assert offers.withdraw(tx, world.offer(0), RULES).promoted == ()
    with db.transaction(SYSTEM, "sweep") as tx:
        tx.now = NOW
        assert [offer.volunteer_id for offer in offers.move_up(tx)] == [lin]
