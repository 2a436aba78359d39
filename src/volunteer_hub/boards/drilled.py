"""Drills as they cross the columns: whom one calls, and what it has shown."""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, func
from sqlalchemy import select as columns  # SQLModel's select is typed for four at most
from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import policy
from volunteer_hub.core.bulk import among
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.drills import record as records
from volunteer_hub.drills import rules
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.record import Called, Record
from volunteer_hub.drills.rules import Disturbed, Kind
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.models import Callout, Duty, Offer
from volunteer_hub.mobilization.rules import Kind as CalloutKind
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Channel, State, Subject
from volunteer_hub.volunteers.models import SkillClaim, Volunteer
from volunteer_hub.volunteers.pool import Pool
from volunteer_hub.volunteers.rules import CALLABLE

_YEAR: Final = timedelta(days=365)


def called(tx: Tx, plan: DrillPlan, occurrence: datetime, ids: Collection[int] | None = None) -> list[int]:
    """Whom an occurrence calls: the plan's share of those who may be disturbed again, drawn by lot.

    Out of ``ids``, or of everybody in the plan's area who may be called. The same for the same occurrence.
    """
    people = _with_skills(tx, plan, ids if ids is not None else _everybody(tx, plan.area))
    at = max(occurrence, tx.now)
    before = _disturbed(tx, _another(plan, occurrence))
    night = _is_night(at)
    limits = policy.load("drills", Drills).limits
    rested = [one for one in people if rules.may_disturb(before.get(one, ()), at, night, limits)]
    seed = plan.id * 1_000_003 + int(occurrence.timestamp())
    return rules.share_of(rested, plan.share_percent, seed)


def narrowed(tx: Tx, incident: Incident, pool: Pool) -> tuple[Pool, NDArray[np.bool_]]:
    """The pool as the planner of this incident sees it, and which of its people may be chosen: for a drill by
    a plan those whom it calls, for anything else all.

    In a reachability check nobody travels: everybody counts as being there.
    """
    if incident.drill_plan_id is None or incident.occurrence is None:
        return pool, np.ones(len(pool), np.bool_)
    plan = tx.get_one(DrillPlan, incident.drill_plan_id)
    chosen = np.isin(pool.ids, called(tx, plan, incident.occurrence, pool.ids.tolist()))
    if plan.kind is not Kind.REACHABILITY:
        return pool, chosen
    here = np.ones(len(pool))
    return replace(pool, lat=incident.lat * here, lon=incident.lon * here), chosen


def record(tx: Tx, incident: Incident, report_minutes: Sequence[int]) -> Record:
    """What a drill has shown up to now, in four queries."""
    zone = jurisdictions.by_path(tx, incident.area).zone
    return records.of(_people(tx, incident.id), report_minutes, ZoneInfo(zone))


def _people(tx: Tx, incident_id: int) -> list[Called]:
    """Everybody called, once: the first call and the first answer, with a yes to any of the questions.

    Whoever accepted and was released has accepted all the same.
    """
    wanted = (
        columns(
            col(Offer.id),
            col(Offer.volunteer_id),
            col(Volunteer.area),
            col(Offer.asked_at),
            col(Offer.answered_at),
            col(Offer.decline_reason).is_(None),
            col(Duty.checked_in_at).is_not(None),
            col(Callout.on_paper),
        )
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .join(Volunteer, col(Volunteer.id) == col(Offer.volunteer_id))
        .outerjoin(Duty, col(Duty.offer_id) == col(Offer.id))
        .where(col(Callout.incident_id) == incident_id, col(Offer.asked_at).is_not(None))
        .order_by(col(Offer.id))
    )
    rows = tx.execute(wanted).all()
    channels = _channels(tx, [row[0] for row in rows])
    skills = _skills(tx, [row[1] for row in rows])
    people: dict[int, Called] = {}
    for offer, person, area, asked, answered, willing, came, on_paper in rows:
        now = Called(
            area,
            skills.get(person, ()),
            channels.get(offer),
            asked,
            answered,
            answered is not None and willing,
            came,
            on_paper,
        )
        people[person] = _merged(people[person], now) if person in people else now
    return list(people.values())


def _merged(first: Called, second: Called) -> Called:
    """One person called twice by one drill."""
    quicker = min(first, second, key=lambda call: math.inf if call.minutes is None else call.minutes)
    return replace(
        quicker,
        channel=first.channel or second.channel,
        accepted=first.accepted or second.accepted,
        assembled=first.assembled or second.assembled,
    )


