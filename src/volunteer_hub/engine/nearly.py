"""Who could almost serve a unit: one thing is in the way, and it is one that can be changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from volunteer_hub.engine.feasible import RULES
from volunteer_hub.engine.margins import Margins
from volunteer_hub.engine.problem import Bools, Ints, Problem
from volunteer_hub.engine.terms import cost
from volunteer_hub.engine.units import Units

OTHER_DUTY = ("overlap", "rest", "hours")
OF_THE_HOUR = ("certification", "availability", *OTHER_DUTY)
STEP, FARTHEST = 15, 180  # minutes a start is moved by, at most
SKILLS = ("skill", "certification")
CHANGEABLE = ("insurance", "fitness", "night_travel", "availability", "distance")


@dataclass(frozen=True)
class Near:
    """People for whom one thing is in the way, and what each would be worth there: at least one open head
    (0.1 minutes above multiples of BIG; their own cost and what they leave behind taken off)."""

    rule: str
    people: Ints
    gain: Ints
    skill: int = -1  # the one they lack, or lack proof of
    level: int = 0


def nearly(problem: Problem, units: Units, known: Margins, u: int) -> list[Near]:
    """One per rule (and skill) that alone keeps somebody from unit u."""
    broken = {code: ~RULES[code](problem, units, slice(None), u) for code in RULES if code not in SKILLS}
    others = np.zeros(len(problem.people), np.int8)
    for rows in broken.values():
        others += rows
    skilled = RULES["skill"](problem, units, slice(None), u)
    proven = skilled & RULES["certification"](problem, units, slice(None), u)
    able = _undecided(problem, units, u)
    if problem.travel is not None:  # where there is no way, no willingness helps
        able &= problem.travel.reachable(slice(None), int(units.slot[u]))
    found = _unskilled(problem, units, known, u, np.flatnonzero(able & (others == 0) & ~proven))
    for code in CHANGEABLE:
        people = np.flatnonzero(able & proven & (others == 1) & broken[code])
        found.append(_worth_it(problem, units, known, u, code, people))
    return [near for near in found if len(near.people)]


def _unskilled(problem: Problem, units: Units, known: Margins, u: int, people: Ints) -> list[Near]:
    """Of these people those who lack one skill, or the proof of one, by what it is."""
    end = int(units.end[u])
    needs = dict.fromkeys(zip(units.need_skill[u].tolist(), units.need_level[u].tolist(), strict=True))
    wanted = [(k, level) for k, level in needs if k >= 0]
    untaught = [problem.people.levels[people, k] < level for k, level in wanted]
    unproven = [problem.people.cert_until[people, k] < end for k, _ in wanted]
    lacking = np.sum([one | other for one, other in zip(untaught, unproven, strict=True)], axis=0)
    found = []
    for (k, level), no_skill, no_proof in zip(wanted, untaught, unproven, strict=True):
        for rule, rows in (("skill", no_skill), ("certification", no_proof & ~no_skill)):
            near = _worth_it(problem, units, known, u, rule, people[(lacking == 1) & rows])
            found.append(replace(near, skill=k, level=level))
    return found


def by_moving(problem: Problem, units: Units, known: Margins, u: int) -> list[tuple[int, Near]]:
    """Moves of the start, in minutes and the smallest first, by which people could serve unit u who now
    cannot: only those that bring more people than every smaller move."""
    able = _undecided(problem, units, u)
    for code in (code for code in RULES if code not in OF_THE_HOUR):
        able &= RULES[code](problem, units, slice(None), u)
    people = np.flatnonzero(able)
    now, most = _at_hour(problem, units, people, u), 0
    found = []
    for size in range(STEP, FARTHEST + 1, STEP):
        for minutes in (size, -size):
            if units.start[u] + minutes < 0:
                continue  # it would begin in the past
            moved = replace(units, start=units.start + minutes, end=units.end + minutes)
            more = people[_at_hour(problem, moved, people, u) & ~now]
            near = _worth_it(problem, units, known, u, "start", more)
            if len(near.people) > most:
                found.append((minutes, near))
                most = len(near.people)
    return found


def _at_hour(problem: Problem, units: Units, people: Ints, u: int) -> Bools:
    passed = np.ones(len(people), np.bool_)
    for code in OF_THE_HOUR:
        passed &= RULES[code](problem, units, people, u)
    return passed


def _undecided(problem: Problem, units: Units, u: int) -> Bools:
    able = np.ones(len(problem.people), np.bool_)
    able[problem.locked.person] = False
    able[problem.forbidden.person[problem.forbidden.slot == units.slot[u]]] = False
    return able


def _worth_it(problem: Problem, units: Units, known: Margins, u: int, rule: str, people: Ints) -> Near:
    """Of these people those who would close a gap, the most valuable first."""
    gain = (
        int(known.less[u])
        - cost(problem, units, people, np.full(len(people), u))
        - _left(problem, units, known, people)
    )
    order = np.argsort(-gain, kind="stable")
    order = order[gain[order] >= known.big // 2]
    return Near(rule, people[order], gain[order])


def _left(problem: Problem, units: Units, known: Margins, people: Ints) -> Ints:
    """What each person's leaving costs where they serve now."""
    at = known.serves[people]
    there = np.maximum(at, 0)
    leaving = known.more[there] - cost(problem, units, people, there)
    return np.where(at >= 0, leaving, 0)
