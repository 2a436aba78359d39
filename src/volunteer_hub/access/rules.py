"""Who may do what: the kinds of nodes, the roles and their rights as data, and the limits of signing in."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from volunteer_hub.core.errors import FieldError, Malformed


class NodeKind(StrEnum):
    """What a node of the tree is. A street is no node: it is a label for statistics."""

    CITY = "city"
    DISTRICT = "district"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"
    COMMUNITY = "community"


class CommandLevel(StrEnum):
    """The level at which a node commands: three of them, however deep the tree is."""

    CITY = "city"
    DISTRICT = "district"
    COMMUNITY = "community"


COMMAND_LEVEL: Final[Mapping[NodeKind, CommandLevel]] = {
    NodeKind.CITY: CommandLevel.CITY,
    NodeKind.DISTRICT: CommandLevel.DISTRICT,
    NodeKind.COUNTY: CommandLevel.DISTRICT,
    NodeKind.TOWNSHIP: CommandLevel.COMMUNITY,
    NodeKind.VILLAGE: CommandLevel.COMMUNITY,
    NodeKind.COMMUNITY: CommandLevel.COMMUNITY,
}

_RANK: Final[Mapping[NodeKind, int]] = {
    NodeKind.CITY: 0,
    NodeKind.DISTRICT: 1,
    NodeKind.COUNTY: 1,
    NodeKind.TOWNSHIP: 2,
    NodeKind.VILLAGE: 3,
    NodeKind.COMMUNITY: 3,
}


def may_hold(parent: NodeKind, child: NodeKind) -> bool:
    """Whether a node of one kind may stand below another: never a higher one below a lower one."""
    return _RANK[child] >= _RANK[parent]


class AccountState(StrEnum):
    """Whether an account may sign in."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Role(StrEnum):
    """What an account is in an area. The last four are the bodies of a community."""

    CITY_ADMIN = "city_admin"
    COORDINATOR = "coordinator"
    CLERK = "clerk"
    PARTNER = "partner"
    COUNTER = "counter"
    PARTY_COMMITTEE = "party_committee"
    WORKSTATION = "workstation"
    NEIGHBOURHOOD_COMMITTEE = "neighbourhood_committee"
    RESIDENTS_COUNCIL = "residents_council"


class Body(StrEnum):
    """A body of a community, about which people may complain."""

    PARTY_COMMITTEE = "party_committee"
    WORKSTATION = "workstation"
    NEIGHBOURHOOD_COMMITTEE = "neighbourhood_committee"
    RESIDENTS_COUNCIL = "residents_council"


BODY_ROLES: Final = frozenset(Role(body.value) for body in Body)


def may_stand(role: Role, kind: NodeKind) -> bool:
    """Whether a role may be given at such a node: bodies exist where people live."""
    return role not in BODY_ROLES or kind in (NodeKind.COMMUNITY, NodeKind.VILLAGE)


class ComplaintState(StrEnum):
    """A complaint waits for an answer, or has one."""

    OPEN = "open"
    ANSWERED = "answered"


def _rights(text: str) -> frozenset[str]:
    """``"task.read+write job.read"`` as task.read, task.write and job.read."""
    rights = set()
    for group in text.split():
        noun, verbs = group.split(".")
        rights |= {f"{noun}.{verb}" for verb in verbs.split("+")}
    return frozenset(rights)


_COMMAND: Final = _rights(
    "jurisdiction.read account.read+write role.grant volunteer.read+write+approve+import+export+erase "
    "organisation.read+write floor.read+write incident.read+declare+write+command+raise+close "
    "alert.read+write task.read+write plan.read+request+approve callout.read+send+approve+cancel "
    "offer.read duty.read+write note.send+reply points.read+write reward.write+redeem drill.read+write "
    "survey.read+write+words action.read+write training.read+write "
    "audit.read job.read settings.read complaint.read+write report.import"
)
_POOL: Final = _rights(
    "jurisdiction.read volunteer.read+write+approve+import+export organisation.read+write floor.read "
    "incident.read task.read plan.read callout.read offer.read duty.read+write points.read drill.read "
    "survey.read action.read+write training.read+write complaint.read+write"
)

