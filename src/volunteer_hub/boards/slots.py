"""What people are told of a role slot: the work, the place, the hours, the role, on which clocks."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import LANGUAGES, pick, t
from volunteer_hub.incidents import templates
from volunteer_hub.incidents.models import Incident, RoleSlot, Task
from volunteer_hub.incidents.policy import Hazard, Hazards
from volunteer_hub.incidents.rules import TaskState
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.volunteers.policy import Skills

LEADER: Final = "site_leader"
"""The skill of the slot whose people lead the task."""
Said = dict[str, str]
"""One text in both languages."""


@dataclass(frozen=True)
class SlotFacts:
    """One role slot with the task and incident above it, and the area of the task."""

    slot: RoleSlot
    task: Task
    incident: Incident
    area: Jurisdiction

    @property
    def zone(self) -> str:
        """The time zone in which its hours are told."""
        return self.area.zone

    @property
    def hazard(self) -> Hazard | None:
        """The configured hazard, while the configuration has it."""
        hazards: Hazards = policy.load("hazards", Hazards)
        return hazards.hazards.get(self.incident.hazard)

    @property
    def title(self) -> Said:
        """The task's title: a template's own in both languages, what somebody wrote as it stands."""
        hazards = policy.load("hazards", Hazards)
        return {lang: templates.shown_title(hazards, self.task, lang) for lang in LANGUAGES}

    @property
    def role(self) -> Said:
        """The slot's own name, a template's in both languages; else the skill it wants, else "helper"."""
        if self.slot.name:
            hazards, name = policy.load("hazards", Hazards), self.slot.name
            return {lang: templates.shown_role(hazards, self.task, name, lang) or name for lang in LANGUAGES}
        skill = policy.load("skills", Skills).skills.get(self.slot.skill or "")
        if skill is None:
            return {lang: t(lang, "callouts.anybody") for lang in LANGUAGES}
        return {lang: pick(skill.name, lang) for lang in LANGUAGES}

    @property
    def place(self) -> Said:
        """Where to go: what somebody wrote as it stands, else the name of the area."""
        return dict.fromkeys(LANGUAGES, self.task.place) if self.task.place else self.area.name

    @property
    def meeting(self) -> Said:
        """Where to go first: the pick-up point, and from there to the place; else the place."""
        where, pickup = self.place, self.task.pickup
        if not pickup:
            return where
        return {lang: t(lang, "callouts.meet", pickup=pickup, place=pick(where, lang)) for lang in LANGUAGES}

    @property
    def position(self) -> tuple[float, float]:
        """Where people travel to, latitude and longitude: the pick-up point's, where it has a position."""
        lat, lon = self.task.pickup_lat, self.task.pickup_lon
        return (self.task.lat, self.task.lon) if lat is None or lon is None else (lat, lon)

    @property
    def useful_minutes(self) -> int:
        """How long somebody must be there to be of use: the slot's own, else as configured."""
        if self.slot.useful_minutes is not None:
            return self.slot.useful_minutes
        policies: Callouts = policy.load("callouts", Callouts)
        return policies.callout.useful_minutes

    @property
    def leads(self) -> bool:
        """Whether whoever has a place here leads the others of the task."""
        return self.slot.skill == LEADER

    def open(self, now: datetime) -> bool:
        """Whether people can still be asked to it."""
        return self.task.state is TaskState.OPEN and self.task.ends_at > now


_PATH: Final = select(RoleSlot, Task, Incident, Jurisdiction).where(
    col(RoleSlot.task_id) == col(Task.id),
    col(Task.incident_id) == col(Incident.id),
    col(Jurisdiction.path) == col(Task.area),
)
_ORDER: Final = (col(Task.priority), col(Task.starts_at), col(RoleSlot.position), col(RoleSlot.id))


def of(tx: Tx, slot_ids: Collection[int]) -> dict[int, SlotFacts]:
    """Slot id -> its facts, the most urgent task first, in one query. Whoever asks has the right already."""
    rows = tx.exec(_PATH.where(col(RoleSlot.id).in_(slot_ids)).order_by(*_ORDER))
    return {row[0].id: SlotFacts(*row) for row in rows}


def of_task(tx: Tx, task_id: int) -> dict[int, SlotFacts]:
    """The same for all slots of a task."""
    rows = tx.exec(_PATH.where(col(RoleSlot.task_id) == task_id).order_by(*_ORDER))
    return {row[0].id: SlotFacts(*row) for row in rows}
