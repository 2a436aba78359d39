"""Drills as they cross the columns: whom one calls, and what it has shown."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func
from sqlalchemy import select as columns  # SQLModel's select is typed for four at most
from sqlmodel import col, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.drills import rules
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.rules import Disturbed, Figures, Kind
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
    before = _disturbed(tx, people, plan, occurrence)
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


def figures(tx: Tx, incident_id: int, report_minutes: Sequence[int]) -> Figures:
    """What a drill has shown up to now. Whoever accepted and was released has accepted all the same."""
    wanted = (
        columns(
            col(Offer.volunteer_id),
            col(Offer.asked_at),
            col(Offer.answered_at),
            col(Offer.decline_reason).is_(None),
            col(Duty.checked_in_at).is_not(None),
            _arrived(),
        )
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .outerjoin(Duty, col(Duty.offer_id) == col(Offer.id))
        .where(col(Callout.incident_id) == incident_id, col(Offer.asked_at).is_not(None))
        .order_by(col(Offer.id))
    )
    rows = tx.execute(wanted).all()
    answers: dict[int, float] = {}
    for person, asked, answered, *_ in rows:
        if answered is not None:
            taken = max(0.0, (answered - asked).total_seconds() / 60)
            answers[person] = min(taken, answers.get(person, taken))
    return Figures(
        notified=len({row[0] for row in rows}),
        delivered=len({row[0] for row in rows if row[5]}),
        acknowledged=len(answers),
        accepted=len({row[0] for row in rows if row[2] is not None and row[3]}),
        assembled=len({row[0] for row in rows if row[4]}),
        within=rules.answered_within(list(answers.values()), report_minutes),
    )


def answered(tx: Tx, incident_id: int) -> list[int]:
    """Who answered a drill, whatever they said."""
    wanted = (
        select(Offer.volunteer_id)
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .where(col(Callout.incident_id) == incident_id, col(Offer.answered_at).is_not(None))
        .distinct()
    )
    return sorted(tx.exec(wanted).all())


def _arrived() -> Any:
    return (
        select(Message.id)
        .where(
            col(Message.subject_kind) == Subject.OFFER,
            col(Message.subject_id) == col(Offer.id),
            col(Message.purpose) == "offer",
            (col(Message.state) == State.DELIVERED)
            | ((col(Message.state) == State.SENT) & (col(Message.channel) != Channel.WEBPUSH)),
        )
        .exists()
    )


def _everybody(tx: Tx, area: str) -> Sequence[int]:
    wanted = select(Volunteer.id).where(
        col(Volunteer.area).like(area + "%"),
        col(Volunteer.status).in_(CALLABLE),
        col(Volunteer.merged_into).is_(None),
    )
    return tx.exec(wanted).all()


def _with_skills(tx: Tx, plan: DrillPlan, ids: Collection[int]) -> Collection[int]:
    if not plan.skills:
        return ids
    wanted = select(SkillClaim.volunteer_id).where(
        col(SkillClaim.skill).in_(plan.skills), col(SkillClaim.volunteer_id).in_(ids)
    )
    return set(tx.exec(wanted.distinct()).all())


def _disturbed(
    tx: Tx, people: Collection[int], plan: DrillPlan, occurrence: datetime
) -> dict[int, list[Disturbed]]:
    """The drills of the last year that people were asked to, this one left out."""
    this = func.coalesce(col(Incident.drill_plan_id) == plan.id, False) & (
        func.coalesce(col(Incident.occurrence) == occurrence, False)
    )
    wanted = (
        select(Offer.volunteer_id, Offer.asked_at)
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .join(Incident, col(Incident.id) == col(Callout.incident_id))
        .where(
            col(Callout.kind) == CalloutKind.DRILL,
            col(Callout.created_at) > tx.now - _YEAR,
            col(Offer.asked_at).is_not(None),
            ~this,
        )
    )
    known = set(people)
    found: dict[int, list[Disturbed]] = defaultdict(list)
    for person, at in tx.exec(wanted):
        if person in known and at is not None:
            found[person].append(Disturbed(at, _is_night(at)))
    return found


def _is_night(moment: datetime) -> bool:
    site = policy.load("hub", Site)
    night: bool = site.night.covers(moment.astimezone(site.timezone).time())
    return night
