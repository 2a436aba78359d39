"""Declaring as a story: node, command, level, and who is told."""

import pytest
from sqlmodel import col, select

from tests import people
from tests.incidents.cap_documents import SENT, document, info, reference
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.flows import declare as flow
from volunteer_hub.incidents import queries, rules, states
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import IncidentSpec, Kind, Node, Proposal, State
from volunteer_hub.notify.models import Message

GATE = (46.6, 125.11)


def spec(area: str = "/1/2/", **more: object) -> IncidentSpec:
    return IncidentSpec(area=area, hazard="flood", lat=GATE[0], lon=GATE[1], **more)


def declared(actor: Actor, wanted: IncidentSpec | None = None, **more: object) -> Incident:
    with transaction(actor, "incident.declare") as tx:
        return flow.declare(tx, wanted or spec(), **more)


def told(tx: Tx, purpose: str) -> list[tuple[int | None, str]]:
    """(account, kind) of the messages of a purpose."""
    rows = tx.exec(select(Message).where(col(Message.purpose) == purpose).order_by(col(Message.id))).all()
    return [(row.account_id, row.kind.value) for row in rows]


def test_everybody_acts_for_the_highest_node_where_they_hold_the_right(tx: Tx):
    mei, an = people.mei(tx), people.an(tx)
    assert flow.node_of(tx, mei, "incident.declare", "/1/2/3/") == Node("/1/2/", "district")
    assert flow.node_of(tx, an, "incident.declare", "/1/2/3/") == Node("/1/", "city")
    assert flow.node_of(tx, SYSTEM, "incident.declare", "/1/2/3/") == Node("/1/", "city")
    with pytest.raises(NotFound):
        flow.node_of(tx, mei, "incident.declare", "/1/4/")


def test_whoever_declares_commands_and_the_others_are_told(tx: Tx):
    mei, an = people.mei(tx), people.an(tx)
    people.kai(tx)
    incident = declared(mei)
    assert (incident.commander_id, incident.level, incident.state) == (mei.id, 3, State.DECLARED)
    assert told(tx, "incident_declared") == [(an.id, "real")]
    assert told(tx, "level_asked") == []


def test_a_drill_is_told_as_a_drill(tx: Tx):
    mei, an = people.mei(tx), people.an(tx)
    declared(mei, spec(kind=Kind.DRILL))
    assert told(tx, "incident_declared") == [(an.id, "drill")]


def test_the_hazards_tasks_stand_at_the_place_named(tx: Tx):
    mei = people.mei(tx)
    incident = declared(mei, only=["boats", "shelter"], place="East gate")
    view = queries.whole(tx, incident)
    assert [(task.task.template, task.task.place) for task in view.tasks] == [
        ("flood.boats", "East gate"),
        ("flood.shelter", "East gate"),
    ]
    with pytest.raises(Malformed):
        declared(mei, only=["no such task"])


def test_a_program_leaves_command_to_the_first_coordinator(tx: Tx):
    an = people.an(tx)
    people.mei(tx)
    with transaction(SYSTEM, "incident.declare") as as_system:
        incident = flow.declare(as_system, spec())
    assert incident.commander_id == an.id
    assert (an.id, "real") in told(tx, "incident_declared")


def test_where_nobody_could_command_a_program_declares_nothing(tx: Tx):
    people.council(tx)
    with pytest.raises(Refused, match=r"incident\.no_commander"), transaction(SYSTEM, "x") as as_system:
        flow.declare(as_system, spec())


def test_a_level_too_grave_is_asked_of_the_node_above_and_answered(tx: Tx):
    mei, an = people.mei(tx), people.an(tx)
    incident = declared(mei)
    with transaction(mei, "incident.level") as as_mei:
        request = flow.set_level(as_mei, as_mei.get_one(Incident, incident.id), 1, "The dyke gives way")
    assert request is not None
    assert (request.area, told(tx, "level_asked")) == ("/1/", [(an.id, "real")])
    with transaction(an, "incident.level_answer") as as_an:
        answered = flow.answer_level(
            as_an, queries.find_raise(as_an, "incident.raise", request.public_id), grant=True
        )
    assert (answered.level, told(tx, "level_granted")) == (1, [(mei.id, "real")])


