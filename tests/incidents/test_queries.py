from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import event

from tests.incidents.conftest import POLICY, SKILLS, World
from volunteer_hub.core.errors import Forbidden, NotFound
from volunteer_hub.incidents import command, levels, queries, states, tasks
from volunteer_hub.incidents.rules import Kind, State


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    connection = world.tx.connection()
    event.listen(connection, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(connection, "before_cursor_execute", note)


def test_kai_cannot_see_what_mei_declared(world: World) -> None:
    incident = world.declared()
    task = tasks.add(world.tx, incident, world.task(), SKILLS)
    slot = queries.whole(world.tx, incident).tasks[0].slots[0].slot
    handover = command.offer(world.tx, incident, world.zhao.id or 0, "none")
    request = levels.set_level(world.tx, POLICY, incident, 1, world.node("sartu"))
    assert request is not None
    finds = (
        lambda tx, number: queries.find(tx, "incident.read", number),
        lambda tx, number: queries.find_task(tx, "task.read", number),
        lambda tx, number: queries.find_slot(tx, "task.read", number),
        lambda tx, number: queries.find_handover(tx, "incident.command", number),
        lambda tx, number: queries.find_raise(tx, "incident.raise", number),
    )
    rows = (incident, task, slot, handover, request)
    for find, row in zip(finds, rows, strict=True):
        found = find(world.act(world.zhao), row.public_id)
        assert found == ((task, slot) if row is slot else row)
        for number in (row.public_id, uuid4()):
            with pytest.raises(NotFound) as error:
                find(world.act(world.kai), number)
            assert (error.value.code, error.value.params) == ("not_found", {})
    assert queries.incidents(world.act(world.kai)) == []
    with pytest.raises(NotFound):
        queries.whole(world.tx, incident)


def test_somebody_without_the_right_is_told_so(world: World) -> None:
    incident = world.declared()
    tx = world.act(world.mei.narrowed(["volunteer.read"]))
    with pytest.raises(Forbidden):
        queries.find(tx, "incident.read", incident.public_id)
    with pytest.raises(Forbidden):
        queries.find_slot(tx, "task.read", uuid4())


def test_the_list_holds_what_the_actor_may_read_newest_first_in_pages(world: World) -> None:
    first, second = world.declared("sartu"), world.declared("dongfeng")
    third = world.declared("sartu", kind=Kind.DRILL)
    states.move(world.tx, second, State.CLOSED)

    def ids(**wanted: object) -> list[int]:
        return [row.id for row in queries.incidents(world.tx, **wanted)]

    assert ids() == [third.id, second.id, first.id]
    assert ids(limit=1) == [third.id, second.id]  # one more than asked: there is a next page
    assert ids(after=third.id, limit=1) == [second.id, first.id]
    assert ids(after=first.id) == []
    assert ids(states=[State.DECLARED]) == [third.id, first.id]
    assert ids(kind=Kind.DRILL) == [third.id]
    world.act(world.wang)
    assert ids() == [second.id]


def test_one_incident_costs_as_many_queries_with_three_tasks_as_with_one(world: World) -> None:
    costs = []
    for count in (1, 3):
        incident = world.declared()
        tasks.add_many(world.tx, incident, [world.task()] * count, SKILLS)
        with counted(world) as statements:
            view = queries.whole(world.tx, incident)
        assert [len(task.slots) for task in view.tasks] == [1] * count
        assert [[m.skill for m in task.slots[0].minima] for task in view.tasks] == [
            ["driver.truck", "first_aid"]
        ] * count
        costs.append(len(statements))
    assert costs == [3, 3]


def test_tasks_come_by_start_then_priority(world: World) -> None:
    incident = world.declared()
    calm, urgent = world.task(title="calm", priority=4), world.task(title="urgent", priority=1)
    early = world.task(title="early", starts_at=world.tx.now, priority=5)
    tasks.add_many(world.tx, incident, [calm, urgent, early], SKILLS)
    titles = [view.task.title for view in queries.whole(world.tx, incident).tasks]
    assert titles == ["early", "urgent", "calm"]
