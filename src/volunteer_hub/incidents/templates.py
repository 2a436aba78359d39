"""The tasks that a kind of incident brings, from config/hazards.toml, at a place and hour."""

from collections.abc import Collection
from datetime import datetime, timedelta

from volunteer_hub.core.errors import Malformed
from volunteer_hub.core.i18n import pick
from volunteer_hub.core.policy import Name
from volunteer_hub.incidents.models import Task
from volunteer_hub.incidents.policy import Hazard, Hazards, RoleSlot
from volunteer_hub.incidents.rules import MinimumSpec, SlotSpec, TaskSpec


def task_specs(
    policy: Hazards,
    code: str,
    *,
    lat: float,
    lon: float,
    starts_at: datetime,
    lang: str,
    only: Collection[str] | None = None,
) -> tuple[TaskSpec, ...]:
    """The hazard's default tasks, or ``only`` those named. Raises Malformed for names it does not have."""
    hazard = policy.hazards.get(code)
    if hazard is None:
        raise Malformed("incident.hazard", hazard=code, known=", ".join(policy.hazards))
    for name in only or ():
        if name not in hazard.tasks:
            raise Malformed("incident.template", template=name, known=", ".join(hazard.tasks))
    return tuple(
        _task(hazard, code, name, lat, lon, starts_at, lang)
        for name in hazard.tasks
        if only is None or name in only
    )


def task_name(policy: Hazards, template: str | None) -> Name | None:
    """The configured name of a task's template ("flood.boats"), while the configuration has it."""
    code, _, name = (template or "").partition(".")
    hazard = policy.hazards.get(code)
    task = hazard.tasks.get(name) if hazard else None
    return task.name if task else None


def shown_title(policy: Hazards, task: Task, lang: str) -> str:
    """A task's title for a reader: a template's own in their language, what somebody wrote as it stands."""
    name = task_name(policy, task.template)
    return pick(name, lang) if name and task.title in (name.en, name.zh) else task.title


def shown_role(policy: Hazards, task: Task, name: str | None, lang: str) -> str | None:
    """A role's name for a reader, as `shown_title`; None for a role without a name."""
    code, _, template = (task.template or "").partition(".")
    hazard = policy.hazards.get(code)
    known = hazard.tasks.get(template) if hazard else None
    for slot in known.slots if known else ():
        if name in (slot.name.en, slot.name.zh):
            return pick(slot.name, lang)
    return name


def _task(
    hazard: Hazard, code: str, name: str, lat: float, lon: float, starts_at: datetime, lang: str
) -> TaskSpec:
    template = hazard.tasks[name]
    return TaskSpec(
        title=pick(template.name, lang),
        template=f"{code}.{name}",
        lat=lat,
        lon=lon,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=template.minutes),
        priority=template.priority,
        hazards=(code,),
        hazardous=hazard.hazardous if template.hazardous is None else template.hazardous,
        outdoor=hazard.outdoor if template.outdoor is None else template.outdoor,
        slots=tuple(_slot(slot, lang) for slot in template.slots),
    )


def _slot(slot: RoleSlot, lang: str) -> SlotSpec:
    return SlotSpec(
        name=pick(slot.name, lang),
        skill=slot.skill,
        level=slot.level,
        minimum=slot.minimum,
        target=slot.target,
        maximum=slot.maximum,
        adult_only=slot.adult_only,
        insured_only=slot.insured_only,
        useful_minutes=slot.useful_minutes,
        minima=tuple(MinimumSpec(m.skill, m.heads, m.level, m.may_share) for m in slot.minima),
    )
