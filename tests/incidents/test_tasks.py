from datetime import timedelta
from threading import Barrier, Thread

import pytest

from tests.incidents.conftest import CREW, POLICY, SKILLS, World, flood, people
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.errors import Forbidden, HubError, Malformed, NotFound, PreconditionFailed, Refused
from volunteer_hub.incidents import declaring, queries, states, tasks
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.rules import MinimumSpec, SlotSpec, State, TaskState

HOUR = timedelta(hours=1)


def test_a_task_is_stored_with_its_slots_and_nested_minima(world: World) -> None:
    incident = world.declared()
    leader = SlotSpec(1, 1, 2, skill="site_leader", level=2, adult_only=True, insured_only=True)
    spec = world.task(slots=(CREW, leader), hazards=("flood",), place="North dyke", pickup="School gate")
    task = tasks.add(world.tx, incident, spec, SKILLS)
    assert (task.area, task.state, task.version) == (incident.area, TaskState.OPEN, 1)
    assert tasks.spec_of(task) == world.task(
        slots=(), hazards=("flood",), place="North dyke", pickup="School gate"
    )
    assert tasks.slots_of(world.tx, task) == (CREW, leader)


def test_a_closed_incident_takes_no_task_and_changes_none(world: World) -> None:
    incident = world.declared()
    task = tasks.add(world.tx, incident, world.task(), SKILLS)
    states.move(world.tx, incident, State.CLOSED)
    deeds = (
        lambda: tasks.add(world.tx, incident, world.task(), SKILLS),
        lambda: tasks.change(world.tx, task, task.version, SKILLS, title="Late"),
        lambda: tasks.cancel(world.tx, task, "late"),
        lambda: tasks.add_slot(world.tx, task, task.version, CREW, SKILLS),
        lambda: tasks.split(world.tx, task, task.version, minutes=60),
    )
    for deed in deeds:
        with pytest.raises(Refused) as error:
            deed()
        assert error.value.code == "incident.closed"


def test_a_wrong_task_among_many_adds_none(world: World) -> None:
    incident = world.declared()
    with pytest.raises(Malformed):
        tasks.add_many(world.tx, incident, [world.task(), world.task(lat=91.0)], SKILLS)
    assert queries.whole(world.tx, incident).tasks == ()


def test_two_editors_of_a_task_conflict_and_the_first_wins(world: World) -> None:
    incident = world.declared()
    task = tasks.add(world.tx, incident, world.task(), SKILLS)
    later = task.ends_at + timedelta(hours=1)
    assert tasks.change(world.tx, task, 1, SKILLS, ends_at=later, title=task.title) == {"ends_at"}
    with pytest.raises(PreconditionFailed) as error:
        tasks.change(world.tx, task, 1, SKILLS, title="Mine")
    assert (error.value.code, task.title, task.version) == ("version", "Sandbag the dyke", 2)
    assert tasks.change(world.tx, task, 2, SKILLS, ends_at=later) == frozenset()
    assert task.version == 2


def test_a_change_is_checked_like_a_new_task(world: World) -> None:
    incident = world.declared()
    task = tasks.add(world.tx, incident, world.task(), SKILLS)
    with pytest.raises(Malformed) as window:
        tasks.change(world.tx, task, 1, SKILLS, ends_at=task.starts_at)
    assert window.value.code == "task.window"
    with pytest.raises(Malformed) as unknown:
        tasks.change(world.tx, task, 1, SKILLS, state="done")
    assert (unknown.value.code, unknown.value.params) == ("task.fields", {"names": "state"})
    assert tasks.change(world.tx, task, 1, SKILLS, hazards=("flood", "heat")) == {"hazards"}
    assert task.hazards == ["flood", "heat"]


def test_a_cancelled_task_says_why_and_stays_cancelled(world: World) -> None:
    incident = world.declared()
    task = tasks.add(world.tx, incident, world.task(), SKILLS)
    with pytest.raises(Malformed):
        tasks.cancel(world.tx, task, "")
    assert tasks.cancel(world.tx, task, "Water fell").state is TaskState.CANCELLED
    for deed in (tasks.finish, lambda tx, row: tasks.cancel(tx, row, "again")):
        with pytest.raises(Refused) as error:
            deed(world.tx, task)
        assert error.value.code == "task.ended"
    assert tasks.finish(world.tx, tasks.add(world.tx, incident, world.task(), SKILLS)).state is TaskState.DONE


def test_slots_are_added_and_replaced_under_the_tasks_version(world: World) -> None:
    incident = world.declared()
    task, other = tasks.add_many(world.tx, incident, [world.task(), world.task(slots=())], SKILLS)
    extra = SlotSpec(1, 2, 3, skill="boat", minima=(MinimumSpec("first_aid", 1, may_share=True),))
    slot = tasks.add_slot(world.tx, task, 1, extra, SKILLS)
    assert tasks.slots_of(world.tx, task) == (CREW, extra)
    smaller = SlotSpec(1, 1, 1, skill="boat", minima=(MinimumSpec("radio", 1),))
    assert tasks.change_slot(world.tx, task, slot, 2, smaller, SKILLS).public_id == slot.public_id
    assert tasks.slots_of(world.tx, task) == (CREW, smaller)
    assert task.version == 3
    with pytest.raises(PreconditionFailed):
        tasks.change_slot(world.tx, task, slot, 2, extra, SKILLS)
    with pytest.raises(Malformed) as order:
        tasks.change_slot(world.tx, task, slot, 3, SlotSpec(3, 2, 1), SKILLS)
    assert order.value.code == "slot.order"
    with pytest.raises(Malformed) as foreign:
        tasks.change_slot(world.tx, other, slot, 1, extra, SKILLS)
    assert foreign.value.code == "slot.task"
    assert tasks.add_slot(world.tx, other, 1, extra, SKILLS).position == 0


