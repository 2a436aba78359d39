"""The public promise over the callouts of a year, real ones and drills, by the area they were for."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func
from sqlalchemy import select as columns  # SQLModel's select is typed for four at most
from sqlmodel import col, select

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.drills import promise
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.promise import Asked, Kept, Measured
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.models import AnswerEvent, Callout, Offer, SlotFill
from volunteer_hub.mobilization.rules import Answer
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Subject

WINDOW: Final = timedelta(days=365)


@dataclass(frozen=True)
class AreaPromise:
    """One area's callouts of the last year; ``drills`` of them were drills."""

    area: Jurisdiction
    drills: int
    kept: Kept


@dataclass(frozen=True)
class PromiseView:
    """``everywhere``: over all callouts of the actor's areas. ``seconds``: what is promised for the first
    message."""

    seconds: int
    everywhere: Kept
    areas: tuple[AreaPromise, ...]


def view(tx: Tx) -> PromiseView:
    """The promise over the callouts of the actor's areas that asked anybody for a minimum. Four queries."""
    tx.actor.must("drill.read")
    drills = policy.load("drills", Drills)
    declared = _declared(tx)
    people = _asked(tx, declared)
    first = _first_messages(tx)
    rows: dict[str, list[tuple[bool, Measured]]] = defaultdict(list)
    for callout, slots in people.items():
        incident = declared[callout]
        if any(minimum for minimum, _ in slots.values()):
            measured = _measured(incident, list(slots.values()), first.get(callout), drills)
            rows[incident.area].append((incident.kind.value == "drill", measured))
    wanted = select(Jurisdiction).where(col(Jurisdiction.path).in_(rows)).order_by(col(Jurisdiction.path))
    told = [
        AreaPromise(node, sum(drill for drill, _ in rows[node.path]), _kept(rows[node.path], drills))
        for node in tx.exec(wanted)
    ]
    return PromiseView(
        drills.promise.sent_seconds, _kept([row for one in rows.values() for row in one], drills), tuple(told)
    )


def _kept(rows: Iterable[tuple[bool, Measured]], drills: Drills) -> Kept:
    return promise.kept([measured for _, measured in rows], drills.promise)


def _measured(
    incident: Incident, slots: list[tuple[int, list[Asked]]], first: datetime | None, drills: Drills
) -> Measured:
    sent = None if first is None else (first - incident.declared_at).total_seconds()
    return Measured(sent, promise.met(slots), promise.by_phone(slots, drills.promise))


def _declared(tx: Tx) -> dict[int, Incident]:
    """Callout -> its incident."""
    wanted = (
        select(Callout.id, Incident)
        .join(Incident, col(Incident.id) == col(Callout.incident_id))
        .where(*_lately(tx))
    )
    return dict(tx.exec(wanted).all())


def _asked(tx: Tx, declared: Mapping[int, Incident]) -> dict[int, dict[int, tuple[int, list[Asked]]]]:
    """Callout -> slot -> (its minimum, everybody asked)."""
    accepted = (col(AnswerEvent.offer_id) == col(Offer.id)) & (col(AnswerEvent.kind) == Answer.ACCEPT)
    said_yes = columns(func.min(col(AnswerEvent.at))).where(accepted).correlate(Offer).scalar_subquery()
    minimum = (col(SlotFill.slot_id) == col(Offer.slot_id)) & (col(SlotFill.callout_id) == col(Callout.id))
    wanted = (
        columns(col(Callout.id), col(Offer.slot_id), col(SlotFill.minimum), col(Offer.asked_at), said_yes)
        .join(Offer, col(Offer.callout_id) == col(Callout.id))
        .join(SlotFill, minimum)
        .where(col(Offer.asked_at).is_not(None), *_lately(tx))
        .order_by(col(Offer.asked_at), col(Offer.id))
    )
    found: dict[int, dict[int, tuple[int, list[Asked]]]] = defaultdict(dict)
    for callout, slot, minimum, asked_at, yes_at in tx.execute(wanted):
        start = declared[callout].declared_at
        _, people = found[callout].setdefault(slot, (minimum, []))
        people.append(Asked(_minutes(start, asked_at), None if yes_at is None else _minutes(start, yes_at)))
    return found


def _first_messages(tx: Tx) -> dict[int, datetime]:
    """Callout -> when the first question left."""
    wanted = (
        select(Offer.callout_id, func.min(col(Message.sent_at)))
        .join(Message, col(Message.subject_id) == col(Offer.id))
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .where(
            col(Message.subject_kind) == Subject.OFFER,
            col(Message.purpose) == "offer",
            col(Message.sent_at).is_not(None),
            *_lately(tx),
        )
        .group_by(col(Offer.callout_id))
    )
    return {callout: at for callout, at in tx.exec(wanted) if at is not None}


def _lately(tx: Tx) -> tuple[Any, ...]:
    return tx.actor.scope("drill.read", Callout.area), col(Callout.created_at) > tx.now - WINDOW


def _minutes(start: datetime, moment: datetime) -> float:
    return max(0.0, (moment - start).total_seconds() / 60)
