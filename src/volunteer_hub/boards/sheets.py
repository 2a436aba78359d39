"""What an incident's printed sheets are filled with: its people, tasks and log.

The number of queries does not depend on how many there are. The sheets follow forms of the US National
Incident Management System (FEMA, ICS 204, 211, 214, 221).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from volunteer_hub.access.models import Account, Jurisdiction
from volunteer_hub.boards import field, situation
from volunteer_hub.boards.command import LogLine
from volunteer_hub.boards.field import FieldView, PersonLine
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents import logbook, queries
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.mobilization.gate_models import Gate
from volunteer_hub.volunteers.models import SkillClaim, Volunteer
from volunteer_hub.volunteers.rules import TravelMode


@dataclass(frozen=True)
class Hand:
    """One person on a sheet. ``skills``: (code, level) pairs that count, in alphabetical order."""

    line: PersonLine
    home: Jurisdiction
    travel: TravelMode
    skills: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Assignment:
    """One task with its people, its leaders first."""

    task: Task
    hands: tuple[Hand, ...]

    @property
    def leaders(self) -> tuple[Hand, ...]:
        """Who leads the others."""
        return tuple(hand for hand in self.hands if hand.line.facts.leads)


@dataclass(frozen=True)
class Sheets:
    """``period`` reaches from the first task's beginning to the last one's end; ``log`` is whole, the oldest
    line first; ``by`` is whoever prints."""

    incident: Incident
    area: Jurisdiction
    commander: Account | None
    by: Account | None
    period: tuple[datetime, datetime]
    assignments: tuple[Assignment, ...]
    log: tuple[LogLine, ...]
    gates: tuple[Gate, ...]

    @property
    def hands(self) -> tuple[Hand, ...]:
        """Everybody who said yes, by task."""
        return tuple(hand for one in self.assignments for hand in one.hands)


def sheets(tx: Tx, incident: Incident) -> Sheets:
    """All of an incident that the actor may read. Raises NotFound outside their areas."""
    tx.actor.must_cover("duty.read", incident.area)
    view = field.people(tx, incident)
    hands = _hands(tx, view)
    tasks = [one.task for one in queries.whole(tx, incident).tasks]
    entries = logbook.entries(tx, incident)
    me = tx.actor.id if tx.actor.kind == "account" else None
    accounts = situation.accounts(tx, [incident.commander_id, me, *(entry.account_id for entry in entries)])
    began, ended = [task.starts_at for task in tasks], [task.ends_at for task in tasks]
    return Sheets(
        incident=incident,
        area=situation.areas(tx, [incident.area])[incident.area],
        commander=accounts.get(incident.commander_id or 0),
        by=accounts.get(me or 0),
        period=(min(began, default=incident.started_at), max(ended, default=incident.closed_at or tx.now)),
        assignments=tuple(_assignment(task, hands) for task in tasks),
        log=tuple(LogLine(entry, accounts.get(entry.account_id or 0)) for entry in entries),
        gates=_open_gates(tx, incident),
    )


def _assignment(task: Task, hands: tuple[Hand, ...]) -> Assignment:
    mine = [hand for hand in hands if hand.line.facts.task.id == task.id]
    mine.sort(
        key=lambda hand: (not hand.line.facts.leads, hand.line.facts.slot.position, hand.line.name or "")
    )
    return Assignment(task, tuple(mine))


def _hands(tx: Tx, view: FieldView) -> tuple[Hand, ...]:
    """Everybody of the field with what only sheets say of them, in three queries."""
    ids = {line.duty.volunteer_id for line in view.lines}
    people = select(Volunteer.id, Volunteer.area, Volunteer.travel_mode).where(col(Volunteer.id).in_(ids))
    known = {number: (area, TravelMode(travel)) for number, area, travel in tx.exec(people)}
    homes = situation.areas(tx, (area for area, _ in known.values()))
    claims = select(SkillClaim.volunteer_id, SkillClaim.skill, SkillClaim.level).where(
        col(SkillClaim.volunteer_id).in_(ids), col(SkillClaim.suspended_at).is_(None)
    )
    skills: dict[int, list[tuple[str, int]]] = {}
    for number, skill, level in tx.exec(claims.order_by(col(SkillClaim.skill))):
        skills.setdefault(number, []).append((skill, level))
    return tuple(_hand(line, known, homes, skills) for line in view.lines)


def _hand(
    line: PersonLine,
    known: Mapping[int, tuple[str, TravelMode]],
    homes: Mapping[str, Jurisdiction],
    skills: Mapping[int, list[tuple[str, int]]],
) -> Hand:
    number = line.duty.volunteer_id
    area, travel = known[number]
    return Hand(line, homes[area], travel, tuple(skills.get(number, ())))


def _open_gates(tx: Tx, incident: Incident) -> tuple[Gate, ...]:
    wanted = select(Gate).where(
        col(Gate.incident_id) == incident.id, col(Gate.closed_at).is_(None), col(Gate.expires_at) > tx.now
    )
    return tuple(tx.exec(wanted.order_by(col(Gate.id))))
