"""Promises broken on purpose, past the stories that keep them: each is found and told once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, delete, select

from tests import people
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, messages, minutes_later
from volunteer_hub.audit.models import AuditPending
from volunteer_hub.boards import promises
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.db import Tx, read, transaction
from volunteer_hub.drills import plans as drill_plans
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.rules import Kind, Notice, PlanSpec
from volunteer_hub.flows import auditor, close, duty, respond
from volunteer_hub.incidents import states
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import State
from volunteer_hub.mobilization import attendance, places
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.notify.models import Message


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    """Bo has said that he comes; every line so far is sealed and every message sent."""
    people.an(tx)
    sent = made.sent(tx)
    made.answer(respond.accept, sent.token(tx, sent.world.bo))
    settle_messages(tx)
    return sent


def settle_messages(tx: Tx) -> None:
    tx.execute(delete(AuditPending))
    for message in tx.exec(select(Message)):
        message.state = "sent"
    tx.flush()


def found(minutes: float) -> dict[str, int]:
    """Promise -> rows, so many minutes after NOW."""
    with minutes_later(minutes), read(SYSTEM) as tx:
        return {one.code: len(one.ids) for one in promises.broken(tx)}


def bo_leaves(tx: Tx, sent: Sent, *, paid: bool) -> None:
    """He comes and goes, by the story or past it."""
    offer = sent.offer(tx, sent.world.bo)
    code = places.duty_code(offer)
    verbs = duty if paid else attendance
    for minute, name in ((60, "check_in"), (130, "check_out")):
        with minutes_later(minute), transaction(GUEST, f"duty.{name}") as own:
            mine = duty.by_link(own, sent.token(tx, sent.world.bo))
            getattr(verbs, name)(own, mine, code)


def test_a_house_that_keeps_its_promises_is_left_in_peace(tx: Tx, sent: Sent) -> None:
    bo_leaves(tx, sent, paid=True)
    with minutes_later(140), transaction(sent.world.mei, "incident.close") as mei:
        close.close(mei, mei.get_one(Incident, sent.world.incident.id))
    settle_messages(tx)
    assert found(155) == {}


def test_people_asked_without_a_message_are_found(tx: Tx, sent: Sent) -> None:
    tx.execute(delete(Message).where(col(Message.volunteer_id) == sent.world.lin.id))
    assert found(9) == {}
    assert found(10) == {"offers_untold": 1, "wave_unsent": 1}


def test_messages_that_nobody_sends_are_found(tx: Tx, sent: Sent) -> None:
    made.answer(respond.accept, sent.token(tx, sent.world.lin))
    tx.execute(delete(AuditPending))
    assert found(9) == {}
    assert found(10) == {"messages_stuck": 1}


def test_a_duty_that_was_never_paid_is_found(tx: Tx, sent: Sent) -> None:
    bo_leaves(tx, sent, paid=False)
    settle_messages(tx)
    assert found(131) == {"duties_unpaid": 1}


def test_an_incident_closed_past_its_story_is_found(tx: Tx, sent: Sent) -> None:
    bo_leaves(tx, sent, paid=True)
    with minutes_later(140), transaction(sent.world.mei, "incident.close") as mei:
        incident = mei.get_one(Incident, sent.world.incident.id)
        states.move(mei, incident, State.DEMOBILIZING)
        states.move(mei, incident, State.CLOSED)
    settle_messages(tx)
    assert found(149) == {}
    assert found(150) == {"surveys_unopened": 1}


def test_a_drill_that_nobody_holds_is_found(tx: Tx, sent: Sent) -> None:
    spec = PlanSpec("Check", "flood", "0 11 * * *", "Asia/Shanghai", Kind.REACHABILITY, Notice.NONE, 50, 30)
    with transaction(sent.world.mei, "drill.create") as mei:
        plan = drill_plans.create(mei, "/1/2/", spec, hazards={"flood"}, skills=())
    tx.execute(delete(AuditPending))
    assert mei_plan_is_due(tx, plan.id)
    assert found(74) == {}
    assert found(75) == {"drills_missed": 1}


def mei_plan_is_due(tx: Tx, plan_id: int) -> bool:
    return tx.get_one(DrillPlan, plan_id).next_at == NOW + timedelta(hours=1)


def test_lines_that_nobody_seals_are_found(tx: Tx, sent: Sent) -> None:
    made.answer(respond.decline, sent.token(tx, sent.world.lin))
    settle = select(Message).where(col(Message.state) == "queued")
    for message in tx.exec(settle):
        message.state = "sent"
    tx.flush()
    assert set(found(10)) == {"lines_unsealed"}


def test_administrators_of_the_city_are_told_once_and_nobody_else(tx: Tx, sent: Sent) -> None:
    bo_leaves(tx, sent, paid=False)
    settle_messages(tx)
    with minutes_later(131):
        assert auditor.sweep() == 1
        assert auditor.sweep() == 0
    told = messages(tx, "alert_promise")
    assert {message.account_id for message in told} == {people.an(tx).id}
    unpaid = tx.exec(select(Duty)).one()
    assert {message.params["first"] for message in told} == {f"duties:{unpaid.id}"}
