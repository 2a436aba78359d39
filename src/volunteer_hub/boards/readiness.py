"""How ready communities are at an hour of the week, from the newest grid played, with what it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards.at_home import AT_HOME
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.rules import EVERYBODY, CellState
from volunteer_hub.drills.whatif_models import Readiness, WhatIfCell, WhatIfRun
from volunteer_hub.incidents.policy import Hazards

NO_DATA: Final = 0
STEPS: Final = (1, 2, 3, 4, 5)
"""Nobody comes half the time; less than half of the need; less than the need; the need half the time; the
need nine times in ten."""
ENOUGH: Final = 4
_TREND: Final = 8


@dataclass(frozen=True)
class Worst:
    """The imagined callout of an hour that goes worst in a community: its result, see flows.whatif_desk."""

    hazard: str
    sure: float
    result: Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """A community and its parts for one skill; ``step`` 0 where nothing is known, and then no figure counts.

    ``bands``: (P10, P50, P90) by each of the view's minutes; ``before``: P50 by the last of them in the grid
    before."""

    area: Jurisdiction
    step: int = NO_DATA
    people: int = 0
    reachable: int = 0
    certified: int = 0
    free: int = 0
    answer: float = 0.0
    ways: float = 0.0
    bands: tuple[tuple[int, int, int], ...] = ()
    before: int | None = None
    worst: Worst | None = None


@dataclass(frozen=True)
class Weakest:
    """A skill, and how many communities have enough of it half the time. ``steps``: by path, of STEPS."""

    skill: str
    enough: int
    steps: Mapping[str, int]


@dataclass(frozen=True)
class View:
    """``need``: the most people with the skill that any hazard's tasks want at least; ``trend``: the moments
    of the last grids and the sum of P50 of all communities, the oldest first."""

    skill: str
    hour: int
    need: int
    minutes: tuple[int, ...]
    played_at: datetime | None
    lines: tuple[Line, ...]
    trend: tuple[tuple[datetime, int], ...]


def view(tx: Tx, area: Jurisdiction, skill: str, hour: int) -> View:
    """The communities of an area that the actor may see, in the order of the tree; five queries."""
    tx.actor.must_cover("drill.read", area.path)
    drills: Drills = policy.load("drills", Drills)
    nodes = [node for node in jurisdictions.subtree(tx, area.path) if node.kind in AT_HOME]
    runs = _runs(tx, area.path, hour)
    wanted = need(skill)
    told = _of_skill(tx, area.path, hour, skill, [run.id for run in runs])
    newest = runs[0].id if runs else 0
    now, before = told.get(newest, {}), told.get(runs[1].id, {}) if len(runs) > 1 else {}
    worst = _worst(tx, area.path, hour, newest)
    lines = tuple(_line(node, now, before, worst, wanted) for node in nodes)
    trend = tuple(
        (run.requested_at, sum(_bands(row)[-1][1] for row in told.get(run.id, {}).values()))
        for run in reversed(runs)
    )
    at = runs[0].requested_at if runs else None
    return View(skill, hour, wanted, drills.what_if.ready_minutes, at, lines, trend)


def weakest(tx: Tx, area: str, hour: int) -> Weakest | None:
    """The skill that the fewest communities of an area have enough of at that hour, by the newest grid;
    of two alike the one that the more people are wanted of. None where no grid was played; two queries."""
    tx.actor.must_cover("drill.read", area)
    newest = next(iter(_runs(tx, area, hour, 1)), None)
    if newest is None:
        return None
    wanted = select(Readiness.area, Readiness.skills).where(
        col(Readiness.run_id) == newest.id, col(Readiness.hour) == hour, *_mine(tx, Readiness, area)
    )
    rows = tx.exec(wanted).all()
    found = []
    for skill, heads in named().items():
        steps = {path: step(_as_bands(skills[skill]), heads) for path, skills in rows if skill in skills}
        enough = sum(one >= ENOUGH for one in steps.values())
        found.append((enough, -heads, Weakest(skill, enough, steps)))
    return min(found, key=lambda one: one[:2])[2] if found and rows else None


def named() -> dict[str, int]:
    """The skills that the tasks of any hazard name, each with its `need`."""
    hazards: Hazards = policy.load("hazards", Hazards)
    slots = [slot for h in hazards.hazards.values() for task in h.tasks.values() for slot in task.slots]
    codes = {slot.skill for slot in slots if slot.skill} | {m.skill for slot in slots for m in slot.minima}
    return {code: need(code) for code in sorted(codes)}


def need(skill: str) -> int:
    """The most people with a skill that the tasks of any one hazard want at least; 1 where none names it."""
    hazards: Hazards = policy.load("hazards", Hazards)
    wanted = [1]
    for hazard in hazards.hazards.values():
        slots = [slot for task in hazard.tasks.values() for slot in task.slots]
        own = sum(slot.minimum for slot in slots if slot.skill == skill)
        within = sum(m.heads for slot in slots for m in slot.minima if m.skill == skill)
        wanted.append(own + within)
    return max(wanted)


def step(bands: tuple[tuple[int, int, int], ...], wanted: int) -> int:
    """Which of STEPS it is."""
    low, middle, _ = bands[-1]
    if middle == 0:
        return 1
    if 2 * middle < wanted:
        return 2
    if middle < wanted:
        return 3
    return 5 if low >= wanted else 4


def _runs(tx: Tx, area: str, hour: int, most: int = _TREND) -> list[WhatIfRun]:
    """The newest grids with readiness of this area at that hour."""
    here = select(Readiness.run_id).where(col(Readiness.hour) == hour, *_mine(tx, Readiness, area))
    wanted = select(WhatIfRun).where(col(WhatIfRun.id).in_(here))
    return list(tx.exec(wanted.order_by(col(WhatIfRun.id).desc()).limit(most)))


def _mine(tx: Tx, model: type[Readiness] | type[WhatIfCell], area: str) -> tuple[ColumnElement[bool], ...]:
    return col(model.area).like(area + "%"), tx.actor.scope("drill.read", model.area)


def _of_skill(
    tx: Tx, area: str, hour: int, skill: str, runs: list[int]
) -> dict[int, dict[str, tuple[int, int, dict[str, Any]]]]:
    """Run -> area -> (people, reachable, what is stored of the skill)."""
    one = col(Readiness.skills)[skill]
    wanted = select(Readiness.run_id, Readiness.area, Readiness.people, Readiness.reachable, one)  # type: ignore[call-overload]  # SQLModel types four columns at most
    where = col(Readiness.run_id).in_(runs), col(Readiness.hour) == hour, *_mine(tx, Readiness, area)
    found: dict[int, dict[str, tuple[int, int, dict[str, Any]]]] = {}
    for run, path, people, reachable, parts in tx.execute(wanted.where(*where)):
        if parts is not None:
            found.setdefault(run, {})[path] = (people, reachable, parts)
    return found


def _bands(row: tuple[int, int, dict[str, Any]]) -> tuple[tuple[int, int, int], ...]:
    return _as_bands(row[2])


def _as_bands(parts: Mapping[str, Any]) -> tuple[tuple[int, int, int], ...]:
    return tuple((low, middle, high) for low, middle, high in parts["bands"])


def _worst(tx: Tx, area: str, hour: int, run: int) -> dict[str, Worst]:
    wanted = (
        select(WhatIfCell)
        .where(
            col(WhatIfCell.run_id) == run,
            col(WhatIfCell.hour) == hour,
            col(WhatIfCell.hazard) != EVERYBODY,
            col(WhatIfCell.state) == CellState.DONE,
            *_mine(tx, WhatIfCell, area),
        )
        .ext(distinct_on(col(WhatIfCell.area)))
        .order_by(col(WhatIfCell.area), col(WhatIfCell.sure), col(WhatIfCell.hazard))
    )
    return {cell.area: Worst(cell.hazard, cell.sure or 0.0, cell.result or {}) for cell in tx.exec(wanted)}


def _line(
    node: Jurisdiction,
    now: Mapping[str, tuple[int, int, dict[str, Any]]],
    before: Mapping[str, tuple[int, int, dict[str, Any]]],
    worst: Mapping[str, Worst],
    wanted: int,
) -> Line:
    row = now.get(node.path)
    if row is None:
        return Line(node, worst=worst.get(node.path))
    people, reachable, parts = row
    bands = _bands(row)
    past = before.get(node.path)
    return Line(
        area=node,
        step=step(bands, wanted),
        people=people,
        reachable=reachable,
        certified=parts["certified"],
        free=parts["free"],
        answer=parts["answer"],
        ways=parts["ways"],
        bands=bands,
        before=_bands(past)[-1][1] if past is not None else None,
        worst=worst.get(node.path),
    )
