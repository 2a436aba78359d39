"""A plan from files in which people may serve several duties, with leaders, teams, crews and organisations.

The tables are those of plan_files with a few columns more; whoever needs none of them is better served by the
surge, which is always exact.
"""

from collections import defaultdict
from typing import Any, Final

import numpy as np

from volunteer_hub.core import policy
from volunteer_hub.core.errors import Malformed
from volunteer_hub.core.i18n import t
from volunteer_hub.core.site import Site
from volunteer_hub.engine.problem import Ints, Options, ProblemError
from volunteer_hub.engine.roster.check import check
from volunteer_hub.engine.roster.problem import Need, Roster
from volunteer_hub.engine.roster.solve import RosterPlan, solve_roster
from volunteer_hub.engine.roster.surge import roster_of
from volunteer_hub.engine.solve import State
from volunteer_hub.flows.plan_files import FORMAT, Files

_TENTHS: Final = 10
_MANY: Final = 10**6


def asked_for(files: Files) -> bool:
    """Whether a row says something only a roster can heed."""
    return any(
        row["team"] is not None or row["heads"] != (1, 1) or row["call_cost"] or row["max_duties"]
        for row in files.people_rows
    ) or any(row["leader"] is not None or row["pair_up"] or row["post"] for row in files.slot_rows)


def answer(files: Files, options: Options, lang: str, max_duties: int = _MANY) -> dict[str, Any]:
    """The plan as a document for JSON. `max_duties`: for people whose row names no number of their own.

    Raises Malformed for tables that contradict each other, or soft terms in hub.toml that nobody knows.
    """
    site: Site = policy.load("hub", Site)
    weights = {name: round(minutes * _TENTHS) for name, minutes in site.roster.items()}
    try:
        roster, people = _roster(files, max_duties)
        plan = solve_roster(roster, options, weights)
    except ProblemError as error:
        raise Malformed("plan_files.problem", reason=str(error)) from None
    faults = check(roster, plan, weights)
    if faults:
        raise AssertionError(f"the plan breaks {sorted({fault.code for fault in faults})}")
    return _document(files, plan, people, lang)


def _roster(files: Files, max_duties: int) -> tuple[Roster, Ints]:
    persons, wanted = files.people_rows, files.slot_rows
    own = [row["max_duties"] or max_duties for row in persons]
    named = dict.fromkeys(row["post"] for row in wanted if row["post"] is not None)
    posts = {None: None} | {post: number for number, post in enumerate(named)}
    crew = {
        "max_duties": np.array(own, dtype=np.int64),
        "call_cost": np.array([round(row["call_cost"] * _TENTHS) for row in persons], dtype=np.int64),
        "least": np.array([row["heads"][0] for row in persons], dtype=np.int64),
        "most": np.array([row["heads"][1] for row in persons], dtype=np.int64),
    }
    duties = {
        "pair_up": np.array([row["pair_up"] for row in wanted], dtype=np.int64),
        "period": np.array([_or_none(row["period"]) for row in wanted], dtype=np.int64),
        "post": np.array([_or_none(posts[row["post"]]) for row in wanted], dtype=np.int64),
    }
    roster, people = roster_of(files.case.problem, crew=crew, duties=duties)
    row_of = {int(person): row for row, person in enumerate(people)}
    return _with_rules(roster, files, row_of), people


def _or_none(number: int | None) -> int:
    return -1 if number is None else number


def _with_rules(roster: Roster, files: Files, row_of: dict[int, int]) -> Roster:
    """Leaders and teams, by the crew's rows; of a team somebody of whom can serve nowhere, nobody serves."""
    teams: dict[str, list[int]] = defaultdict(list)
    for person, row in enumerate(files.people_rows):
        if row["team"] is not None:
            teams[row["team"]].append(person)
    whole = [members for members in teams.values() if all(person in row_of for person in members)]
    broken = {person for members in teams.values() if members not in whole for person in members}
    keep = ~np.isin(roster.pairs.person, [row_of[person] for person in broken if person in row_of])
    leaders = []
    for slot, row in enumerate(files.slot_rows):
        if row["leader"] is not None:
            holders = _holders(files, row["leader"].code, row["leader"].level, slot)
            leaders.append(Need(slot, frozenset(row_of[person] for person in holders & row_of.keys())))
    return Roster(
        roster.duties,
        roster.crew,
        roster.pairs.only(keep),
        travel=roster.travel,
        skills=roster.skills,
        leaders=tuple(leaders),
        teams=tuple(tuple(row_of[person] for person in members) for members in whole),
        beyond=roster.beyond,
    )


def _holders(files: Files, code: str, level: int, slot: int) -> set[int]:
    """Who holds a skill through the slot's end."""
    ends = int(files.case.problem.slots.end[slot]) + files.epoch
    return {
        person
        for person, row in enumerate(files.people_rows)
        for skill in row["skills"]
        if skill.code == code and skill.level >= level and (skill.until is None or skill.until >= ends)
    }


def _document(files: Files, plan: RosterPlan, people: Ints, lang: str) -> dict[str, Any]:
    within = 0.0 if plan.state is State.PROVEN else round(100 * plan.gap, 2)
    gap = t(lang, "plan.proof.within", percent=within) if plan.bound > 0 else t(lang, "plan.proof.unknown")
    state = t(lang, "plan.proof.proven") if plan.state is State.PROVEN else gap
    heads = int(plan.heads.sum())
    short = plan.short_minimum + plan.short_target
    who, slots = files.people, files.slots
    chosen = zip(people[plan.person].tolist(), plan.slot.tolist(), plan.heads.tolist(), strict=True)
    pairs = [{"person": who[p], "slot": slots[s], "heads": count} for p, s, count in chosen]
    return {
        "format": FORMAT,
        "state": plan.state.value,
        "words": [state, t(lang, "cli.plan_files.duties", n=heads, people=len(set(plan.person.tolist())))],
        "within_percent": within,
        "value": plan.value,
        "bound": plan.bound,
        "problem": files.case.digest,
        "pairs": sorted(pairs, key=lambda pair: (pair["slot"], pair["person"])),
        "gaps": [
            {"slot": slots[s], "short": int(short[s]), "below_minimum": bool(plan.short_minimum[s])}
            for s in np.flatnonzero(short).tolist()
        ],
        "seconds": {phase: round(took, 4) for phase, took in plan.seconds.items()},
    }
