"""Offers of an incident so far, as parallel arrays: who holds a place, who waits, who is not asked again."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlmodel import col, select

from volunteer_hub.boards.free_times import Ints
from volunteer_hub.boards.orders import Standing
from volunteer_hub.boards.wanted import Wanted
from volunteer_hub.core.db import Tx
from volunteer_hub.engine.problem import Pairs
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.rules import LIVE, PLACED, OfferState

_UNANSWERED: Final = frozenset({OfferState.QUEUED, OfferState.ASKED})
_ASKABLE_AGAIN: Final = frozenset({OfferState.CANCELLED, OfferState.RELEASED})
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Asked:
    """Offers of the incident so far, as parallel arrays."""

    slot: Ints
    volunteer: Ints
    offer: Ints
    placed: Bools
    waiting: Bools
    barred: Bools


def of(tx: Tx, incident_id: int, again: Standing) -> Asked:
    """All offers of the incident, in their order."""
    rows = tx.execute(
        select(Offer.slot_id, Offer.volunteer_id, Offer.id, Offer.state, Callout.state)  # type: ignore[call-overload]  # SQLModel types four columns at most
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .where(col(Callout.incident_id) == incident_id)
        .order_by(col(Offer.id))
    ).all()
    keys = np.array([row[:3] for row in rows], dtype=np.int64).reshape(-1, 3)
    return Asked(
        slot=keys[:, 0],
        volunteer=keys[:, 1],
        offer=keys[:, 2],
        placed=np.array(
            [(r[3] in PLACED and r[2] not in again.moving) or r[2] in again.counted for r in rows], dtype=bool
        ),
        waiting=np.array([row[3] in _UNANSWERED and row[4] in LIVE for row in rows], dtype=bool),
        barred=np.array(
            [row[3] not in _ASKABLE_AGAIN and row[2] not in again.moving for row in rows], dtype=bool
        ),
    )


def held(asked: Asked, slots: Wanted) -> Ints:
    """Offers that hold a place of a slot that is still wanted."""
    return np.flatnonzero(asked.placed & np.isin(asked.slot, slots.ids))


def forbidden(ids: Ints, asked: Asked, slots: Wanted) -> Pairs:
    """Who of these people is not asked a second time for a slot."""
    known = asked.barred & np.isin(asked.slot, slots.ids) & np.isin(asked.volunteer, ids)
    pairs = np.unique(np.column_stack([asked.volunteer[known], asked.slot[known]]), axis=0)
    return Pairs(np.searchsorted(ids, pairs[:, 0]), np.searchsorted(slots.ids, pairs[:, 1]))
