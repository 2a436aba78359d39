"""The gates of an incident: who waits there and what is known of them, which places are free."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import Incident, RoleSlot, SlotMinimum, Task
from volunteer_hub.incidents.rules import TaskState
from volunteer_hub.mobilization import gates
from volunteer_hub.mobilization.gate_models import Gate, GateEntry
from volunteer_hub.mobilization.gate_rules import EntryState
from volunteer_hub.volunteers import skills
from volunteer_hub.volunteers.models import SkillClaim, Volunteer
from volunteer_hub.volunteers.rules import ClaimState, age_on


@dataclass(frozen=True)
class Role:
    """One role of the gate's task; ``free`` places, None where nobody is being called to it."""

    facts: SlotFacts
    free: int | None


@dataclass(frozen=True)
class EntryLine:
    """Somebody at the gate. ``name`` is the register's for who was known before; ``vouched`` are the skills
    somebody other than themselves stands for, ``decided_by`` whoever looked at them."""

    entry: GateEntry
    person: Volunteer
    age: int | None
    vouched: tuple[str, ...]
    decided_by: str


@dataclass(frozen=True)
class GateLine:
    """A gate. ``open``: its link takes people now."""

    gate: Gate
    task: Task
    roles: tuple[Role, ...]
    entries: tuple[EntryLine, ...]
    open: bool

    def of(self, *states: EntryState) -> list[EntryLine]:
        """Those in one of these states."""
        return [line for line in self.entries if line.entry.state in states]


@dataclass(frozen=True)
class GatesView:
    """An incident's gates, the newest first; ``tasks`` are open tasks without an open one."""

    incident: Incident
    gates: tuple[GateLine, ...]
    tasks: tuple[Task, ...]


def of_incident(tx: Tx, incident: Incident, zone: str) -> GatesView:
    """All of an incident's gates; the number of queries depends on neither gates nor people."""
    found = gates.of_incident(tx, incident.id)
    everybody = gates.entries(tx, [gate.id for gate in found])
    tasks = {row.id: row for row in tx.exec(select(Task).where(col(Task.incident_id) == incident.id))}
    lines = _entries(tx, everybody, tx.now.astimezone(ZoneInfo(zone)).date())
    roles = _roles(tx, {gate.task_id for gate in found})
    shown = tuple(
        GateLine(
            gate=gate,
            task=tasks[gate.task_id],
            roles=tuple(roles.get(gate.task_id, ())),
            entries=tuple(line for line in lines if line.entry.gate_id == gate.id),
            open=gate.closed_at is None and gate.expires_at > tx.now,
        )
        for gate in found
    )
    opened = {line.gate.task_id for line in shown if line.open}
    free = [
        task
        for task in tasks.values()
        if task.id not in opened and task.state is TaskState.OPEN and task.ends_at > tx.now
    ]
    free.sort(key=lambda task: (task.priority, task.starts_at, task.id))
    return GatesView(incident, shown, tuple(free))


def wanted_skills(tx: Tx, incident_id: int) -> list[str]:
    """Codes of the skills that the open tasks of an incident ask for, the most urgent first: what is worth
    asking people at a gate. What everybody can do is not asked."""
    own = select(RoleSlot.id, RoleSlot.skill).join(Task, col(Task.id) == col(RoleSlot.task_id))
    urgent = own.where(col(Task.incident_id) == incident_id, col(Task.state) == TaskState.OPEN)
    roles = tx.exec(urgent.order_by(col(Task.priority), col(Task.id), col(RoleSlot.position))).all()
    nested: dict[int, list[str]] = {}
    minima = select(SlotMinimum).where(col(SlotMinimum.slot_id).in_([key for key, _ in roles]))
    for minimum in tx.exec(minima.order_by(col(SlotMinimum.id))):
        nested.setdefault(minimum.slot_id, []).append(minimum.skill)
    codes = [code for key, own in roles for code in (own, *nested.get(key, ())) if code is not None]
    known = skills.taxonomy().skills
    return [code for code in dict.fromkeys(codes) if code in known and not known[code].everyone]


def _roles(tx: Tx, task_ids: set[int]) -> Mapping[int, list[Role]]:
    """Task -> its roles with their free places."""
    wanted = select(RoleSlot.id).where(col(RoleSlot.task_id).in_(task_ids))
    facts = slots.of(tx, tx.exec(wanted).all())
    called = gates.callouts_of(tx, facts.keys())
    found: dict[int, list[Role]] = {}
    for key, one in facts.items():
        fill = called[key][1] if key in called else None
        free = fill.maximum - fill.filled if fill is not None else None
        found.setdefault(one.task.id, []).append(Role(one, free))
    return found


def _entries(tx: Tx, entries: Sequence[GateEntry], today: date) -> list[EntryLine]:
    ids = {entry.volunteer_id for entry in entries}
    people = {row.id: row for row in tx.exec(select(Volunteer).where(col(Volunteer.id).in_(ids)))}
    sure: dict[int, list[str]] = {}
    verified = (col(SkillClaim.state) == ClaimState.VERIFIED) & col(SkillClaim.suspended_at).is_(None)
    for claim in tx.exec(select(SkillClaim).where(col(SkillClaim.volunteer_id).in_(ids), verified)):
        sure.setdefault(claim.volunteer_id, []).append(claim.skill)
    staff = {entry.decided_by for entry in entries}
    names = dict(tx.exec(select(Account.id, Account.name).where(col(Account.id).in_(staff))).all())
    lines = []
    for entry in entries:
        person = people[entry.volunteer_id]
        age = age_on(person.birthday, today) if person.birthday is not None else None
        vouched = tuple(sorted(sure.get(person.id, ())))
        lines.append(EntryLine(entry, person, age, vouched, names.get(entry.decided_by or 0, "")))
    return lines
