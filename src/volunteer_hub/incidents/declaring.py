"""An incident begins: from fields, or from its hazard's template with the default tasks."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import PreconditionFailed, Refused
from volunteer_hub.core.i18n import pick
from volunteer_hub.incidents import levels, logbook, rules, tasks, templates
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import IncidentClass, IncidentSpec, LogKind, Node, State, TaskSpec


def declare(
    tx: Tx,
    policy: Hazards,
    spec: IncidentSpec,
    *,
    node: Node,
    skills: Collection[str],
    tasks_wanted: Sequence[TaskSpec] = (),
    commander_id: int | None = None,
    ask_above: bool = False,
    origin: str | None = None,
) -> Incident:
    """Declares an incident with its tasks; whoever declares is in command unless another account is named.

    ``node`` is the one the actor acts for. A stated level graver than it may start is refused, or with
    ``ask_above``, as with a template's own level, started as grave as it may and asked of the node above.
    Raises Malformed naming every wrong field, Refused for the level or when nobody would be in command.
    """
    tx.actor.must_cover("incident.declare", spec.area)
    rules.check_incident(spec, policy, tx.now)
    rules.check_tasks(tasks_wanted, skills)
    commander = commander_id if commander_id is not None else logbook.account_of(tx.actor)
    if commander is None and spec.kind is rules.Kind.REAL:
        raise Refused("incident.no_commander")
    wanted = spec.level or rules.level_number(policy.hazards[spec.hazard].level)
    level = levels.first_level(tx, policy, spec, wanted, node, ask=ask_above or spec.level is None)
    incident = _row(tx, policy, spec, level, commander, origin)
    tx.add(incident)
    tx.flush()
    logbook.record(
        tx, incident, LogKind.DECLARED, "declared", level=rules.level_name(level), title=incident.title
    )
    if level != wanted:
        levels.ask(tx, incident, wanted, node)
    tasks.insert(tx, incident, tasks_wanted)
    tx.flush()
    return incident


def declare_from_template(
    tx: Tx,
    policy: Hazards,
    spec: IncidentSpec,
    *,
    node: Node,
    skills: Collection[str],
    only: Collection[str] | None = None,
    commander_id: int | None = None,
    ask_above: bool = False,
    origin: str | None = None,
) -> Incident:
    """The same with the hazard's default tasks (``only`` those named) at the incident's place, from now."""
    starts = max(spec.started_at or tx.now, tx.now)
    wanted = templates.task_specs(
        policy, spec.hazard, lat=spec.lat, lon=spec.lon, starts_at=starts, lang=tx.actor.lang, only=only
    )
    return declare(
        tx,
        policy,
        spec,
        node=node,
        skills=skills,
        tasks_wanted=wanted,
        commander_id=commander_id,
        ask_above=ask_above,
        origin=origin,
    )


def change(tx: Tx, policy: Hazards, incident: Incident, version: int, **changes: Any) -> frozenset[str]:
    """Changes title, lat, lon, shape, colour or incident_class; the names of what is different now.

    ``version`` is the one the editor saw. Raises PreconditionFailed when somebody was faster, Refused when
    the incident is closed, Malformed naming every wrong field.
    """
    tx.actor.must_cover("incident.write", incident.area)
    tx.refresh(incident, with_for_update=True)
    if incident.version != version:
        raise PreconditionFailed("version")
    rules.check_open(incident.state)
    before = IncidentSpec(
        area=incident.area,
        hazard=incident.hazard,
        title=incident.title,
        lat=incident.lat,
        lon=incident.lon,
        shape=incident.shape,
        colour=incident.colour,
        incident_class=incident.incident_class,
    )
    after = replace(before, **changes)
    rules.check_incident(after, policy, tx.now)
    different = frozenset(name for name in changes if getattr(before, name) != getattr(after, name))
    for name in different:
        setattr(incident, name, changes[name])
    if different:
        incident.version += 1
        logbook.record(tx, incident, LogKind.NOTE, "changed", fields=sorted(different))
        tx.flush()
    return different


def _row(
    tx: Tx, policy: Hazards, spec: IncidentSpec, level: int, commander: int | None, origin: str | None
) -> Incident:
    hazard = policy.hazards[spec.hazard]
    return Incident(
        area=spec.area,
        kind=spec.kind,
        hazard=spec.hazard,
        title=(spec.title or pick(hazard.name, tx.actor.lang)).strip(),
        incident_class=spec.incident_class or IncidentClass(hazard.incident_class),
        colour=spec.colour,
        level=level,
        state=State.DECLARED,
        lat=spec.lat,
        lon=spec.lon,
        shape=spec.shape,
        started_at=spec.started_at or tx.now,
        declared_at=tx.now,
        declared_by=logbook.account_of(tx.actor),
        commander_id=commander,
        source=spec.source,
        origin=origin,
        drill_plan_id=spec.drill_plan_id,
        occurrence=spec.occurrence,
    )
