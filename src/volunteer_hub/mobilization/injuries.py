"""Injuries, exposures and near misses: recorded, read by those in command, counted, forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, or_, select, update

from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization import field_rules
from volunteer_hub.mobilization.field_rules import Harm, Severity, Treated
from volunteer_hub.mobilization.models import Injury


@dataclass(frozen=True)
class Happened:
    """What somebody records. ``volunteer_id``: to whom it happened, None for nobody of ours."""

    kind: Harm
    severity: Severity
    words: str
    happened_at: datetime
    place: str = ""
    treated: Treated = Treated.NOT_NEEDED
    volunteer_id: int | None = None


def record(tx: Tx, incident_id: int, area: str, task_id: int | None, what: Happened) -> Injury:
    """Writes it down, by the account or volunteer that acts. Raises Malformed."""
    words, place = what.words.strip(), what.place.strip()
    field_rules.check_injury(words, place, what.happened_at, tx.now)
    row = Injury(
        incident_id=incident_id,
        task_id=task_id,
        area=area,
        volunteer_id=what.volunteer_id,
        kind=what.kind,
        severity=what.severity,
        treated=what.treated,
        happened_at=what.happened_at,
        words=words,
        place=place or None,
        recorded_at=tx.now,
        account_id=tx.actor.id if tx.actor.kind == "account" else None,
        reporter_id=tx.actor.id if tx.actor.kind == "volunteer" else None,
    )
    tx.add(row)
    tx.flush()
    return row


def of_incident(tx: Tx, incident_id: int) -> Sequence[Injury]:
    """All of an incident, the newest first, for whoever may write duties there: words are about health."""
    tx.actor.must("duty.write")
    wanted = select(Injury).where(
        col(Injury.incident_id) == incident_id, tx.actor.scope("duty.write", Injury.area)
    )
    return tx.exec(wanted.order_by(col(Injury.happened_at).desc(), col(Injury.id).desc())).all()


def counts(tx: Tx, incident_id: int) -> dict[tuple[Harm, Severity], int]:
    """How many of each kind and severity; figures alone, for whoever may read the incident."""
    wanted = (
        select(Injury.kind, Injury.severity, func.count())
        .where(col(Injury.incident_id) == incident_id)
        .group_by(col(Injury.kind), col(Injury.severity))
    )
    return {(Harm(kind), Severity(severity)): count for kind, severity, count in tx.exec(wanted)}


def forget(tx: Tx, volunteer_id: int) -> None:
    """Takes away every word about or by somebody who is forgotten; that it happened stays."""
    theirs = or_(col(Injury.volunteer_id) == volunteer_id, col(Injury.reporter_id) == volunteer_id)
    tx.exec(update(Injury).where(theirs).values(words=None, place=None))
