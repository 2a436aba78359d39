"""Reasons for open heads, planted one by one."""

from __future__ import annotations

import numpy as np

from tests.engine.roster.build import crew, duties, everybody
from volunteer_hub.engine.roster.explain import why_open
from volunteer_hub.engine.roster.problem import Allowed, Need, Roster
from volunteer_hub.engine.roster.solve import solve_roster


def reasons(roster: Roster, slot: int) -> dict[str, int]:
    return why_open(roster, solve_roster(roster), slot)


def test_nobody_is_allowed() -> None:
    pairs = Allowed(np.array([0, 1]), np.array([0, 0]))
    assert reasons(Roster(duties((0, 4), (5, 9)), crew(2), pairs), 1) == {"not_allowed": 2}


def test_everybody_is_elsewhere_or_tired() -> None:
    wanted = duties((0, 4), (2, 6), (5, 9), priority=[5, 1, 4])
    assert reasons(Roster(wanted, crew(1), everybody(1, 3)), 1) == {"overlap": 1}
    assert reasons(Roster(wanted, crew(1, rest=660), everybody(1, 3)), 2) == {"rest": 1}
    assert reasons(Roster(wanted, crew(1, minutes_24h=300), everybody(1, 3)), 2) == {"hours": 1}
    assert reasons(Roster(wanted, crew(1, max_duties=1), everybody(1, 3)), 2) == {"max_duties": 1}


def test_no_leader_and_nobody_to_come_along() -> None:
    led = Roster(
        duties((0, 4)), crew(2), Allowed(np.array([0]), np.array([0])), leaders=(Need(0, frozenset([1])),)
    )
    assert reasons(led, 0) == {"not_allowed": 1, "leader": 1}
    alone = Roster(duties((0, 4), target=[2], pair_up=[1]), crew(1), everybody(1, 1))
    assert reasons(alone, 0) == {"alone": 1}


def test_an_organisation_sends_more_than_there_are_heads() -> None:
    assert reasons(Roster(duties((0, 4)), crew(1, least=3, most=5), everybody(1, 1)), 0) == {
        "above_target": 1
    }