def _channels(tx: Tx, offers: Sequence[int]) -> dict[int, str]:
    """Offer -> the channel by which its question arrived first: with a receipt, else as far as the gateway
    knows. A notification without a receipt has arrived nowhere."""
    wanted = select(Message.subject_id, Message.channel).where(
        col(Message.subject_kind) == Subject.OFFER,
        among(col(Message.subject_id), offers),
        col(Message.purpose) == "offer",
        (col(Message.state) == State.DELIVERED)
        | ((col(Message.state) == State.SENT) & (col(Message.channel) != Channel.WEBPUSH)),
    )
    best_last = (col(Message.state) == State.DELIVERED, col(Message.sent_at).desc())
    return {offer: str(channel) for offer, channel in tx.exec(wanted.order_by(*best_last))}


def _skills(tx: Tx, people: Sequence[int]) -> dict[int, tuple[str, ...]]:
    wanted = select(SkillClaim.volunteer_id, SkillClaim.skill).where(
        among(col(SkillClaim.volunteer_id), people)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for person, skill in tx.exec(wanted.distinct()):
        found[person].append(skill)
    return {person: tuple(sorted(skills)) for person, skills in found.items()}


def answered(tx: Tx, incident_id: int) -> list[int]:
    """Who answered a drill, whatever they said."""
    wanted = (
        select(Offer.volunteer_id)
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .where(col(Callout.incident_id) == incident_id, col(Offer.answered_at).is_not(None))
        .distinct()
    )
    return sorted(tx.exec(wanted).all())


def _everybody(tx: Tx, area: str) -> Sequence[int]:
    wanted = select(Volunteer.id).where(col(Volunteer.area).like(area + "%"), _callable())
    return tx.exec(wanted).all()


def _callable() -> ColumnElement[bool]:
    return col(Volunteer.status).in_(CALLABLE) & col(Volunteer.merged_into).is_(None)


def _with_skills(tx: Tx, plan: DrillPlan, ids: Collection[int]) -> Collection[int]:
    if not plan.skills:
        return ids
    wanted = select(SkillClaim.volunteer_id).where(
        col(SkillClaim.skill).in_(plan.skills), among(col(SkillClaim.volunteer_id), list(ids))
    )
    return set(tx.exec(wanted.distinct()).all())


def resting(tx: Tx, areas: Collection[str], at: datetime) -> dict[str, int]:
    """Area -> how many people at home there may be called to a drill at a moment to come; three queries."""
    limits, night = policy.load("drills", Drills).limits, _is_night(at)
    at_home = col(Volunteer.area).in_(areas) & _callable()
    by_area = select(Volunteer.area, func.count()).group_by(col(Volunteer.area))
    found = dict(tx.exec(by_area.where(at_home)).all())
    before = _disturbed(tx, col(Offer.volunteer_id).in_(select(Volunteer.id).where(at_home)))
    tired = [one for one, earlier in before.items() if not rules.may_disturb(earlier, at, night, limits)]
    for area, count in tx.exec(by_area.where(among(col(Volunteer.id), tired))):
        found[area] -= count
    return found


def _disturbed(tx: Tx, who: ColumnElement[bool]) -> dict[int, list[Disturbed]]:
    """The drills of the last year that people were asked to, of the offers of whom this holds."""
    wanted = (
        select(Offer.volunteer_id, Offer.asked_at)
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .join(Incident, col(Incident.id) == col(Callout.incident_id))
        .where(
            col(Callout.kind) == CalloutKind.DRILL,
            col(Callout.created_at) > tx.now - _YEAR,
            col(Offer.asked_at).is_not(None),
            who,
        )
    )
    found: dict[int, list[Disturbed]] = defaultdict(list)
    for person, at in tx.exec(wanted):
        if at is not None:
            found[person].append(Disturbed(at, _is_night(at)))
    return found


def _another(plan: DrillPlan, occurrence: datetime) -> ColumnElement[bool]:
    """Offers of all drills but this."""
    return ~(
        func.coalesce(col(Incident.drill_plan_id) == plan.id, False)
        & func.coalesce(col(Incident.occurrence) == occurrence, False)
    )


def _is_night(moment: datetime) -> bool:
    site = policy.load("hub", Site)
    night: bool = site.night.covers(moment.astimezone(site.timezone).time())
    return night
