"""What is decided about volunteers: states, ages, consents, who may be called. Pure: time is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from volunteer_hub.core.errors import Refused
from volunteer_hub.core.i18n import Text
from volunteer_hub.volunteers.policy import Skills


class Status(StrEnum):
    """Where a person stands with the pool."""

    APPLIED = "applied"
    ACTIVE = "active"
    PLEDGED = "pledged"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    LEFT = "left"
    FORGOTTEN = "forgotten"


class Precision(StrEnum):
    """What a position stands for: the door, the building, or only the community's centre."""

    ADDRESS = "address"
    BUILDING = "building"
    COMMUNITY = "community"


class TravelMode(StrEnum):
    """How a person gets to a place; ``none_at_night`` has no transport then and walks a short way."""

    FOOT = "foot"
    BICYCLE = "bicycle"
    CAR = "car"
    NONE_AT_NIGHT = "none_at_night"


class Basis(StrEnum):
    """Why a person serves; employed and compulsory time earns no volunteer hours."""

    ELECTION = "election"
    EMPLOYMENT = "employment"
    COORDINATION = "coordination"
    COMPULSORY = "compulsory"
    VOLUNTARY = "voluntary"


class InsuredBy(StrEnum):
    """Who holds the policy."""

    OWN = "own"
    NODE = "node"


class ClaimState(StrEnum):
    """Whether somebody other than the person vouches for a skill."""

    CLAIMED = "claimed"
    VERIFIED = "verified"


class ContactKind(StrEnum):
    """The channel an address belongs to."""

    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"
    WEBPUSH = "webpush"
    CONSOLE = "console"


class Delivers(StrEnum):
    """What is known about an address: whether messages arrive there."""

    UNKNOWN = "unknown"
    YES = "yes"
    NO = "no"


class Purpose(StrEnum):
    """What personal data may be used for; each is consented to on its own."""

    MOBILIZATION = "mobilization"
    MESSAGES = "messages"
    POSITION = "position"
    SHARING = "sharing"


class ConsentBy(StrEnum):
    """Who consented."""

    SELF = "self"
    GUARDIAN = "guardian"


class OrganisationKind(StrEnum):
    """What a pledging organisation is."""

    OIL_FIELD = "oil_field"
    HOSPITAL = "hospital"
    RESCUE_TEAM = "rescue_team"
    ENTERPRISE = "enterprise"
    SCHOOL = "school"
    ASSOCIATION = "association"
    OTHER = "other"


ALLOWED: Final[dict[Status, frozenset[Status]]] = {
    Status.APPLIED: frozenset({Status.ACTIVE, Status.PLEDGED, Status.LEFT, Status.FORGOTTEN}),
    Status.PLEDGED: frozenset(
        {Status.APPLIED, Status.ACTIVE, Status.PAUSED, Status.SUSPENDED, Status.LEFT, Status.FORGOTTEN}
    ),
    Status.ACTIVE: frozenset({Status.PAUSED, Status.SUSPENDED, Status.LEFT, Status.FORGOTTEN}),
    Status.PAUSED: frozenset(
        {Status.ACTIVE, Status.PLEDGED, Status.SUSPENDED, Status.LEFT, Status.FORGOTTEN}
    ),
    Status.SUSPENDED: frozenset({Status.ACTIVE, Status.PLEDGED, Status.LEFT, Status.FORGOTTEN}),
    Status.LEFT: frozenset({Status.APPLIED, Status.FORGOTTEN}),
    Status.FORGOTTEN: frozenset(),
}
CALLABLE: Final = frozenset({Status.ACTIVE, Status.PLEDGED})
HOME_KINDS: Final = ("community", "village", "township")
REQUIRED_PURPOSES: Final = frozenset({Purpose.MOBILIZATION, Purpose.MESSAGES})
CONSENT_VERSION: Final = "1"
ADULT_AGE: Final = 18
# Below eight a child has no capacity to act at all (Civil Code of China, articles 19 and 20).
YOUNGEST: Final = 8
OLDEST: Final = 120
CODE_MINUTES: Final = 10
CODE_TRIES: Final = 5
CODES_AN_HOUR: Final = 5
PROOF_MINUTES: Final = 60
MILDEST: Final = 4
"""The mildest response level there is: who is woken for it is woken for every real callout."""
_DAY: Final = 24 * 60


def words(status: Status) -> Text:
    """What a state is called."""
    return Text(f"volunteers.status.{status.value}")


def must_allow(now: Status, then: Status) -> None:
    """Raises Refused when the state table has no such step."""
    if then not in ALLOWED[now]:
        raise Refused("volunteer.state", state=words(now), wanted=words(then))


