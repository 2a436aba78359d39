"""Who is recognised in an area for a month: its people, teams and communities, by today's records."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Numeric, cast, extract, func
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
from volunteer_hub.incidents.models import Incident, RoleSlot, Task
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status

_NOT_ASKED = (OfferState.QUEUED, OfferState.RELEASED, OfferState.CANCELLED, OfferState.STANDING_BY)
"""Who was not needed in the end was not asked for their time."""

begins, ends = func.lower(col(Offer.during)), func.upper(col(Offer.during))
_FIGURES = (
    func.coalesce(func.sum(col(ServiceHours.minutes)).filter(col(ServiceHours.counts)), 0),
    func.sum(cast(extract("epoch", ends - begins), Numeric) / 60),
    func.count(),
)
"""Minutes given, minutes asked for, offers."""


@dataclass(frozen=True)
class Line:
    """Somebody recognised; ``name`` is None for who does not want to be named. ``area``: their community."""

    name: str | None
    area: Mapping[str, str]
    given: Given


@dataclass(frozen=True)
class Team:
    """The people called to one task: as many as were asked and needed, none of them by name."""

    task: str
    incident: str
    area: Mapping[str, str]
    people: int
    given: Given


@dataclass(frozen=True)
class Month:
    """``first``: its first day; ``rules``: by which they were chosen."""

    area: Jurisdiction
    first: date
    rules: Recognition
    people: Sequence[Line]
    teams: Sequence[Team]
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
        teams=_teams(tx, area, first, zone, stated),
        communities=[Line("", names[str(one.who)], one.given) for one in best],
    )


def _given(tx: Tx, area: str, first: date, zone: ZoneInfo) -> dict[int, tuple[str, Given]]:
    """Volunteer -> home and what they were asked for and gave of duties that began in the month."""
    person = col(Offer.volunteer_id)
    wanted = (
        columns(person, col(Volunteer.area), *_FIGURES)
        .join(Volunteer, col(Volunteer.id) == person)
        .outerjoin(Duty, col(Duty.offer_id) == col(Offer.id))
        .outerjoin(ServiceHours, col(ServiceHours.duty_id) == col(Duty.id))
        .where(
            col(Volunteer.area).startswith(area, autoescape=True),
            col(Volunteer.status) != Status.FORGOTTEN,
            *_within(first, zone),
        )
        .group_by(person, col(Volunteer.area))
    )
    return {who: (home, Given(int(m), int(a), n)) for who, home, m, a, n in tx.execute(wanted)}


def _teams(tx: Tx, area: str, first: date, zone: ZoneInfo, stated: Recognition) -> list[Team]:
    """Of the tasks of the area's incidents; whoever was asked counts, also who came from elsewhere."""
    people = func.count(func.distinct(col(Offer.volunteer_id)))
    wanted = (
        columns(col(Task.id), col(Task.title), col(Incident.title), col(Incident.area), people, *_FIGURES)
        .join(RoleSlot, col(RoleSlot.task_id) == col(Task.id))
        .join(Incident, col(Incident.id) == col(Task.incident_id))
        .join(Offer, col(Offer.slot_id) == col(RoleSlot.id))
        .outerjoin(Duty, col(Duty.offer_id) == col(Offer.id))
        .outerjoin(ServiceHours, col(ServiceHours.duty_id) == col(Duty.id))
        .where(col(Incident.area).startswith(area, autoescape=True), *_within(first, zone))
        .group_by(col(Task.id), col(Task.title), col(Incident.title), col(Incident.area))
    )
    found = {
        task: Team(title, incident, {"path": home}, size, Given(int(m), int(a), n))
        for task, title, incident, home, size, m, a, n in tx.execute(wanted)
    }
    sizes = {task: team.people for task, team in found.items()}
    chosen = rules.teams({task: team.given for task, team in found.items()}, sizes, stated)
    best = [found[int(one.who)] for one in chosen]
    names = jurisdictions.names(tx, {team.area["path"] for team in best})
    return [replace(team, area=names[team.area["path"]]) for team in best]


def _within(first: date, zone: ZoneInfo) -> tuple[ColumnElement[bool], ...]:
    """Who was asked for duties that began in a month, and was needed or not known not to be."""
    since, until = (
        datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, rules.following(first))
    )
    return col(Offer.state).not_in(_NOT_ASKED), begins >= since, begins < until


def _sum(ones: Sequence[Given]) -> Given:
    return Given(
        sum(one.minutes for one in ones), sum(one.asked for one in ones), sum(one.offers for one in ones)
    )


def _names(tx: Tx, people: Sequence[int]) -> dict[int, str]:
    """The names of those who want to be named."""
    hidden = unnamed.among(tx, people)
    wanted = select(Volunteer.id, Volunteer.name).where(col(Volunteer.id).in_(set(people) - hidden))
    return {who: name for who, name in tx.exec(wanted) if name}
