"""Writing a report upward, sending it, and what stands between an incident and its next one."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, PreconditionFailed, Refused
from volunteer_hub.incidents import logbook, rules, upward_rules
from volunteer_hub.incidents.models import Incident, LogEntry
from volunteer_hub.incidents.policy import Upward
from volunteer_hub.incidents.rules import LogKind
from volunteer_hub.incidents.upward_models import UpwardReport
from volunteer_hub.incidents.upward_rules import Content, Standing, UpwardKind


def of_incident(tx: Tx, incident: Incident) -> Sequence[UpwardReport]:
    """Every report of an incident, the newest first, the draft before those sent."""
    tx.actor.must_cover("incident.write", incident.area)
    wanted = select(UpwardReport).where(col(UpwardReport.incident_id) == incident.id)
    return tx.exec(wanted.order_by(col(UpwardReport.number).desc())).all()


def find(tx: Tx, incident: Incident, number: int) -> UpwardReport:
    """One report of an incident by its number. Raises NotFound."""
    tx.actor.must_cover("incident.write", incident.area)
    wanted = select(UpwardReport).where(
        col(UpwardReport.incident_id) == incident.id, col(UpwardReport.number) == number
    )
    found = tx.exec(wanted).one_or_none()
    if found is None:
        raise NotFound("not_found")
    return found


def standings(tx: Tx, incidents: Collection[Incident]) -> dict[int, Standing]:
    """Incident id -> what decides when its next report is due, in two queries."""
    ids = [incident.id for incident in incidents]
    told = select(UpwardReport.incident_id, UpwardReport.kind, UpwardReport.sent_at).where(
        col(UpwardReport.incident_id).in_(ids), col(UpwardReport.sent_at).is_not(None)
    )
    rows = tx.exec(told.order_by(col(UpwardReport.number)))
    last = {number: (UpwardKind(kind), sent_at) for number, kind, sent_at in rows if sent_at is not None}
    changed = (
        select(LogEntry.incident_id, func.max(LogEntry.at))
        .where(col(LogEntry.incident_id).in_(ids), col(LogEntry.event) == "level_set")
        .group_by(col(LogEntry.incident_id))
    )
    level = dict(tx.exec(changed).all())
    return {
        one.id: Standing(one.declared_at, one.closed_at, level.get(one.id), last.get(one.id))
        for one in incidents
    }


def due_at(policy: Upward, incident: Incident, standing: Standing) -> datetime | None:
    """When the next report is due; None where none is: after the final one, and of drills."""
    times = upward_rules.times_for(policy, incident.incident_class, incident.level)
    if incident.kind is rules.Kind.DRILL or times is None:
        return None
    return upward_rules.due_at(standing, times)


def save(
    tx: Tx,
    incident: Incident,
    content: Content,
    counted: Mapping[str, int],
    lang: str,
    version: int | None = None,
) -> UpwardReport:
    """Writes the draft of the next report, to be read in ``lang``.

    ``version``: that of the draft which the writer saw, 0 for none, None for whatever is there.

    Raises Malformed, Refused after the final report, PreconditionFailed when somebody else wrote meanwhile.
    """
    tx.actor.must_cover("incident.write", incident.area)
    upward_rules.check_content(content)
    tx.refresh(incident, with_for_update={"key_share": True})
    kind = upward_rules.next_kind(standings(tx, [incident])[incident.id])
    if kind is None:
        raise Refused("upward.over")
    before = of_incident(tx, incident)
    draft = before[0] if before and before[0].sent_at is None else None
    if version is not None and version != (draft.version if draft is not None else 0):
        raise PreconditionFailed("version")
    if draft is None:
        draft = UpwardReport(
            incident_id=incident.id,
            area=incident.area,
            number=len(before) + 1,
            kind=kind,
            level=incident.level,
            lang=lang,
            version=0,
        )
        tx.add(draft)
    draft.kind, draft.level, draft.lang = kind, incident.level, lang
    draft.figures = {name: content.figures[name] for name in upward_rules.FIGURES}
    draft.counted, draft.as_of = dict(counted), tx.now
    for name in upward_rules.WORDS:
        setattr(draft, name, getattr(content, name).strip())
    draft.written_by = logbook.account_of(tx.actor)
    draft.version += 1
    tx.flush()
    return draft


def send(
    tx: Tx,
    policy: Upward,
    incident: Incident,
    draft: UpwardReport,
    sent_to: str,
    *,
    sent_at: datetime | None = None,
    email: str | None = None,
) -> UpwardReport:
    """Records the draft as sent: to whom in words, at an earlier moment where it went by telephone.

    Raises Malformed, Refused when it was sent already or the incident has closed since it was written.
    """
    tx.actor.must_cover("incident.write", incident.area)
    rules.check_note(sent_to, "sent_to")
    tx.refresh(incident, with_for_update={"key_share": True})
    tx.refresh(draft)
    if draft.sent_at is not None:
        raise Refused("upward.sent")
    standing = standings(tx, [incident])[incident.id]
    if draft.kind is not upward_rules.next_kind(standing):
        raise Refused("upward.outdated")
    moment = sent_at or tx.now
    upward_rules.check_sent_at(moment, standing.last[1] if standing.last else incident.declared_at, tx.now)
    draft.due_at = due_at(policy, incident, standing)
    draft.sent_at, draft.sent_to = moment, sent_to.strip()
    draft.sent_by, draft.email = logbook.account_of(tx.actor), email
    draft.version += 1
    event = f"upward_{draft.kind.value}"
    logbook.record(tx, incident, LogKind.NOTE, event, number=draft.number, to=draft.sent_to)
    tx.flush()
    return draft
