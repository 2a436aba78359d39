"""One rule, one situation in which it decides."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.engine.roster.build import crew, duties, everybody
from volunteer_hub.engine.problem import ProblemError
from volunteer_hub.engine.roster.check import check
from volunteer_hub.engine.roster.clash import time_cliques
from volunteer_hub.engine.roster.problem import Allowed, Need, Roster, travel_by_speed
from volunteer_hub.engine.roster.solve import solve_roster

MEI, BO, LIN, KAI = range(4)
NOBODY = Need(0, frozenset(), 0)


def served(roster: Roster, **weights: int) -> list[tuple[int, int]]:
    plan = solve_roster(roster, weights=weights)
    assert check(roster, plan, weights) == ()
    return sorted(zip(plan.slot.tolist(), plan.person.tolist(), strict=True))


def test_one_person_serves_two_duties_that_do_not_overlap() -> None:
    assert served(Roster(duties((0, 4), (4, 8)), crew(1), everybody(1, 2))) == [(0, MEI), (1, MEI)]


def test_rest_lies_between_two_duties() -> None:
    roster = Roster(duties((0, 4), (14, 18), priority=[2, 1]), crew(1, rest=660), everybody(1, 2))
    assert served(roster) == [(0, MEI)]


def test_travel_lies_between_two_sites() -> None:
    sites = travel_by_speed(np.array([0, 10]), np.array([0, 0]), 13.0)
    wanted = duties((0, 4), (4, 8), (5, 8), site=[0, 1, 1], priority=[3, 2, 1])
    assert sites.tolist() == [[0, 60], [60, 0]]
    assert served(Roster(wanted, crew(1), everybody(1, 3), travel=sites)) == [(0, MEI), (2, MEI)]


def test_no_more_minutes_in_24_hours_than_allowed() -> None:
    wanted = duties((0, 6), (8, 14), (25, 30), priority=[3, 1, 2])
    assert served(Roster(wanted, crew(1, minutes_24h=660), everybody(1, 3))) == [(0, MEI), (2, MEI)]


def test_capacity_counts_the_whole_incident() -> None:
    wanted = duties((0, 6), (48, 54), priority=[1, 2])
    assert served(Roster(wanted, crew(1, capacity=[600]), everybody(1, 2))) == [(1, MEI)]


def test_turns_in_the_cold_are_short_unless_there_is_a_real_break() -> None:
    wanted = duties((0, 1), (1, 2), (2, 3), (4, 5), hazard=[0, 0, 0, 0], priority=[4, 3, 1, 2])
    roster = Roster(wanted, crew(1), everybody(1, 4), turn_limit=np.array([120]), turn_pause=np.array([60]))
    assert served(roster) == [(0, MEI), (1, MEI), (3, MEI)]


def test_nobody_serves_without_the_leader() -> None:
    wanted = duties((0, 4), (0, 4), target=[2, 2], minimum=[1, 1])
    leaders = (Need(0, frozenset([BO])), Need(1, frozenset([KAI])))
    roster = Roster(wanted, crew(4), everybody(3, 2), leaders=leaders)
    assert [slot for slot, _ in served(roster)] == [0, 0]


def test_a_team_goes_together_or_not_at_all() -> None:
    wanted = duties((0, 4), (0, 4), target=[1, 2], minimum=[1, 1], priority=[5, 1])
    roster = Roster(wanted, crew(2), everybody(2, 2), teams=((MEI, BO),))
    assert served(roster) == [(1, MEI), (1, BO)]


def test_nobody_is_sent_alone_where_two_are_needed() -> None:
    wanted = duties((0, 4), target=[2], pair_up=[1])
    assert served(Roster(wanted, crew(1), everybody(1, 1))) == []
    assert served(Roster(wanted, crew(2), everybody(2, 1))) == [(0, MEI), (0, BO)]


def test_one_person_counts_for_two_skills() -> None:
    skills = (Need(0, frozenset([MEI, BO])), Need(0, frozenset([BO, LIN])))
    roster = Roster(duties((0, 4)), crew(3), everybody(3, 1, [0, 50, 0]), skills=skills)
    assert served(roster) == [(0, BO)]


def test_a_missing_skill_counts_as_an_open_head_below_the_minimum() -> None:
    roster = Roster(
        duties((0, 4), target=[2], minimum=[0]),
        crew(1),
        everybody(1, 1),
        skills=(Need(0, frozenset([MEI]), 2),),
    )
    plan = solve_roster(roster)
    assert (plan.short_skill.tolist(), plan.objective.short_minimum, plan.objective.short_target) == (
        [1],
        1,
        1,
    )


def test_relief_crews_come_early_and_nobody_serves_two_periods_running() -> None:
    wanted = duties((0, 8), (8, 16), (16, 24), period=[0, 1, 2], post=[7, 7, 7])
    roster = Roster(wanted, crew(2), everybody(2, 3), relief_rest=600, handover=30)
    assert roster.begin.tolist() == [0, 450, 930]
    who = dict(served(roster, same_crew=1))
    assert who[0] == who[2] != who[1]


def test_an_organisation_fills_between_its_least_and_its_most_heads() -> None:
    wanted = duties((0, 4), (0, 4), target=[2, 5], minimum=[2, 5], priority=[5, 1])
    roster = Roster(wanted, crew(1, least=[3], most=[4]), everybody(1, 2))
    plan = solve_roster(roster)
    assert check(roster, plan) == ()
    assert (plan.slot.tolist(), plan.heads.tolist(), plan.short_minimum.tolist()) == ([1], [4], [2, 1])


def test_calling_somebody_at_all_costs() -> None:
    wanted = duties((0, 4), (4, 8))
    roster = Roster(wanted, crew(2, call_cost=[30, 30]), everybody(2, 2, [0, 20, 20, 0]))
    assert len({person for _, person in served(roster)}) == 1


def test_soft_terms_choose_among_plans() -> None:
    wanted = duties((0, 2), (2, 4), (4, 6), (6, 8), post=[1, 1, 2, 2], site=[0, 1, 0, 1])
    roster = Roster(wanted, crew(2), everybody(2, 4), travel=np.zeros((2, 2), np.int64))
    people = {
        name: [person for _, person in served(roster, **{name: 5})] for name in ("fewest_people", "spread")
    }
    assert len(set(people["fewest_people"])) == 1
    assert sorted(np.bincount(people["spread"]).tolist()) == [2, 2]
    first, second, third, fourth = (person for _, person in served(roster, same_crew=5, spread=1))
    assert (first == second, third == fourth, first == third) == (True, True, False)
    first, second, third, fourth = (person for _, person in served(roster, one_site=5, spread=1))
    assert (first == third, second == fourth, first == second) == (True, True, False)


def test_an_unknown_term_is_refused() -> None:
    with pytest.raises(ProblemError) as refused:
        solve_roster(Roster(duties((0, 4)), crew(1), everybody(1, 1)), weights={"kindness": 1})
    assert (refused.value.code, refused.value.where) == ("unknown_term", "kindness")


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("window", lambda: duties((4, 0))),
        ("minimum_above_target", lambda: duties((0, 4), minimum=[2])),
        ("priority", lambda: duties((0, 4), priority=[6])),
        ("shape", lambda: duties((0, 4), priority=[1, 2])),
        ("not_a_number", lambda: duties((0, 4), target=[float("nan")])),
        ("negative", lambda: crew(1, rest=-1)),
        ("least_above_most", lambda: crew(1, least=2)),
        ("out_of_range", lambda: Allowed(np.array([0]), np.array([0]), cost=np.array([-1]))),
        ("unknown_person", lambda: Roster(duties((0, 4)), crew(1), everybody(2, 1))),
        ("unknown_slot", lambda: Roster(duties((0, 4)), crew(1), everybody(1, 2))),
        ("unknown_site", lambda: Roster(duties((0, 4), site=[3]), crew(1), everybody(1, 1))),
        ("unknown_hazard", lambda: Roster(duties((0, 4), hazard=[0]), crew(1), everybody(1, 1))),
        ("pair_twice", lambda: Roster(duties((0, 4)), crew(1), Allowed(np.array([0, 0]), np.array([0, 0])))),
        ("in_two_teams", lambda: Roster(duties((0, 4)), crew(2), everybody(2, 1), teams=((0, 1), (1,)))),
        ("out_of_range", lambda: Roster(duties((0, 4)), crew(1), everybody(1, 1), leaders=(NOBODY,))),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused_with_its_reason(code: str, make: object) -> None:
    with pytest.raises(ProblemError) as refused:
        make()
    assert refused.value.code == code


def test_cliques_hold_every_overlap_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        begin = np.sort(rng.integers(0, 20, 8))
        until = begin + rng.integers(1, 8, 8)
        first, member = time_cliques(begin, until)
        groups = [member[a:b].tolist() for a, b in pairwise(first)]
        together = {(i, j) for group in groups for i in group for j in group}
        overlap = {(i, j) for i in range(8) for j in range(8) if begin[i] < until[j] and begin[j] < until[i]}
        assert together | {(i, i) for i in range(8)} == overlap
