"""CAP alerts: each stored once with what was decided, and one matter never becoming two incidents.

Messages of one sender are taken one after the other (an advisory lock), so that a repeat, an update and a
coordinator's yes that come at the same moment find each other's rows.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Text, cast, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, Refused
from volunteer_hub.core.geo import circle_ring
from volunteer_hub.incidents import declaring, logbook, rules, states
from volunteer_hub.incidents.cap import parse
from volunteer_hub.incidents.cap_model import CapAlert, CapArea, MsgType, Point, Reference, Status
from volunteer_hub.incidents.cap_rules import Decision, KnownAlert, choose_info, decide
from volunteer_hub.incidents.cap_rules import Kind as Deed
from volunteer_hub.incidents.models import Alert, Incident
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import Colour, IncidentSpec, Kind, LogKind, Node, Proposal, Source, State

_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:sender, 18))")
_PROPOSING: Final = (Deed.PROPOSE, Deed.PROPOSE_DRILL)


@dataclass(frozen=True)
class Received:
    """What came of a message. ``alert`` is None for the repeat of one that is stored in a foreign area.

    ``changed`` are the incidents it updated or closed; ``to_decide`` those that it cancels while people are
    already under way, which only whoever is in command ends.
    """

    alert: Alert | None
    decision: Decision
    changed: tuple[Incident, ...] = ()
    to_decide: tuple[Incident, ...] = ()


def receive(
    tx: Tx, policy: Hazards, document: bytes, area: str, *, as_of: datetime | None = None
) -> Received:
    """Stores a CAP document once and does what it says to proposals and incidents.

    ``area`` is the node at whose door it came in; ``as_of`` replays it as of another time. Raises Malformed
    naming the field for a document that is not a sound alert.
    """
    tx.actor.must_cover("alert.write", area)
    alert = parse(document)
    _hold(tx, alert.sender)
    stored = _stored(tx, alert.reference)
    if stored is not None:
        covered = tx.actor.may("alert.read", stored.area)
        return Received(stored if covered else None, Decision(Deed.REPEAT))
    decision = decide(alert, _known(tx, alert), as_of or tx.now, policy)
    row = _row(tx, alert, document, area)
    tx.add(row)
    outcome = _act(tx, row, alert, decision, as_of)
    early = [_again(tx, policy, reference, as_of) for reference in decision.then]
    return Received(
        row,
        decision,
        changed=_distinct([outcome, *early], lambda r: r.changed),
        to_decide=_distinct([outcome, *early], lambda r: r.to_decide),
    )


def replay(tx: Tx, policy: Hazards, row: Alert, as_of: datetime) -> Received:
    """Decides a stored alert anew as of another time, for exercises and tests with old messages.

    Raises Refused when it has led to an incident already.
    """
    tx.actor.must_cover("alert.write", row.area)
    _hold(tx, row.sender)
    tx.refresh(row)
    if row.incident_id is not None:
        raise Refused("alert.declared")
    alert = parse(row.document)
    decision = decide(alert, _known(tx, alert, but=row.id), as_of, policy)
    return _act(tx, row, alert, decision, as_of)


def declare_from(
    tx: Tx,
    policy: Hazards,
    row: Alert,
    *,
    node: Node,
    skills: Collection[str],
    commander_id: int | None = None,
    area: str | None = None,
    hazard: str | None = None,
    place: Point | None = None,
    only: Collection[str] | None = None,
) -> Incident:
    """Says yes to what an alert proposes: an incident (a drill for an exercise) with its hazard's tasks.

    ``area`` may be any below the alert's; hazard and place are needed where the alert does not tell them.
    The warning's colour sets the level, asked of the node above where it is too grave for this one.
    Raises Refused when the proposal was answered, replaced or withdrawn meanwhile; Malformed naming what is
    missing; and as `declaring.declare`.
    """
    tx.actor.must_cover("alert.read", row.area)
    where = area or row.area
    if not where.startswith(row.area):
        raise Refused("alert.area")
    _hold(tx, row.sender)
    tx.refresh(row)
    _check_waiting(row)
    spec = _spec(tx, policy, row, where, hazard or row.hazard, place)
    incident = declaring.declare_from_template(
        tx,
        policy,
        spec,
        node=node,
        skills=skills,
        only=only,
        commander_id=commander_id,
        ask_above=True,
        origin=f"cap:{row.sender},{row.identifier},{row.sent.astimezone(UTC).isoformat()}",
    )
    row.proposal, row.incident_id = Proposal.DECLARED, incident.id
    logbook.record(
        tx, incident, LogKind.ALERT, "alert_declared", sender=row.sender, identifier=row.identifier
    )
    tx.flush()
    return incident


def dismiss(tx: Tx, row: Alert) -> Alert:
    """Says no to what an alert proposes. Raises Refused when it was answered already."""
    tx.actor.must_cover("alert.write", row.area)
    _hold(tx, row.sender)
    tx.refresh(row)
    _check_waiting(row)
    row.proposal = Proposal.DISMISSED
    tx.flush()
    return row


def shape(areas: Iterable[CapArea]) -> dict[str, Any] | None:
    """Polygons and circles as one GeoJSON MultiPolygon (lon, lat); None when areas are only names."""
    rings = [ring for area in areas for ring in area.polygons]
    rings += [
        tuple(circle_ring(c.centre, c.radius_km)) for area in areas for c in area.circles if c.radius_km
    ]
    if not rings:
        return None
    coordinates = [[[[lon, lat] for lat, lon in ring]] for ring in rings]
    return {"type": "MultiPolygon", "coordinates": coordinates}


def _hold(tx: Tx, sender: str) -> None:
    tx.execute(_LOCK, {"sender": sender})


def _check_waiting(row: Alert) -> None:
    if row.proposal is not Proposal.WAITING:
        raise Refused("alert.answered", proposal=rules.named("proposal", row.proposal))


def _stored(tx: Tx, reference: Reference) -> Alert | None:
    return tx.exec(
        select(Alert).where(
            col(Alert.identifier) == reference.identifier,
            col(Alert.sender) == reference.sender,
            col(Alert.sent) == reference.sent,
        )
    ).one_or_none()


def _matter(reference: Reference) -> str:
    return f"{reference.sender},{reference.identifier}"  # CAP forbids commas in both


def _known(tx: Tx, alert: CapAlert, *, but: int | None = None) -> list[KnownAlert]:
    """What is stored on this alert's matters, in the areas whose alerts the actor may act on."""
    names = sorted({_matter(alert.reference), *map(_matter, alert.references)})
    wanted = select(Alert).where(
        col(Alert.matters).has_any(cast(names, ARRAY(Text))),  # type: ignore[attr-defined]  # of JSONB columns
        tx.actor.scope("alert.write", Alert.area),
    )
    return [_known_one(row) for row in tx.exec(wanted.order_by(col(Alert.id))) if row.id != but]


