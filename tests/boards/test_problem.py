"""Rows into an engine Problem: who is in it, when they are free, what they can do, what is wanted."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import event
from sqlmodel import col, select

from tests.world import World, person, sandbagging, world
from volunteer_hub.boards import problem
from volunteer_hub.boards.problem import Case
from volunteer_hub.boards.wanted import apart
from volunteer_hub.core import policy, versions
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.engine.feasible import why_not
from volunteer_hub.engine.problem import FOREVER
from volunteer_hub.incidents import states, tasks
from volunteer_hub.incidents.models import Incident, RoleSlot, Task
from volunteer_hub.incidents.rules import MinimumSpec, SlotSpec, State
from volunteer_hub.mobilization import callouts, plans
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.rules import DutyState, Kind, OfferState
from volunteer_hub.volunteers import availability, registry, skills
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.policy import Skills

HOUR = timedelta(hours=1)
SARTU = "/1/2/"


def row(case: Case, volunteer: Volunteer) -> int:
    """The row of a person who is not locked."""
    return int(np.flatnonzero(case.volunteers == volunteer.id)[0])


def build(tx: Tx, w: World, area: str = SARTU) -> Case:
    return problem.build(tx, w.incident, area)


def add_task(
    tx: Tx, w: World, *slots: SlotSpec, begin: float = 1, hours: float = 4, **changes: object
) -> list[int]:
    """Another task of Mei's incident; the ids of its slots."""
    spec = replace(
        sandbagging(tx.now + begin * HOUR), slots=slots, ends_at=tx.now + (begin + hours) * HOUR, **changes
    )
    incident = tx.get_one(Incident, w.incident.id)
    task = tasks.add(tx, incident, spec, policy.load("skills", Skills).skills)
    wanted = select(RoleSlot.id).where(col(RoleSlot.task_id) == task.id).order_by(col(RoleSlot.id))
    return list(tx.exec(wanted))


def anybody(heads: int = 1) -> SlotSpec:
    return SlotSpec(minimum=heads, target=heads, maximum=heads)


def held(tx: Tx, w: World, slot: int, who: Volunteer, state: OfferState) -> Offer:
    """An offer to a person as a callout leaves it, with its time that of the first task."""
    run = plans.request(
        tx, w.incident.id, w.incident.area, deadline_seconds=5, seed=1, policy_version=versions.current(tx)
    )
    plans.claim(tx, 60)
    plans.finish(tx, run.id, {"pairs": []}, objective={}, problem_digest="")
    run.state, run.approved_at = plans.PlanState.APPROVED, tx.now
    tx.flush()
    window = (tx.now + HOUR, tx.now + 5 * HOUR)
    facts = callouts.Slot(slot, w.incident.area, *window, minimum=1, target=8, maximum=10)
    _, offers = callouts.open(
        tx,
        run,
        kind=Kind.REAL,
        slots=[facts],
        asks=[callouts.Ask(slot, who.id)],
        answer_by=tx.now + HOUR,
        expires_at=tx.now + HOUR,
    )
    offers[0].state = state
    tx.flush()
    return offers[0]


def test_slots_keep_their_heads_and_their_window(tx: Tx) -> None:
    w = world(tx)
    slots = build(tx, w).problem.slots
    assert slots.minimum.tolist() == [6, 1]
    assert slots.target.tolist() == [8, 2]
    assert slots.maximum.tolist() == [10, 2]
    assert (slots.start >= 60).all()
    assert set((slots.end - slots.start).tolist()) <= {240, 241}


def test_the_most_urgent_priority_is_1_for_people_and_5_for_the_engine(tx: Tx) -> None:
    w = world(tx)
    add_task(tx, w, anybody(), priority=1)
    assert build(tx, w).problem.slots.priority.tolist() == [1, 1, 5]


def test_a_skill_that_needs_a_certification_counts_only_with_one(tx: Tx) -> None:
    w = world(tx)
    case = build(tx, w)
    assert why_not(case.problem, row(case, w.bo), 1) == ("skill", "certification")
    skills.certify(tx, w.bo, "first_aid", number="1", expires_on=date(2099, 1, 1))
    assert why_not(build(tx, w).problem, row(case, w.bo), 1) == ()


def test_a_certification_ends_with_its_last_day(tx: Tx) -> None:
    w = world(tx, crowd=0)
    zone = policy.load("hub", problem.Site).timezone
    today = tx.now.astimezone(zone).date()
    skills.certify(tx, w.bo, "first_aid", number="1", expires_on=today)
    case = build(tx, w)
    midnight = datetime(today.year, today.month, today.day, tzinfo=zone) + timedelta(days=1)
    k = case.needs.index((("first_aid", 1),))
    assert case.problem.people.cert_until[row(case, w.bo), k] == (midnight - case.epoch) // timedelta(
        minutes=1
    )


