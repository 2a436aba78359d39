"""Was what we promised done? One query a promise, each naming the rows for which it was not."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select

from volunteer_hub.audit.models import AuditLine, AuditPending
from volunteer_hub.core.db import Tx
from volunteer_hub.drills.models import DrillPlan, DrillRun
from volunteer_hub.drills.rules import GRACE
from volunteer_hub.drills.rules import PlanState as DrillState
from volunteer_hub.feedback.models import Survey
from volunteer_hub.incentives.models import ServiceHours
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.mobilization.models import Callout, Duty, Offer
from volunteer_hub.mobilization.rules import DutyState, OfferState
from volunteer_hub.mobilization.wave_models import Wave
from volunteer_hub.notify import dispatch
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import WAITING, Subject
from volunteer_hub.volunteers.models import Contact
from volunteer_hub.volunteers.rules import ContactKind, Delivers

PATIENCE: Final = timedelta(minutes=10)
"""What is late by so much was not just slow: every sweep looks at least once a minute."""
_LATELY: Final = timedelta(days=7)
_MOST: Final = 1_000
_EVERYWHERE: Final = "/"
Row = tuple[int, str]
"""A row's id and area."""


@dataclass(frozen=True)
class Broken:
    """A promise not kept in a city: ``code`` is the catalogue key after ``promise.``, ``ids`` are rows of
    ``table``, the oldest first."""

    code: str
    city: str
    table: str
    ids: tuple[int, ...]


def broken(tx: Tx) -> list[Broken]:
    """Every promise that is broken now, by city; what concerns the whole installation under "/"."""
    checks = (
        ("offers_untold", "offers", _offers_untold(tx)),
        ("wave_unsent", "waves", _waves_unsent(tx)),
        ("messages_stuck", "messages", _messages_stuck(tx)),
        ("drills_missed", "drill_plans", _drills_missed(tx)),
        ("drills_unfinished", "drill_runs", _drills_unfinished(tx)),
        ("duties_unpaid", "duties", _duties_unpaid(tx)),
        ("surveys_unopened", "incidents", _surveys_unopened(tx)),
        ("lines_unsealed", "audit_lines", _lines_unsealed(tx)),
    )
    return [
        Broken(code, city, table, tuple(ids))
        for code, table, rows in checks
        for city, ids in _by_city(rows).items()
    ]


def _by_city(rows: Iterable[Row]) -> dict[str, list[int]]:
    """A city is the first step of a path: "/1/" of "/1/7/31/"."""
    found: dict[str, list[int]] = defaultdict(list)
    for key, area in rows:
        found["/".join(area.split("/")[:2]) + "/" if area != _EVERYWHERE else area].append(key)
    return found


def _reachable() -> ColumnElement[bool]:
    """Whether a message could reach the person of an offer: nobody's in a drill on paper."""
    by_message = select(Callout.id).where(col(Callout.id) == col(Offer.callout_id), ~col(Callout.on_paper))
    return by_message.exists() & (
        select(Contact.id)
        .where(
            col(Contact.volunteer_id) == col(Offer.volunteer_id),
            col(Contact.kind).in_([channel.value for channel in dispatch.configured()]),
            col(Contact.address).is_not(None),
            col(Contact.delivers) != Delivers.NO,
            col(Contact.kind) != ContactKind.WEBPUSH,  # which may not have counted when the message was due
        )
        .exists()
    )


def _told() -> ColumnElement[bool]:
    return (
        select(Message.id)
        .where(col(Message.subject_kind) == Subject.OFFER, col(Message.subject_id) == col(Offer.id))
        .exists()
    )


def _offers_untold(tx: Tx) -> Iterable[Row]:
    """People asked whom a message could reach, and for whom there is none."""
    late = col(Offer.asked_at) <= tx.now - PATIENCE
    wanted = select(Offer.id, Offer.area).where(
        col(Offer.state) == OfferState.ASKED, late, _reachable(), ~_told()
    )
    return tx.exec(wanted.order_by(col(Offer.id)).limit(_MOST)).all()


