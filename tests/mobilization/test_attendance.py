"""Duties: Bo comes with his code, Lin is confirmed by a leader, Kai does not come."""

from datetime import datetime, timedelta

import pytest

from tests.mobilization import rows
from tests.mobilization.rows import HOUR, NOW, RULES, World
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.mobilization import attendance, offers, places
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import DutyState, Evidence, Grade, OfferState

BO, LIN, KAI = 0, 1, 2
START = NOW + HOUR


@pytest.fixture
def world(tx: Tx) -> World:
    """Two places; Bo and Lin hold them, Kai stands by."""
    world = rows.plant(tx, [2], 3)
    for offer in world.offers:
        offers.accept(tx, offer)
    return world


def duty(tx: Tx, world: World, person: int) -> Duty:
    found = attendance.of_offer(tx, world.offer(person))
    assert found is not None
    return found


def code(world: World, person: int) -> str:
    return places.duty_code(world.offer(person))


def at(tx: Tx, moment: datetime) -> None:
    tx.now = moment


def test_a_code_checks_in_and_out_and_minutes_on_site_count(tx: Tx, world: World) -> None:
    bo = duty(tx, world, BO)
    at(tx, START)
    attendance.check_in(tx, bo, f" {code(world, BO)} ")
    assert (bo.state, world.offer(BO).state, bo.checked_in_at) == (
        DutyState.ON_SITE,
        OfferState.ON_SITE,
        START,
    )
    at(tx, START + timedelta(minutes=125, seconds=59))
    assert attendance.check_out(tx, bo, code(world, BO)) == 125
    assert (bo.state, bo.minutes, bo.grade, world.offer(BO).state) == (
        DutyState.DONE,
        125,
        Grade.A,
        OfferState.DONE,
    )


def test_repeating_a_check_in_or_check_out_changes_nothing(tx: Tx, world: World) -> None:
    bo = duty(tx, world, BO)
    attendance.check_in(tx, bo, code(world, BO))
    at(tx, START)
    attendance.check_in(tx, bo, code(world, BO))
    assert bo.checked_in_at == NOW
    assert attendance.check_out(tx, bo, code(world, BO)) == 60
    at(tx, START + HOUR)
    assert attendance.check_out(tx, bo, code(world, BO)) == 60


def test_codes_are_six_digits_and_one_persons_opens_no_others_duty(tx: Tx, world: World) -> None:
    assert [len(code(world, person)) for person in (BO, LIN)] == [6, 6]
    assert code(world, BO).isdecimal()
    for wrong in (code(world, LIN), "", "000000x"):
        with rows.raises(Refused, "duty.code"):
            attendance.check_in(tx, duty(tx, world, BO), wrong)
    with rows.raises(Refused, "duty.code"):
        attendance.check_out(tx, duty(tx, world, BO), code(world, LIN))


@pytest.mark.parametrize(
    ("came", "went", "grade"),
    [
        (Evidence.LEADER, Evidence.LEADER, Grade.B),
        (Evidence.QR, Evidence.LEADER, Grade.B),
        (Evidence.POSITION, Evidence.TYPED, Grade.C),
        (Evidence.TYPED, Evidence.LEADER, Grade.C),
    ],
)
def test_a_duty_is_graded_by_its_weaker_evidence(
    tx: Tx, world: World, came: Evidence, went: Evidence, grade: Grade
) -> None:
    lin = duty(tx, world, LIN)
    at(tx, START + 2 * HOUR)
    attendance.confirm_in(tx, lin, came, START)
    assert attendance.confirm_out(tx, lin, went, START + HOUR) == 60
    assert lin.grade is grade


def test_true_times_typed_later_must_be_in_the_past_and_in_order(tx: Tx, world: World) -> None:
    lin = duty(tx, world, LIN)
    with rows.raises(Malformed, "duty.future"):
        attendance.confirm_in(tx, lin, Evidence.TYPED, START)
    at(tx, START)
    attendance.confirm_in(tx, lin, Evidence.TYPED, START)
    with rows.raises(Malformed, "duty.times"), tx.begin_nested():
        attendance.confirm_out(tx, lin, Evidence.TYPED, NOW)


def test_nobody_checks_out_before_checking_in(tx: Tx, world: World) -> None:
    with rows.raises(Refused, "duty.step"):
        attendance.check_out(tx, duty(tx, world, BO), code(world, BO))


