"""The response level of an incident: who may start or raise which, and what is asked of the node above."""

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.incidents import logbook, rules
from volunteer_hub.incidents.models import Incident, RaiseRequest
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import IncidentSpec, Kind, LogKind, Node, RaiseState


def first_level(tx: Tx, policy: Hazards, spec: IncidentSpec, wanted: int, node: Node, *, ask: bool) -> int:
    """The level to declare at: the wanted one where the node may start it (a drill starts any).

    Otherwise the gravest it may start when the rest can be asked for. Raises Refused.
    """
    _acts_for(tx, "incident.declare", node, spec.area)
    if spec.kind is Kind.DRILL or rules.may_start(policy, node.kind, wanted):
        return wanted
    own = rules.gravest(policy, node.kind)
    if own is None or not ask:
        raise Refused("incident.level_above", level=rules.level_name(wanted), highest=_name(own))
    return own


def set_level(
    tx: Tx, policy: Hazards, incident: Incident, level: int, node: Node, *, reason: str = ""
) -> RaiseRequest | None:
    """Sets the level where the node may start both the old and the new one; else asks the node above.

    Returns the question when one was asked. Raises Refused when the incident is closed, the level is what it
    is already, or another question is still open; Malformed for a level that does not exist.
    """
    tx.actor.must_cover("incident.write", incident.area)
    _acts_for(tx, "incident.write", node, incident.area)
    tx.refresh(incident, with_for_update=True)
    rules.check_open(incident.state)
    if level == incident.level:
        raise Refused("incident.same_level", level=rules.level_name(level))
    graver = min(level, incident.level)
    if incident.kind is Kind.DRILL or rules.may_start(policy, node.kind, graver):
        _set(tx, incident, level, reason)
        return None
    return ask(tx, incident, level, node, reason=reason)


def ask(tx: Tx, incident: Incident, level: int, node: Node, *, reason: str = "") -> RaiseRequest:
    """Asks the node above for a level. Raises Refused without a node above, or while a question is open."""
    above = rules.above(node.area)
    if above is None:
        raise Refused("incident.nobody_above", level=rules.level_name(level))
    if asked(tx, incident) is not None:
        raise Refused("incident.raise_asked")
    request = RaiseRequest(
        incident_id=incident.id,
        area=above,
        level=level,
        reason=reason.strip(),
        asked_by=logbook.account_of(tx.actor),
        asked_at=tx.now,
    )
    tx.add(request)
    tx.flush()
    logbook.record(
        tx, incident, LogKind.LEVEL, "level_asked", text=request.reason, level=rules.level_name(level)
    )
    return request


def asked(tx: Tx, incident: Incident) -> RaiseRequest | None:
    """The incident's open question, if there is one."""
    wanted = select(RaiseRequest).where(
        col(RaiseRequest.incident_id) == incident.id, col(RaiseRequest.state) == RaiseState.ASKED
    )
    return tx.exec(wanted).one_or_none()


def grant(tx: Tx, policy: Hazards, request: RaiseRequest, node: Node) -> Incident:
    """The node above says yes: the incident has the level.

    Raises Refused when it was answered already, the incident has closed, or the answering node may not start
    that level either; then `pass_on` asks the next one up.
    """
    incident = _answering(tx, request, node)
    if not rules.may_start(policy, node.kind, min(request.level, incident.level)):
        own = rules.gravest(policy, node.kind)
        raise Refused("incident.grant_above", level=rules.level_name(request.level), highest=_name(own))
    _answer(tx, request, RaiseState.GRANTED)
    _set(tx, incident, request.level, "")
    return incident


def refuse(tx: Tx, request: RaiseRequest, node: Node, reason: str) -> Incident:
    """The node above says no, with the reason. Raises Malformed without one, Refused as `grant`."""
    reason = rules.check_note(reason, "reason")
    incident = _answering(tx, request, node)
    _answer(tx, request, RaiseState.REFUSED)
    level = rules.level_name(request.level)
    logbook.record(tx, incident, LogKind.LEVEL, "level_refused", text=reason, level=level)
    tx.flush()
    return incident


def pass_on(tx: Tx, request: RaiseRequest, node: Node) -> RaiseRequest:
    """Hands the question to the node above the answering one. Raises Refused where there is none."""
    incident = _answering(tx, request, node)
    above = rules.above(node.area)
    if above is None:
        raise Refused("incident.nobody_above", level=rules.level_name(request.level))
    request.area = above
    logbook.record(tx, incident, LogKind.LEVEL, "level_passed_on", level=rules.level_name(request.level))
    tx.flush()
    return request


def _answering(tx: Tx, request: RaiseRequest, node: Node) -> Incident:
    """The incident of a question that this node may answer now; holds both rows."""
    tx.actor.must_cover("incident.raise", request.area)
    _acts_for(tx, "incident.raise", node, request.area)
    incident = tx.get_one(Incident, request.incident_id, with_for_update=True, populate_existing=True)
    tx.refresh(request, with_for_update=True)
    if request.state is not RaiseState.ASKED:
        raise Refused("incident.raise_answered", state=rules.named("raise", request.state))
    rules.check_open(incident.state)
    return incident


def _answer(tx: Tx, request: RaiseRequest, state: RaiseState) -> None:
    request.state = state
    request.answered_by = logbook.account_of(tx.actor)
    request.answered_at = tx.now


def _set(tx: Tx, incident: Incident, level: int, reason: str) -> None:
    before, incident.level = incident.level, level
    incident.version += 1
    names = {"before": rules.level_name(before), "level": rules.level_name(level)}
    logbook.record(tx, incident, LogKind.LEVEL, "level_set", text=reason.strip(), **names)
    tx.flush()


def _acts_for(tx: Tx, permission: str, node: Node, area: str) -> None:
    """Nobody borrows a higher node's powers: the actor holds the right there, and it covers the area."""
    tx.actor.must_cover(permission, node.area)
    if not area.startswith(node.area):
        raise Refused("incident.node")


def _name(level: int | None) -> str:
    return rules.level_name(level) if level is not None else "–"
