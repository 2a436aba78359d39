"""The board of an incident: what it gathers, for whom, in how many queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from tests import people
from tests.doors import client
from tests.flows.callouts import at_ten, planned, send, sent
from tests.world import sandbagging, world
from volunteer_hub.boards import command, situation
from volunteer_hub.core import db, policy
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import NotFound
from volunteer_hub.flows import preview
from volunteer_hub.incidents import queries, tasks
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.volunteers.policy import Skills


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@contextmanager
def counted(tx: Tx) -> Iterator[list[str]]:
    """The statements that run within the block."""
    found: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            found.append(statement)

    connection = tx.connection()
    event.listen(connection, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(connection, "before_cursor_execute", note)


def statements(tx: Tx, actor, incident: Incident) -> int:
    with db.read(actor) as reading:
        row = queries.find(reading, "incident.read", incident.public_id)
        with counted(tx) as found:
            command.board(reading, row)
        return len(found)


def test_three_tasks_cost_no_more_queries_than_one(tx: Tx) -> None:
    out = sent(tx)
    one = statements(tx, out.world.mei, out.world.incident)
    with transaction(out.world.mei, "task.add") as as_mei:
        incident = as_mei.get_one(Incident, out.world.incident.id)
        specs = [sandbagging(tx.now + timedelta(hours=n)) for n in (2, 3)]
        tasks.add_many(as_mei, incident, specs, policy.load("skills", Skills).skills)
    send(tx, out.world, [(out.aid, out.world.crowd[3])])
    assert statements(tx, out.world.mei, out.world.incident) == one
    assert one < 20


def test_slots_count_who_is_coming_through_all_callouts(tx: Tx) -> None:
    out = sent(tx, helpers=4)
    with transaction(out.world.mei, "offer.answer") as as_mei:
        offers.accept(as_mei, out.offer(tx, out.world.lin))
        offers.accept(as_mei, out.offer(tx, out.world.bo))
    with db.read(out.world.mei) as reading:
        board = command.board(reading, reading.get_one(Incident, out.world.incident.id))
    assert [(slot.placed, slot.on_site, slot.slot.target) for slot in board.tasks[0].slots] == [
        (1, 0, 8),
        (1, 0, 2),
    ]
    live = board.live
    assert live is not None
    assert (live.counts.asked, live.counts.accepted, live.counts.declined) == (5, 2, 0)
    assert board.sent
    assert [node.code for node in board.way] == ["DQ", "DQ-ST"]
    assert board.log[0].entry.event == "callout_sent"
    assert board.account(board.incident.commander_id) is not None
    assert board.account(None) is None


def test_people_are_named_only_to_who_may_read_them(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    council = people.council(tx)
    with db.read(out.world.mei) as reading:
        seen = command.people_of(reading, reading.get_one(PlanRun, out.plan.id))
    with db.read(council) as reading:
        unseen = command.people_of(reading, reading.get_one(PlanRun, out.plan.id))
    assert sorted(person.name for person in seen.values()) == ["Bo", "Helper 3", "Lin"]
    assert unseen == {}


def test_kai_sees_no_board_of_sartu(tx: Tx) -> None:
    w = world(tx, crowd=0)
    kai = people.kai(tx)
    with db.read(kai) as reading, pytest.raises(NotFound):
        command.board(reading, reading.get_one(Incident, w.incident.id))
    with db.read(kai) as reading:
        assert situation.incidents(reading) == []


def test_lists_cost_the_same_for_one_and_three_incidents(tx: Tx) -> None:
    w = world(tx, crowd=0)
    mei = client(w.mei)

    def cost() -> int:
        with db.read(w.mei) as reading, counted(tx) as found:
            situation.incidents(reading)
            situation.alerts(reading)
            situation.raises(reading)
        return len(found)

    one = cost()
    for level in (1, 2):
        body = {"area": "DQ-ST", "hazard": "flood", "level": level, "tasks": []}
        assert mei.post("/api/v1/incidents", json=body).status_code == 201
    assert cost() == one


def test_before_sending_it_is_known_how_many_are_asked_by_what_and_how_sure(tx: Tx) -> None:
    w = world(tx)
    chosen = [(w.slots[0], person) for person in (w.lin, *w.crowd[:5])]
    plan = planned(tx, w, [*chosen, (w.slots[1], w.bo)], [(w.slots[0], person) for person in w.crowd[5:]])
    with db.read(w.mei) as reading:
        ahead = preview.before_sending(reading, reading.get_one(PlanRun, plan.id))
    assert (ahead.chosen, ahead.asked, ahead.unreachable, ahead.by) == (7, 22, 0, (("email", 22),))
    assert (ahead.night, ahead.second_person, ahead.low, ahead.weakest) == (False, False, True, w.slots[1])


def test_with_nobody_left_to_ask_the_preview_says_so(tx: Tx) -> None:
    w = world(tx)
    plan = planned(tx, w, [])
    with db.read(w.mei) as reading:
        ahead = preview.before_sending(reading, reading.get_one(PlanRun, plan.id))
    assert (ahead.asked, ahead.by) == (0, ())
