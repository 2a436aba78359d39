"""What was said and done in an incident, in the order of an ICS 214 activity log: by time, then entry."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import t
from volunteer_hub.incidents.models import Incident, LogEntry
from volunteer_hub.incidents.rules import LogKind, check_note


def record(
    tx: Tx, incident: Incident, kind: LogKind, event: str, /, *, text: str = "", **data: Any
) -> LogEntry:
    """Adds a line about a deed; ``event`` is the catalogue key after ``incidents.log.``."""
    entry = LogEntry(
        incident_id=incident.id,
        at=tx.now,
        kind=kind,
        event=event,
        account_id=account_of(tx.actor),
        text=text,
        data=data,
    )
    tx.add(entry)
    return entry


def note(
    tx: Tx, incident: Incident, text: str, *, kind: LogKind = LogKind.NOTE, at: datetime | None = None
) -> LogEntry:
    """Adds what somebody wrote, ``at`` the earlier moment when it happened. Raises Malformed."""
    tx.actor.must_cover("incident.write", incident.area)
    moment = min(at, tx.now) if at is not None else tx.now
    entry = LogEntry(
        incident_id=incident.id,
        at=moment,
        kind=kind,
        account_id=account_of(tx.actor),
        text=check_note(text, "text"),
    )
    tx.add(entry)
    tx.flush()
    return entry


def entries(tx: Tx, incident: Incident) -> Sequence[LogEntry]:
    """The whole log of an incident the actor may read."""
    tx.actor.must_cover("incident.read", incident.area)
    lines = select(LogEntry).where(col(LogEntry.incident_id) == incident.id)
    return tx.exec(lines.order_by(col(LogEntry.at), col(LogEntry.id))).all()


def words(lang: str, entry: LogEntry) -> str:
    """A line as its reader sees it: what happened in their language, what was written as it stands."""
    params = {name: _shown(lang, name, value) for name, value in entry.data.items()}
    said = t(lang, f"incidents.log.{entry.event}", **params) if entry.event else ""
    if said and entry.text:
        return t(lang, "incidents.log.both", said=said, text=entry.text)
    return said or entry.text


def _shown(lang: str, name: str, value: Any) -> Any:
    """Codes in a line's data as words."""
    if name in ("state_before", "state_after"):
        return t(lang, f"incidents.state.{value}")
    if name == "channel":
        return t(lang, f"board.channel.{value}")
    if name == "fields":
        return ("、" if lang == "zh" else ", ").join(t(lang, f"incidents.field.{field}") for field in value)
    return value


def account_of(actor: Actor) -> int | None:
    """The account of whoever acts; None for tokens, volunteers and the system itself."""
    return actor.id if actor.kind == "account" else None