def _waves_unsent(tx: Tx) -> Iterable[Row]:
    """Waves of which fewer people were asked, and told where a message could reach them, than was decided."""
    out = (
        select(func.count())
        .select_from(Offer)
        .where(
            col(Offer.callout_id) == col(Wave.callout_id),
            col(Offer.wave) == col(Wave.number),
            col(Offer.asked_at).is_not(None),
            _told() | ~_reachable(),
        )
        .scalar_subquery()
    )
    when = col(Wave.decided_at).between(tx.now - _LATELY, tx.now - PATIENCE)
    wanted = (
        select(Wave.id, Callout.area)
        .join(Callout, col(Callout.id) == col(Wave.callout_id))
        .where(when, col(Wave.people) > out)
    )
    return tx.exec(wanted.order_by(col(Wave.id)).limit(_MOST)).all()


def _messages_stuck(tx: Tx) -> Iterable[Row]:
    late = (col(Message.next_at) <= tx.now - PATIENCE) & (col(Message.lease_until).is_(None))
    dead = col(Message.lease_until) <= tx.now - PATIENCE
    wanted = select(Message.id, Message.area).where(col(Message.state).in_(WAITING), late | dead)
    return tx.exec(wanted.order_by(col(Message.id)).limit(_MOST)).all()


def _drills_missed(tx: Tx) -> Iterable[Row]:
    late = col(DrillPlan.starts_at) <= tx.now - GRACE
    wanted = select(DrillPlan.id, DrillPlan.area).where(col(DrillPlan.state) == DrillState.ACTIVE, late)
    return tx.exec(wanted.order_by(col(DrillPlan.id)).limit(_MOST)).all()


def _drills_unfinished(tx: Tx) -> Iterable[Row]:
    """The last of its work is over, and no figures say what it has shown."""
    open_work = (
        select(Task.id)
        .where(col(Task.incident_id) == col(DrillRun.incident_id), col(Task.ends_at) > tx.now - PATIENCE)
        .exists()
    )
    wanted = select(DrillRun.id, DrillRun.area).where(
        col(DrillRun.incident_id).is_not(None), col(DrillRun.figures).is_(None), ~open_work
    )
    return tx.exec(wanted.order_by(col(DrillRun.id)).limit(_MOST)).all()


def _duties_unpaid(tx: Tx) -> Iterable[Row]:
    wanted = (
        select(Duty.id, Duty.area)
        .outerjoin(ServiceHours, col(ServiceHours.duty_id) == col(Duty.id))
        .where(col(Duty.state) == DutyState.DONE, col(ServiceHours.id).is_(None))
    )
    return tx.exec(wanted.order_by(col(Duty.id)).limit(_MOST)).all()


def _surveys_unopened(tx: Tx) -> Iterable[Row]:
    served = (
        select(Duty.id)
        .where(col(Duty.incident_id) == col(Incident.id), col(Duty.state) == DutyState.DONE)
        .exists()
    )
    opened = select(Survey.id).where(col(Survey.incident_id) == col(Incident.id)).exists()
    when = col(Incident.closed_at).between(tx.now - _LATELY, tx.now - PATIENCE)
    wanted = select(Incident.id, Incident.area).where(when, served, ~opened)
    return tx.exec(wanted.order_by(col(Incident.id)).limit(_MOST)).all()


def _lines_unsealed(tx: Tx) -> Iterable[Row]:
    wanted = (
        select(AuditLine.id)
        .join(AuditPending, col(AuditPending.line_id) == col(AuditLine.id))
        .where(col(AuditLine.at) <= tx.now - PATIENCE)
    )
    return [(key, _EVERYWHERE) for key in tx.exec(wanted.order_by(col(AuditLine.id)).limit(_MOST))]
