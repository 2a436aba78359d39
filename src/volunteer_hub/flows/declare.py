"""An incident begins: declared by a person or an alert, its node found, the duty officers told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from volunteer_hub.access import accounts, jurisdictions
from volunteer_hub.access.models import Account, Jurisdiction
from volunteer_hub.core import policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.flows import plan as planning
from volunteer_hub.flows import telling
from volunteer_hub.incidents import alerts, command, declaring, levels, rules, templates
from volunteer_hub.incidents.alerts import Received
from volunteer_hub.incidents.cap_model import Point
from volunteer_hub.incidents.models import Alert, Handover, Incident, RaiseRequest
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import IncidentSpec, Node, TaskSpec
from volunteer_hub.notify.rules import Kind as MessageKind
from volunteer_hub.notify.rules import Subject
from volunteer_hub.volunteers.policy import Skills


def node_of(tx: Tx, actor: Actor, permission: str, area: str) -> Node:
    """The node an actor acts for in an area: the highest one where they hold the right.

    Raises as `Actor.must_cover` when they hold it nowhere above.
    """
    actor.must_cover(permission, area)
    own = min((held for held in actor.areas(permission) if area.startswith(held)), key=len)
    way = jurisdictions.way_down(tx, area)
    node = next((node for node in way if node.path.startswith(own)), way[0])
    return Node(node.path, node.kind.value)


def declare(
    tx: Tx,
    spec: IncidentSpec,
    *,
    tasks: Sequence[TaskSpec] | None = None,
    only: Collection[str] | None = None,
    place: str = "",
    ask_above: bool = True,
) -> Incident:
    """Declares an incident and tells the duty officers of its area.

    ``tasks`` None takes the hazard's own (``only`` those named), at ``place``: where to go, in words.
    Raises as `incidents.declaring.declare`.
    """
    hazards = policy.load("hazards", Hazards)
    incident = declaring.declare(
        tx,
        hazards,
        spec,
        node=node_of(tx, tx.actor, "incident.declare", spec.area),
        skills=policy.load("skills", Skills).skills,
        tasks_wanted=_own_tasks(tx, hazards, spec, only, place) if tasks is None else tasks,
        ask_above=ask_above,
        commander_id=_commander(tx, spec),
    )
    _tell_declared(tx, incident)
    return incident


def declare_and_plan(tx: Tx, spec: IncidentSpec, *, only: Collection[str], place: str = "") -> Incident:
    """Declares with tasks of the hazard and asks for a plan of whom to call, who are not called by it.

    Without a task there is nothing to plan yet. Raises as `declare` and `plan.request`.
    """
    incident = declare(tx, spec, only=only, place=place)
    if only:
        planning.request(tx, incident)
    return incident


def _own_tasks(
    tx: Tx, hazards: Hazards, spec: IncidentSpec, only: Collection[str] | None, place: str
) -> list[TaskSpec]:
    wanted = templates.task_specs(
        hazards,
        spec.hazard,
        lat=spec.lat,
        lon=spec.lon,
        starts_at=max(spec.started_at or tx.now, tx.now),
        lang=tx.actor.lang,
        only=only,
    )
    return [replace(task, place=place) for task in wanted]


def _commander(tx: Tx, spec: IncidentSpec) -> int | None:
    """Whoever declares; for a program, the first coordinator of the area, who may hand over."""
    if tx.actor.kind == "account":
        return tx.actor.id
    return next((account.id for account in accounts.holders(tx, "incident.command", spec.area)), None)


def receive_alert(tx: Tx, document: bytes, area: str, *, as_of: datetime | None = None) -> Received:
    """Stores a CAP alert and tells the duty officers when it proposes something or ends what runs."""
    received = alerts.receive(tx, policy.load("hazards", Hazards), document, area, as_of=as_of)
    alert = received.alert
    if alert is not None and alert.proposal is rules.Proposal.WAITING:
        telling.tell(
            tx,
            telling.holders(tx, "incident.declare", area),
            "alert_received",
            about=(Subject.ALERT, alert.id),
            area=area,
            kind=_alert_kind(received),
            params={"sender": alert.sender, "path": "/incidents"},
            deed=f"alert:{alert.id}",
        )
    for incident in received.to_decide:
        _tell(tx, incident, "alert_cancels", f"alert:{alert.id if alert else 0}", {})
    return received


def _alert_kind(received: Received) -> MessageKind:
    return MessageKind.DRILL if received.decision.kind == "propose_drill" else MessageKind.REAL


def accept_alert(
    tx: Tx, alert: Alert, *, area: str | None = None, hazard: str | None = None, place: Point | None = None
) -> Incident:
    """Says yes to an alert's proposal. Raises as `incidents.alerts.declare_from`."""
    where = area or alert.area
    incident = alerts.declare_from(
        tx,
        policy.load("hazards", Hazards),
        alert,
        node=node_of(tx, tx.actor, "incident.declare", where),
        skills=policy.load("skills", Skills).skills,
        commander_id=_commander(tx, IncidentSpec(area=where, hazard="", lat=0.0, lon=0.0)),
        area=where,
        hazard=hazard,
        place=place,
    )
    _tell_declared(tx, incident)
    return incident