def test_a_task_has_no_more_than_fifty_slots(world: World) -> None:
    incident = world.declared()
    task = tasks.add(world.tx, incident, world.task(slots=(SlotSpec(1, 1, 1),) * 50), SKILLS)
    with pytest.raises(Malformed) as error:
        tasks.add_slot(world.tx, task, 1, CREW, SKILLS)
    assert error.value.code == "task.slots"


def test_a_long_task_is_cut_into_operational_periods_with_the_same_slots(world: World) -> None:
    incident = world.declared()
    starts = world.tx.now
    day = world.task(starts_at=starts, ends_at=starts + timedelta(hours=30))
    periods = tasks.split(
        world.tx, tasks.add(world.tx, incident, day, SKILLS), 1, minutes=720, overlap_minutes=30
    )
    hours = [((t.starts_at - starts) / HOUR, (t.ends_at - starts) / HOUR) for t in periods]
    assert hours == [(0, 12.5), (12, 24.5), (24, 30)]
    assert [tasks.slots_of(world.tx, task) for task in periods] == [(CREW,)] * 3
    with pytest.raises(Malformed) as error:
        tasks.split(world.tx, periods[2], 1, minutes=0)
    assert error.value.code == "task.period"


def test_tasks_of_a_foreign_area_cannot_be_touched(world: World) -> None:
    incident = world.declared()
    task = tasks.add(world.tx, incident, world.task(), SKILLS)
    tx = world.act(world.kai)
    for deed in (
        lambda: tasks.add(tx, incident, world.task(), SKILLS),
        lambda: tasks.change(tx, task, 1, SKILLS, title="Kai's"),
        lambda: tasks.cancel(tx, task, "Kai says so"),
    ):
        with pytest.raises(NotFound):
            deed()
    with pytest.raises(Forbidden):
        tasks.cancel(world.act(world.mei.narrowed(["task.read"])), task, "no right")
    assert (task.title, task.state) == ("Sandbag the dyke", TaskState.OPEN)


def test_a_task_added_while_the_incident_closes_is_stored_or_refused_never_left_open(
    fresh_database: str,
) -> None:
    for round_number in range(5):
        incident_id = _declare(round_number)
        outcome = _race(incident_id)
        with db.read(SYSTEM) as tx:
            stored = [v.task.state for v in queries.whole(tx, tx.get_one(Incident, incident_id)).tasks]
        assert (outcome, stored) in [("added", [TaskState.DONE]), ("incident.closed", [])]


def _declare(round_number: int) -> int:
    with db.transaction(SYSTEM, "test") as tx:
        if round_number == 0:
            _Cast.world = people(tx)
        world = _Cast.world
        world.tx = tx
        tx.actor = world.mei
        spec = flood(world.areas["sartu"])
        return declaring.declare(tx, POLICY, spec, node=world.node("sartu"), skills=SKILLS).id


class _Cast:
    world: World


def _race(incident_id: int) -> str:
    start, outcome = Barrier(2), []

    def add() -> None:
        start.wait()
        try:
            with db.transaction(_Cast.world.mei, "task.add") as tx:
                _Cast.world.tx = tx
                tasks.add(tx, tx.get_one(Incident, incident_id), _Cast.world.task(), SKILLS)
            outcome.append("added")
        except HubError as error:
            outcome.append(error.code)

    thread = Thread(target=add)
    thread.start()
    start.wait()
    with db.transaction(_Cast.world.mei, "incident.close") as tx:
        states.move(tx, tx.get_one(Incident, incident_id), State.CLOSED)
    thread.join()
    return outcome[0]


def test_two_editors_at_the_same_moment_leave_one_change(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        world = people(tx)
        tx.actor = world.mei
        incident = declaring.declare(
            tx, POLICY, flood(world.areas["sartu"]), node=world.node("sartu"), skills=SKILLS
        )
        task_id = tasks.add(tx, incident, world.task(), SKILLS).id
    start, outcomes = Barrier(4), []

    def edit(title: str) -> None:
        start.wait()
        try:
            with db.transaction(world.mei, "task.change") as tx:
                tasks.change(tx, tx.get_one(Task, task_id), 1, SKILLS, title=title)
            outcomes.append(title)
        except HubError as error:
            outcomes.append(error.code)

    threads = [Thread(target=edit, args=(f"editor {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read(SYSTEM) as tx:
        task = tx.get_one(Task, task_id)
        assert sorted(outcomes) == sorted([task.title, "version", "version", "version"])
        assert task.version == 2
