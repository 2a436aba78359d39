"""Rest, fatigue, travel, night and the edges of the Problem made from rows."""

from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import event
from sqlmodel import select

from tests.boards.cases import HOUR, SARTU, add_task, anybody, build, held, row
from tests.world import World, person, world
from volunteer_hub.boards import problem
from volunteer_hub.boards.wanted import apart
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.engine.feasible import why_not
from volunteer_hub.incidents import states, tasks
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.rules import MinimumSpec, SlotSpec, State
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import DutyState, OfferState
from volunteer_hub.volunteers import availability, registry


def test_rest_and_hours_count_from_the_last_duty(tx: Tx) -> None:
    w = world(tx, crowd=0)
    offer = held(tx, w, w.slots[0], w.lin, OfferState.CANCELLED)
    tx.add(
        Duty(
            offer_id=offer.id,
            volunteer_id=w.lin.id,
            incident_id=w.incident.id,
            area=SARTU,
            code_hash=b"x",
            state=DutyState.DONE,
            checked_in_at=tx.now - 10 * HOUR,
            checked_out_at=tx.now - HOUR,
            minutes=540,
        )
    )
    tx.flush()
    case = build(tx, w)
    assert why_not(case.problem, row(case, w.lin), 0) == ("rest", "hours")
    assert case.problem.people.minutes_24h[row(case, w.lin)] == 540


def test_fatigue_counts_what_was_asked_lately(tx: Tx) -> None:
    w = world(tx, crowd=0)
    held(tx, w, w.slots[1], w.lin, OfferState.DECLINED)
    case = build(tx, w)
    assert case.problem.people.fatigue[[row(case, w.lin), row(case, w.bo)]].tolist() == [20, 0]
    assert case.problem.people.served[[row(case, w.lin), row(case, w.bo)]].tolist() == [1, 0]


def test_travel_is_slowed_by_the_hazard_and_unstated_reach_is_two_hours(tx: Tx) -> None:
    w = world(tx, crowd=0)
    w.lin.travel_mode, w.lin.max_km = problem.TravelMode.FOOT, None
    w.bo.travel_mode = problem.TravelMode.NONE_AT_NIGHT
    tx.flush()
    case = build(tx, w)
    persons = case.problem.people
    assert persons.speed_kmh[row(case, w.lin)] == pytest.approx(4.8 / 1.6)  # a flood
    assert persons.max_km[row(case, w.lin)] == pytest.approx(2 * 4.8 / 1.6 / 1.35)
    assert persons.max_km[row(case, w.bo)] == 30


def test_who_has_no_transport_at_night_is_reached_on_foot_then(tx: Tx) -> None:
    w = world(tx, crowd=0)
    near = registry.register(tx, person("Near", 94) | {"travel_mode": "none_at_night", "max_km": "0.8"})
    w.lin.travel_mode, w.lin.max_km = problem.TravelMode.FOOT, None
    w.bo.travel_mode = problem.TravelMode.NONE_AT_NIGHT
    tx.flush()
    case = build(tx, w)
    persons = case.problem.people
    day, night = persons.reach_km
    rows = [row(case, who) for who in (w.bo, near, w.lin)]
    assert persons.night_travel.all()
    assert night[rows].tolist() == [1.5, 0.8, day[rows[2]]]
    assert day[rows[0]] == 30


def test_waking_people_costs_unless_they_are_on_call(tx: Tx) -> None:
    w = world(tx, crowd=0)
    availability.put_on_call(tx, w.bo, tx.now, tx.now + 6 * HOUR, SARTU)
    case = build(tx, w)
    assert case.problem.people.night_cost[[row(case, w.bo), row(case, w.lin)]].tolist() == [0, 150]


@pytest.mark.parametrize(("utc_hour", "night"), [(2, False), (11, True), (15, True), (21, True), (22, False)])
def test_a_slot_that_touches_the_local_night_is_a_night_slot(tx: Tx, utc_hour: int, night: bool) -> None:
    w = world(tx, crowd=0)
    tx.now = datetime(2031, 1, 20, 0, 0, tzinfo=UTC)
    (slot,) = add_task(tx, w, anybody(), begin=utc_hour)  # four hours; 22:00 to 06:00 in Daqing is night
    case = build(tx, w)
    assert bool(case.problem.slots.night[np.flatnonzero(case.slots == slot)[0]]) is night


