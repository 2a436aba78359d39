"""Imagined callouts: asked for, claimed cell by cell under a lease, written once, counted.

A worker takes cells that share people, hazard and hour, so that what is read for one serves all. Whatever it
has not written when its lease runs out is another's; a cell written twice keeps the first.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, text, update
from sqlmodel import col, select

from volunteer_hub.core import claims, db
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.drills.rules import CellSpec, CellState, WhatIfKind, WhatIfState
from volunteer_hub.drills.whatif_models import Readiness, WhatIfCell, WhatIfRun

MOST_DRAWS: Final = 100_000
MOST_ATTEMPTS: Final = 3
_CELL: Final = WhatIfCell.__table__  # type: ignore[attr-defined]  # SQLModel does not declare __table__
_READY: Final = Readiness.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it


def request(
    tx: Tx,
    area: str,
    kind: WhatIfKind,
    cells: Sequence[CellSpec],
    *,
    draws: int,
    seed: int,
    policy_version: int,
) -> WhatIfRun:
    """Asks for these cells. Raises Malformed for draws out of range, NotFound for a foreign area."""
    for wanted in {area, *(cell.pool_area for cell in cells)}:
        tx.actor.must_cover("drill.write", wanted)
    if not 0 < draws <= MOST_DRAWS:
        raise Malformed("what_if.draws", most=MOST_DRAWS)
    if not cells:
        raise Malformed("what_if.nothing")
    run = WhatIfRun(
        area=area,
        kind=kind,
        requested_by=tx.actor.id if tx.actor.kind == "account" else None,
        requested_at=tx.now,
        draws=draws,
        seed=seed,
        cells=len(cells),
        policy_version=policy_version,
    )
    tx.add(run)
    tx.flush()
    rows = [
        {"run_id": run.id, "area": c.area, "pool_area": c.pool_area, "hazard": c.hazard, "hour": c.hour,
         "state": CellState.DUE, "attempts": 0}
        for c in cells
    ]  # fmt: skip
    tx.execute(insert(_CELL), rows)
    return run


def claim(tx: Tx, *, lease_seconds: int, limit: int) -> list[WhatIfCell]:
    """Due cells that share run, people, hazard and hour, leased to this worker; single callouts come first.
    Cells tried too often are given up."""
    free = (col(WhatIfCell.state) == CellState.DUE) & (
        col(WhatIfCell.lease_until).is_(None) | (col(WhatIfCell.lease_until) < tx.now)
    )
    first = tx.exec(
        select(WhatIfCell)
        .join(WhatIfRun, col(WhatIfRun.id) == col(WhatIfCell.run_id))
        .where(free, col(WhatIfRun.state) == WhatIfState.RUNNING)
        .order_by(
            col(WhatIfRun.kind).desc(), col(WhatIfCell.run_id), col(WhatIfCell.pool_area),
            col(WhatIfCell.hour), col(WhatIfCell.hazard),
        )
        .limit(1)
        .with_for_update(skip_locked=True, of=WhatIfCell)
    ).first()  # fmt: skip
    if first is None:
        return []
    alike = (
        (col(WhatIfCell.run_id) == first.run_id)
        & (col(WhatIfCell.pool_area) == first.pool_area)
        & (col(WhatIfCell.hour) == first.hour)
        & (col(WhatIfCell.hazard) == first.hazard)
        & (col(WhatIfCell.state) == CellState.DUE)
    )
    ids = claims.claim(tx, WhatIfCell, alike, lease_seconds=lease_seconds, limit=limit)
    tried = update(_CELL).where(_CELL.c.id.in_(ids)).values(attempts=_CELL.c.attempts + 1)
    tx.execute(tried)
    over = _CELL.c.id.in_(ids) & (_CELL.c.attempts > MOST_ATTEMPTS)
    tx.execute(update(_CELL).where(over).values(state=CellState.FAILED, lease_until=None))
    wanted = select(WhatIfCell).where(col(WhatIfCell.id).in_(ids), col(WhatIfCell.state) == CellState.DUE)
    return list(tx.exec(wanted.order_by(col(WhatIfCell.id)).execution_options(populate_existing=True)))


def finish(tx: Tx, cell_id: int, result: Mapping[str, Any], sure: float | None) -> bool:
    """Writes what a cell came to, unless it is written already."""
    done = (
        update(_CELL)
        .where(_CELL.c.id == cell_id, _CELL.c.state == CellState.DUE)
        .values(state=CellState.DONE, result=dict(result), sure=sure, done_at=tx.now, lease_until=None)
    )
    return db.touched(tx.execute(done)) == 1


def keep(tx: Tx, ids: Sequence[int], lease_seconds: int) -> None:
    """Prolongs the lease of cells not yet written."""
    lease = tx.now + timedelta(seconds=lease_seconds)
    mine = _CELL.c.id.in_(ids) & (_CELL.c.state == CellState.DUE)
    tx.execute(update(_CELL).where(mine).values(lease_until=lease))


def give_back(tx: Tx, ids: Sequence[int]) -> None:
    """Ends the lease at once, and does not count the attempt: nothing was wrong with the cells."""
    mine = _CELL.c.id.in_(ids) & (_CELL.c.state == CellState.DUE)
    tx.execute(update(_CELL).where(mine).values(lease_until=None, attempts=_CELL.c.attempts - 1))


def ready(tx: Tx, run_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes readiness of communities at an hour: columns of Readiness but the run. Call it with `finish`."""
    if rows:
        tx.execute(insert(_READY), [{"run_id": run_id, **row} for row in rows])


