"""What a telephone's own word about a check is worth: where it was, and when. Pure."""

from datetime import datetime, timedelta

from volunteer_hub.core.errors import Malformed, Refused
from volunteer_hub.mobilization.policy import PresenceRules


def off_by(metres: float, accuracy: float) -> int:
    """How far from the place a telephone was at least, given the radius within which it believes to be."""
    return max(0, round(metres - accuracy))


def must_be_here(metres: float, accuracy: float, limits: PresenceRules) -> int:
    """Metres from the place at least. Raises Refused for a position too vague or too far off to prove it."""
    if accuracy > limits.accuracy_metres:
        raise Refused("duty.vague", metres=round(accuracy), most=limits.accuracy_metres)
    off = off_by(metres, accuracy)
    if off > limits.geofence_metres:
        raise Refused("duty.far", metres=off, most=limits.geofence_metres)
    return off


def screen_steps(now: datetime, limits: PresenceRules) -> tuple[int, int]:
    """Which turn of the code on a screen is shown now, and the one before, which still counts: the code is
    good for one to two turns."""
    turn = int(now.timestamp()) // limits.screen_seconds
    return turn, turn - 1


def true_time(at: datetime | None, now: datetime, limits: PresenceRules) -> datetime:
    """When a check was: now, or what a telephone kept while it had no signal. Raises Malformed for a time yet
    to come, Refused for one too long ago."""
    if at is None:
        return now
    if at > now:
        raise Malformed("duty.future")
    if at < now - timedelta(minutes=limits.late_minutes):
        raise Refused("duty.too_late", hours=limits.late_minutes // 60)
    return at
