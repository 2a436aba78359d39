"""Tours from files alone: people and stops in, who visits what and when out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.core.i18n import t
from volunteer_hub.engine.arrays import Intervals
from volunteer_hub.engine.problem import ProblemError
from volunteer_hub.engine.tours.check import check
from volunteer_hub.engine.tours.problem import NO_END, NO_LIMIT, Crew, Places, Stops, TourOptions, Tours
from volunteer_hub.engine.tours.solve import ToursPlan, solve_tours
from volunteer_hub.flows import plan_tables
from volunteer_hub.flows.plan_tables import Column, Table

FORMAT: Final = 1
_TICKS: Final = 10  # of travel, per minute
_A_DATE: Final = 10_000_000  # minutes since 1970: from there on a minute is shown as date and time

PEOPLE: Final[Mapping[str, Column]] = {
    "id": Column(str),
    "lat": Column(plan_tables.number(-90, 90)),
    "lon": Column(plan_tables.number(-180, 180)),
    "since": Column(plan_tables.minute),
    "until": Column(plan_tables.minute),
    "skills": Column(plan_tables.skills, ()),
    "speed_kmh": Column(plan_tables.number(0.1, 1000), 15.0),
    "return": Column(plan_tables.flag, True),
    "longest": Column(plan_tables.whole(1, 100_000), NO_LIMIT),  # minutes out
    "capacity": Column(plan_tables.whole(0, 10**6), NO_LIMIT),
}
STOPS: Final[Mapping[str, Column]] = {
    "id": Column(str),
    "lat": Column(plan_tables.number(-90, 90)),
    "lon": Column(plan_tables.number(-180, 180)),
    "windows": Column(plan_tables.windows, None),  # whenever somebody is out
    "minutes": Column(plan_tables.whole(0, 10_000), 10),
    "priority": Column(plan_tables.whole(1, 5), 3),  # 1 is the most urgent
    "skill": Column(plan_tables.skill, None),
    "quantity": Column(plan_tables.whole(0, 10**6), 0),
}


@dataclass(frozen=True)
class Files:
    """Tours and what their rows are called in the files; minutes count from `epoch`."""

    tours: Tours
    people: list[str]
    stops: list[str]
    epoch: int


def read(people: Path, stops: Path) -> Files:
    """The tours in the files. Raises Malformed naming what is wrong and where."""
    crew, wanted = plan_tables.read(people, PEOPLE), plan_tables.read(stops, STOPS)
    plan_tables.refuse([*plan_tables.twice(crew), *plan_tables.twice(wanted), *_hours(crew)])
    epoch = min(crew.column("since"), default=0)
    codes = sorted({one.code for held in crew.column("skills") for one in held})
    codes = sorted({*codes, *(one.code for one in wanted.column("skill") if one is not None)}) or [""]
    try:
        tours = Tours(
            places=Places(
                lat=np.array(crew.column("lat") + wanted.column("lat"), dtype=np.float64),
                lon=np.array(crew.column("lon") + wanted.column("lon"), dtype=np.float64),
            ),
            crew=_crew(crew, codes, epoch),
            stops=_stops(wanted, codes, epoch, len(crew.rows), max(crew.column("until"), default=epoch + 1)),
        )
    except ProblemError as error:
        raise Malformed("plan_files.problem", reason=str(error)) from None
    return Files(tours, crew.column("id"), wanted.column("id"), epoch)


def answer(files: Files, options: TourOptions, lang: str) -> dict[str, Any]:
    """The tours as a document for JSON, and in words."""
    plan = solve_tours(files.tours, options)
    faults = check(files.tours, plan)
    if faults:
        raise AssertionError(f"the tours break {sorted({fault.code for fault in faults})}")
    every = len(files.stops)
    served = t(lang, "tours.served", n=every - len(plan.unserved), all=every)
    return {
        "format": FORMAT,
        "state": plan.state.value,
        "words": [
            t(lang, f"tours.{plan.state.value}"),
            served,
        ],
        "missed": plan.missed,
        "bound": plan.bound,
        "travel_minutes": round(plan.travel / _TICKS, 1),
        "seed": plan.seed,
        "tours": list(_tours(files, plan)),
        "unserved": [
            {"stop": files.stops[one.stop], "why": t(lang, f"tours.unserved.{one.reason.value}")}
            for one in plan.unserved
        ],
        "seconds": {phase: round(took, 3) for phase, took in plan.seconds.items()},
    }


def _tours(files: Files, plan: ToursPlan) -> Iterator[dict[str, Any]]:
    visits = plan.visits
    for person in np.unique(visits.person).tolist():
        rows = np.flatnonzero(visits.person == person)
        yield {
            "person": files.people[person],
            "leaves": _when(files, visits.departs[person]),
            "back": _when(files, visits.returns[person]),
            "stops": [
                {
                    "stop": files.stops[int(visits.stop[row])],
                    "arrives": _when(files, visits.arrive[row]),
                    "begins": _when(files, visits.start[row]),
                    "leaves": _when(files, visits.leave[row]),
                }
                for row in rows.tolist()
            ],
        }


def _when(files: Files, ticks: int) -> str:
    """As the files write times: minutes, or a date with a time in UTC."""
    minutes = files.epoch + int(ticks) / _TICKS
    if files.epoch < _A_DATE:
        return f"{minutes:g}"
    return datetime.fromtimestamp(minutes * 60, UTC).isoformat(timespec="seconds")


def _hours(crew: Table) -> list[FieldError]:
    return [
        crew.wrong(row, "until", "plan_files.window")
        for row, (since, until) in enumerate(zip(crew.column("since"), crew.column("until"), strict=True))
        if until <= since
    ]


def _crew(table: Table, codes: list[str], epoch: int) -> Crew:
    count = len(table.rows)
    levels = np.zeros((count, len(codes)), np.int8)
    for person, row in enumerate(table.rows):
        for one in row["skills"]:
            if one.until is None or one.until >= row["until"]:  # the proof must last as long as the tour may
                k = codes.index(one.code)
                levels[person, k] = max(levels[person, k], one.level)
    ends = np.where(np.array(table.column("return"), dtype=np.bool_), np.arange(count), NO_END)
    return Crew(
        key=np.arange(count),
        start=np.arange(count),
        end=ends,
        since=np.array(table.column("since"), dtype=np.int64) - epoch,
        until=np.array(table.column("until"), dtype=np.int64) - epoch,
        levels=levels,
        speed_kmh=np.array(table.column("speed_kmh"), dtype=np.float64),
        longest=np.array(table.column("longest"), dtype=np.int64),
        capacity=np.array(table.column("capacity"), dtype=np.int64),
    )


def _stops(table: Table, codes: list[str], epoch: int, crew: int, last: int) -> Stops:
    count = len(table.rows)
    always = ((epoch, last),)
    rows = [
        (stop, start - epoch, end - epoch)
        for stop, row in enumerate(table.rows)
        for start, end in (always if row["windows"] is None else row["windows"])
    ]
    owner, start, end = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    asked = table.column("skill")
    return Stops(
        key=np.arange(count),
        place=crew + np.arange(count),
        windows=Intervals.of(count, owner, start, end),
        service=np.array(table.column("minutes"), dtype=np.int64),
        priority=6 - np.array(table.column("priority"), dtype=np.int64),
        skill=np.array([-1 if one is None else codes.index(one.code) for one in asked], dtype=np.int64),
        level=np.array([1 if one is None else one.level for one in asked], dtype=np.int64),
        quantity=np.array(table.column("quantity"), dtype=np.int64),
    )
