"""Due work is claimed by compare-and-swap, so that any number of workers may look at the same rows."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlmodel import SQLModel

from volunteer_hub.core.db import Tx


def claim(
    tx: Tx,
    model: type[SQLModel],
    due: ColumnElement[bool],
    *,
    lease_seconds: int,
    limit: int,
    order_by: Any = None,
) -> list[int]:
    """Takes up to ``limit`` due rows for ``lease_seconds`` and returns their ids, oldest id first.

    The model has ``id`` and ``lease_until``. A row whose lease ran out is due again, so the work of a
    worker that died is taken up by another: what is done under a lease must bear being done twice.
    """
    table = model.__table__  # type: ignore[attr-defined]  # SQLModel does not declare __table__
    free = table.c.lease_until.is_(None) | (table.c.lease_until < tx.now)
    wanted = (
        select(table.c.id)
        .where(due, free)
        .order_by(order_by if order_by is not None else table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")  # a subquery in IN may be run once for every row, and each run would claim more
    )
    taken = (
        update(table)
        .where(table.c.id.in_(select(wanted.c.id)))
        .values(lease_until=tx.now + timedelta(seconds=lease_seconds))
        .returning(table.c.id)
    )
    return sorted(tx.execute(taken).scalars())
