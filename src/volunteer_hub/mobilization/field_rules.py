"""Who is where in the field, who needs attention first, who goes home first. Pure; ``now`` is given."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from volunteer_hub.core.errors import FieldError, Malformed, Refused
from volunteer_hub.mobilization.policy import FieldRules
from volunteer_hub.mobilization.rules import DutyState


class Place(StrEnum):
    """Where somebody is who has said yes."""

    EXPECTED = "expected"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    NO_SHOW = "no_show"
    LEFT = "left"
    RELEASED = "released"


class Need(StrEnum):
    """Why somebody needs attention, the most pressing first."""

    OK_OVERDUE = "ok_overdue"
    END_OVERDUE = "end_overdue"
    ARRIVAL_OVERDUE = "arrival_overdue"
    REST_DUE = "rest_due"


class Contact(StrEnum):
    """How somebody was last heard of."""

    SEEN = "seen"
    ANSWERED = "answered"
    SET_OUT = "set_out"
    ARRIVED = "arrived"
    OK = "ok"
    LEFT = "left"


class Accounted(StrEnum):
    """How a roll call knows that somebody is safe: by themselves, by the leader, or they had left."""

    SELF = "self"
    LEADER = "leader"
    LEFT = "left"


class Harm(StrEnum):
    """What happened to somebody, or nearly did."""

    INJURY = "injury"
    EXPOSURE = "exposure"
    NEAR_MISS = "near_miss"


class Severity(StrEnum):
    """How bad it is; of a near miss: how bad it would have been."""

    MINOR = "minor"
    SERIOUS = "serious"
    CRITICAL = "critical"


class Treated(StrEnum):
    """Where somebody was treated."""

    NOT_NEEDED = "not_needed"
    ON_SITE = "on_site"
    HOSPITAL = "hospital"
    NOT_YET = "not_yet"


class First(StrEnum):
    """Why somebody goes home before the others."""

    REST_DUE = "rest_due"
    MINOR = "minor"
    LONGEST = "longest"
    FARTHEST = "farthest"


OVERDUE: Final = frozenset({Need.OK_OVERDUE, Need.END_OVERDUE, Need.ARRIVAL_OVERDUE})
LONGEST_WORDS: Final = 2000
LONGEST_PLACE: Final = 200
OK_MINUTES: Final = range(5, 24 * 60 + 1)

_NEEDS: Final = tuple(Need)
_PLACES: Final = (
    Place.ON_SITE,
    Place.EN_ROUTE,
    Place.EXPECTED,
    Place.NO_SHOW,
    Place.LEFT,
    Place.RELEASED,
)
_ENDED: Final[Mapping[DutyState, Place]] = {
    DutyState.ON_SITE: Place.ON_SITE,
    DutyState.DONE: Place.LEFT,
    DutyState.NO_SHOW: Place.NO_SHOW,
    DutyState.CANCELLED: Place.RELEASED,
}


@dataclass(frozen=True)
class Sighting:
    """What is stored of one person's duty. ``minutes_there``: the way they stated with their yes, from
    ``held_since`` on; ``rest_after``: minutes on duty after which a rest is due."""

    duty: DutyState
    starts_at: datetime
    ends_at: datetime
    rest_after: int
    held_since: datetime | None = None
    minutes_there: int | None = None
    seen_at: datetime | None = None
    answered_at: datetime | None = None
    en_route_at: datetime | None = None
    arrives_at: datetime | None = None
    checked_in_at: datetime | None = None
    ok_at: datetime | None = None
    ok_due_at: datetime | None = None
    checked_out_at: datetime | None = None

    @property
    def place(self) -> Place:
        """Where they are, as far as is known."""
        if self.duty is DutyState.EXPECTED:
            return Place.EXPECTED if self.en_route_at is None else Place.EN_ROUTE
        return _ENDED[self.duty]

    @property
    def expected_at(self) -> datetime:
        """When they are to be there: the hour they stated, never before the beginning of the duty."""
        if self.arrives_at is not None:
            return self.arrives_at
        if self.held_since is None:
            return self.starts_at
        return max(self.starts_at, self.held_since + timedelta(minutes=self.minutes_there or 0))

    def minutes_on(self, now: datetime) -> int:
        """Whole minutes on site so far, 0 for whoever is not there."""
        if self.place is not Place.ON_SITE or self.checked_in_at is None:
            return 0
        return max(0, int((now - self.checked_in_at) // timedelta(minutes=1)))


def needs(it: Sighting, now: datetime, rules: FieldRules) -> tuple[Need, ...]:
    """Why somebody needs attention now, the most pressing first; empty for whoever does not."""
    on_site = it.place is Place.ON_SITE
    coming = it.place in (Place.EXPECTED, Place.EN_ROUTE)
    held = {
        Need.OK_OVERDUE: on_site and it.ok_due_at is not None and now >= it.ok_due_at,
        Need.END_OVERDUE: on_site and now >= it.ends_at + timedelta(minutes=rules.end_grace_minutes),
        Need.ARRIVAL_OVERDUE: coming
        and now >= it.expected_at + timedelta(minutes=rules.arrival_grace_minutes),
        Need.REST_DUE: on_site and it.minutes_on(now) >= it.rest_after,
    }
    return tuple(need for need in _NEEDS if held[need])


def last_contact(it: Sighting) -> tuple[Contact, datetime] | None:
    """How and when somebody was last heard of; None for whom nothing is known of."""
    times = (
        (it.seen_at, Contact.SEEN),
        (it.answered_at, Contact.ANSWERED),
        (it.en_route_at, Contact.SET_OUT),
        (it.checked_in_at, Contact.ARRIVED),
        (it.ok_at, Contact.OK),
        (it.checked_out_at, Contact.LEFT),
    )
    known = [(at, number, how) for number, (at, how) in enumerate(times) if at is not None]
    if not known:
        return None
    at, _, how = max(known)
    return how, at


def urgency(it: Sighting, found: Sequence[Need]) -> tuple[int, datetime]:
    """A key by which whoever needs attention first comes first: by need, then by place; then the longest."""
    last = last_contact(it)
    since = it.starts_at if last is None else last[1]
    if found:
        return _NEEDS.index(found[0]), since
    return len(_NEEDS) + _PLACES.index(it.place), since


def may_set_out(duty: DutyState) -> None:
    """Raises Refused when somebody says that they are on the way who is not expected."""
    if duty is not DutyState.EXPECTED:
        raise Refused("field.not_expected")


def may_be_ok(duty: DutyState) -> None:
    """Raises Refused when somebody says that they are OK who is not on site."""
    if duty is not DutyState.ON_SITE:
        raise Refused("field.not_on_site")


def check_ok_minutes(minutes: int | None) -> None:
    """Raises Malformed for a time to say "I am OK" that is too short or longer than a day."""
    if minutes is not None and minutes not in OK_MINUTES:
        params = {"shortest": OK_MINUTES[0], "longest": OK_MINUTES[-1]}
        fault = FieldError("minutes", "field.ok_minutes", params)
        raise Malformed("field.ok_minutes", fields=[fault], **params)


def ok_times(now: datetime, minutes: int, rules: FieldRules) -> tuple[datetime, datetime]:
    """(due, reminder): by when somebody says that they are OK, and when they are reminded of it."""
    whole = timedelta(minutes=minutes)
    return now + whole, now + whole * rules.ok_remind_share


def check_injury(words: str, place: str, happened_at: datetime, now: datetime) -> None:
    """Raises Malformed, naming every field that is wrong."""
    faults = []
    if not words:
        faults.append(FieldError("words", "field.words_missing"))
    if len(words) > LONGEST_WORDS:
        faults.append(FieldError("words", "field.too_long", {"longest": LONGEST_WORDS}))
    if len(place) > LONGEST_PLACE:
        faults.append(FieldError("place", "field.too_long", {"longest": LONGEST_PLACE}))
    if happened_at > now:
        faults.append(FieldError("happened_at", "field.future"))
    if faults:
        raise Malformed(faults[0].code, fields=faults, **faults[0].params)


@dataclass(frozen=True)
class Leaving:
    """Somebody on site who may go home. ``km`` home is None where their home is not known."""

    key: int
    minutes_on: int
    rest_after: int
    minor: bool
    km: float | None

    @property
    def rest_due(self) -> bool:
        """Whether they have been on duty for as long as the hazard lets them."""
        return self.minutes_on >= self.rest_after


def release_order(people: Sequence[Leaving]) -> list[tuple[Leaving, First]]:
    """Who goes home first and why: whoever is due a rest, then minors, then by whole hours on duty; among
    those of one hour whoever has the farthest way."""
    hours = Counter(one.minutes_on // 60 for one in people if not one.rest_due and not one.minor)

    def why(one: Leaving) -> First:
        if one.rest_due:
            return First.REST_DUE
        if one.minor:
            return First.MINOR
        return First.LONGEST if hours[one.minutes_on // 60] == 1 or not one.km else First.FARTHEST

    ordered = sorted(
        people,
        key=lambda one: (
            not one.rest_due,
            not one.minor,
            -(one.minutes_on // 60),
            -(one.km or 0.0),
            -one.minutes_on,
            one.key,
        ),
    )
    return [(one, why(one)) for one in ordered]