def test_a_task_under_way_wants_people_from_now_on_and_one_that_is_over_wants_none(tx: Tx) -> None:
    w = world(tx, crowd=0)
    (running,) = add_task(tx, w, anybody(), begin=-2)
    (over,) = add_task(tx, w, anybody(), begin=-6)
    case = build(tx, w)
    assert over not in case.slots
    assert case.problem.slots.start[np.flatnonzero(case.slots == running)[0]] == 0


def test_a_closed_incident_is_refused(tx: Tx) -> None:
    w = world(tx, crowd=0)
    incident = states.move(tx, tx.get_one(Incident, w.incident.id), State.CLOSED)
    with pytest.raises(Refused) as refused:
        problem.build(tx, incident, SARTU)
    assert refused.value.code == "incident.closed"


def test_an_empty_pool_and_no_slots_are_problems_too(tx: Tx) -> None:
    w = world(tx, crowd=0)
    assert len(build(tx, w, "/1/4/").problem.people) == 0
    tasks.cancel(tx, tx.exec(select(Task)).one(), "the water went down")
    case = build(tx, w)
    assert (len(case.problem.slots), len(case.problem.people)) == (0, 2)


def test_the_digest_is_the_problem_s_own(tx: Tx) -> None:
    w = world(tx, crowd=3)
    first = build(tx, w)
    assert build(tx, w).digest == first.digest
    w.lin.max_km = 29
    tx.flush()
    assert build(tx, w).digest != first.digest


def test_the_funnel_counts_people(tx: Tx) -> None:
    w = world(tx, crowd=2)
    w.lin.status = problem.Status.PAUSED
    tx.flush()
    assert build(tx, w).funnel == {
        "registered": 4,
        "callable": 3,
        "waiting": 0,
        "peace": 3,
        "skilled": 3,
    }


def test_minima_that_fit_stay_as_they_are() -> None:
    minima = [MinimumSpec("first_aid", 2, may_share=True), MinimumSpec("driver.car", 1, level=2)]
    assert apart(minima, 3) == [((("first_aid", 1),), 2, True), ((("driver.car", 2),), 1, False)]


def test_minima_without_room_side_by_side_are_held_together_by_one_person() -> None:
    minima = [MinimumSpec("first_aid", 2, may_share=True), MinimumSpec("driver.car", 1, may_share=True)]
    both = (("driver.car", 1), ("first_aid", 1))
    assert apart(minima, 2) == [((("first_aid", 1),), 1, False), (both, 1, False)]


def test_one_person_who_must_hold_two_skills_is_found(tx: Tx) -> None:
    w = world(tx, crowd=0)
    both = registry.register(tx, person("Both", 94, skills="cooking:1;hotline:1"))
    minima = (MinimumSpec("cooking", 1, may_share=True), MinimumSpec("hotline", 1, may_share=True))
    (slot,) = add_task(tx, w, SlotSpec(minimum=1, target=1, maximum=1, minima=minima))
    case = build(tx, w)
    at = int(np.flatnonzero(case.slots == slot)[0])
    assert why_not(case.problem, row(case, both), at, minimum=1) == ()
    assert why_not(case.problem, row(case, w.lin), at, minimum=1) == ("skill", "certification")


def test_reading_takes_as_many_queries_for_thirty_people_as_for_three(tx: Tx) -> None:
    w = world(tx, crowd=1)
    few = _statements(tx, w)
    for number in range(30):
        registry.register(tx, person(f"More {number}", 200 + number))
    assert _statements(tx, w) == few


def _statements(tx: Tx, w: World) -> int:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    tx.flush()
    event.listen(tx.connection(), "before_cursor_execute", note)
    build(tx, w)
    event.remove(tx.connection(), "before_cursor_execute", note)
    return len(seen)
