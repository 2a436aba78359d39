"""Answers to offers on a real database. Mei coordinates; Bo, Lin and Kai are asked, in this order."""

from datetime import timedelta

import pytest
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select, text

from tests.mobilization import rows
from tests.mobilization.rows import HOUR, NOW, RULES, World
from volunteer_hub.core.actor import Actor, Grant
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Gone, Malformed, NotFound, Refused
from volunteer_hub.core.signing import token_hash
from volunteer_hub.mobilization import callouts, offers, plans
from volunteer_hub.mobilization.models import AnswerEvent, Duty, Offer, SlotFill
from volunteer_hub.mobilization.rules import Answer, DeclineReason, DutyState, Kind, OfferState, Outcome

BO, LIN, KAI = 0, 1, 2


@pytest.fixture
def world(tx: Tx) -> World:
    """One place from NOW + 1 h to NOW + 9 h; Bo, Lin and Kai are asked."""
    return rows.plant(tx, [1], 3)


def states(tx: Tx, world: World) -> list[str]:
    """The offers' states in the order in which people were asked."""
    tx.flush()
    found = select(Offer.state).where(col(Offer.callout_id) == world.callout.id).order_by(col(Offer.id))
    return [state.value for state in tx.exec(found)]


def filled(tx: Tx, world: World, slot: int = 0) -> int:
    return tx.exec(select(SlotFill.filled).where(col(SlotFill.slot_id) == world.slots[slot])).one()


def duty_of(tx: Tx, offer: Offer) -> Duty | None:
    return tx.exec(select(Duty).where(col(Duty.offer_id) == offer.id)).first()


def events(tx: Tx, offer: Offer) -> list[Answer]:
    wanted = select(AnswerEvent.kind).where(col(AnswerEvent.offer_id) == offer.id)
    return list(tx.exec(wanted.order_by(col(AnswerEvent.id))))


def test_accepting_takes_the_place_and_makes_a_duty(tx: Tx, world: World) -> None:
    answered = offers.accept(tx, world.offer(BO), minutes_there=25)
    assert (answered.outcome, answered.offer.state, answered.offer.minutes_there) == (
        Outcome.ACCEPTED,
        OfferState.ACCEPTED,
        25,
    )
    duty = duty_of(tx, answered.offer)
    assert duty is not None
    assert (duty.state, duty.incident_id, duty.area) == (DutyState.EXPECTED, world.incident, "/1/2/3/")
    assert (filled(tx, world), answered.offer.answered_at) == (1, NOW)


def test_surplus_accepters_stand_by_in_the_order_of_their_answers(tx: Tx, world: World) -> None:
    outcomes = [offers.accept(tx, world.offer(person)).outcome for person in (BO, KAI, LIN)]
    assert outcomes == [Outcome.ACCEPTED, Outcome.STANDING_BY, Outcome.STANDING_BY]
    assert [world.offer(person).position for person in (BO, LIN, KAI)] == [None, 2, 1]
    assert filled(tx, world) == 1


@pytest.mark.parametrize("minutes", [-1, 24 * 60 + 1])
def test_a_way_of_more_than_a_day_is_malformed(tx: Tx, world: World, minutes: int) -> None:
    with rows.raises(Malformed, "offer.minutes_there"):
        offers.accept(tx, world.offer(BO), minutes)


def test_repeating_an_answer_changes_nothing(tx: Tx, world: World) -> None:
    offers.accept(tx, world.offer(BO), 10)
    offers.accept(tx, world.offer(LIN))
    offers.decline(tx, world.offer(KAI), RULES, DeclineReason.BUSY)
    before = states(tx, world)
    again = [
        offers.accept(tx, world.offer(BO), 99),
        offers.accept(tx, world.offer(LIN)),
        offers.decline(tx, world.offer(KAI), RULES, DeclineReason.AWAY),
    ]
    assert [one.outcome for one in again] == [Outcome.STANDS] * 3
    assert (states(tx, world), filled(tx, world)) == (before, 1)
    assert (world.offer(BO).minutes_there, world.offer(KAI).decline_reason) == (10, DeclineReason.BUSY)
    assert [events(tx, world.offer(person)) for person in (BO, LIN, KAI)] == [
        [Answer.ACCEPT],
        [Answer.ACCEPT],
        [Answer.DECLINE],
    ]


