"""Soft terms: what a roster would rather have. One function each, named in TERMS.

A term is a function of the roster and its weight (0.1 minutes) that returns a Tally: groups of pairs and what
it costs to choose from them. To add one: a function here, its weight where the caller keeps its policy, a
test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from volunteer_hub.engine.problem import MAX_PRIORITY, Bools, Ints, ProblemError
from volunteer_hub.engine.roster.goal import Goal, Tally, calls
from volunteer_hub.engine.roster.problem import MAX_COST, Roster

Term = Callable[[Roster, int], Tally]


def fewest_people(roster: Roster, weight: int) -> Tally:
    """Each person called at all costs the weight."""
    return Tally(roster.pairs.person, np.full(len(roster.crew), weight), "once")


def spread(roster: Roster, weight: int) -> Tally:
    """Duties spread evenly: the second duty of a person costs the weight, the third twice that, and so on."""
    return Tally(roster.pairs.person, np.full(len(roster.crew), weight), "beyond_one")


def same_crew(roster: Roster, weight: int) -> Tally:
    """A post keeps its crew over the periods: every person who ever serves at a post costs the weight."""
    post = roster.duties.post[roster.pairs.slot]
    return _numbered(roster.pairs.person, post, post >= 0, weight)


def one_site(roster: Roster, weight: int) -> Tally:
    """People stay at one site: every site a person serves at costs the weight."""
    site = roster.duties.site[roster.pairs.slot]
    return _numbered(roster.pairs.person, site, np.ones(len(site), np.bool_), weight)


TERMS: dict[str, Term] = {
    "fewest_people": fewest_people,
    "spread": spread,
    "same_crew": same_crew,
    "one_site": one_site,
}


def goal(roster: Roster, weights: Mapping[str, int]) -> Goal:
    """The roster's goal with these terms. Raises ProblemError: unknown_term, out_of_range."""
    tallies = [calls(roster)] if roster.crew.call_cost.any() else []
    for name, weight in weights.items():
        if name not in TERMS:
            raise ProblemError("unknown_term", name)
        if not 0 <= weight <= MAX_COST // MAX_PRIORITY:
            raise ProblemError("out_of_range", name)
        if weight:
            tallies.append(TERMS[name](roster, weight))
    return Goal(roster, tuple(tallies))


def _numbered(person: Ints, place: Ints, counted: Bools, weight: int) -> Tally:
    """Groups of the same person and place."""
    keys, group = np.unique(np.column_stack([person, place]), axis=0, return_inverse=True)
    return Tally(np.where(counted, group.reshape(-1), -1), np.full(len(keys), weight), "once")
