"""States of plans, callouts, offers and duties, and the decisions about them. Pure; ``now`` is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from volunteer_hub.core.errors import Gone, HubError, Malformed, NotFound, Refused
from volunteer_hub.core.i18n import Text
from volunteer_hub.core.site import Night
from volunteer_hub.mobilization.policy import CalloutRules


class Kind(StrEnum):
    """A drill walks the same road as the real thing, marked as a drill everywhere."""

    REAL = "real"
    DRILL = "drill"


class PlanState(StrEnum):
    """A plan request, until a person approves it or a newer plan takes its place."""

    REQUESTED = "requested"
    RUNNING = "running"
    READY = "ready"
    APPROVED = "approved"
    SUPERSEDED = "superseded"
    FAILED = "failed"


class CalloutState(StrEnum):
    """``met``: every slot has its target for now; a withdrawal opens the callout again."""

    SENDING = "sending"
    OPEN = "open"
    MET = "met"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class OfferState(StrEnum):
    """One person asked for one slot of one callout. A question that ended unanswered opens again only for who
    had answered it on paper, or comes by themselves."""

    QUEUED = "queued"
    ASKED = "asked"
    ACCEPTED = "accepted"
    STANDING_BY = "standing_by"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    RELEASED = "released"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    ON_SITE = "on_site"
    DONE = "done"


class DutyState(StrEnum):
    """Accepted work, from check-in to check-out."""

    EXPECTED = "expected"
    ON_SITE = "on_site"
    DONE = "done"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


class Answer(StrEnum):
    """What a person does with an offer; all but ``seen`` and ``ack`` may change its state."""

    SEEN = "seen"
    ACCEPT = "accept"
    DECLINE = "decline"
    LATER = "later"
    WITHDRAW = "withdraw"
    NOT_ME = "not_me"
    ACK = "ack"


class DeclineReason(StrEnum):
    """Why not. ``not_me``: the message reached somebody else."""

    BUSY = "busy"
    AWAY = "away"
    UNWELL = "unwell"
    TOO_FAR = "too_far"
    UNSUITED = "unsuited"
    LATER = "later"
    NOT_ME = "not_me"
    OTHER = "other"


class Evidence(StrEnum):
    """How a presence is known."""

    CODE = "code"
    QR = "qr"
    POSITION = "position"
    LEADER = "leader"
    TYPED = "typed"


class Way(StrEnum):
    """Which of its two ends a check of a duty is."""

    IN = "in"
    OUT = "out"


class Grade(StrEnum):
    """A: own check-in with code, QR or position; B: confirmed by a leader; C: typed in later."""

    A = "A"
    B = "B"
    C = "C"


class Rung(StrEnum):
    """How a helper's call ended. ``inactive``: they do not want to be called any more."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"
    INACTIVE = "inactive"


class WaveSource(StrEnum):
    """What decided that people are asked: the plan as it was sent, the forecast, or a person."""

    PLAN = "plan"
    FORECAST = "forecast"
    PERSON = "person"


class Outcome(StrEnum):
    """What an answer comes to. ``noted``: it was read, or a change acknowledged. From ``expired`` on it is
    refused, in words."""

    ACCEPTED = "accepted"
    STANDING_BY = "standing_by"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    DISOWNED = "disowned"
    STANDS = "stands"
    NOTED = "noted"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    RELEASED = "released"
    OVER = "over"
    NOT_ME = "not_me"
    NOT_ASKED = "not_asked"
    NOT_HELD = "not_held"
    ON_SITE = "on_site"


class Approval(StrEnum):
    """What an approval comes to."""

    APPROVED = "approved"
    SECONDED = "seconded"
    OVERRIDDEN = "overridden"
    WAITING = "waiting"
    NOBODY = "nobody"


