"""Imagined callouts with the names of their areas, and of a grid the cells that go worst."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import col, select

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import situation
from volunteer_hub.core.db import Tx
from volunteer_hub.drills.rules import EVERYBODY, CellState, WhatIfKind
from volunteer_hub.drills.whatif_models import WhatIfCell, WhatIfRun

SHOWN: Final = 50


@dataclass(frozen=True)
class RunLine:
    """A run with its area; ``cell``: that of a single callout."""

    run: WhatIfRun
    area: Jurisdiction
    cell: WhatIfCell | None


@dataclass(frozen=True)
class CellLine:
    """A cell with its area."""

    cell: WhatIfCell
    area: Jurisdiction


def lines(tx: Tx, runs: Sequence[WhatIfRun]) -> list[RunLine]:
    """These runs with their areas, and single ones with their cell: two queries."""
    nodes = situation.areas(tx, (run.area for run in runs))
    singles = [run.id for run in runs if run.kind is WhatIfKind.SINGLE]
    cells = tx.exec(select(WhatIfCell).where(col(WhatIfCell.run_id).in_(singles)))
    by_run = {cell.run_id: cell for cell in cells}
    return [RunLine(run, nodes[run.area], by_run.get(run.id)) for run in runs]


def weakest(tx: Tx, run: WhatIfRun, limit: int = SHOWN) -> list[CellLine]:
    """The cells of a grid in the actor's areas that are least likely to be covered, the least first."""
    wanted = (
        select(WhatIfCell)
        .where(
            col(WhatIfCell.run_id) == run.id,
            col(WhatIfCell.state) == CellState.DONE,
            col(WhatIfCell.hazard) != EVERYBODY,
            tx.actor.scope("drill.read", WhatIfCell.area),
        )
        .order_by(col(WhatIfCell.sure), col(WhatIfCell.id))
        .limit(limit)
    )
    rows = list(tx.exec(wanted))
    nodes = situation.areas(tx, (row.area for row in rows))
    return [CellLine(row, nodes[row.area]) for row in rows]