def test_who_withdrew_cannot_check_in(tx: Tx, world: World) -> None:
    bo = duty(tx, world, BO)
    offers.withdraw(tx, world.offer(BO), RULES)
    with rows.raises(Refused, "duty.step"):
        attendance.check_in(tx, bo, code(world, BO))


def test_the_sweep_marks_who_did_not_come_and_moves_the_line_up(tx: Tx, world: World) -> None:
    at(tx, START)
    attendance.check_in(tx, duty(tx, world, BO), code(world, BO))
    at(tx, START + timedelta(minutes=RULES.no_show_minutes) - timedelta(seconds=1))
    assert attendance.no_shows(tx, RULES) == attendance.Missed((), ())
    at(tx, START + timedelta(minutes=RULES.no_show_minutes))
    missed = attendance.no_shows(tx, RULES)
    assert missed == attendance.Missed((duty(tx, world, LIN),), (world.offer(KAI),))
    assert [offer.state for offer in world.offers] == [
        OfferState.ON_SITE,
        OfferState.NO_SHOW,
        OfferState.ACCEPTED,
    ]
    assert duty(tx, world, LIN).state is DutyState.NO_SHOW


def test_who_moves_up_or_accepts_late_is_expected_from_then_on(tx: Tx, world: World) -> None:
    hour = timedelta(minutes=RULES.no_show_minutes)
    at(tx, START + hour)
    attendance.check_in(tx, duty(tx, world, BO), code(world, BO))
    assert [offer.id for offer in attendance.no_shows(tx, RULES).promoted] == [world.offer(KAI).id]
    at(tx, START + 2 * hour - timedelta(seconds=1))
    assert attendance.no_shows(tx, RULES) == attendance.Missed((), ())
    at(tx, START + 2 * hour)
    assert attendance.no_shows(tx, RULES).duties == (duty(tx, world, KAI),)


def test_who_said_when_they_can_be_there_is_expected_from_then_on(tx: Tx) -> None:
    world = rows.plant(tx, [1], 1)
    at(tx, START)
    offers.accept(tx, world.offer(BO), minutes_there=90)
    at(tx, START + timedelta(minutes=90 + RULES.no_show_minutes, seconds=-1))
    assert attendance.no_shows(tx, RULES) == attendance.Missed((), ())
    at(tx, START + timedelta(minutes=90 + RULES.no_show_minutes))
    assert attendance.no_shows(tx, RULES).duties == (duty(tx, world, BO),)


def test_a_late_comer_gets_a_place_only_while_there_is_one(tx: Tx, world: World) -> None:
    lin = duty(tx, world, LIN)
    assert attendance.no_show(tx, lin) == [world.offer(KAI)]
    with rows.raises(Refused, "duty.place_taken"):
        attendance.check_in(tx, lin, code(world, LIN))
    offers.withdraw(tx, world.offer(KAI), RULES)
    attendance.check_in(tx, lin, code(world, LIN))
    assert (lin.state, world.offer(LIN).state) == (DutyState.ON_SITE, OfferState.ON_SITE)


def test_release_checks_out_who_is_there_and_thanks_who_is_not(tx: Tx, world: World) -> None:
    bo, lin = duty(tx, world, BO), duty(tx, world, LIN)
    attendance.check_in(tx, bo, code(world, BO))
    at(tx, START)
    assert [attendance.release(tx, one) for one in (bo, lin)] == [60, 0]
    assert [(one.state, one.grade) for one in (bo, lin)] == [
        (DutyState.DONE, Grade.B),
        (DutyState.CANCELLED, None),
    ]
    assert world.offer(LIN).state is OfferState.RELEASED


def test_staff_of_another_area_confirm_nobody(tx: Tx, world: World) -> None:
    bo = duty(tx, world, BO)
    assert attendance.find(tx, "duty.read", bo.public_id) is bo
    tx.actor = rows.staff(1, "/1/4/")
    with rows.raises(NotFound, "not_found"):
        attendance.find(tx, "duty.read", bo.public_id)
    for verb in (attendance.release, attendance.no_show):
        with rows.raises(NotFound, "not_found"):
            verb(tx, bo)
    for confirm in (attendance.confirm_in, attendance.confirm_out):
        with rows.raises(NotFound, "not_found"):
            confirm(tx, bo, Evidence.LEADER)