PLAN_ALLOWED: Final[Mapping[PlanState, frozenset[PlanState]]] = {
    PlanState.REQUESTED: frozenset({PlanState.RUNNING, PlanState.SUPERSEDED, PlanState.FAILED}),
    PlanState.RUNNING: frozenset(
        {PlanState.RUNNING, PlanState.READY, PlanState.SUPERSEDED, PlanState.FAILED}
    ),
    PlanState.READY: frozenset({PlanState.APPROVED, PlanState.SUPERSEDED}),
    PlanState.APPROVED: frozenset(),
    PlanState.SUPERSEDED: frozenset(),
    PlanState.FAILED: frozenset(),
}
CALLOUT_ALLOWED: Final[Mapping[CalloutState, frozenset[CalloutState]]] = {
    CalloutState.SENDING: frozenset(
        {CalloutState.OPEN, CalloutState.MET, CalloutState.CLOSED, CalloutState.CANCELLED}
    ),
    CalloutState.OPEN: frozenset({CalloutState.MET, CalloutState.CLOSED, CalloutState.CANCELLED}),
    CalloutState.MET: frozenset({CalloutState.OPEN, CalloutState.CLOSED, CalloutState.CANCELLED}),
    CalloutState.CLOSED: frozenset({CalloutState.CANCELLED}),
    CalloutState.CANCELLED: frozenset(),
}
OFFER_ALLOWED: Final[Mapping[OfferState, frozenset[OfferState]]] = {
    OfferState.QUEUED: frozenset({OfferState.ASKED, OfferState.RELEASED, OfferState.CANCELLED}),
    OfferState.ASKED: frozenset(
        {
            OfferState.ACCEPTED,
            OfferState.STANDING_BY,
            OfferState.DECLINED,
            OfferState.EXPIRED,
            OfferState.RELEASED,
            OfferState.CANCELLED,
        }
    ),
    OfferState.ACCEPTED: frozenset(
        {
            OfferState.ON_SITE,
            OfferState.WITHDRAWN,
            OfferState.RELEASED,
            OfferState.CANCELLED,
            OfferState.NO_SHOW,
        }
    ),
    OfferState.STANDING_BY: frozenset(
        {OfferState.ACCEPTED, OfferState.WITHDRAWN, OfferState.RELEASED, OfferState.CANCELLED}
    ),
    OfferState.DECLINED: frozenset({OfferState.ASKED, OfferState.ACCEPTED, OfferState.STANDING_BY}),
    OfferState.WITHDRAWN: frozenset({OfferState.ASKED, OfferState.ACCEPTED, OfferState.STANDING_BY}),
    OfferState.EXPIRED: frozenset({OfferState.ASKED}),
    OfferState.RELEASED: frozenset({OfferState.ASKED}),
    OfferState.CANCELLED: frozenset(),
    OfferState.NO_SHOW: frozenset({OfferState.ON_SITE}),
    OfferState.ON_SITE: frozenset({OfferState.DONE}),
    OfferState.DONE: frozenset(),
}
DUTY_ALLOWED: Final[Mapping[DutyState, frozenset[DutyState]]] = {
    DutyState.EXPECTED: frozenset({DutyState.ON_SITE, DutyState.NO_SHOW, DutyState.CANCELLED}),
    DutyState.ON_SITE: frozenset({DutyState.DONE}),
    DutyState.DONE: frozenset(),
    DutyState.NO_SHOW: frozenset({DutyState.ON_SITE}),
    DutyState.CANCELLED: frozenset({DutyState.EXPECTED}),
}

LIVE: Final = frozenset({CalloutState.SENDING, CalloutState.OPEN, CalloutState.MET})
"""A callout that still takes people."""
HOLDING: Final = frozenset({OfferState.ACCEPTED, OfferState.ON_SITE})
"""States that hold a person: two of them never overlap in time. Asked and standing by hold nobody."""
PLACED: Final = frozenset({OfferState.ACCEPTED, OfferState.ON_SITE, OfferState.DONE})
"""States that take one of a slot's places: whoever served keeps it."""

_REPEATS: Final[Mapping[Answer, frozenset[OfferState]]] = {
    Answer.ACCEPT: frozenset(
        {OfferState.ACCEPTED, OfferState.STANDING_BY, OfferState.ON_SITE, OfferState.DONE}
    ),
    Answer.DECLINE: frozenset({OfferState.DECLINED, OfferState.WITHDRAWN}),
    Answer.LATER: frozenset({OfferState.DECLINED, OfferState.WITHDRAWN}),
    Answer.WITHDRAW: frozenset({OfferState.DECLINED, OfferState.WITHDRAWN}),
}
_ENDED: Final[Mapping[OfferState, Outcome]] = {
    OfferState.QUEUED: Outcome.NOT_ASKED,
    OfferState.EXPIRED: Outcome.EXPIRED,
    OfferState.CANCELLED: Outcome.CANCELLED,
    OfferState.RELEASED: Outcome.RELEASED,
    OfferState.NO_SHOW: Outcome.OVER,
    OfferState.DONE: Outcome.OVER,
    OfferState.ON_SITE: Outcome.ON_SITE,
}
_ERRORS: Final[Mapping[Outcome, type[HubError]]] = {
    Outcome.EXPIRED: Gone,
    Outcome.CANCELLED: Gone,
    Outcome.CLOSED: Gone,
    Outcome.RELEASED: Gone,
    Outcome.OVER: Gone,
    Outcome.NOT_ME: Gone,
    Outcome.NOT_ASKED: NotFound,
    Outcome.NOT_HELD: Refused,
    Outcome.ON_SITE: Refused,
}

S = TypeVar("S", bound=StrEnum)


def step(noun: str, allowed: Mapping[S, frozenset[S]], before: S, after: S) -> S:
    """``after`` where the state table allows it; else Refused, naming both states."""
    if after not in allowed[before]:
        raise Refused(
            f"{noun}.step", before=Text(f"{noun}.state.{before}"), after=Text(f"{noun}.state.{after}")
        )
    return after


