"""Bo and Lin serve and are paid as they leave; somebody does not come; nobody is paid twice."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from tests import people
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, messages, minutes_later
from tests.flows.callouts import duty_of as duty
from tests.mobilization import rows
from volunteer_hub.core.actor import GUEST, SYSTEM, Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import respond
from volunteer_hub.incentives import queries as points
from volunteer_hub.incentives.models import LedgerEntry, ServiceHours
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import State
from volunteer_hub.mobilization import attendance, places
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import DutyState, Evidence, Grade
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    """Bo and Lin have said that they come."""
    return made.coming(tx)


def code(tx: Tx, sent: Sent, person: Volunteer) -> str:
    return places.duty_code(sent.offer(tx, person))


def come(tx: Tx, sent: Sent, person: Volunteer, minute: float = 60) -> None:
    """By their own link and code."""
    link, digits = sent.token(tx, person), code(tx, sent, person)
    with minutes_later(minute), transaction(GUEST, "duty.check_in") as own:
        duties.check_in(own, duties.by_link(own, link), digits)


def go(tx: Tx, sent: Sent, person: Volunteer, minute: float) -> duties.CheckedOut:
    link, digits = sent.token(tx, person), code(tx, sent, person)
    with minutes_later(minute), transaction(GUEST, "duty.check_out") as own:
        return duties.check_out(own, duties.by_link(own, link), digits)


def incident_state(tx: Tx, sent: Sent) -> State:
    incident = tx.get_one(Incident, sent.world.incident.id, populate_existing=True)
    return incident.state


def test_the_first_check_in_makes_the_incident_active(tx: Tx, sent: Sent) -> None:
    assert incident_state(tx, sent) is State.MOBILIZING
    come(tx, sent, sent.world.bo)
    assert incident_state(tx, sent) is State.ACTIVE
    come(tx, sent, sent.world.lin, 62)
    assert incident_state(tx, sent) is State.ACTIVE


def test_whoever_leaves_is_paid_and_thanked_in_the_same_deed(tx: Tx, sent: Sent) -> None:
    bo = sent.world.bo
    come(tx, sent, bo)
    out = go(tx, sent, bo, 60 + 185)
    assert (out.minutes, out.points) == (185, 30)
    assert points.balance(tx, bo.id) == 30
    hours = tx.exec(select(ServiceHours).where(col(ServiceHours.volunteer_id) == bo.id)).one()
    assert (hours.minutes, hours.grade.value, hours.counts, hours.area) == (185, "A", True, "/1/2/3/")
    assert tx.get_one(Volunteer, bo.id, populate_existing=True).served_minutes == 185
    [thanks] = messages(tx, "thanks")
    assert (thanks.volunteer_id, thanks.params["minutes"], thanks.params["points"]) == (bo.id, 185, 30)


def test_leaving_twice_pays_once(tx: Tx, sent: Sent) -> None:
    bo = sent.world.bo
    come(tx, sent, bo)
    go(tx, sent, bo, 120)
    again = go(tx, sent, bo, 180)
    assert (again.minutes, again.points) == (60, None)
    assert points.balance(tx, bo.id) == 10
    assert tx.get_one(Volunteer, bo.id, populate_existing=True).served_minutes == 60
    assert len(messages(tx, "thanks")) == 1


def test_a_deed_that_fails_leaves_neither_a_check_out_nor_points(tx: Tx, sent: Sent) -> None:
    bo = sent.world.bo
    come(tx, sent, bo)
    link, digits = sent.token(tx, bo), code(tx, sent, bo)

    def cut_short() -> None:
        with minutes_later(120), transaction(GUEST, "duty.check_out") as own:
            duties.check_out(own, duties.by_link(own, link), digits)
            raise RuntimeError("the power goes out")

    with pytest.raises(RuntimeError):
        cut_short()
    tx.expire_all()
    assert duty(tx, sent, bo).state is DutyState.ON_SITE
    assert tx.exec(select(LedgerEntry)).all() == []
    assert messages(tx, "thanks") == []


def test_a_wrong_code_and_a_link_without_a_yes_are_refused(tx: Tx, sent: Sent) -> None:
    bo, other = sent.world.bo, sent.world.crowd[0]
    wrong = f"{(int(code(tx, sent, bo)) + 1) % 10**6:06d}"
    with transaction(GUEST, "duty.check_in") as own:
        mine = duties.by_link(own, sent.token(tx, bo))
        with rows.raises(Refused, "duty.code"):
            duties.check_in(own, mine, wrong)
        with rows.raises(Refused, "duty.none"):
            duties.by_link(own, sent.token(tx, other))


def test_a_signed_in_volunteer_acts_on_nothing_but_their_own_duty(tx: Tx, sent: Sent) -> None:
    bo, lin = sent.world.bo, sent.world.lin
    with transaction(Actor("volunteer", bo.id), "duty.check_in") as own:
        assert duties.own(own, duty(tx, sent, bo).public_id).volunteer_id == bo.id
        with pytest.raises(NotFound):
            duties.own(own, duty(tx, sent, lin).public_id)


def test_the_staff_confirms_with_the_weaker_grade_and_another_district_sees_nothing(
    tx: Tx, sent: Sent
) -> None:
    bo = duty(tx, sent, sent.world.bo)
    with minutes_later(70), transaction(sent.world.mei, "duty.check_in") as mei:
        duties.confirm_in(mei, mei.get_one(Duty, bo.id), Evidence.LEADER, NOW + timedelta(minutes=60))
    with minutes_later(200), transaction(people.kai(tx), "duty.check_out") as kai:
        with pytest.raises(NotFound):
            attendance.find(kai, "duty.write", bo.public_id)
        with pytest.raises(NotFound):
            duties.confirm_out(kai, kai.get_one(Duty, bo.id), Evidence.LEADER)
    with minutes_later(200), transaction(sent.world.mei, "duty.check_out") as mei:
        out = duties.confirm_out(mei, mei.get_one(Duty, bo.id), Evidence.TYPED)
    assert (out.minutes, out.points, out.held, out.duty.grade) == (140, None, True, Grade.C)


def test_declining_and_silence_cost_nothing(tx: Tx, sent: Sent) -> None:
    other = sent.world.crowd[0]
    made.answer(respond.decline, sent.token(tx, other))
    come(tx, sent, sent.world.bo)
    go(tx, sent, sent.world.bo, 120)
    assert points.balances(tx, [other.id, sent.world.crowd[1].id]) == {
        other.id: 0,
        sent.world.crowd[1].id: 0,
    }


def test_whoever_does_not_come_is_asked_after_and_the_coordinator_is_told_once(tx: Tx, sent: Sent) -> None:
    come(tx, sent, sent.world.bo)
    with minutes_later(119):
        assert duties.no_shows() == 0
    with minutes_later(120):
        assert duties.no_shows() == 1
        assert duties.no_shows() == 0
    assert duty(tx, sent, sent.world.lin).state is DutyState.NO_SHOW
    assert [m.volunteer_id for m in messages(tx, "no_show")] == [sent.world.lin.id]
    told = messages(tx, "alert_no_show")
    assert {(m.account_id, m.params["missing"], m.params["moved"]) for m in told} == {
        (sent.world.mei.id, 1, 0)
    }
    assert len(told) == len({m.channel for m in told})


def test_release_sends_home_whoever_has_not_come_and_pays_whoever_has(tx: Tx, sent: Sent) -> None:
    come(tx, sent, sent.world.bo)
    bo, lin = duty(tx, sent, sent.world.bo), duty(tx, sent, sent.world.lin)
    with minutes_later(180), transaction(sent.world.mei, "duty.release") as mei:
        out = duties.release(mei, mei.get_one(Duty, bo.id))
        assert out is not None
        assert (out.minutes, out.points, out.duty.grade) == (120, 20, Grade.B)
        assert duties.release(mei, mei.get_one(Duty, lin.id)) is None
        assert duties.release(mei, mei.get_one(Duty, lin.id)) is None
    assert [m.volunteer_id for m in messages(tx, "released")] == [sent.world.lin.id]


def test_the_ledger_adds_up_to_nothing(tx: Tx, sent: Sent) -> None:
    come(tx, sent, sent.world.bo)
    go(tx, sent, sent.world.bo, 200)
    assert sum(entry.points for entry in tx.exec(select(LedgerEntry))) == 0


def test_the_program_itself_may_check_out(tx: Tx, sent: Sent) -> None:
    come(tx, sent, sent.world.bo)
    with minutes_later(130), transaction(SYSTEM, "duty.check_out") as own:
        found = own.get_one(Duty, duty(tx, sent, sent.world.bo).id)
        assert duties.confirm_out(own, found, Evidence.LEADER).minutes == 70
