import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import update

from tests.incidents.conftest import World
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.incidents import command, logbook, states
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import State


def test_command_passes_when_the_next_one_acknowledges_and_not_before(world: World) -> None:
    incident = world.declared()
    handover = command.offer(world.tx, incident, world.zhao.id or 0, "Who relieves the boats at six?")
    assert incident.commander_id == world.mei.id
    assert (handover.from_account, handover.questions) == (world.mei.id, "Who relieves the boats at six?")
    command.acknowledge(world.act(world.zhao), handover)
    assert (incident.commander_id, handover.acknowledged_at) == (world.zhao.id, world.tx.now)
    assert command.offered(world.tx, incident) is None
    events = [line.event for line in logbook.entries(world.tx, incident)]
    assert events == ["declared", "handover_offered", "handover_acknowledged"]


def test_a_handover_says_what_is_open_even_if_it_is_nothing(world: World) -> None:
    incident = world.declared()
    with pytest.raises(Malformed) as error:
        command.offer(world.tx, incident, world.zhao.id or 0, " ")
    assert error.value.fields[0].where == "questions"


def test_only_the_one_it_was_offered_to_can_acknowledge(world: World) -> None:
    incident = world.declared()
    handover = command.offer(world.tx, incident, world.zhao.id or 0, "none")
    with pytest.raises(Refused) as error:
        command.acknowledge(world.act(world.mei), handover)
    assert error.value.code == "handover.not_you"
    with pytest.raises(NotFound):
        command.acknowledge(world.act(world.kai), handover)
    assert incident.commander_id == world.mei.id


def test_one_offer_at_a_time_and_none_to_oneself(world: World) -> None:
    incident = world.declared()
    with pytest.raises(Refused) as same:
        command.offer(world.tx, incident, world.mei.id or 0, "none")
    assert same.value.code == "handover.same"
    handover = command.offer(world.tx, incident, world.zhao.id or 0, "none")
    with pytest.raises(Refused) as twice:
        command.offer(world.tx, incident, world.wang.id or 0, "none")
    assert twice.value.code == "handover.open"
    command.withdraw(world.tx, handover)
    with pytest.raises(Refused) as ended:
        command.acknowledge(world.act(world.zhao), handover)
    assert ended.value.code == "handover.ended"
    assert incident.commander_id == world.mei.id


def test_command_can_be_taken_with_a_reason_when_nobody_answers(world: World) -> None:
    incident = world.declared()
    handover = command.offer(world.tx, incident, world.wang.id or 0, "none")
    tx = world.act(world.zhao)
    with pytest.raises(Malformed):
        command.take(tx, incident, "")
    command.take(tx, incident, "Mei's telephone is off")
    assert (incident.commander_id, handover.withdrawn_at) == (world.zhao.id, tx.now)
    with pytest.raises(Refused) as same:
        command.take(tx, incident, "again")
    assert same.value.code == "handover.same"
    with pytest.raises(Refused) as nobody:
        command.take(world.act(SYSTEM), incident, "no account")
    assert nobody.value.code == "incident.no_commander"


def test_command_is_taken_where_nothing_was_offered(world: World) -> None:
    incident = world.declared()
    assert command.take(world.act(world.zhao), incident, "Mei is hurt").commander_id == world.zhao.id


def test_closing_withdraws_what_was_offered_and_nothing_more_is(world: World) -> None:
    incident = world.declared()
    handover = command.offer(world.tx, incident, world.zhao.id or 0, "none")
    states.move(world.tx, incident, State.CLOSED)
    assert handover.withdrawn_at == world.tx.now
    with pytest.raises(Refused) as error:
        command.offer(world.tx, incident, world.zhao.id or 0, "none")
    assert error.value.code == "incident.closed"


def test_the_database_itself_refuses_a_real_incident_without_a_commander(world: World) -> None:
    world.declared()
    with pytest.raises(IntegrityError, match="in_command"), world.tx.begin_nested():
        world.tx.execute(update(Incident).values(commander_id=None))