def _known_one(row: Alert) -> KnownAlert:
    return KnownAlert(
        reference=Reference(row.sender, row.identifier, row.sent.astimezone(UTC)),
        status=Status(row.status),
        msg_type=MsgType(row.msg_type),
        references=tuple(
            Reference(sender, identifier, datetime.fromisoformat(sent))
            for sender, identifier, sent in row.refs
        ),
        incident_id=row.incident_id,
    )


def _row(tx: Tx, alert: CapAlert, document: bytes, area: str) -> Alert:
    return Alert(
        area=area,
        identifier=alert.identifier,
        sender=alert.sender,
        sent=alert.sent,
        status=alert.status.value,
        msg_type=alert.msg_type.value,
        refs=[[r.sender, r.identifier, r.sent.isoformat()] for r in alert.references],
        matters=sorted({_matter(alert.reference), *map(_matter, alert.references)}),
        received_at=tx.now,
        document=document,
        decision=Deed.KEEP.value,
    )


def _again(tx: Tx, policy: Hazards, reference: Reference, as_of: datetime | None) -> Received:
    """Decides a message that came before what it refers to."""
    row = _stored(tx, reference)
    assert row is not None  # decide names only what it was given
    alert = parse(row.document)
    decision = decide(alert, _known(tx, alert, but=row.id), as_of or tx.now, policy)
    if row.proposal is Proposal.DISMISSED:  # a coordinator's no stands, for the earlier message too
        _settle(tx, decision)
        return Received(row, decision)
    return _act(tx, row, alert, decision, as_of)


