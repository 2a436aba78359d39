"""Callouts: opened from an approved plan, asked in waves, looked at, closed, cancelled."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from tests.mobilization import rows
from tests.mobilization.rows import HOUR, NOW, RULES, World
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Gone, Malformed, NotFound, Refused
from volunteer_hub.mobilization import attendance, callouts, offers, plans, waves
from volunteer_hub.mobilization.models import Callout, Offer, PlanRun
from volunteer_hub.mobilization.rules import (
    CalloutState,
    DutyState,
    Evidence,
    Kind,
    OfferState,
    Outcome,
    WaveSource,
)

BO, LIN, KAI = 0, 1, 2


@pytest.fixture
def world(tx: Tx) -> World:
    return rows.plant(tx, [1], 3)


def states(world: World) -> list[str]:
    return [offer.state.value for offer in world.offers]


def send(tx: Tx, plan: PlanRun, *, answer_by: timedelta = HOUR, expires: timedelta = HOUR) -> Callout:
    return callouts.open(
        tx, plan, kind=Kind.REAL, slots=[], asks=[], answer_by=NOW + answer_by, expires_at=NOW + expires
    )[0]


def test_opening_asks_the_first_wave_with_a_link_each(tx: Tx, world: World) -> None:
    assert (world.callout.state, world.callout.kind) == (CalloutState.SENDING, Kind.DRILL)
    assert states(world) == ["asked"] * 3
    assert {(o.asked_at, o.expires_at, o.area) for o in world.offers} == {(NOW, NOW + 24 * HOUR, "/1/2/3/")}
    assert len({o.token_hash for o in world.offers}) == 3


def test_only_an_approved_plan_is_sent_and_only_once(tx: Tx, world: World) -> None:
    with rows.raises(Refused, "plan.already_sent"):
        send(tx, world.plan)
    waiting = plans.request(
        tx, world.incident, "/1/2/3/", deadline_seconds=1, seed=1, policy_version=rows.policy_version(tx)
    )
    with rows.raises(Refused, "plan.not_approved"):
        send(tx, waiting)


def test_the_approval_goes_with_the_callout(tx: Tx, world: World) -> None:
    assert world.callout.reason == world.plan.override_reason == "a test"


@pytest.mark.parametrize(
    ("answer_by", "expires"),
    [(timedelta(0), HOUR), (-HOUR, HOUR), (2 * HOUR, HOUR)],
)
def test_times_out_of_order_are_malformed(
    tx: Tx, world: World, answer_by: timedelta, expires: timedelta
) -> None:
    plan = rows.approved_plan(tx, world.incident)
    with rows.raises(Malformed, "callout.times"):
        send(tx, plan, answer_by=answer_by, expires=expires)


def test_slots_that_make_no_sense_are_malformed(tx: Tx, world: World) -> None:
    slot = world.slots[0]
    wrong = {
        "callout.slot_times": rows.facts(slot, 1, 5, 5),
        "callout.slot_numbers": rows.facts(slot, 0),
        "callout.slot_unknown": rows.facts(slot + 1000, 1),
    }
    for code, facts in wrong.items():
        with rows.raises(Malformed, code):
            callouts.ask(tx, world.callout, [facts], [callouts.Ask(slot, world.people[BO])])
    with rows.raises(Malformed, "callout.slot_times"):
        callouts.ask(tx, world.callout, [rows.facts(slot, 1, -2, 0)], [])


def test_a_top_up_asks_new_people_and_leaves_out_who_was_asked(tx: Tx, world: World) -> None:
    new = rows.people(tx, 2)
    slot = rows.facts(world.slots[0], 1)
    asks = [callouts.Ask(slot.slot_id, person) for person in (*world.people, *new, *new)]
    made = callouts.ask(tx, world.callout, [slot], asks)
    assert [(offer.volunteer_id, offer.state) for offer in made] == [
        (person, OfferState.ASKED) for person in new
    ]
    assert callouts.ask(tx, world.callout, [slot], asks) == []


def test_later_waves_wait_their_turn(tx: Tx, world: World) -> None:
    second, third = rows.people(tx, 2)
    slot = rows.facts(world.slots[0], 1)
    asks = [callouts.Ask(slot.slot_id, third, wave=3), callouts.Ask(slot.slot_id, second, wave=2)]
    queued = [tx.get_one(Offer, new.id) for new in callouts.ask(tx, world.callout, [slot], asks)]
    assert [(o.state, o.asked_at, o.expires_at) for o in queued] == [(OfferState.QUEUED, None, None)] * 2
    with rows.raises(NotFound, "not_found"):
        offers.accept(tx, queued[0])
    wave, made = waves.send(tx, world.callout, WaveSource.FORECAST, [slot], [asks[0]], [])
    assert [(o.volunteer_id, o.state, o.wave, o.asked_at) for o in made] == [
        (third, OfferState.ASKED, 2, NOW)
    ]
    assert (wave.number, world.callout.wave, queued[1].state) == (2, 2, OfferState.QUEUED)


def test_a_wave_asks_who_waits_and_who_is_new_and_is_written_down_as_decided(tx: Tx, world: World) -> None:
    waiting, new = rows.people(tx, 2)
    slot = rows.facts(world.slots[0], 1)
    callouts.ask(tx, world.callout, [slot], [callouts.Ask(slot.slot_id, waiting, wave=2)])
    asks = [callouts.Ask(slot.slot_id, person, chance=0.4) for person in (new, waiting)]
    share = waves.Share(slot.slot_id, 1, 2, 0.5, 0.97)
    wave, made = waves.send(tx, world.callout, WaveSource.PERSON, [slot], asks, [share])
    assert {(o.volunteer_id, o.wave, o.chance) for o in made} == {(waiting, 2, 0.4), (new, 2, 0.4)}
    assert (wave.number, wave.before, wave.after, wave.need, wave.people) == (2, 0.5, 0.97, 1, 2)
    assert waves.of_callout(tx, world.callout.id) == [wave]
    assert waves.last_decided(tx, world.callout.id) == NOW


def test_a_decided_wave_is_frozen(tx: Tx, world: World) -> None:
    wave = waves.record(tx, world.callout, WaveSource.PLAN, [])
    wave.people = 5
    with pytest.raises(IntegrityError, match="frozen"), tx.begin_nested():
        tx.flush()


def test_a_callout_is_held_once_and_resumed_once(tx: Tx, world: World) -> None:
    assert [waves.hold(tx, world.callout), waves.hold(tx, world.callout)] == [True, False]
    assert world.callout.held_at == NOW
    assert [waves.resume(tx, world.callout), waves.resume(tx, world.callout)] == [True, False]
    assert (world.callout.held_at, world.callout.next_look_at) == (None, NOW)


def test_a_look_finds_it_met_and_a_withdrawal_opens_it_again(tx: Tx, world: World) -> None:
    assert callouts.looked(tx, world.callout, NOW + HOUR).state is CalloutState.OPEN
    offers.accept(tx, world.offer(BO))
    assert callouts.looked(tx, world.callout, NOW + HOUR).state is CalloutState.MET
    offers.withdraw(tx, world.offer(BO), RULES)
    assert callouts.looked(tx, world.callout, NOW + HOUR).state is CalloutState.OPEN


def test_looks_are_claimed_when_due_and_given_back(tx: Tx, world: World) -> None:
    callouts.looked(tx, world.callout, NOW + HOUR)
    assert callouts.due_for_look(tx, lease_seconds=60, limit=10) == []
    tx.now = NOW + HOUR
    assert callouts.due_for_look(tx, lease_seconds=60, limit=10) == [world.callout]
    assert callouts.due_for_look(tx, lease_seconds=60, limit=10) == []
    callouts.looked(tx, world.callout, NOW + HOUR)
    assert callouts.due_for_look(tx, lease_seconds=60, limit=10) == [world.callout]
    callouts.close(tx, world.callout)
    assert callouts.looked(tx, world.callout, NOW + HOUR).state is CalloutState.CLOSED
    assert callouts.due_for_look(tx, lease_seconds=60, limit=10) == []


def test_an_answer_since_the_last_look_makes_a_callout_due_without_touching_it(tx: Tx, world: World) -> None:
    callouts.looked(tx, world.callout, NOW + HOUR)
    tx.now = NOW + HOUR / 4
    assert callouts.due_for_look(tx, lease_seconds=60, limit=10) == []
    before = world.callout.next_look_at
    offers.decline(tx, world.offer(BO), RULES)
    assert callouts.due_for_look(tx, lease_seconds=60, limit=10) == [world.callout]
    assert world.callout.next_look_at == before
    tx.now += timedelta(minutes=1)
    callouts.looked(tx, world.callout, NOW + HOUR)
    assert callouts.due_for_look(tx, lease_seconds=60, limit=10) == []


def test_closing_stands_the_line_down_and_leaves_duties_alone(tx: Tx, world: World) -> None:
    offers.accept(tx, world.offer(BO))
    offers.accept(tx, world.offer(LIN))
    ended = callouts.close(tx, world.callout)
    assert (ended.told, ended.callout.ended_at) == ((world.offer(LIN),), NOW)
    assert states(world) == ["accepted", "released", "released"]
    with rows.raises(Gone, "offer.released"):
        offers.accept(tx, world.offer(KAI))
    assert offers.withdraw(tx, world.offer(BO), RULES).promoted == ()
    with rows.raises(Gone, "offer.closed"):
        offers.accept(tx, world.offer(BO))
    for deed in (waves.hold, waves.resume):
        with rows.raises(Refused, "callout.ended"):
            deed(tx, world.callout)
    with rows.raises(Refused, "callout.step"):
        callouts.close(tx, world.callout)


def test_cancelling_tells_everybody_asked_and_ends_what_can_end(tx: Tx) -> None:
    world = rows.plant(tx, [2], 6)
    first, second, line, no, stranger, silent = world.offers
    for offer in (first, second, line):
        offers.accept(tx, offer)
    offers.decline(tx, no, RULES)
    offers.not_me(tx, stranger, RULES)
    duties = [attendance.of_offer(tx, offer) for offer in (first, second)]
    assert duties[0] is not None
    assert duties[1] is not None
    attendance.confirm_in(tx, duties[0], Evidence.LEADER)
    ended = callouts.cancel(tx, world.callout)
    assert ended.told == (first, second, line, no, silent)
    assert states(world) == ["on_site", "cancelled", "cancelled", "declined", "declined", "cancelled"]
    assert [duty and duty.state for duty in duties] == [DutyState.ON_SITE, DutyState.CANCELLED]
    with rows.raises(Gone, "offer.cancelled"):
        offers.accept(tx, silent)
    with rows.raises(Gone, "offer.cancelled"):
        offers.accept(tx, no)
    with rows.raises(Gone, "offer.not_me"):
        offers.accept(tx, stranger)
    assert attendance.confirm_out(tx, duties[0], Evidence.LEADER) == 0


def test_callouts_are_found_by_incident_and_inside_the_area_only(tx: Tx, world: World) -> None:
    assert callouts.of_incident(tx, world.incident) == [world.callout]
    assert callouts.find(tx, "callout.read", world.callout.public_id) is world.callout
    tx.actor = rows.staff(1, "/1/4/")
    assert callouts.of_incident(tx, world.incident) == []
    with rows.raises(NotFound, "not_found"):
        callouts.find(tx, "callout.read", world.callout.public_id)


@pytest.mark.parametrize("verb", ["open", "cancel"])
def test_a_thousand_offers_cost_few_statements(tx: Tx, verb: str) -> None:
    def statements(people: int) -> int:
        count = 0
        who = rows.people(tx, people)

        def counted(*_: object) -> None:
            nonlocal count
            count += 1

        world = rows.send(tx, [people], who) if verb == "cancel" else None
        connection = tx.connection()
        event.listen(connection, "before_cursor_execute", counted)
        if world is None:
            rows.send(tx, [people], who)
        else:
            callouts.cancel(tx, world.callout)
        event.remove(connection, "before_cursor_execute", counted)
        return count

    rows.plant(tx, [1], 1)
    few, many = statements(3), statements(1000)
    assert many <= few + 3
    assert len(tx.exec(select(Offer.id).where(col(Offer.state) != OfferState.QUEUED)).all()) >= 1000


@pytest.mark.parametrize(("end", "after"), [(callouts.close, "released"), (callouts.cancel, "cancelled")])
def test_who_stands_by_after_giving_a_place_back_is_let_go_like_anybody(
    tx: Tx, world: World, end: Callable[[Tx, Callout], object], after: str
) -> None:
    offers.accept(tx, world.offer(BO))
    offers.withdraw(tx, world.offer(BO), RULES)
    offers.accept(tx, world.offer(LIN))
    assert offers.accept(tx, world.offer(BO)).outcome is Outcome.STANDING_BY
    end(tx, world.callout)
    assert world.offer(BO).state.value == after
