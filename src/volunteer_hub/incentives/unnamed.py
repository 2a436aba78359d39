"""Whether somebody wants to be named where people are recognised: theirs to say, at any time."""

from collections.abc import Collection

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.incentives.unnamed_models import Unnamed


def among(tx: Tx, volunteer_ids: Collection[int]) -> set[int]:
    """Those of them who do not want to be named."""
    wanted = select(Unnamed.volunteer_id).where(col(Unnamed.volunteer_id).in_(volunteer_ids))
    return set(tx.exec(wanted).all())


def choose(tx: Tx, volunteer_id: int, *, named: bool) -> None:
    """They want to be named, or not."""
    row = tx.get(Unnamed, volunteer_id)
    if named and row is not None:
        tx.delete(row)
    elif not named and row is None:
        tx.add(Unnamed(volunteer_id=volunteer_id, at=tx.now))
    tx.flush()
