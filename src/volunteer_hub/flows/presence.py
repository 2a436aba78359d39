"""People say themselves that they are here or go: by code, by position or by the code on a screen, now or
once there is a signal.

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
from volunteer_hub.mobilization import check_rules, screens
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
    """What somebody checks in or out by: the code on a screen, else their own code, else the position.

    ``at``: when it was, where it is sent later; a screen is scanned now. ``device``: a keyed hash of the
    telephone.
    """

    code: str | None = None
    position: Position | None = None
    at: datetime | None = None
    screen: str | None = None
    device: bytes | None = None


@dataclass(frozen=True)
class _Weighed:
    evidence: Evidence
    seen: Seen
    at: datetime


def rules_of() -> PresenceRules:
    """[presence] of config/callouts.toml."""
    callouts: Callouts = policy.load("callouts", Callouts)
    return callouts.presence


def check_in(tx: Tx, duty: Duty, proof: Proof) -> Duty:
    """I am here. Raises Malformed without any proof, as `check_rules`, `screens.must_count` and
    `attendance.check_in`."""
    by = _weighed(tx, duty, proof)
    if by.evidence is Evidence.CODE:
        return duties.check_in(tx, duty, proof.code or "", by.seen, by.at)
    return duties.check_in_here(tx, duty, by.evidence, by.seen, by.at)


def check_out(tx: Tx, duty: Duty, proof: Proof) -> CheckedOut:
    """I am going; as `check_in`."""
    by = _weighed(tx, duty, proof)
    if by.evidence is Evidence.CODE:
        return duties.check_out(tx, duty, proof.code or "", by.seen, by.at)
    return duties.check_out_here(tx, duty, by.evidence, by.seen, by.at)


def _weighed(tx: Tx, duty: Duty, proof: Proof) -> _Weighed:
    limits = rules_of()
    if proof.screen is not None:
        screens.must_count(proof.screen, _place(tx, duty).task.public_id, tx.now, limits)
        return _Weighed(Evidence.QR, Seen(device=proof.device), tx.now)
    at = check_rules.true_time(proof.at, tx.now, limits)
    if proof.position is None:
        if not proof.code:
            raise Malformed("duty.proof")
        return _Weighed(Evidence.CODE, Seen(device=proof.device), at)
    metres, accuracy = _metres(tx, duty, proof.position), proof.position.accuracy
    if proof.code:
        off = check_rules.off_by(metres, accuracy)
        return _Weighed(Evidence.CODE, Seen(proof.device, off), at)
    off = check_rules.must_be_here(metres, accuracy, limits)
    return _Weighed(Evidence.POSITION, Seen(proof.device, off), at)


def _metres(tx: Tx, duty: Duty, where: Position) -> float:
    lat, lon = check_position(where.lat, where.lon)
    if not 0 <= where.accuracy <= _WIDEST:
        raise Malformed("duty.proof")
    place = _place(tx, duty)
    spots = {(place.task.lat, place.task.lon), place.position}
    return min(geodesic_km(lat, lon, *spot) for spot in spots) * 1000


def _place(tx: Tx, duty: Duty) -> slots.SlotFacts:
    offer = tx.get_one(Offer, duty.offer_id)
    return slots.of(tx, [offer.slot_id])[offer.slot_id]