@dataclass(frozen=True)
class Situation:
    """All that an answer is judged by. The offer's place count may be stale: the guarded write decides."""

    offer: OfferState
    callout: CalloutState
    now: datetime
    expires_at: datetime | None
    ends_at: datetime
    filled: int
    maximum: int
    disowned: bool = False


def decide(answer: Answer, it: Situation) -> Outcome:
    """What ``accept``, ``decline``, ``later``, ``withdraw`` or ``not_me`` comes to.

    Repeating an answer changes nothing. Who accepted or stands by may withdraw after the link's time to
    answer; who declined or withdrew may think better of it while that time and the callout last.
    """
    if answer is Answer.NOT_ME or it.disowned:
        return _disown(answer, it)
    verdicts = (
        (it.offer in _REPEATS[answer], Outcome.STANDS),
        (it.offer in _ENDED, _ENDED.get(it.offer, Outcome.OVER)),
        (it.now >= it.ends_at, Outcome.OVER),
        (it.offer in (OfferState.ACCEPTED, OfferState.STANDING_BY), Outcome.WITHDRAWN),
        (answer is Answer.WITHDRAW, Outcome.NOT_HELD),
        (it.callout is CalloutState.CANCELLED, Outcome.CANCELLED),
        (it.callout is CalloutState.CLOSED, Outcome.CLOSED),
        (it.expires_at is not None and it.now >= it.expires_at, Outcome.EXPIRED),
        (answer is not Answer.ACCEPT, Outcome.DECLINED),
        (it.filled < it.maximum, Outcome.ACCEPTED),
    )
    return next((outcome for holds, outcome in verdicts if holds), Outcome.STANDING_BY)


def _disown(answer: Answer, it: Situation) -> Outcome:
    if it.disowned:
        return Outcome.STANDS if answer is Answer.NOT_ME else Outcome.NOT_ME
    if it.offer in (OfferState.QUEUED, OfferState.ON_SITE, OfferState.DONE):
        return _ENDED[it.offer]
    if it.offer in (OfferState.ACCEPTED, OfferState.STANDING_BY):
        return Outcome.WITHDRAWN
    return Outcome.DECLINED if it.offer is OfferState.ASKED else Outcome.DISOWNED


def refusal(outcome: Outcome) -> HubError | None:
    """The error that an outcome is told by, or None where the answer counts."""
    error = _ERRORS.get(outcome)
    if error is NotFound:
        return NotFound("not_found")
    return None if error is None else error(f"offer.{outcome}")


def needs_second_person(people: int, local: time, rules: CalloutRules, night: Night) -> bool:
    """Whether a callout to so many at this local time of day takes a second person, or a reason."""
    return people > rules.second_person_over or night.covers(local)


def approval(*, needed: bool, first: int | None, person: int | None, reason: str | None) -> Approval:
    """What ``person`` (an account, or None for the program itself) comes to by approving.

    ``needed``: a second person is. ``first``: who approved before. A reason stands in for the second person.
    """
    if first is not None and person is not None and person != first:
        return Approval.SECONDED
    if not needed:
        return Approval.APPROVED
    if reason:
        return Approval.OVERRIDDEN
    return Approval.NOBODY if person is None else Approval.WAITING


def late_withdrawal(now: datetime, starts_at: datetime, rules: CalloutRules) -> bool:
    """Whether a withdrawal comes so close to the start that the coordinator is alerted."""
    return now > starts_at - timedelta(minutes=rules.late_withdrawal_minutes)


def comes_in_time(
    arrives_at: datetime, starts_at: datetime, ends_at: datetime, sent_at: datetime, rules: CalloutRules
) -> bool:
    """Whether somebody who will be there then still counts for the minimum: at most ``late_minutes`` after
    the start, or after the callout was sent where the work had begun by then."""
    return arrives_at < ends_at and arrives_at <= max(starts_at, sent_at) + timedelta(
        minutes=rules.late_minutes
    )


def absent_since(now: datetime, rules: CalloutRules) -> datetime:
    """Whose duty began by then, and who has not checked in, has not come."""
    return now - timedelta(minutes=rules.no_show_minutes)


def grade(evidence: Evidence) -> Grade:
    """What one piece of evidence is worth."""
    if evidence is Evidence.LEADER:
        return Grade.B
    return Grade.C if evidence is Evidence.TYPED else Grade.A


def weaker(one: Grade, other: Grade) -> Grade:
    """A duty is worth no more than the weaker of its check-in and check-out."""
    return max(one, other)


def service_minutes(checked_in: datetime, checked_out: datetime) -> int:
    """Whole minutes on site, travel not counted. Raises Malformed when the end lies before the beginning."""
    if checked_out < checked_in:
        raise Malformed("duty.times")
    return int((checked_out - checked_in) // timedelta(minutes=1))