def _act(tx: Tx, row: Alert, alert: CapAlert, decision: Decision, as_of: datetime | None) -> Received:
    """Records a decision on its row, and does what follows for proposals and incidents."""
    row.decision, row.why = decision.kind.value, decision.why.value if decision.why else None
    row.expired, row.decided_as_of = decision.expired, as_of
    row.hazard, row.colour = decision.hazard, Colour(decision.colour) if decision.colour else None
    row.lat, row.lon = decision.place or (None, None)
    row.proposal = Proposal.WAITING if decision.kind in _PROPOSING else Proposal.NONE
    row.incident_id = decision.incident_ids[0] if decision.incident_ids else None
    tx.flush()
    _settle(tx, decision)
    found = [
        tx.get_one(Incident, number, with_for_update=True, populate_existing=True)
        for number in decision.incident_ids
    ]
    standing = [incident for incident in found if incident.state in rules.OPEN]
    if decision.kind is Deed.UPDATE:
        for incident in standing:
            _update(tx, incident, alert, decision)
        return Received(row, decision, changed=tuple(standing))
    if decision.kind is Deed.CANCEL:
        closed = tuple(incident for incident in standing if _cancel(tx, incident, alert))
        return Received(row, decision, closed, tuple(i for i in standing if i not in closed))
    return Received(row, decision)


def _settle(tx: Tx, decision: Decision) -> None:
    """Ends the proposals of the messages that a decision acts on: the sender has said something newer."""
    ended = Proposal.WITHDRAWN if decision.kind is Deed.CANCEL else Proposal.REPLACED
    for reference in decision.acts_on:
        row = _stored(tx, reference)
        if row is not None and row.proposal is Proposal.WAITING:
            row.proposal = ended
    tx.flush()


def _update(tx: Tx, incident: Incident, alert: CapAlert, decision: Decision) -> None:
    incident.colour = Colour(decision.colour) if decision.colour else incident.colour
    incident.shape = shape(decision.areas) or incident.shape
    incident.version += 1
    _log(tx, incident, "alert_updated", alert)
    tx.flush()


def _cancel(tx: Tx, incident: Incident, alert: CapAlert) -> bool:
    """Closes an incident for which nobody was asked yet; else only says so in its log. Whether it closed."""
    _log(tx, incident, "alert_cancelled", alert)
    if incident.state is not State.DECLARED:
        tx.flush()
        return False
    states.advance(tx, incident, State.CLOSED, event="closed_by_alert")
    return True


def _log(tx: Tx, incident: Incident, event: str, alert: CapAlert) -> None:
    info = choose_info(alert.infos, "zh" if tx.actor.lang == "zh" else "en")
    said = (info.headline or info.event) if info else alert.note
    names = {"sender": alert.sender, "identifier": alert.identifier}
    logbook.record(tx, incident, LogKind.ALERT, event, text=said[: rules.LONGEST_TEXT], **names)


def _spec(
    tx: Tx, policy: Hazards, row: Alert, area: str, hazard: str | None, place: Point | None
) -> IncidentSpec:
    if hazard is None:
        raise Malformed("alert.hazard", known=", ".join(policy.hazards))
    if place is None and row.lat is not None and row.lon is not None:
        place = (row.lat, row.lon)
    if place is None:
        raise Malformed("alert.place")
    alert = parse(row.document)
    info = choose_info(alert.infos, "zh" if tx.actor.lang == "zh" else "en")
    colour = policy.colours[row.colour.value] if row.colour else None
    return IncidentSpec(
        area=area,
        hazard=hazard,
        title=(info.headline or info.event)[: rules.LONGEST_TITLE] if info else None,
        lat=place[0],
        lon=place[1],
        kind=Kind.DRILL if row.decision == Deed.PROPOSE_DRILL else Kind.REAL,
        source=Source.CAP,
        level=rules.level_number(colour.level) if colour else None,
        colour=row.colour,
        shape=shape(area for info in alert.infos for area in info.areas),
    )


def _distinct(outcomes: Sequence[Received], part: Any) -> tuple[Incident, ...]:
    return tuple({incident.id: incident for one in outcomes for incident in part(one)}.values())
