"""Who is recognised in an area for a month: its people and communities, by today's records."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import Numeric, cast, extract, func
from sqlalchemy import select as columns  # SQLModel's select is typed for four at most
from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import recognition_rules as rules
from volunteer_hub.incentives import unnamed
from volunteer_hub.incentives.models import ServiceHours
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.recognition_policy import Recognition
from volunteer_hub.incentives.recognition_rules import Given
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status

_NOT_ASKED = (OfferState.QUEUED, OfferState.RELEASED, OfferState.CANCELLED, OfferState.STANDING_BY)
"""Who was not needed in the end was not asked for their time."""


@dataclass(frozen=True)
class Line:
    """Somebody recognised; ``name`` is None for who does not want to be named. ``area``: their community."""

    name: str | None
    area: Mapping[str, str]
    given: Given


@dataclass(frozen=True)
class Month:
    """``first``: its first day; ``rules``: by which they were chosen."""

    area: Jurisdiction
    first: date
    rules: Recognition
    people: Sequence[Line]
    communities: Sequence[Line]


def view(tx: Tx, area: str, month: str) -> Month:
    """A month of an area, written as 2031-01; the last full one when nothing is written. The door has asked
    who may. Raises Malformed, NotFound."""
    node = jurisdictions.by_path(tx, area)
    zone = ZoneInfo(node.zone)
    first = rules.month(month, tx.now.astimezone(zone).date())
    stated = policy.load("rewards", Rewards).recognition
    given = _given(tx, area, first, zone)
    homes: dict[str, list[Given]] = defaultdict(list)
    for home, one in given.values():
        homes[home].append(one)
    chosen = rules.people({who: one for who, (_, one) in given.items()}, stated)
    best = rules.communities({home: _sum(ones) for home, ones in homes.items()}, stated)
    names = jurisdictions.names(tx, homes)
    called = _names(tx, [int(one.who) for one in chosen])
    return Month(
        area=node,
        first=first,
        rules=stated,
        people=[Line(called.get(int(one.who)), names[given[int(one.who)][0]], one.given) for one in chosen],
        communities=[Line("", names[str(one.who)], one.given) for one in best],
    )


def _given(tx: Tx, area: str, first: date, zone: ZoneInfo) -> dict[int, tuple[str, Given]]:
    """Volunteer -> home and what they were asked for and gave of duties that began in the month."""
    since, until = (
        datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, rules.following(first))
    )
    begins, ends = func.lower(col(Offer.during)), func.upper(col(Offer.during))
    asked = func.sum(cast(extract("epoch", ends - begins), Numeric) / 60)
    gave = func.coalesce(func.sum(col(ServiceHours.minutes)).filter(col(ServiceHours.counts)), 0)
    person = col(Offer.volunteer_id)
    wanted = (
        columns(person, col(Volunteer.area), gave, asked, func.count())
        .join(Volunteer, col(Volunteer.id) == person)
        .outerjoin(Duty, col(Duty.offer_id) == col(Offer.id))
        .outerjoin(ServiceHours, col(ServiceHours.duty_id) == col(Duty.id))
        .where(
            col(Volunteer.area).startswith(area, autoescape=True),
            col(Volunteer.status) != Status.FORGOTTEN,
            col(Offer.state).not_in(_NOT_ASKED),
            begins >= since,
            begins < until,
        )
        .group_by(person, col(Volunteer.area))
    )
    return {who: (home, Given(int(m), int(a), n)) for who, home, m, a, n in tx.execute(wanted)}


def _sum(ones: Sequence[Given]) -> Given:
    return Given(
        sum(one.minutes for one in ones), sum(one.asked for one in ones), sum(one.offers for one in ones)
    )


def _names(tx: Tx, people: Sequence[int]) -> dict[int, str]:
    """The names of those who want to be named."""
    hidden = unnamed.among(tx, people)
    wanted = select(Volunteer.id, Volunteer.name).where(col(Volunteer.id).in_(set(people) - hidden))
    return {who: name for who, name in tx.exec(wanted) if name}