def test_whoever_holds_the_wider_skill_stands_in(tx: Tx) -> None:
    w = world(tx)
    nurse = registry.register(
        tx, person("Nurse", 90, skills="nursing:2:verified", certifications="nursing|9|Board||2099-01-01")
    )
    case = build(tx, w)
    assert why_not(case.problem, row(case, nurse), 1) == ()


def test_a_level_held_for_a_time_does_not_hide_a_lower_one_held_for_ever(tx: Tx) -> None:
    w = world(tx, crowd=0)
    first, second = add_task(
        tx,
        w,
        SlotSpec(minimum=1, target=1, maximum=1, skill="crowd", level=1),
        SlotSpec(minimum=1, target=1, maximum=1, skill="crowd", level=3),
    )
    leader = registry.register(tx, person("Leader", 91, skills="crowd:1;site_leader:3"))
    case = build(tx, w)
    one, three = case.needs.index((("crowd", 1),)), case.needs.index((("crowd", 3),))
    assert case.problem.people.levels[row(case, leader), [one, three]].tolist() == [1, 1]
    assert case.problem.people.levels[row(case, w.lin), [one, three]].tolist() == [0, 0]
    assert case.problem.people.cert_until[row(case, leader), one] == FOREVER
    assert {first, second} <= set(case.slots.tolist())


def test_a_light_pledge_is_for_the_skills_it_names_alone(tx: Tx) -> None:
    w = world(tx, crowd=0)
    cook = registry.register(tx, person("Cook", 92, skills="cooking:2"))
    standing_before = build(tx, w)
    assert why_not(standing_before.problem, row(standing_before, cook), 0) == ()
    cook.pledge_for = ["cooking"]
    cook.status = problem.Status.PLEDGED
    tx.flush()
    (kitchen,) = add_task(tx, w, SlotSpec(minimum=1, target=1, maximum=1, skill="cooking"))
    case = build(tx, w)
    at = int(np.flatnonzero(case.slots == kitchen)[0])
    assert why_not(case.problem, row(case, cook), 0) == ("skill", "certification")
    assert why_not(case.problem, row(case, cook), at) == ()


@pytest.mark.parametrize("status", ["paused", "suspended", "left"])
def test_nobody_who_may_not_be_called_is_in_the_problem(tx: Tx, status: str) -> None:
    w = world(tx)
    w.lin.status = problem.Status(status)
    tx.flush()
    assert w.lin.id not in build(tx, w).volunteers


def test_only_the_people_of_the_pool_area_are_in_the_problem(tx: Tx) -> None:
    w = world(tx, crowd=2)
    far = registry.register(tx, person("Far", 93, community="DQ-DT-001"))
    assert far.id not in build(tx, w).volunteers
    assert far.id in build(tx, w, "/1/").volunteers


def test_minors_never_serve_where_adults_only_may(tx: Tx) -> None:
    w = world(tx, crowd=0)
    day = tx.now.astimezone(policy.load("hub", problem.Site).timezone).date()
    w.lin.birthday = day.replace(year=day.year - 17, day=1)
    tx.flush()
    slot, crew = add_task(
        tx,
        w,
        SlotSpec(minimum=1, target=1, maximum=1, adult_only=True),
        SlotSpec(minimum=1, target=1, maximum=1, skill="sandbagging"),  # adults' work by the taxonomy
    )
    case = build(tx, w)
    at = {int(key): place for place, key in enumerate(case.slots)}
    assert why_not(case.problem, row(case, w.lin), at[slot]) == ("age",)
    assert case.problem.slots.adult_only[at[crew]]


def test_insurance_and_fitness_are_those_of_the_person(tx: Tx) -> None:
    w = world(tx, crowd=0)
    w.lin.fit, w.lin.insured_until = False, None
    tx.flush()
    slot, _ = add_task(
        tx, w, SlotSpec(minimum=1, target=1, maximum=1, insured_only=True), anybody(), hazardous=True
    )
    case = build(tx, w)
    at = int(np.flatnonzero(case.slots == slot)[0])
    assert why_not(case.problem, row(case, w.lin), at) == ("insurance", "fitness")
    assert why_not(case.problem, row(case, w.bo), at) == ()