def test_a_withdrawal_moves_the_first_of_the_line_up(tx: Tx, world: World) -> None:
    for person in (BO, KAI, LIN):
        offers.accept(tx, world.offer(person))
    answered = offers.withdraw(tx, world.offer(BO), RULES, DeclineReason.UNWELL)
    assert (answered.outcome, answered.late) == (Outcome.WITHDRAWN, False)
    assert [offer.id for offer in answered.promoted] == [world.offer(KAI).id]
    assert states(tx, world) == ["withdrawn", "standing_by", "accepted"]
    assert filled(tx, world) == 1
    found = [duty_of(tx, world.offer(person)) for person in (BO, LIN, KAI)]
    assert [duty and duty.state for duty in found] == [DutyState.CANCELLED, None, DutyState.EXPECTED]


def test_a_late_withdrawal_says_so_and_a_stand_by_never_does(tx: Tx, world: World) -> None:
    offers.accept(tx, world.offer(BO))
    offers.accept(tx, world.offer(LIN))
    tx.now = NOW + timedelta(minutes=1)
    assert offers.withdraw(tx, world.offer(LIN), RULES).late is False
    assert offers.withdraw(tx, world.offer(BO), RULES).late is True


def test_promotion_passes_over_who_is_promised_elsewhere(tx: Tx, world: World) -> None:
    for person in (BO, LIN, KAI):
        offers.accept(tx, world.offer(person))
    elsewhere = rows.send(tx, [1], [world.people[LIN]])
    offers.accept(tx, elsewhere.offer())
    promoted = offers.withdraw(tx, world.offer(BO), RULES).promoted
    assert [offer.id for offer in promoted] == [world.offer(KAI).id]
    assert states(tx, world) == ["withdrawn", "standing_by", "accepted"]


def test_a_real_callout_goes_before_a_drill(tx: Tx, world: World) -> None:
    """The world is a drill that holds Bo for the same hours; Lin stands by there and moves up."""
    for person in (BO, LIN):
        offers.accept(tx, world.offer(person))
    real = rows.send(tx, [1], [world.people[BO]], [(8, 10)], kind=Kind.REAL)
    answered = offers.accept(tx, real.offer())
    assert (answered.outcome, [offer.id for offer in answered.drills]) == (
        Outcome.ACCEPTED,
        [world.offer(BO).id],
    )
    assert states(tx, world)[BO] == "released"
    assert [offer.id for offer in offers.move_up(tx)] == [world.offer(LIN).id]
    assert filled(tx, world) == 1


def test_a_drill_never_takes_anybody_from_a_real_callout(tx: Tx, world: World) -> None:
    real = rows.send(tx, [1], [world.people[BO]], [(8, 10)], kind=Kind.REAL)
    offers.accept(tx, real.offer())
    with rows.raises(Refused, "offer.promised_elsewhere"):
        offers.accept(tx, world.offer(BO))


def test_a_person_is_never_promised_twice(tx: Tx, world: World) -> None:
    elsewhere = rows.send(tx, [1], [world.people[BO]], [(8, 10)])
    offers.accept(tx, world.offer(BO))
    with rows.raises(Refused, "offer.promised_elsewhere"):
        offers.accept(tx, elsewhere.offer())
    assert states(tx, elsewhere) == ["asked"]
    assert (filled(tx, elsewhere), filled(tx, world)) == (0, 1)


def test_duties_that_only_touch_do_not_overlap(tx: Tx, world: World) -> None:
    after = rows.send(tx, [1], [world.people[BO]], [(9, 10)])
    offers.accept(tx, world.offer(BO))
    assert offers.accept(tx, after.offer()).outcome is Outcome.ACCEPTED


def test_standing_by_holds_nobody(tx: Tx, world: World) -> None:
    offers.accept(tx, world.offer(BO))
    offers.accept(tx, world.offer(LIN))
    elsewhere = rows.send(tx, [1], [world.people[LIN]])
    assert offers.accept(tx, elsewhere.offer()).outcome is Outcome.ACCEPTED


def test_the_database_itself_refuses_two_promises_and_a_place_too_many(tx: Tx, world: World) -> None:
    elsewhere = rows.send(tx, [1], [world.people[BO]])
    both = text("UPDATE offers SET state = 'accepted' WHERE volunteer_id = :bo")
    with pytest.raises(IntegrityError, match="ex_offers_promised_once"), tx.begin_nested():
        tx.execute(both, {"bo": world.people[BO]})
    with pytest.raises(IntegrityError, match="ck_slot_fills_filled"), tx.begin_nested():
        tx.execute(text("UPDATE slot_fills SET filled = maximum + 1"))
    assert states(tx, elsewhere) == ["asked"]


