"""Bad input is refused with what, where and which row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.engine.build import minima, pairs, people, skilled, slots
from volunteer_hub.engine.problem import (
    Intervals,
    Limits,
    Options,
    Problem,
    ProblemError,
    close_substitution,
)

NAN = float("nan")


def refused(make: Any, *arguments: Any, **given: Any) -> tuple[str, str, int | None]:
    with pytest.raises(ProblemError) as caught:
        make(*arguments, **given)
    return caught.value.code, caught.value.where, caught.value.index


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"lat": [46.0, NAN]}, ("not_a_number", "people.lat", 1)),
        ({"lat": [91.0, 46.0]}, ("latitude", "people.lat", 0)),
        ({"lon": [125.0, -181.0]}, ("longitude", "people.lon", 1)),
        ({"levels": skilled((0, 0, 4), (0, 0, 0))}, ("level", "people.levels", 0)),
        ({"levels": np.zeros(2)}, ("shape", "people.levels", None)),
        ({"levels": np.zeros((2, 0))}, ("shape", "people.levels", None)),
        ({"key": np.zeros((2, 2))}, ("shape", "people.levels", None)),
        ({"key": [5, 5]}, ("duplicate_key", "people.key", None)),
        ({"cert_until": np.zeros((2, 2))}, ("shape", "people.cert_until", None)),
        ({"cert_until": [[0] * 3, [0, 2**32, 0]]}, ("out_of_range", "people.cert_until", 1)),
        ({"levels": [[256, 0, 0], [0] * 3]}, ("out_of_range", "people.levels", 0)),
        ({"speed_kmh": [30.0, 0.0]}, ("speed", "people.speed_kmh", 1)),
        ({"max_km": [float("inf"), 1.0]}, ("not_a_number", "people.max_km", 0)),
        ({"max_km": [1.0, -1.0]}, ("negative", "people.max_km", 1)),
        ({"fatigue": [-1, 0]}, ("out_of_range", "people.fatigue", 0)),
        ({"served": [0, 10**7]}, ("out_of_range", "people.served", 1)),
        ({"adult": [True]}, ("shape", "people.adult", None)),
        ({"free": Intervals.always(3)}, ("shape", "people.free", None)),
    ],
)
def test_bad_people(given: dict[str, Any], expected: tuple[str, str, int | None]) -> None:
    assert refused(people, 2, **given) == expected


@pytest.mark.parametrize(
    ("first", "start", "end", "code"),
    [
        ([0, 1, 2], [0, 9], [5, 9], "window"),
        ([0, 2, 2], [0, 4], [5, 9], "unsorted_windows"),
        ([0, 2, 1], [0], [5], "shape"),
        ([1, 1, 1], [0], [5], "shape"),
        ([0, 1, 1], [0], [5, 6], "shape"),
    ],
)
def test_bad_windows(first: list[int], start: list[int], end: list[int], code: str) -> None:
    windows = Intervals(np.array(first), np.array(start), np.array(end))
    assert refused(people, 2, busy=windows)[:2] == (code, "people.busy")


def test_windows_cut_out_of_a_table_lie_together_like_all_others() -> None:
    table = np.array([[0, 5], [7, 9]])
    windows = Intervals(np.array([0, 1, 2]), table[:, 0], table[:, 1])
    assert windows.start.strides == windows.end.strides == (8,)
    assert windows.end.tolist() == [5, 9]


def test_windows_are_built_sorted_and_merged() -> None:
    windows = Intervals.of(3, [2, 0, 2, 2], [50, 7, 10, 20], [60, 9, 20, 30])
    assert windows.first.tolist() == [0, 1, 1, 3]
    assert windows.start.tolist() == [7, 10, 50]
    assert windows.end.tolist() == [9, 30, 60]
    assert refused(Intervals.of, 1, [0], [5], [5]) == ("window", "intervals", 0)
    assert refused(Intervals.of, 1, [1], [5], [6]) == ("unknown_person", "intervals", 0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"lat": [46.0, -90.5]}, ("latitude", "slots.lat", 1)),
        ({"lon": [46.0, 200.0]}, ("longitude", "slots.lon", 1)),
        ({"end": [600, 840]}, ("window", "slots.end", 0)),
        ({"minimum": [1, 2]}, ("minimum_above_target", "slots.minimum", 1)),
        ({"minimum": [-1, 1]}, ("out_of_range", "slots.minimum", 0)),
        ({"maximum": [0, 1]}, ("target_above_maximum", "slots.target", 0)),
        ({"priority": [3, 6]}, ("priority", "slots.priority", 1)),
        ({"skill": [0, -1], "level": [0, 0]}, ("level", "slots.level", 0)),
        ({"max_km": [1.0, -2.0]}, ("negative", "slots.max_km", 1)),
        ({"key": [1, 1]}, ("duplicate_key", "slots.key", None)),
        ({"key": [[1], [2]]}, ("shape", "slots.key", None)),
    ],
)
def test_bad_slots(given: dict[str, Any], expected: tuple[str, str, int | None]) -> None:
    assert refused(slots, 2, **given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"minima": minima((0, 9, 1, 1, False))}, ("skill", "minima.skill", 0)),
        ({"minima": minima((5, 0, 1, 1, False))}, ("unknown_slot", "minima.slot", 0)),
        ({"minima": minima((1, 0, 1, 2, False))}, ("minima_above_target", "slots.target", 1)),
        ({"locked": pairs((7, 0))}, ("unknown_person", "locked.person", 0)),
        ({"forbidden": pairs((0, -1))}, ("unknown_slot", "forbidden.slot", 0)),
        ({"locked": pairs((1, 0), (1, 1))}, ("locked_twice", "people", 1)),
        ({"locked": pairs((0, 1), (1, 1), (2, 1))}, ("locked_above_maximum", "slots", 1)),
    ],
)
def test_bad_problems(given: dict[str, Any], expected: tuple[str, str, int | None]) -> None:
    assert refused(Problem, people(3), slots(2), **given) == expected


def test_unknown_skill_of_a_slot() -> None:
    assert refused(Problem, people(1), slots(1, skill=[3])) == ("skill", "slots.skill", 0)


@pytest.mark.parametrize("row", [(0, 0, 0, 1, False), (0, 0, 1, 0, False)])
def test_bad_minima(row: tuple[int, int, int, int, bool]) -> None:
    assert refused(minima, row)[0] in ("level", "out_of_range")


@pytest.mark.parametrize("given", [{"min_rest_min": -1}, {"detour": 0.5}, {"detour": NAN}])
def test_bad_limits(given: dict[str, Any]) -> None:
    assert refused(Limits, **given)[0] in ("negative", "out_of_range")


@pytest.mark.parametrize("given", [{"deadline_s": NAN}, {"threads": 0}, {"candidates_per_head": 0.0}])
def test_bad_options(given: dict[str, Any]) -> None:
    assert refused(Options, **given) == ("out_of_range", "options", None)


def test_the_caller_keeps_writable_arrays_and_the_problem_does_not() -> None:
    mine = np.zeros(2, np.int64)
    pool = people(2, fatigue=mine)
    mine[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        pool.fatigue[0] = 1


def test_substitution_is_closed_over_chains() -> None:
    covers = {(0, 2): [(1, 1)], (1, 1): [(2, 3)]}
    levels = skilled((2, 0, 0), (1, 0, 0), (3, 2, 0))
    assert close_substitution(levels, covers).tolist() == [[2, 1, 3], [1, 0, 0], [3, 2, 3]]