def close(tx: Tx) -> int:
    """Ends runs that have no cell due any more."""
    open_cells = select(WhatIfCell.id).where(
        col(WhatIfCell.run_id) == col(WhatIfRun.id), col(WhatIfCell.state) == CellState.DUE
    )
    wanted = select(WhatIfRun).where(col(WhatIfRun.state) == WhatIfState.RUNNING, ~open_cells.exists())
    rows = tx.exec(wanted.with_for_update(skip_locked=True)).all()
    for run in rows:
        run.state, run.finished_at = WhatIfState.DONE, tx.now
    tx.flush()
    return len(rows)


def stop(tx: Tx, run: WhatIfRun) -> WhatIfRun:
    """No further cell is worked; what is written stays. Raises Refused when it is over."""
    tx.actor.must_cover("drill.write", run.area)
    tx.refresh(run, with_for_update=True)
    if run.state is not WhatIfState.RUNNING:
        raise Refused("what_if.over")
    run.state, run.finished_at = WhatIfState.STOPPED, tx.now
    tx.flush()
    return run


def prune(tx: Tx, keep_grids: int, singles_before: datetime) -> int:
    """Removes all but the newest grids of each area that are over, and single callouts older than that."""
    place = func.row_number().over(partition_by=col(WhatIfRun.area), order_by=col(WhatIfRun.id).desc())
    over = (col(WhatIfRun.kind) == WhatIfKind.GRID) & (col(WhatIfRun.state) != WhatIfState.RUNNING)
    ranks = select(WhatIfRun.id, place.label("place")).where(over).subquery()
    old = select(ranks.c.id).where(ranks.c.place > keep_grids)
    single = (col(WhatIfRun.kind) == WhatIfKind.SINGLE) & (col(WhatIfRun.requested_at) < singles_before)
    return db.touched(tx.execute(delete(WhatIfRun).where(col(WhatIfRun.id).in_(old) | single)))


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> WhatIfRun:
    """The run by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(WhatIfRun).where(
        col(WhatIfRun.public_id) == public_id, tx.actor.scope(permission, WhatIfRun.area)
    )
    run = tx.exec(wanted).first()
    if run is None:
        raise NotFound("not_found")
    return run


def listed(tx: Tx, *, before: int | None = None, limit: int = 50) -> list[WhatIfRun]:
    """The runs of the actor's areas, the newest first: one more than ``limit`` when there are more."""
    tx.actor.must("drill.read")
    wanted = select(WhatIfRun).where(tx.actor.scope("drill.read", WhatIfRun.area))
    if before is not None:
        wanted = wanted.where(col(WhatIfRun.id) < before)
    return list(tx.exec(wanted.order_by(col(WhatIfRun.id).desc()).limit(limit + 1)))


def grids(tx: Tx, area: str, limit: int = 1) -> list[WhatIfRun]:
    """The newest grids that hold this area, in whatever state."""
    holding = text("starts_with(:here, whatif_runs.area)").bindparams(here=area)
    wanted = select(WhatIfRun).where(col(WhatIfRun.kind) == WhatIfKind.GRID, holding)
    return list(tx.exec(wanted.order_by(col(WhatIfRun.id).desc()).limit(limit)))


def counts(tx: Tx, ids: Sequence[int]) -> dict[int, dict[CellState, int]]:
    """Run id -> cells by state."""
    wanted = select(WhatIfCell.run_id, WhatIfCell.state, func.count()).where(col(WhatIfCell.run_id).in_(ids))
    found: dict[int, dict[CellState, int]] = {key: {} for key in ids}
    for run, state, count in tx.exec(wanted.group_by(col(WhatIfCell.run_id), col(WhatIfCell.state))):
        found[run][CellState(state)] = count
    return found


def fail(tx: Tx, ids: Sequence[int]) -> None:
    """Gives these cells up: what they ask is not there any more, or cannot be played."""
    mine = _CELL.c.id.in_(ids) & (_CELL.c.state == CellState.DUE)
    tx.execute(update(_CELL).where(mine).values(state=CellState.FAILED, lease_until=None))
