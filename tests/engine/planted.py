"""Ten situations whose reason is known beforehand: what each explanation must find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.engine.build import BOAT, MEDIC, people, skilled, slots
from volunteer_hub.engine.problem import FOREVER, LONG_AGO, Intervals, Problem

BO = 0  # the person asked about
NIGHT = 26 * 60


@dataclass(frozen=True)
class Planted:
    """`slot` stays short by `short`; `binding` is the gap's reason; `rule` what keeps Bo from it."""

    problem: Problem
    slot: int
    short: int
    binding: str
    rule: str


def only_medic_lives_too_far() -> Planted:
    pool = people(4, km=[53.2, 1.0, 2.0, 3.0], levels=skilled((2, 0, 0), *[(0, 0, 0)] * 3))
    return Planted(Problem(pool, slots(1, skill=[MEDIC])), 0, 1, "distance", "distance")


def certificate_lapses_the_day_before() -> Planted:
    until = np.full((3, 3), FOREVER)
    until[BO] = 840 - 24 * 60
    pool = people(3, levels=skilled((2, 0, 0), (0, 0, 0), (0, 0, 0)), cert_until=until)
    return Planted(Problem(pool, slots(1, skill=[MEDIC])), 0, 1, "certification", "certification")


def nobody_is_awake() -> Planted:
    """From two in the morning; everybody is free from eight to ten in the evening, both days."""
    day = [(8 * 60, 22 * 60), (32 * 60, 46 * 60)]
    free = Intervals.of(3, np.repeat([0, 1, 2], 2), [a for a, _ in day] * 3, [b for _, b in day] * 3)
    wanted = slots(1, start=[NIGHT], end=[NIGHT + 240], night=[True])
    return Planted(
        Problem(people(3, km=[1.0, 2.0, 3.0], free=free), wanted), 0, 1, "availability", "availability"
    )


def one_medic_short_and_fourteen_to_train() -> Planted:
    pool = people(16, km=np.arange(16) / 4, levels=skilled(*[(0, 0, 0)] * 14, *[(1, 0, 0)] * 2))
    return Planted(Problem(pool, slots(1, target=[3], skill=[MEDIC])), 0, 1, "skill", "skill")


def radius_one_kilometre_too_small() -> Planted:
    wanted = slots(1, target=[2], max_km=[5.0])
    return Planted(Problem(people(3, km=[6.0, 4.0, 9.0]), wanted), 0, 1, "distance", "distance")


def start_an_hour_too_early() -> Planted:
    """Work ends at eleven, the slot begins at ten."""
    free = Intervals.of(3, [0, 1, 2], [660, 660, 0], [FOREVER, FOREVER, FOREVER])
    wanted = slots(1, target=[2])
    return Planted(
        Problem(people(3, km=[1.0, 2.0, 0.0], free=free), wanted), 0, 1, "availability", "availability"
    )


def everybody_needed_where_it_is_more_urgent() -> Planted:
    pool = people(2, km=[1.0, 2.0], levels=skilled((1, 0, 0), (1, 0, 0)))
    wanted = slots(2, target=[2, 1], skill=[MEDIC, MEDIC], priority=[5, 2])
    return Planted(Problem(pool, wanted), 1, 1, "elsewhere", "")


def insured_people_only() -> Planted:
    pool = people(3, km=[1.0, 2.0, 3.0], insured=np.zeros(3, bool))
    return Planted(Problem(pool, slots(1, insured_only=[True])), 0, 1, "insurance", "insurance")


def the_only_boat_handler_is_resting() -> Planted:
    """Came off duty two hours ago, at minute 120: eleven hours are over at 780, the slot begins at 600."""
    since = np.array([120, LONG_AGO, LONG_AGO])
    pool = people(3, rest_since=since, levels=skilled((0, 0, 2), (0, 0, 0), (0, 0, 0)))
    return Planted(Problem(pool, slots(1, skill=[BOAT])), 0, 1, "rest", "rest")


def minors_where_adults_are_wanted() -> Planted:
    pool = people(3, km=[1.0, 2.0, 3.0], adult=np.array([False, False, True]))
    return Planted(Problem(pool, slots(1, target=[2], adult_only=[True])), 0, 1, "age", "age")


PLANTED = (
    only_medic_lives_too_far,
    certificate_lapses_the_day_before,
    nobody_is_awake,
    one_medic_short_and_fourteen_to_train,
    radius_one_kilometre_too_small,
    start_an_hour_too_early,
    everybody_needed_where_it_is_more_urgent,
    insured_people_only,
    the_only_boat_handler_is_resting,
    minors_where_adults_are_wanted,
)