def back_from_pause(pledge_for: list[str]) -> Status:
    """What a paused or suspended person returns to: a light pledge stays a light pledge."""
    return Status.PLEDGED if pledge_for else Status.ACTIVE


def may_be_called(status: Status, paused_until: date | None, today: date) -> bool:
    """Whether callouts reach this person today; a pause ends by itself on its last day."""
    if status == Status.PAUSED:
        return paused_until is not None and paused_until < today
    return status in CALLABLE


def age_on(birthday: date, day: date) -> int:
    """Completed years; somebody born on 29 February turns a year older on 1 March of common years."""
    return day.year - birthday.year - ((day.month, day.day) < (birthday.month, birthday.day))


def is_adult(birthday: date | None, day: date) -> bool:
    """Whether the person is known to be of age that day; an unknown birthday is not."""
    return birthday is not None and age_on(birthday, day) >= ADULT_AGE


def must_have_guardian(birthday: date | None, guardian_consent_at: datetime | None, day: date) -> None:
    """Raises Refused for a minor without a guardian's consent."""
    if birthday is not None and not is_adult(birthday, day) and guardian_consent_at is None:
        raise Refused("volunteer.guardian")


def may_be_wanted_for(pledge_for: list[str], stands_in: frozenset[str]) -> bool:
    """Whether a light pledge covers a wanted skill, given as everything that stands in for it.

    An empty pledge list is a full member's: called for anything.
    """
    return not pledge_for or not stands_in.isdisjoint(pledge_for)


@dataclass(frozen=True)
class Quiet:
    """When somebody wants to be left in peace: minutes of the local day, which may run over midnight, and the
    mildest response level (1 is I, the gravest; 0 for none) that may break it. What is None is as usual here.
    """

    starts: int | None
    ends: int | None
    wakes_for: int | None


def left_in_peace(own: Quiet, usual: Quiet, minute: int, level: int | None) -> int:
    """Minutes for which a person is not to be disturbed, 0 when they can be reached now.

    ``level`` is that of a real callout; None for a drill and all that can wait, for which nobody is woken.
    """
    wakes_for = usual.wakes_for if own.wakes_for is None else own.wakes_for
    if level is not None and level <= (wakes_for or 0):
        return 0
    hours = own if own.starts is not None and own.ends is not None else usual
    starts, ends = hours.starts or 0, hours.ends or 0
    into, length = (minute - starts) % _DAY, (ends - starts) % _DAY
    return length - into if into < length else 0


def counts(kind: ContactKind, until: datetime | None, now: datetime) -> bool:
    """Whether an address is a way to reach its owner: a device for a while after it has shown a message."""
    return kind is not ContactKind.WEBPUSH or (until is not None and now < until)


def asked_enough(spent: int, price: int, most: int) -> bool:
    """Whether one more ask of this price would be more than a person is asked in a week."""
    return spent + price > most


def counts_until(policy: Skills, held: str, wanted: str, papers: Mapping[str, date | None]) -> date | None:
    """The last day on which a held skill counts for a wanted one that it stands in for; None: it never does.

    ``papers`` maps a skill to the last day of its best certification, None when that has no end. A skill
    that must be certified counts through its own certification only.
    """
    skills = policy.skills
    needed = held if skills[held].certified else wanted if skills[wanted].certified else None
    if needed is None:
        return date.max
    return (papers[needed] or date.max) if needed in papers else None


def level_on(
    policy: Skills, claims: Mapping[str, int], papers: Mapping[str, date | None], wanted: str, day: date
) -> int:
    """The level a person counts for in a wanted skill on a day, by whatever they hold; 0 for not at all."""
    best = int(policy.skills[wanted].everyone)
    for held in policy.stands_in(wanted) & claims.keys():
        until = counts_until(policy, held, wanted, papers)
        if until is not None and day <= until:
            best = max(best, claims[held])
    return best


def remind_before(expires_on: date, today: date, remind_days: tuple[int, ...]) -> int | None:
    """How many days before its end the reminder now due was planned; None: none is due, or it has ended."""
    left = (expires_on - today).days
    return min((days for days in remind_days if 0 <= left <= days), default=None)


def reminder_due(
    expires_on: date, reminded_at: datetime | None, today: date, remind_days: tuple[int, ...]
) -> bool:
    """Whether a holder is to be reminded today, once for each planned day."""
    days = remind_before(expires_on, today, remind_days)
    if days is None:
        return False
    return reminded_at is None or reminded_at.date() < expires_on - timedelta(days=days)


def missing_purposes(given: set[Purpose]) -> list[Purpose]:
    """The consents without which nobody can be in the pool."""
    return sorted(REQUIRED_PURPOSES - given)