def test_a_level_refused_is_told_with_the_reason_in_the_log(tx: Tx):
    mei, an = people.mei(tx), people.an(tx)
    incident = declared(mei)
    with transaction(mei, "incident.level") as as_mei:
        request = flow.set_level(as_mei, as_mei.get_one(Incident, incident.id), 2)
    assert request is not None
    with transaction(an, "incident.level_answer") as as_an:
        asked = queries.find_raise(as_an, "incident.raise", request.public_id)
        answered = flow.answer_level(as_an, asked, grant=False, reason="Wait for the gauge")
    assert (answered.level, told(tx, "level_refused")) == (3, [(mei.id, "real")])


def test_a_level_within_ones_own_power_is_set_at_once(tx: Tx):
    mei = people.mei(tx)
    incident = declared(mei)
    with transaction(mei, "incident.level") as as_mei:
        assert flow.set_level(as_mei, as_mei.get_one(Incident, incident.id), 4) is None
    assert tx.get_one(Incident, incident.id, populate_existing=True).level == 4


def test_an_alert_wakes_who_may_declare_and_a_repeat_wakes_nobody(tx: Tx):
    mei, an = people.mei(tx), people.an(tx)
    for _ in range(2):
        with transaction(mei, "alert.receive") as as_mei:
            received = flow.receive_alert(as_mei, document(info()), "/1/2/", as_of=SENT)
    assert received.decision.kind == "repeat"
    assert sorted(told(tx, "alert_received")) == sorted([(mei.id, "real"), (an.id, "real")])


def test_an_exercise_wakes_as_a_drill_and_becomes_one(tx: Tx):
    mei = people.mei(tx)
    with transaction(mei, "alert.receive") as as_mei:
        received = flow.receive_alert(as_mei, document(info(), status="Exercise"), "/1/2/", as_of=SENT)
        assert received.alert is not None
        incident = flow.accept_alert(as_mei, received.alert)
    assert told(tx, "alert_received") == [(mei.id, "drill")]
    assert (incident.kind, incident.commander_id) == (Kind.DRILL, mei.id)
    assert received.alert.proposal is Proposal.DECLARED


def test_a_cancelled_alert_asks_the_commander_when_people_are_under_way(tx: Tx):
    mei, an = people.mei(tx), people.an(tx)
    with transaction(mei, "alert.receive") as as_mei:
        received = flow.receive_alert(as_mei, document(info()), "/1/2/", as_of=SENT)
        assert received.alert is not None
        incident = flow.accept_alert(as_mei, received.alert)
        states.move(as_mei, incident, State.MOBILIZING)
        ending = document(
            info(), identifier="end", sent=SENT.replace(minute=45), msg_type="Cancel", references=reference()
        )
        ended = flow.receive_alert(as_mei, ending, "/1/2/", as_of=SENT.replace(minute=50))
    assert (ended.changed, ended.to_decide) == ((), (incident,))
    assert incident.state is State.MOBILIZING
    assert told(tx, "alert_cancels") == [(an.id, "real")]


def test_command_is_offered_only_to_who_could_hold_it(tx: Tx):
    mei, an = people.mei(tx), people.an(tx)
    kai, wen = people.kai(tx), people.wen(tx)
    incident = declared(mei)
    for nobody in ("kai@example.org", "wen@example.org", "nobody@example.org"):
        with pytest.raises(Refused, match=r"handover\.unable"), transaction(mei, "x") as as_mei:
            flow.offer_command(as_mei, as_mei.get_one(Incident, incident.id), nobody, "none")
    with transaction(mei, "incident.handover") as as_mei:
        flow.offer_command(as_mei, as_mei.get_one(Incident, incident.id), " AN@example.org", "none")
    assert told(tx, "handover_offered") == [(an.id, "real")]
    assert {kai.id, wen.id}.isdisjoint(account for account, _ in told(tx, "incident_declared"))


def test_the_areas_clock_is_known(tx: Tx):
    people.mei(tx)
    assert flow.zone_of(tx, "/1/2/") == "Asia/Shanghai"
    assert rules.above("/1/2/") == "/1/"
