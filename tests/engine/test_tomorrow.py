"""What a plan takes from the readiness of the next night."""

from __future__ import annotations

import numpy as np

from tests.engine.build import BOAT, MEDIC, UNHURRIED, people, skilled, slots
from volunteer_hub.engine.problem import FOREVER, Intervals, Limits, Problem
from volunteer_hub.engine.solve import solve
from volunteer_hub.engine.tomorrow import NOWHERE, Readiness, readiness

NIGHT = (1320, 1800)  # from ten in the evening, eight hours; the slots end at 840


def found(problem: Problem, *area: int) -> tuple[Readiness, ...]:
    return readiness(problem, solve(problem, UNHURRIED), *NIGHT, np.array(area))


def test_who_serves_in_the_afternoon_is_not_rested_at_night() -> None:
    pool = people(3, km=[1.0, 2.0, 9.0], levels=skilled((1, 0, 0), (1, 0, 0), (1, 0, 1)))
    assert found(Problem(pool, slots(1, target=[2], skill=[MEDIC])), 0, 1, 1) == (
        Readiness(MEDIC, 0, 1, 0),
        Readiness(MEDIC, 1, 2, 1),
    )


def test_who_has_rested_by_then_is_ready_again() -> None:
    pool = people(1, levels=skilled((1, 0, 0)))
    problem = Problem(pool, slots(1, skill=[MEDIC], start=[100], end=[660]), limits=Limits(660, 2000))
    assert found(problem, 0) == ()
    later = Problem(pool, slots(1, skill=[MEDIC], start=[100], end=[661]), limits=Limits(660, 2000))
    assert found(later, 0) == (Readiness(MEDIC, 0, 1, 0),)


def test_hours_of_the_day_count_where_rest_would_do() -> None:
    pool = people(1, levels=skilled((1, 0, 0)))
    problem = Problem(pool, slots(1, skill=[MEDIC], start=[800], end=[1060]), limits=Limits(60, 720))
    assert found(problem, 0) == (Readiness(MEDIC, 0, 1, 0),)  # 260 + 480 minutes within 24 hours


def test_who_would_not_have_been_ready_is_not_missed() -> None:
    """One has a duty that night, one's proof lapses before, one counts nowhere; none of them is a loss."""
    until = np.full((3, 3), FOREVER)
    until[1] = 1700
    pool = people(
        3, levels=skilled(*[(0, 0, 2)] * 3), cert_until=until, busy=Intervals.of(3, [0], [1500], [1600])
    )
    problem = Problem(pool, slots(1, target=[3], skill=[BOAT]))
    assert found(problem, 0, 0, NOWHERE) == ()


def test_a_plan_of_nobody_costs_nothing() -> None:
    assert found(Problem(people(1), slots(0)), 0) == ()
    assert (
        readiness(Problem(people(0), slots(1)), solve(Problem(people(0), slots(1))), *NIGHT, np.zeros(0, int))
        == ()
    )
