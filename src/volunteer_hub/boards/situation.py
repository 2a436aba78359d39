"""What is going on: incidents, alerts and levels asked for, each with its area and who is in command."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from volunteer_hub.access.models import Account, Jurisdiction
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import LANGUAGES
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.cap import parse
from volunteer_hub.incidents.cap_rules import choose_info
from volunteer_hub.incidents.models import Alert, Handover, Incident, RaiseRequest
from volunteer_hub.incidents.rules import Kind, Proposal, State


@dataclass(frozen=True)
class IncidentLine:
    """One incident in a list. ``commander`` is None only for a drill that nobody commands."""

    incident: Incident
    area: Jurisdiction
    commander: Account | None


@dataclass(frozen=True)
class AlertLine:
    """One alert with the area at whose door it came in, and the incident it led to."""

    alert: Alert
    area: Jurisdiction
    incident: Incident | None

    @property
    def headline(self) -> dict[str, str]:
        """What the message says in a line, for readers of each language; nothing where it says nothing."""
        message = parse(self.alert.document)
        found = {lang: choose_info(message.infos, lang) for lang in LANGUAGES}
        return {lang: info.headline or info.event for lang, info in found.items() if info is not None}


@dataclass(frozen=True)
class RaiseLine:
    """A level asked for, and by whom."""

    request: RaiseRequest
    incident: Incident
    area: Jurisdiction
    asked_by: Account | None


def areas(tx: Tx, paths: Iterable[str]) -> dict[str, Jurisdiction]:
    """Path -> node, in one query."""
    wanted = select(Jurisdiction).where(col(Jurisdiction.path).in_(set(paths)))
    return {node.path: node for node in tx.exec(wanted)}


def accounts(tx: Tx, ids: Iterable[int | None]) -> dict[int, Account]:
    """Id -> account, in one query."""
    wanted = select(Account).where(col(Account.id).in_({number for number in ids if number is not None}))
    return {account.id: account for account in tx.exec(wanted)}


def lines(tx: Tx, incidents: Sequence[Incident]) -> list[IncidentLine]:
    """Incidents with their areas and commanders, in two queries."""
    nodes = areas(tx, (incident.area for incident in incidents))
    people = accounts(tx, (incident.commander_id for incident in incidents))
    return [
        IncidentLine(incident, nodes[incident.area], people.get(incident.commander_id or 0))
        for incident in incidents
    ]


def incidents(
    tx: Tx,
    *,
    after: int | None = None,
    limit: int = 50,
    states: Collection[State] | None = None,
    kind: Kind | None = None,
) -> list[IncidentLine]:
    """`incidents.queries.incidents` as lines: up to ``limit + 1``, the newest first."""
    return lines(tx, queries.incidents(tx, after=after, limit=limit, states=states, kind=kind))


def alerts(
    tx: Tx, *, after: int | None = None, limit: int = 50, proposal: Proposal | None = None
) -> list[AlertLine]:
    """`incidents.queries.alerts` as lines: up to ``limit + 1``, the newest first."""
    return alert_lines(tx, queries.alerts(tx, after=after, limit=limit, proposal=proposal))


def alert_lines(tx: Tx, rows: Sequence[Alert]) -> list[AlertLine]:
    """Alerts with their areas and incidents, in two queries; foreign incidents are left out."""
    nodes = areas(tx, (alert.area for alert in rows))
    named = {alert.incident_id for alert in rows if alert.incident_id is not None}
    own = select(Incident).where(col(Incident.id).in_(named), tx.actor.scope("incident.read", Incident.area))
    known = {incident.id: incident for incident in tx.exec(own)}
    return [AlertLine(row, nodes[row.area], known.get(row.incident_id or 0)) for row in rows]


def raises(tx: Tx) -> list[RaiseLine]:
    """Open questions about levels that the actor may answer, the oldest first."""
    rows = queries.raises_asked(tx)
    nodes = areas(tx, (incident.area for _, incident in rows))
    people = accounts(tx, (request.asked_by for request, _ in rows))
    return [
        RaiseLine(request, incident, nodes[incident.area], people.get(request.asked_by or 0))
        for request, incident in rows
    ]


def offered_to(tx: Tx, account_id: int) -> Sequence[Incident]:
    """Incidents whose command is offered to this account and not yet acknowledged."""
    wanted = (
        select(Incident)
        .join(Handover, col(Handover.incident_id) == col(Incident.id))
        .where(
            col(Handover.to_account) == account_id,
            col(Handover.acknowledged_at).is_(None),
            col(Handover.withdrawn_at).is_(None),
            tx.actor.scope("incident.read", Incident.area),
        )
    )
    return tx.exec(wanted.order_by(col(Incident.id))).all()