def test_declining_with_a_reason_frees_nothing_and_can_be_thought_better_of(tx: Tx, world: World) -> None:
    answered = offers.decline(tx, world.offer(BO), RULES, DeclineReason.TOO_FAR)
    assert (answered.outcome, answered.promoted) == (Outcome.DECLINED, ())
    assert world.offer(BO).decline_reason is DeclineReason.TOO_FAR
    assert offers.accept(tx, world.offer(BO)).outcome is Outcome.ACCEPTED
    assert world.offer(BO).decline_reason is None


def test_who_withdrew_and_comes_back_goes_to_the_end_of_the_line(tx: Tx, world: World) -> None:
    for person in (BO, LIN, KAI):
        offers.accept(tx, world.offer(person))
    offers.withdraw(tx, world.offer(BO), RULES)
    assert offers.accept(tx, world.offer(BO)).outcome is Outcome.STANDING_BY
    assert offers.withdraw(tx, world.offer(LIN), RULES).promoted == (world.offer(KAI),)
    assert offers.withdraw(tx, world.offer(KAI), RULES).promoted == (world.offer(BO),)
    assert states(tx, world) == ["accepted", "withdrawn", "withdrawn"]
    duty = duty_of(tx, world.offer(BO))
    assert duty is not None
    assert duty.state is DutyState.EXPECTED


def test_later_is_an_answer_with_its_hour(tx: Tx, world: World) -> None:
    answered = offers.later(tx, world.offer(BO), RULES, NOW + 3 * HOUR)
    assert (answered.offer.state, answered.offer.decline_reason, answered.offer.later_from) == (
        OfferState.DECLINED,
        DeclineReason.LATER,
        NOW + 3 * HOUR,
    )
    with rows.raises(Malformed, "offer.later_from"):
        offers.later(tx, world.offer(LIN), RULES, NOW)


def test_not_me_kills_the_link_and_frees_the_place(tx: Tx, world: World) -> None:
    offers.accept(tx, world.offer(BO))
    offers.accept(tx, world.offer(LIN))
    answered = offers.not_me(tx, world.offer(BO), RULES)
    assert (answered.outcome, answered.promoted) == (Outcome.WITHDRAWN, (world.offer(LIN),))
    assert offers.not_me(tx, world.offer(BO), RULES).outcome is Outcome.STANDS
    with rows.raises(Gone, "offer.not_me"):
        offers.accept(tx, world.offer(BO))
    assert offers.not_me(tx, world.offer(KAI), RULES).outcome is Outcome.DECLINED
    assert world.offer(KAI).answered_at is None


def test_seen_is_noted_once(tx: Tx, world: World) -> None:
    offers.seen(tx, world.offer(BO))
    tx.now = NOW + HOUR
    offers.seen(tx, world.offer(BO))
    assert (world.offer(BO).seen_at, events(tx, world.offer(BO))) == (NOW, [Answer.SEEN])


def test_a_link_finds_its_offer_and_only_its_hash_is_stored(tx: Tx, world: World) -> None:
    offer = world.offer(BO)
    token = offers.link_token(offer.public_id)
    assert len(token) == 22
    assert offers.by_token(tx, token).id == offer.id
    assert offer.token_hash == token_hash(token)
    for stranger in ("", "A" * 22, offers.link_token(world.callout.public_id)):
        with rows.raises(NotFound, "offer.link_unknown"):
            offers.by_token(tx, stranger)


def test_an_expired_link_is_gone_in_words_but_a_yes_can_still_be_taken_back(tx: Tx, world: World) -> None:
    world = rows.send(tx, [1], rows.people(tx, 2), [(1, 48)])
    offers.accept(tx, world.offer(BO))
    tx.now = NOW + 24 * HOUR
    with rows.raises(Gone, "offer.expired"):
        offers.accept(tx, world.offer(LIN))
    assert offers.withdraw(tx, world.offer(BO), RULES).outcome is Outcome.WITHDRAWN
    with rows.raises(Gone, "offer.expired"):
        offers.accept(tx, world.offer(BO))


def test_the_sweep_expires_exactly_the_silent(tx: Tx, world: World) -> None:
    offers.accept(tx, world.offer(BO))
    offers.decline(tx, world.offer(LIN), RULES)
    tx.now = NOW + 24 * HOUR - timedelta(seconds=1)
    assert offers.expire(tx) == []
    tx.now = NOW + 24 * HOUR
    assert [offer.id for offer in offers.expire(tx)] == [world.offer(KAI).id]
    assert offers.expire(tx) == []
    assert states(tx, world) == ["accepted", "declined", "expired"]