def test_free_times_follow_the_pattern_exceptions_and_duty_on_call(tx: Tx) -> None:
    w = world(tx, crowd=0)
    for who in (w.bo, w.lin):
        availability.set_week(tx, who, 0)
    availability.put_on_call(tx, w.bo, tx.now, tx.now + 6 * HOUR, SARTU)
    case = build(tx, w)
    assert why_not(case.problem, row(case, w.bo), 0) == ()
    assert why_not(case.problem, row(case, w.lin), 0) == ("availability",)
    availability.add_exception(tx, w.bo, tx.now + 2 * HOUR, tx.now + 3 * HOUR, available=False)
    assert why_not(build(tx, w).problem, row(case, w.bo), 0) == ("availability",)


@pytest.mark.parametrize("mask", [0, 1, 0b10_01_10_01_10_01_10, 2**14 - 1, 0b01_11_00_10_11_01_00])
def test_free_times_are_those_of_the_week_for_every_pattern(tx: Tx, mask: int) -> None:
    w = world(tx, crowd=0)
    add_task(tx, w, anybody(), hours=24 * 9)
    availability.set_week(tx, w.bo, mask)
    case = build(tx, w)
    free = case.problem.people.free
    mine = range(int(free.first[row(case, w.bo)]), int(free.first[row(case, w.bo) + 1]))
    end = case.epoch + timedelta(minutes=int(case.problem.slots.end.max()))
    expected = availability.free_times(tx, w.bo, case.epoch, end)
    found = [
        (case.epoch + timedelta(minutes=int(free.start[i])), case.epoch + timedelta(minutes=int(free.end[i])))
        for i in mine
    ]
    assert found == expected


def test_a_held_place_is_a_row_locked_to_its_slot_and_its_holder_is_asked_for_no_other(tx: Tx) -> None:
    w = world(tx, crowd=0)
    skills.certify(tx, w.bo, "first_aid", number="1", expires_on=date(2099, 1, 1))
    held(tx, w, w.slots[0], w.bo, OfferState.ACCEPTED)
    case = build(tx, w)
    assert [(int(case.volunteers[v]), int(case.slots[s])) for v, s in case.problem.locked.rows()] == [
        (w.bo.id, w.slots[0])
    ]
    assert why_not(case.problem, row(case, w.bo), 1) == ("overlap",)
    assert why_not(case.problem, row(case, w.bo), 0) == ("overlap", "forbidden")


def test_a_holder_of_two_places_of_one_incident_fills_both(tx: Tx) -> None:
    w = world(tx, crowd=0)
    (later,) = add_task(tx, w, anybody(), begin=30)
    held(tx, w, w.slots[0], w.bo, OfferState.ACCEPTED)
    second = held(tx, w, later, w.bo, OfferState.DONE)
    assert second.state is OfferState.DONE
    case = build(tx, w)
    assert sorted((int(case.volunteers[v]), int(case.slots[s])) for v, s in case.problem.locked.rows()) == [
        (w.bo.id, w.slots[0]),
        (w.bo.id, later),
    ]


def test_a_place_held_by_somebody_of_another_area_still_counts(tx: Tx) -> None:
    w = world(tx, crowd=0)
    far = registry.register(tx, person("Far", 93, community="DQ-DT-001"))
    held(tx, w, w.slots[0], far, OfferState.ACCEPTED)
    case = build(tx, w)
    assert case.volunteers.tolist() == [w.bo.id, w.lin.id, far.id]
    assert len(case.problem.locked) == 1


@pytest.mark.parametrize(
    ("state", "inside", "codes"),
    [
        (OfferState.ASKED, False, ()),
        (OfferState.QUEUED, False, ()),
        (OfferState.DECLINED, True, ("forbidden",)),
        (OfferState.EXPIRED, True, ("forbidden",)),
        (OfferState.CANCELLED, True, ()),
    ],
)
def test_nobody_is_asked_twice_for_one_slot(
    tx: Tx, state: OfferState, inside: bool, codes: tuple[str, ...]
) -> None:
    w = world(tx, crowd=0)
    held(tx, w, w.slots[0], w.lin, state)
    case = build(tx, w)
    assert (w.lin.id in case.volunteers) is inside
    assert case.funnel["waiting"] == (not inside)
    if inside:
        assert why_not(case.problem, row(case, w.lin), 0) == codes


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
    assert persons.night_travel[[row(case, w.lin), row(case, w.bo)]].tolist() == [True, False]


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
    assert build(tx, w).funnel == {"registered": 4, "callable": 3, "waiting": 0, "skilled": 3}


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
