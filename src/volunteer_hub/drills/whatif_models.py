"""What is stored of imagined callouts: who asked for them, cell by cell what they came to, and readiness."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, SmallInteger, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, jsonb, pk, public_id, ref, text_enum, ts
from volunteer_hub.drills.rules import CellState, WhatIfKind, WhatIfState


def _hour() -> Any:
    return Field(sa_column=Column(SmallInteger, nullable=False))


class WhatIfRun(SQLModel, table=True):
    """Cells asked for together: one callout, or a whole area and week. ``cells``: how many."""

    __tablename__ = "whatif_runs"
    __table_args__ = (
        CheckConstraint("(state = 'running') = (finished_at IS NULL)", name="finished"),
        CheckConstraint("draws > 0 AND cells > 0", name="counts"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    kind: WhatIfKind = text_enum(WhatIfKind, "whatif_kind")
    state: WhatIfState = text_enum(WhatIfState, "whatif_state", WhatIfState.RUNNING)
    requested_by: int | None = ref("accounts.id", null=True, index=False)
    requested_at: datetime = ts()
    finished_at: datetime | None = ts(null=True)
    draws: int
    seed: int = Field(sa_column=Column(BigInteger, nullable=False))
    cells: int
    policy_version: int = ref("policy_versions.id", index=False)


class WhatIfCell(SQLModel, table=True):
    """One hazard in one area at one hour of the week, played; without a hazard, the readiness of the area.

    ``sure``: the chance that every slot is covered at the horizon. ``result``: see flows.whatif_document.
    """

    __tablename__ = "whatif_cells"
    __audit__ = False  # tens of thousands a night, and all of them can be worked out again
    __table_args__ = (
        UniqueConstraint("run_id", "area", "hazard", "hour"),
        CheckConstraint("hour BETWEEN 0 AND 13", name="hour"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done"),
        CheckConstraint("sure BETWEEN 0 AND 1", name="sure"),
        Index(
            "ix_whatif_cells_due",
            "run_id",
            "pool_area",
            "hour",
            "hazard",
            postgresql_where=text("state = 'due'"),
        ),
    )
    id: int = pk()
    run_id: int = ref("whatif_runs.id", index=False, ondelete="CASCADE")
    pool_area: str = area()  # before the field that hides the helper's name
    area: str = area()
    hazard: str = Field(sa_column=Column(Text, nullable=False))
    hour: int = _hour()
    state: CellState = text_enum(CellState, "whatif_cell_state", CellState.DUE)
    attempts: int = 0
    lease_until: datetime | None = ts(null=True)
    done_at: datetime | None = ts(null=True)
    sure: float | None = None
    result: dict[str, Any] | None = jsonb(null=True)


class Readiness(SQLModel, table=True):
    """How ready a community was at an hour of the week, when a grid was played.

    ``skills``: code -> {"certified", "free", "answer", "ways", "bands": [[P10, P50, P90] by each minute]}.
    """

    __tablename__ = "readiness"
    __audit__ = False  # can be worked out again
    __table_args__ = (UniqueConstraint("run_id", "area", "hour"),)
    id: int = pk()
    run_id: int = ref("whatif_runs.id", index=False, ondelete="CASCADE")
    area: str = area()
    hour: int = _hour()
    people: int
    reachable: int
    skills: dict[str, Any] = jsonb()