PERMISSIONS: Final[Mapping[Role, frozenset[str]]] = {
    Role.CITY_ADMIN: _COMMAND | _rights("jurisdiction.write"),
    Role.COORDINATOR: _COMMAND,
    Role.CLERK: _POOL | _rights("alert.read task.write report.import note.reply"),
    Role.PARTNER: _rights(
        "jurisdiction.read organisation.read floor.read incident.read task.read callout.read duty.read"
    ),
    Role.COUNTER: _rights("reward.redeem"),
    Role.PARTY_COMMITTEE: _rights(
        "jurisdiction.read volunteer.read organisation.read floor.read incident.read task.read plan.read "
        "callout.read offer.read duty.read points.read drill.read survey.read action.read audit.read "
        "complaint.read+write"
    ),
    Role.WORKSTATION: _POOL
    | _rights(
        "alert.read incident.declare+write task.write plan.request callout.send note.send+reply drill.write "
        "report.import"
    ),
    Role.NEIGHBOURHOOD_COMMITTEE: _rights(
        "jurisdiction.read volunteer.read+approve incident.read task.read callout.read duty.read points.read "
        "drill.read survey.read action.read training.read complaint.read+write"
    ),
    Role.RESIDENTS_COUNCIL: _rights(
        "jurisdiction.read incident.read callout.read duty.read points.read action.read audit.read "
        "complaint.write"
    ),
}
"""The rights of each role, in its area and below. A role is its set of rights and nothing else."""

ALL_PERMISSIONS: Final = frozenset().union(*PERMISSIONS.values())
"""Every right there is; the scopes of API tokens are these same names."""


def roles_within(held: Iterable[str]) -> frozenset[Role]:
    """The roles whose every right is held: nobody grants what they do not hold."""
    rights = frozenset(held)
    return frozenset(role for role, needed in PERMISSIONS.items() if needed <= rights)


WINDOW: Final = timedelta(minutes=15)
TRIES_PER_SUBJECT: Final = 5
TRIES_PER_ADDRESS: Final = 20  # an office or a mobile network shares one address
SESSION_SLIDES: Final = timedelta(hours=12)
SESSION_ENDS: Final = timedelta(days=7)
SESSION_RENEWED_AFTER: Final = timedelta(minutes=5)  # not a write for every request
CODE_LIVES: Final = timedelta(minutes=10)
CODE_TRIES: Final = 5
CODES_PER_SUBJECT: Final = 3
SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 200  # Argon2 reads all of it, so an endless one would be a cheap attack


def password_fault(password: str, email: str) -> str | None:
    """The code of what is wrong with a new password, or None. Length counts; kinds of characters do not."""
    if len(password) < SHORTEST_PASSWORD:
        return "password.short"
    if len(password) > LONGEST_PASSWORD:
        return "password.long"
    if len(set(password)) < 5 or password.lower() in (email, email.split("@", maxsplit=1)[0]):
        return "password.easy"
    return None


def wait(attempts: int, first: datetime | None, allowed: int, now: datetime) -> int:
    """Seconds until another try is allowed; 0 when one is.

    ``attempts`` is the number of wrong ones within the window, ``first`` the moment of the oldest of them.
    """
    if attempts < allowed or first is None:
        return 0
    return max(1, int((first + WINDOW - now).total_seconds()))


def session_expiry(created: datetime, now: datetime) -> datetime:
    """When a session used now ends: twelve hours on, at most seven days after it began."""
    return min(now + SESSION_SLIDES, created + SESSION_ENDS)


SHORTEST_PASSPHRASE: Final = 12
"""Longer than a password: whoever has the file may guess for as long as they like."""


def check_passphrase(passphrase: str) -> None:
    """Raises Malformed for one that is soon guessed."""
    if len(passphrase) < SHORTEST_PASSPHRASE or len(set(passphrase)) < 5:
        fault = FieldError("passphrase", "calldown.passphrase", {"shortest": SHORTEST_PASSPHRASE})
        raise Malformed("form", fields=[fault])


def check_muster_point(name: str, lat: float, lon: float, words: str) -> None:
    """Raises Malformed with every wrong field of a muster point."""
    wrong = (
        (not name.strip(), FieldError("name", "calldown.point_name")),
        (len(name) > 200, FieldError("name", "calldown.too_long", {"longest": 200})),
        (len(words) > 1000, FieldError("words", "calldown.too_long", {"longest": 1000})),
        (not (-90 <= lat <= 90 and -180 <= lon <= 180), FieldError("lat", "calldown.position")),
    )
    found = [fault for holds, fault in wrong if holds]
    if found:
        raise Malformed("form", fields=found)
