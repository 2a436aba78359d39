"""Rows into an engine Problem: who is in it, when they are free, what they can do, what is wanted."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from tests.boards.cases import HOUR, SARTU, add_task, anybody, build, held, row
from tests.world import person, world
from volunteer_hub.boards import problem
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.engine.feasible import why_not
from volunteer_hub.engine.problem import FOREVER
from volunteer_hub.incidents.rules import SlotSpec
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.volunteers import availability, registry, skills


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


def test_a_certification_beyond_what_the_planner_counts_lasts_for_ever(tx: Tx) -> None:
    w = world(tx, crowd=0)
    skills.certify(tx, w.bo, "first_aid", number="1", expires_on=date(9998, 1, 1))
    case = build(tx, w)
    k = case.needs.index((("first_aid", 1),))
    assert case.problem.people.cert_until[row(case, w.bo), k] == FOREVER


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