def set_level(tx: Tx, incident: Incident, level: int, reason: str = "") -> RaiseRequest | None:
    """Changes the level, or asks the node above, whose coordinators are told; then the question."""
    node = node_of(tx, tx.actor, "incident.write", incident.area)
    request = levels.set_level(tx, policy.load("hazards", Hazards), incident, level, node, reason=reason)
    if request is not None:
        people = telling.holders(tx, "incident.raise", request.area)
        _tell(tx, incident, "level_asked", f"raise:{request.id}", {"level": rules.level_name(level)}, people)
    return request


def answer_level(tx: Tx, request: RaiseRequest, *, grant: bool, reason: str = "") -> Incident:
    """The node above grants or refuses a level; the commander is told. Raises as `incidents.levels`."""
    node = node_of(tx, tx.actor, "incident.raise", request.area)
    hazards = policy.load("hazards", Hazards)
    answered = levels.grant(tx, hazards, request, node) if grant else levels.refuse(tx, request, node, reason)
    purpose = "level_granted" if grant else "level_refused"
    params = {"level": rules.level_name(request.level)}
    _tell(tx, answered, purpose, f"raise:{request.id}", params, _commander_of(tx, answered))
    return answered


def offer_command(tx: Tx, incident: Incident, email: str, questions: str) -> Handover:
    """Offers command to an account that could hold it here, and tells it. Raises Refused otherwise."""
    account = accounts.by_email(tx, email)
    able = {holder.id for holder in accounts.holders(tx, "incident.command", incident.area)}
    if account is None or account.id not in able:
        raise Refused("handover.unable")
    handover = command.offer(tx, incident, account.id, questions)
    _tell(tx, incident, "handover_offered", f"handover:{handover.id}", {}, [account])
    return handover


def _commander_of(tx: Tx, incident: Incident) -> list[Account]:
    account = tx.get(Account, incident.commander_id) if incident.commander_id is not None else None
    return [account] if account is not None else []


def _tell_declared(tx: Tx, incident: Incident) -> None:
    _tell(
        tx,
        incident,
        "incident_declared",
        f"incident:{incident.id}",
        {"level": rules.level_name(incident.level)},
    )


def _tell(
    tx: Tx,
    incident: Incident,
    purpose: str,
    deed: str,
    params: Mapping[str, object],
    people: Sequence[Account] | None = None,
) -> None:
    """One of this file's messages about an incident, by default to all who could command there."""
    by = tx.actor.id if tx.actor.kind == "account" else None
    told = people if people is not None else telling.holders(tx, "incident.command", incident.area, by)
    facts = {"title": incident.title, "path": f"/incidents/{incident.public_id}", **params}
    kind = MessageKind(incident.kind.value)
    telling.tell(
        tx,
        told,
        purpose,
        about=(Subject.INCIDENT, incident.id),
        area=incident.area,
        kind=kind,
        params=facts,
        deed=deed,
    )


def zone_of(tx: Tx, area: str) -> str:
    """The time zone of an area."""
    node: Jurisdiction = jurisdictions.by_path(tx, area)
    return node.zone
