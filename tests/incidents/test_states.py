import pytest

from tests.incidents.conftest import SKILLS, World
from volunteer_hub.core.errors import Forbidden, NotFound, Refused
from volunteer_hub.incidents import logbook, states, tasks
from volunteer_hub.incidents.rules import LogKind, State, TaskState


def test_an_incident_walks_its_whole_road(world: World) -> None:
    incident = world.declared()
    task = tasks.add(world.tx, incident, world.task(), SKILLS)
    road = [State.MOBILIZING, State.ACTIVE, State.DEMOBILIZING, State.ACTIVE, State.DEMOBILIZING]
    for state in road:
        assert states.move(world.tx, incident, state).state is state
    assert (incident.closed_at, task.state) == (None, TaskState.OPEN)
    states.move(world.tx, incident, State.CLOSED)
    assert (incident.closed_at, task.state, task.version) == (world.tx.now, TaskState.DONE, 2)
    states.move(world.tx, incident, State.REVIEWED)
    assert (incident.state, incident.version) == (State.REVIEWED, 8)
    moves = [line.data for line in logbook.entries(world.tx, incident) if line.kind is LogKind.STATE]
    assert moves[0] == {"state_before": "declared", "state_after": "mobilizing"}
    assert len(moves) == 7


def test_a_step_that_the_table_does_not_hold_is_refused(world: World) -> None:
    incident = world.declared()
    with pytest.raises(Refused) as error:
        states.move(world.tx, incident, State.ACTIVE)
    assert (error.value.code, incident.state) == ("incident.state", State.DECLARED)


def test_a_clerk_moves_an_incident_on_but_does_not_close_it(world: World) -> None:
    incident = world.declared("dongfeng")
    tx = world.act(world.wang)
    states.move(tx, incident, State.MOBILIZING)
    states.move(tx, incident, State.DEMOBILIZING)
    with pytest.raises(Forbidden):
        states.move(tx, incident, State.CLOSED)
    with pytest.raises(NotFound):
        states.move(world.act(world.kai), incident, State.CLOSED)
    assert incident.state is State.DEMOBILIZING
