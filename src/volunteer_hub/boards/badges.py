"""A person's badges with the reason of each, and their months in a row: worked out from what is on record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import or_
from sqlalchemy import select as columns  # SQLModel's select is typed for four at most
from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import badges_rules as rules
from volunteer_hub.incentives.badges_policy import Badge, Fact
from volunteer_hub.incentives.badges_rules import Earned
from volunteer_hub.incentives.models import ServiceHours
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.rules import Review
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.models import Callout, Duty, Offer
from volunteer_hub.mobilization.rules import DutyState, Kind, OfferState
from volunteer_hub.training.introduction_models import IntroductionRow
from volunteer_hub.training.introduction_rules import MentorState
from volunteer_hub.training.models import Completion
from volunteer_hub.volunteers.models import Volunteer


@dataclass(frozen=True)
class Own:
    """``earned``, the latest first; ``given``: every badge there is; ``months`` in a row, the person's own to
    know."""

    zone: str
    earned: Sequence[Earned]
    given: Sequence[Badge]
    months: int


@dataclass(frozen=True)
class _Served:
    """A duty on record."""

    begins: datetime
    ends: datetime
    hazard: str
    real: bool


@dataclass(frozen=True)
class _Asked:
    """A question that reached somebody's eyes, or was answered."""

    drill: bool
    answered_at: datetime | None
    seen_at: datetime | None
    over: bool


def own(tx: Tx, volunteer_id: int, area: str) -> Own:
    """What a person has of both; the door has checked who asks. Entries that are part of this one count."""
    rewards: Rewards = policy.load("rewards", Rewards)
    name = jurisdictions.by_path(tx, area).zone
    zone, ids = ZoneInfo(name), _entries(tx, volunteer_id)
    served, asked = _served(tx, ids), _asked(tx, ids)
    real = [one for one in served if one.real]
    drills = [one.answered_at for one in asked if one.drill and one.answered_at is not None]
    deeds = {
        Fact.DUTIES: [one.ends for one in real],
        Fact.NIGHTS: [one.ends for one in real if rules.at_night(one.begins, one.ends, zone, rewards.night)],
        Fact.HAZARDS: rules.firsts([(one.hazard, one.ends) for one in real]),
        Fact.DRILLS: drills,
        Fact.NEWCOMERS: _mentored(tx, ids),
        Fact.COURSES: rules.firsts(_passed(tx, ids)),
    }
    kept = {_month(at, zone) for at in (*drills, *(one.begins for one in served))}
    silent = {
        _month(one.seen_at, zone)
        for one in asked
        if one.over and one.answered_at is None and one.seen_at is not None
    }
    row = rules.months(kept, silent, _month(tx.now, zone))
    return Own(name, rules.earned(rewards.badges, deeds), rewards.badges, row)


def _month(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date().replace(day=1)


def _entries(tx: Tx, volunteer_id: int) -> list[int]:
    merged = or_(col(Volunteer.id) == volunteer_id, col(Volunteer.merged_into) == volunteer_id)
    return list(tx.exec(select(Volunteer.id).where(merged)))


def _served(tx: Tx, ids: Sequence[int]) -> list[_Served]:
    """Duties that ended and whose hours stand; those that somebody still looks at count once they do."""
    hours = ServiceHours
    wanted = (
        columns(col(Duty.checked_in_at), col(Duty.checked_out_at), col(Incident.hazard), col(Incident.kind))
        .join(Incident, col(Incident.id) == col(Duty.incident_id))
        .join(hours, col(hours.duty_id) == col(Duty.id))
        .where(
            col(Duty.volunteer_id).in_(ids),
            col(Duty.state) == DutyState.DONE,
            col(hours.reversed_at).is_(None),
            col(hours.state).not_in((Review.WAITING, Review.REFUSED)),
        )
    )
    return [
        _Served(begins, ends, hazard, kind == Kind.REAL) for begins, ends, hazard, kind in tx.execute(wanted)
    ]


def _asked(tx: Tx, ids: Sequence[int]) -> list[_Asked]:
    wanted = (
        columns(col(Callout.kind), col(Offer.answered_at), col(Offer.seen_at), col(Offer.state))
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .where(
            col(Offer.volunteer_id).in_(ids),
            or_(col(Offer.answered_at).is_not(None), col(Offer.seen_at).is_not(None)),
        )
    )
    return [
        _Asked(kind == Kind.DRILL, answered, seen, state == OfferState.EXPIRED)
        for kind, answered, seen, state in tx.execute(wanted)
    ]


def _mentored(tx: Tx, ids: Sequence[int]) -> list[datetime]:
    wanted = select(IntroductionRow.mentor_at).where(
        col(IntroductionRow.mentor_id).in_(ids), col(IntroductionRow.mentor) == MentorState.AGREED
    )
    return [at for at in tx.exec(wanted) if at is not None]


def _passed(tx: Tx, ids: Sequence[int]) -> list[tuple[str, datetime]]:
    wanted = select(Completion.course, Completion.passed_at).where(col(Completion.volunteer_id).in_(ids))
    return list(tx.exec(wanted).all())