def test_releasing_frees_the_place_and_moves_nobody_up_until_the_sweep(tx: Tx, world: World) -> None:
    offers.accept(tx, world.offer(BO))
    offers.accept(tx, world.offer(LIN))
    offers.release(tx, world.offer(BO))
    assert (states(tx, world), filled(tx, world)) == (["released", "standing_by", "asked"], 0)
    assert offers.move_up(tx) == [world.offer(LIN)]
    assert (offers.move_up(tx), filled(tx, world)) == ([], 1)
    with rows.raises(Gone, "offer.released"):
        offers.accept(tx, world.offer(BO))


def test_standing_down_releases_the_line_of_one_slot_or_all(tx: Tx) -> None:
    world = rows.plant(tx, [1, 1], 4, [(1, 2), (3, 4)])
    for person, slot in ((0, 0), (1, 0), (2, 1), (3, 1)):
        offers.accept(tx, world.offer(person, slot))
    assert offers.stand_down(tx, world.callout, world.slots[0]) == [world.offer(1, 0)]
    assert offers.stand_down(tx, world.callout) == [world.offer(3, 1)]
    assert (filled(tx, world, 0), filled(tx, world, 1)) == (1, 1)


def test_a_change_of_place_is_told_to_who_said_yes_and_acknowledged(tx: Tx, world: World) -> None:
    for person in (BO, LIN):
        offers.accept(tx, world.offer(person))
    changed = offers.change(tx, world.slots[0])
    assert (changed.told, changed.clashing) == ((world.offer(BO), world.offer(LIN)), ())
    bo = world.offer(BO)
    assert (bo.version, bo.ack_version) == (2, 1)
    offers.ack(tx, bo)
    offers.ack(tx, bo)
    assert (bo.ack_version, events(tx, bo)) == (2, [Answer.ACCEPT, Answer.ACK])
    assert offers.accept(tx, world.offer(KAI)).offer.ack_version == 2
    offers.withdraw(tx, world.offer(KAI), RULES)
    with rows.raises(Gone, "offer.over"):
        offers.ack(tx, world.offer(KAI))


def test_a_new_time_that_clashes_releases_the_person_and_moves_the_line_up(tx: Tx, world: World) -> None:
    evening = rows.send(tx, [1], [world.people[BO]], [(10, 12)])
    offers.accept(tx, evening.offer())
    offers.accept(tx, world.offer(BO))
    offers.accept(tx, world.offer(LIN))
    window = Range(NOW + 9 * HOUR, NOW + 11 * HOUR, bounds="[)")
    changed = offers.change(tx, world.slots[0], window)
    assert (changed.told, changed.clashing, changed.promoted) == (
        (world.offer(LIN),),
        (world.offer(BO),),
        (world.offer(LIN),),
    )
    assert [world.offer(person).starts_at for person in (LIN, KAI)] == [NOW + 9 * HOUR] * 2
    assert states(tx, evening) == ["accepted"]


def test_staff_of_another_area_see_and_move_nothing(tx: Tx, world: World) -> None:
    tx.actor = rows.staff(7, "/1/4/")
    with rows.raises(NotFound, "not_found"):
        offers.find(tx, "offer.read", world.offer(BO).public_id)
    with rows.raises(NotFound, "not_found"):
        offers.release(tx, world.offer(BO))
    with rows.raises(NotFound, "not_found"):
        callouts.cancel(tx, world.callout)
    with rows.raises(NotFound, "not_found"):
        plans.supersede(tx, world.plan.id)
    tx.actor = Actor("account", 7, grants=(Grant("/1/2/", frozenset({"offer.read"})),))
    assert offers.find(tx, "offer.read", world.offer(BO).public_id).id == world.offer(BO).id


def test_the_log_of_answers_is_append_only(tx: Tx, world: World) -> None:
    offers.accept(tx, world.offer(BO))
    for statement in ("UPDATE answer_events SET kind = 'decline'", "DELETE FROM answer_events"):
        with pytest.raises(IntegrityError, match="append-only"), tx.begin_nested():
            tx.execute(text(statement))


def test_an_offer_that_is_not_there_is_not_found(tx: Tx, world: World) -> None:
    with rows.raises(NotFound, "not_found"):
        offers.accept(tx, Offer(id=2**62))
