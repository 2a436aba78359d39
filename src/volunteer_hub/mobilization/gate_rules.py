"""Who comes by themselves: how long a gate is open, and what stands in the way of a place. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from volunteer_hub.core.errors import Gone, Malformed, Refused


class EntryState(StrEnum):
    """Somebody at the gate, until a leader has looked at them."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    REFUSED = "refused"


@dataclass(frozen=True)
class Newcomer:
    """What is known of somebody at the gate. ``level``: in the role's skill, by what the staff has verified
    or a paper proves; what they claim counts for nothing. ``guarded``: adult, or with a guardian's consent.
    ``barred``: suspended from the pool."""

    adult: bool
    guarded: bool
    fit: bool
    insured: bool
    level: int
    barred: bool = False


@dataclass(frozen=True)
class Wanted:
    """What a role asks of whoever takes a place in it; level 0 is anybody."""

    level: int
    adult_only: bool
    insured_only: bool
    hazardous: bool


def open_until(now: datetime, longest: datetime, ends_at: datetime) -> datetime:
    """Until when a gate opened now takes people: never past the end of the work. Raises Refused when it is
    over."""
    if now >= ends_at:
        raise Refused("gate.over")
    return min(longest, ends_at)


def must_be_open(closed_at: datetime | None, expires_at: datetime, now: datetime) -> None:
    """Raises Gone for a gate that was closed, or whose time is over."""
    if closed_at is not None or now >= expires_at:
        raise Gone("gate.closed")


def must_wait(state: EntryState) -> None:
    """Raises Refused for somebody whom a leader has decided about."""
    if state is not EntryState.WAITING:
        raise Refused("gate.decided")


def check_reason(reason: str, longest: int = 300) -> str:
    """Why somebody is sent home. Raises Malformed without one, or for a long one."""
    if not reason.strip():
        raise Malformed("gate.reason")
    if len(reason) > longest:
        raise Malformed("incident.text.too_long", longest=longest)
    return reason.strip()


def hindrances(who: Newcomer, wanted: Wanted) -> list[str]:
    """Codes of all that stands in the way of this place; empty when nothing does."""
    found = (
        (who.barred, "gate.barred"),
        (not who.guarded, "volunteer.guardian"),
        (wanted.adult_only and not who.adult, "gate.adult_only"),
        (wanted.level > who.level, "gate.unverified"),
        (wanted.hazardous and not who.fit, "gate.fit"),
        (wanted.insured_only and not who.insured, "gate.insured"),
    )
    return [code for holds, code in found if holds]
