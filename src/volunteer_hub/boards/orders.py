"""The orders in force that a re-plan starts from: who may be asked to move, who is counted on."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import Incident, RoleSlot
from volunteer_hub.mobilization.models import Callout, Duty, Offer
from volunteer_hub.mobilization.rules import LIVE, PLACED, OfferState

FIXED: Final = timedelta(minutes=45)
"""Nobody whose work begins sooner is asked to move: they may be leaving home."""


@dataclass(frozen=True)
class Standing:
    """Offers of an incident. ``moving``: offer -> (volunteer, slot) of those whose places are planned anew;
    ``counted``: people asked who are taken to come, as many as their slot still needs for its target."""

    moving: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    counted: frozenset[int] = frozenset()

    def pinned(self, offers: frozenset[int]) -> "Standing":
        """The same, with these offers kept where they are."""
        return replace(self, moving={key: at for key, at in self.moving.items() if key not in offers})


NONE: Final = Standing()


def in_force(tx: Tx, incident: Incident) -> Standing:
    """As of now. Who is on site or on the way, begins within `FIXED`, or has several places, stays."""
    rows = tx.execute(
        select(Offer.id, Offer.volunteer_id, Offer.slot_id, Offer.state, Callout.state, Offer.during,  # type: ignore[call-overload]  # SQLModel types four columns at most
               Duty.en_route_at, RoleSlot.target)
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .join(RoleSlot, col(RoleSlot.id) == col(Offer.slot_id))
        .join(Duty, col(Duty.offer_id) == col(Offer.id), isouter=True)
        .where(
            col(Callout.incident_id) == incident.id,
            col(Offer.state).in_({*PLACED, OfferState.QUEUED, OfferState.ASKED}),
        )
        .order_by(col(Offer.id))
    ).all()  # fmt: skip
    placed: Counter[int] = Counter(row[2] for row in rows if row[3] in PLACED)
    mine: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        if row[3] in PLACED:
            mine[row[1]].append(row[0])
    moving = {
        row[0]: (row[1], row[2])
        for row in rows
        if row[3] is OfferState.ACCEPTED
        and row[6] is None
        and row[5].lower > tx.now + FIXED
        and mine[row[1]] == [row[0]]
    }
    counted: set[int] = set()
    for row in rows:
        if row[3] is OfferState.ASKED and row[4] in LIVE and placed[row[2]] < row[7]:
            placed[row[2]] += 1
            counted.add(row[0])
    return Standing(moving, frozenset(counted))
