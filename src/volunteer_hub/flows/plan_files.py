"""A plan from files alone: people and slots in, plan and proof out, no database and no service.

1. Read the tables, naming every bad cell. 2. Turn them into the engine's Problem. 3. Solve, explain and check
as a planning process does. 4. Give the answer as a document with the ids of the files, and in words.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from volunteer_hub.boards.digests import digest
from volunteer_hub.boards.problem import Case
from volunteer_hub.boards.wanted import ANYBODY, Need
from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.core.i18n import t
from volunteer_hub.engine.clock import Clock, DeadlinePassed
from volunteer_hub.engine.could import Could
from volunteer_hub.engine.counterfactual import why_not
from volunteer_hub.engine.margins import margins
from volunteer_hub.engine.problem import (
    FOREVER,
    LONG_AGO,
    Intervals,
    Ints,
    Limits,
    Minima,
    Options,
    Pairs,
    People,
    Problem,
    ProblemError,
    Slots,
)
from volunteer_hub.engine.solve import Plan, solve, warm
from volunteer_hub.engine.travel import NO_WAY, Matrix
from volunteer_hub.flows import plan_document, plan_tables, plan_words, solving
from volunteer_hub.flows.insight import MARGIN_SECONDS, Setting
from volunteer_hub.flows.person_words import PersonWords, nearest_first
from volunteer_hub.flows.plan_tables import Skill, Table

FORMAT: Final = 1
_TENTHS: Final = 10
REMEDY_SHARE: Final = 0.25  # of the deadline, for trying out what would close the gaps


@dataclass(frozen=True)
class Files:
    """A problem, the rows of the files it was made from, and the minute it counts from."""

    case: Case
    people_rows: list[dict[str, Any]]
    slot_rows: list[dict[str, Any]]
    epoch: int

    @property
    def people(self) -> list[str]:
        """Ids by row of the problem."""
        return [row["id"] for row in self.people_rows]

    @property
    def slots(self) -> list[str]:
        """Ids by row of the problem."""
        return [row["id"] for row in self.slot_rows]


def read(people: Path, slots: Path, travel: Path | None = None, limits: Limits | None = None) -> Files:
    """The problem in the files. Raises Malformed naming what is wrong and where."""
    persons = _decided_last(plan_tables.read(people, plan_tables.PEOPLE))
    wanted = plan_tables.read(slots, plan_tables.SLOTS)
    times = plan_tables.read(travel, plan_tables.TRAVEL) if travel is not None else None
    plan_tables.refuse([*plan_tables.twice(persons), *plan_tables.twice(wanted), *_windows(wanted)])
    epoch = min(wanted.column("start"), default=0)
    needs = _needs(wanted)
    try:
        problem = Problem(
            people=_people(persons, needs, epoch),
            slots=_slots(wanted, needs, epoch),
            minima=_minima(wanted, needs),
            locked=_locked(persons, wanted),
            limits=limits or Limits(),
            travel=_matrix(times, persons, wanted) if times is not None else None,
        )
    except ProblemError as error:
        raise _named(error, persons, wanted) from None
    case = Case(
        problem=problem,
        volunteers=np.arange(len(persons.rows)),
        slots=np.arange(len(wanted.rows)),
        needs=needs,
        epoch=datetime.fromtimestamp(max(0, epoch) * 60, UTC),
        funnel={},
        digest=digest(problem),
    )
    return Files(case, persons.rows, wanted.rows, epoch)


def answer(files: Files, options: Options, lang: str, about: Sequence[str] = ()) -> dict[str, Any]:
    """The plan as a document for JSON: state, figures, proof, who was chosen and who stood fast (`held`),
    gaps, each with its reason; how firmly somebody stands and who would come instead; what closes a gap.
    `about`: ids of people of whom it is told why not, and what it would take. Raises Malformed for others."""
    people, slots = files.people, files.slots
    if strangers := [person for person in about if person not in people]:
        raise Malformed("plan_files.nobody", persons=", ".join(strangers))
    warm()  # on a machine's first use the engine compiles, which is no part of the deadline
    plan = solve(files.case.problem, options)
    setting = Setting(remedy_seconds=REMEDY_SHARE * options.deadline_s)
    found = solving.explained(files.case.problem, plan, sum(plan.seconds.values()), setting)
    if found.findings:
        faults = sorted({finding.code for finding in found.findings})
        raise AssertionError(f"the plan breaks {faults}")  # a fault of the engine, never of the files
    result = plan_document.result(files.case, found, lost=False, seconds={})
    result["funnel"] = dict.fromkeys(plan_words.FUNNEL, 0) | result["funnel"]
    said = plan_words.view(result, lang)
    chosen = {people[pair.volunteer] for pair in said.pairs}
    chosen |= {people[one["volunteer"]] for one in result["held"]}
    return {
        "format": FORMAT,
        "state": result["state"],
        "words": [said.state, said.figures, *filter(None, [said.compared])],
        "within_percent": result["within_percent"],
        "proof": result["proof"],
        "objective": plan_document.objective(plan),
        "seed": result["seed"],
        "problem": files.case.digest,
        "figures": result["figures"],
        "pairs": [
            {
                "person": people[pair.volunteer],
                "slot": slots[pair.slot],
                "km": pair.km,
                "minutes": pair.minutes,
                "why": pair.why,
                "stands": pair.stands,
                "next": None if pair.successor is None else people[pair.successor],
            }
            for pair in said.pairs
        ],
        "held": [{"person": people[one["volunteer"]], "slot": slots[one["slot"]]} for one in result["held"]],
        "gaps": [
            {
                "slot": slots[gap.slot],
                "short": gap.short,
                "below_minimum": gap.below_minimum,
                "what": gap.what,
                "why": " ".join(filter(None, (gap.why, gap.together))),
                "remedies": [
                    {"what": f"{one.what} {one.effect}", "people": [people[row] for row in one.people]}
                    for one in gap.remedies
                ],
            }
            for gap in said.gaps
        ],
        "about": _about(files, plan, [person for person in about if person not in chosen], lang),
        "seconds": result["seconds"],
    }


def _about(files: Files, plan: Plan, persons: Sequence[str], lang: str) -> list[dict[str, Any]]:
    """Why those not chosen are not, slot by slot, those that they could most easily serve first."""
    if not persons:
        return []
    problem, words = files.case.problem, PersonWords(files.case, ZoneInfo("UTC"), lang)
    could, known = Could(problem, plan), None
    with suppress(DeadlinePassed):  # then it is told without what it would take
        known = margins(problem, plan, could, Clock(MARGIN_SECONDS))
    rows = {person: row for row, person in enumerate(files.people)}
    told = []
    for person in persons:
        row = rows[person]
        found = [why_not(problem, plan, could, known, row, slot) for slot in range(len(problem.slots))]
        found.sort(key=nearest_first)
        near = any(not one.obstacles for one in found)
        told.append(
            {
                "person": person,
                "said": t(lang, "plan.person.could" if near else "plan.person.barred"),
                "slots": [
                    {"slot": files.slots[one.slot], "why": said.why, "would": said.would}
                    for one, said in ((one, words.slot(one)) for one in found)
                ],
            }
        )
    return told


# ---- what the tables say together


def _decided_last(people: Table) -> Table:
    """As in boards.problem: behind the pool stand those who hold a place already."""
    order = sorted(range(len(people.rows)), key=lambda v: people.rows[v]["locked"] is not None)
    return Table(people.name, [people.lines[v] for v in order], [people.rows[v] for v in order])


def _windows(slots: Table) -> list[FieldError]:
    wrong = []
    for number, row in enumerate(slots.rows):
        least, target, most = _heads(row)
        nested = sum(heads for _, heads in row["nested"])
        if row["end"] <= row["start"]:
            wrong.append(slots.wrong(number, "end", "plan_files.window"))
        if not least <= target <= most:
            wrong.append(slots.wrong(number, "minimum", "plan_files.heads"))
        elif nested > target:
            wrong.append(slots.wrong(number, "nested", "plan_files.nested", heads=nested, target=target))
    return wrong


def _heads(row: Mapping[str, Any]) -> tuple[int, int, int]:
    least, target, most = row["minimum"], row["target"], row["maximum"]
    return target if least is None else least, target, target if most is None else most


def _needs(slots: Table) -> tuple[Need, ...]:
    """Every need once: a column of skills each, as in boards.problem."""
    asked = [_need(row["skill"]) for row in slots.rows]
    asked += [_need(skill) for row in slots.rows for skill, _ in row["nested"]]
    return tuple(dict.fromkeys([ANYBODY, *asked]))


def _need(skill: Skill | None) -> Need:
    return ANYBODY if skill is None else ((skill.code, skill.level),)


def _named(error: ProblemError, people: Table, slots: Table) -> Malformed:
    table = slots if error.where.startswith(("slots", "minima")) else people
    if error.index is None or error.index >= len(table.rows):
        return Malformed("plan_files.problem", reason=str(error))
    column = error.where.partition(".")[2]
    wrong = table.wrong(error.index, column, "plan_files.refused", reason=error.code)
    return Malformed("plan_files.rows", n=1, fields=[wrong])


# ---- arrays


def _people(table: Table, needs: tuple[Need, ...], epoch: int) -> People:
    count = len(table.rows)
    until = np.full((count, len(needs)), LONG_AGO, np.int32, order="F")
    until[:, 0] = FOREVER  # what anybody can do
    for v, held in enumerate(table.column("skills")):
        for skill in held:
            lapses = FOREVER if skill.until is None else min(skill.until - epoch, FOREVER)
            for k, need in enumerate(needs[1:], start=1):
                code, level = need[0]
                if skill.code == code and skill.level >= level:
                    until[v, k] = max(until[v, k], lapses)
    last = [LONG_AGO if at is None else at - epoch for at in table.column("last_duty")]
    free = [((LONG_AGO, FOREVER),) if one is None else one for one in table.column("free")]
    by_night = [row["max_km"] if row["night_km"] is None else row["night_km"] for row in table.rows]
    return People(
        key=np.arange(count),
        lat=_array(table, "lat", np.float64),
        lon=_array(table, "lon", np.float64),
        levels=(until > LONG_AGO).astype(np.int8),
        cert_until=until,
        free=_intervals(free, epoch),
        busy=_intervals(table.column("busy"), epoch),
        adult=_array(table, "adult", np.bool_),
        insured=_array(table, "insured", np.bool_),
        fit=_array(table, "fit", np.bool_),
        night_travel=_array(table, "night", np.bool_),
        speed_kmh=_array(table, "speed_kmh", np.float64),
        max_km=_array(table, "max_km", np.float64),
        fatigue=np.rint(_array(table, "fatigue", np.float64) * _TENTHS).astype(np.int64),
        night_cost=np.rint(_array(table, "night_cost", np.float64) * _TENTHS).astype(np.int64),
        served=_array(table, "served", np.int64),
        rest_since=np.array(last, dtype=np.int64),
        minutes_24h=_array(table, "worked", np.int64),
        night_km=np.array(by_night, dtype=np.float64),
    )


def _slots(table: Table, needs: tuple[Need, ...], epoch: int) -> Slots:
    count = len(table.rows)
    heads = np.array([_heads(row) for row in table.rows], dtype=np.int64).reshape(-1, 3)
    return Slots(
        key=np.arange(count),
        task=np.arange(count),
        lat=_array(table, "lat", np.float64),
        lon=_array(table, "lon", np.float64),
        start=_array(table, "start", np.int64) - epoch,
        end=_array(table, "end", np.int64) - epoch,
        minimum=heads[:, 0],
        target=heads[:, 1],
        maximum=heads[:, 2],
        priority=6 - _array(table, "priority", np.int64),  # people write 1 for the most urgent, the engine 5
        skill=np.array([needs.index(_need(skill)) for skill in table.column("skill")], dtype=np.int64),
        level=np.ones(count, np.int64),
        adult_only=_array(table, "adult_only", np.bool_),
        insured_only=_array(table, "insured_only", np.bool_),
        hazardous=_array(table, "hazardous", np.bool_),
        night=_array(table, "night", np.bool_),
        max_km=_array(table, "max_km", np.float64),
    )


def _minima(slots: Table, needs: tuple[Need, ...]) -> Minima:
    rows = [
        (slot, needs.index(_need(skill)), heads)
        for slot, nested in enumerate(slots.column("nested"))
        for skill, heads in nested
    ]
    of_slot, need, heads = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Minima(of_slot, need, np.ones(len(rows), np.int64), heads, np.zeros(len(rows), np.bool_))


def _locked(people: Table, slots: Table) -> Pairs:
    return _pairs(people, "locked", {key: s for s, key in enumerate(slots.column("id"))})


def _pairs(people: Table, column: str, rows: Mapping[str, int]) -> Pairs:
    """Person and row of what a column names. Raises Malformed for a name nobody has."""
    named = [(v, name) for v, name in enumerate(people.column(column)) if name is not None]
    wrong = [
        people.wrong(v, column, "plan_files.unknown", value=name) for v, name in named if name not in rows
    ]
    plan_tables.refuse(wrong)
    return Pairs(np.array([v for v, _ in named], np.int64), np.array([rows[n] for _, n in named], np.int64))


def _matrix(times: Table, people: Table, slots: Table) -> Matrix:
    zones = {zone: z for z, zone in enumerate(dict.fromkeys(times.column("zone")))}
    columns = {key: s for s, key in enumerate(slots.column("id"))}
    unknown = [
        times.wrong(row, "slot", "plan_files.unknown", value=slot)
        for row, slot in enumerate(times.column("slot"))
        if slot not in columns
    ]
    nowhere = [
        people.wrong(row, "zone", "plan_files.missing")
        for row, zone in enumerate(people.column("zone"))
        if zone is None
    ]
    plan_tables.refuse([*unknown, *nowhere])
    tenths = np.full((len(zones), len(columns)), NO_WAY)
    for row in times.rows:
        if row["minutes"] is not None:
            tenths[zones[row["zone"]], columns[row["slot"]]] = round(row["minutes"] * _TENTHS)
    return Matrix(_pairs(people, "zone", zones).slot, tenths)


def _array(table: Table, column: str, kind: type[Any]) -> NDArray[Any]:
    return np.array(table.column(column), dtype=kind)


def _intervals(windows: list[tuple[tuple[int, int], ...]], epoch: int) -> Intervals:
    rows: Ints = np.array(
        [(v, start, end) for v, one in enumerate(windows) for start, end in one], dtype=np.int64
    ).reshape(-1, 3)
    apart = np.where(np.abs(rows[:, 1:]) == FOREVER, rows[:, 1:], rows[:, 1:] - epoch)
    return Intervals.of(len(windows), rows[:, 0], apart[:, 0], apart[:, 1])
