"""People say themselves that they are here or go: by code or by position, now or once there is a signal.

The position is held against the place and not kept; what stays is how far off it was at least.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from volunteer_hub.boards import slots
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed
from volunteer_hub.core.geo import check_position, geodesic_km
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows.duty import CheckedOut
from volunteer_hub.mobilization import check_rules
from volunteer_hub.mobilization.attendance import Seen
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.policy import Callouts, PresenceRules
from volunteer_hub.mobilization.rules import Evidence

_WIDEST: Final = 100_000


@dataclass(frozen=True)
class Position:
    """Where a telephone believes to be, WGS-84, within ``accuracy`` metres."""

    lat: float
    lon: float
    accuracy: float


@dataclass(frozen=True)
class Proof:
    """What somebody checks in or out by: the code, else the position. ``at``: when it was, where it is sent
    later."""

    code: str | None = None
    position: Position | None = None
    at: datetime | None = None


def check_in(tx: Tx, duty: Duty, proof: Proof) -> Duty:
    """I am here. Raises Malformed with neither code nor position, as `check_rules`, and as
    `attendance.check_in`."""
    evidence, seen, at = _weighed(tx, duty, proof)
    if evidence is Evidence.POSITION:
        return duties.check_in_here(tx, duty, seen, at)
    return duties.check_in(tx, duty, proof.code or "", seen, at)


def check_out(tx: Tx, duty: Duty, proof: Proof) -> CheckedOut:
    """I am going; as `check_in`."""
    evidence, seen, at = _weighed(tx, duty, proof)
    if evidence is Evidence.POSITION:
        return duties.check_out_here(tx, duty, seen, at)
    return duties.check_out(tx, duty, proof.code or "", seen, at)


def _weighed(tx: Tx, duty: Duty, proof: Proof) -> tuple[Evidence, Seen, datetime]:
    callouts: Callouts = policy.load("callouts", Callouts)
    limits: PresenceRules = callouts.presence
    at = check_rules.true_time(proof.at, tx.now, limits)
    if proof.position is None:
        if not proof.code:
            raise Malformed("duty.proof")
        return Evidence.CODE, Seen(), at
    metres, accuracy = _metres(tx, duty, proof.position), proof.position.accuracy
    if proof.code:
        return Evidence.CODE, Seen(metres=check_rules.off_by(metres, accuracy)), at
    return Evidence.POSITION, Seen(metres=check_rules.must_be_here(metres, accuracy, limits)), at


def _metres(tx: Tx, duty: Duty, where: Position) -> float:
    lat, lon = check_position(where.lat, where.lon)
    if not 0 <= where.accuracy <= _WIDEST:
        raise Malformed("duty.proof")
    offer = tx.get_one(Offer, duty.offer_id)
    place = slots.of(tx, [offer.slot_id])[offer.slot_id]
    spots = {(place.task.lat, place.task.lon), place.position}
    return min(geodesic_km(lat, lon, *spot) for spot in spots) * 1000
