"""Where everybody falls out: against the rules asked one pair at a time, and step by step."""

import numpy as np
import pytest

from tests.engine.build import BOAT, MEDIC, people, skilled, slots
from volunteer_hub.engine import funnel
from volunteer_hub.engine.feasible import RULES
from volunteer_hub.engine.problem import Intervals, Pairs, Problem
from volunteer_hub.engine.units import split


def problem() -> Problem:
    """Medics here and 40 km away and a fit boatman are wanted; of six, each fails elsewhere."""
    pool = people(
        6,
        km=[0.0, 0.0, 60.0, 0.0, 0.0, 30.0],
        levels=skilled((2, 0, 0), (0, 0, 0), (2, 0, 0), (2, 0, 0), (0, 0, 1), (1, 0, 0)),
        free=Intervals.of(
            6, np.array([0, 1, 2, 4, 5]), np.array([0, 0, 0, 0, 0]), np.array([9999, 9999, 9999, 9999, 9999])
        ),
        fit=np.array([True, True, True, True, False, True]),
        max_km=np.full(6, 15.0),
    )
    wanted = slots(
        3, km=[0.0, 40.0, 0.0], skill=[MEDIC, MEDIC, BOAT], hazardous=np.array([False, False, True])
    )
    return Problem(pool, wanted)


def test_everybody_stands_where_the_unit_stands_that_is_nearest_to_being_theirs() -> None:
    far = funnel.passed(problem())
    assert far is not None
    told = [funnel.CODES[n] if n < funnel.ALL else "could" for n in far.tolist()]
    assert told == ["could", "skill", "distance", "availability", "fitness", "could"]
    assert [funnel.step_of(n) for n in far.tolist() if n < funnel.ALL] == ["fit", "near", "free", "fit"]


def test_it_is_what_the_rules_say_pair_by_pair() -> None:
    made = problem()
    units, far = split(made), funnel.passed(made)
    assert far is not None
    for v in range(len(made.people)):
        best = 0
        for u in range(len(units)):
            rules = (bool(rule(made, units, np.array([v]), u)[0]) for rule in RULES.values())
            best = max(best, next((n for n, holds in enumerate(rules) if not holds), funnel.ALL))
        assert far[v] == best


def test_the_counts_narrow_from_step_to_step_among_those_asked_about() -> None:
    far = funnel.passed(problem())
    assert far is not None
    assert funnel.counts(far, np.ones(6, np.bool_)) == {"fit": 4, "free": 3, "near": 2}
    assert funnel.counts(far, np.arange(6) > 0) == {"fit": 3, "free": 2, "near": 1}


def test_too_much_to_judge_is_left_uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(funnel, "MOST_JUDGED", 5)
    assert funnel.passed(problem()) is None


def test_a_slot_that_takes_nobody_more_holds_nobody_up() -> None:
    made = Problem(people(2), slots(1), locked=Pairs(np.array([0]), np.array([0])))
    assert funnel.passed(made) is not None
