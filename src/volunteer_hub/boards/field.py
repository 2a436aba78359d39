"""Who is where in an incident, who needs attention, who is missing from a roll call, who goes home first.

The number of queries depends neither on the people nor on the tasks. Names and telephones are for those who
may read volunteers there.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func
from sqlalchemy import select as columns  # SQLModel's select is typed for four at most
from sqlmodel import col, select

from volunteer_hub.access.models import Account, Jurisdiction
from volunteer_hub.boards import situation, slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import geo, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.mobilization import field_rules, roll_calls
from volunteer_hub.mobilization import injuries as harms
from volunteer_hub.mobilization.field_rules import First, Harm, Leaving, Need, Place, Severity, Sighting
from volunteer_hub.mobilization.models import Duty, Injury, Offer, OkTimer, RollCall, RollCallEntry
from volunteer_hub.mobilization.policy import Callouts, FieldRules
from volunteer_hub.mobilization.rules import DutyState, OfferState
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import ADULT_AGE, age_on

OVERDUE: Final = "overdue"
COUNTED: Final = (OVERDUE, "rest_due", *(place.value for place in Place))
"""What is counted; each name opens its list."""


@dataclass(frozen=True)
class Known:
    """A volunteer as a board of the field needs them."""

    public_id: uuid.UUID
    name: str | None
    phone: str | None
    birthday: date | None
    lat: float | None
    lon: float | None


@dataclass(frozen=True)
class PersonLine:
    """One person at work. ``name`` and ``phone`` are None for a reader who may not know them."""

    duty: Duty
    person: uuid.UUID
    name: str | None
    phone: str | None
    facts: SlotFacts
    it: Sighting
    needs: tuple[Need, ...]
    km_home: float | None
    minor: bool

    @property
    def place(self) -> Place:
        """Where they are."""
        return self.it.place

    @property
    def contact(self) -> tuple[field_rules.Contact, datetime] | None:
        """How and when they were last heard of."""
        return field_rules.last_contact(self.it)

    def counts_as(self, name: str) -> bool:
        """Whether the list behind a count holds them."""
        if name == OVERDUE:
            return bool(field_rules.OVERDUE & set(self.needs))
        return name in self.needs or name == self.place


@dataclass(frozen=True)
class CallLine:
    """A roll call and how many are on it; ``missing`` as of now, or of its end."""

    call: RollCall
    people: int
    missing: int


@dataclass(frozen=True)
class TaskLine:
    """One task with its people by count. ``ok_minutes``: how often they say that they are OK, None: never."""

    task: Task
    facts: SlotFacts
    counts: Mapping[str, int]
    ok_minutes: int | None


@dataclass(frozen=True)
class FieldView:
    """An incident's people, whoever needs attention first."""

    incident: Incident
    zone: str
    lines: tuple[PersonLine, ...]
    timers: Mapping[int, int | None]
    calls: tuple[CallLine, ...]
    harmed: Mapping[tuple[Harm, Severity], int]

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many people each count holds."""
        return _counts(self.lines)

    @cached_property
    def tasks(self) -> tuple[TaskLine, ...]:
        """The tasks that anybody is at, the most urgent first."""
        found: dict[int, list[PersonLine]] = {}
        for line in self.lines:
            found.setdefault(line.facts.task.id, []).append(line)
        rows = [_task_line(people, self.timers) for people in found.values()]
        return tuple(sorted(rows, key=lambda row: (row.task.priority, row.task.starts_at, row.task.id)))

    @property
    def running(self) -> tuple[CallLine, ...]:
        """The roll calls that run."""
        return tuple(line for line in self.calls if line.call.ended_at is None)

    def only(self, who: str = "", task: uuid.UUID | None = None) -> list[PersonLine]:
        """The people behind a count, of one task or of all."""
        return [
            line
            for line in self.lines
            if (not who or line.counts_as(who)) and (task is None or line.facts.task.public_id == task)
        ]


@dataclass(frozen=True)
class LeavingLine:
    """Somebody on site in the order of going home, and why now."""

    line: PersonLine
    first: First
    minutes_on: int


@dataclass(frozen=True)
class EntryLine:
    """One person of a roll call, and the account that marked them."""

    entry: RollCallEntry
    line: PersonLine
    by: Account | None


@dataclass(frozen=True)
class RollCallView:
    """A roll call, whoever is missing first."""

    call: RollCall
    incident: Incident
    zone: str
    lines: tuple[EntryLine, ...]
    accounts: Mapping[int, Account]

    @property
    def missing(self) -> list[EntryLine]:
        """Whom nobody has accounted for."""
        return [line for line in self.lines if line.entry.accounted is None]

    @property
    def safe(self) -> list[EntryLine]:
        """Everybody else."""
        return [line for line in self.lines if line.entry.accounted is not None]


@dataclass(frozen=True)
class InjuryLine:
    """What was recorded, and of whom; ``person`` is None for nobody and for readers who may not know."""

    injury: Injury
    person: PersonLine | None
    task: Task | None


def people(tx: Tx, incident: Incident) -> FieldView:
    """Everybody who said yes in an incident that the actor may read. Raises NotFound outside their areas."""
    tx.actor.must_cover("duty.read", incident.area)
    # Whoever gave the place back has no business on this list; whoever was let go before they came has.
    mine = (col(Duty.state) != DutyState.CANCELLED) | (col(Offer.state) == OfferState.RELEASED)
    lines = _lines(tx, mine & (col(Duty.incident_id) == incident.id))
    area = tx.exec(select(Jurisdiction).where(col(Jurisdiction.path) == incident.area)).one()
    timers = select(OkTimer.task_id, OkTimer.minutes).join(Task, col(Task.id) == col(OkTimer.task_id))
    return FieldView(
        incident=incident,
        zone=area.zone,
        lines=tuple(sorted(lines, key=lambda line: field_rules.urgency(line.it, line.needs))),
        timers=dict(tx.exec(timers.where(col(Task.incident_id) == incident.id)).all()),
        calls=tuple(_calls(tx, incident)),
        harmed=harms.counts(tx, incident.id),
    )


def release_order(tx: Tx, view: FieldView) -> list[LeavingLine]:
    """Everybody on site in the order in which they go home, with the reason."""
    here = {line.duty.id: line for line in view.only(Place.ON_SITE.value)}
    ordered = field_rules.release_order(
        [
            Leaving(key, line.it.minutes_on(tx.now), line.it.rest_after, line.minor, line.km_home)
            for key, line in here.items()
        ]
    )
    return [LeavingLine(here[one.key], first, one.minutes_on) for one, first in ordered]


def roll_call(tx: Tx, call: RollCall) -> RollCallView:
    """A roll call that the actor may read: the missing first, those on site before those on the way."""
    tx.actor.must_cover("duty.read", call.area)
    entries = roll_calls.entries(tx, call)
    on_it = select(RollCallEntry.duty_id).where(col(RollCallEntry.roll_call_id) == call.id)
    lines = {line.duty.id: line for line in _lines(tx, col(Duty.id).in_(on_it))}
    ids = {entry.accounted_by for entry in entries} | {call.started_by, call.ended_by}
    known = situation.accounts(tx, ids)
    incident = tx.get_one(Incident, call.incident_id)
    area = tx.exec(select(Jurisdiction).where(col(Jurisdiction.path) == incident.area)).one()
    shown = [EntryLine(entry, lines[entry.duty_id], known.get(entry.accounted_by or 0)) for entry in entries]
    return RollCallView(
        call=call,
        incident=incident,
        zone=area.zone,
        lines=tuple(
            sorted(
                shown,
                key=lambda one: (
                    one.entry.accounted is not None,
                    one.entry.place is not Place.ON_SITE,
                    one.line.facts.task.id,
                    one.line.name or "",
                ),
            )
        ),
        accounts=known,
    )


def harmed(tx: Tx, incident: Incident) -> list[InjuryLine]:
    """What was recorded in an incident, the newest first. Raises Forbidden, NotFound."""
    tx.actor.must_cover("duty.write", incident.area)
    rows = harms.of_incident(tx, incident.id)
    ids = {row.volunteer_id for row in rows} - {None}
    which = col(Duty.volunteer_id).in_(ids) & (col(Duty.incident_id) == incident.id)
    of = {line.duty.volunteer_id: line for line in _lines(tx, which)}
    tasks = {task.id: task for task in tx.exec(select(Task).where(col(Task.incident_id) == incident.id))}
    return [InjuryLine(row, of.get(row.volunteer_id or 0), tasks.get(row.task_id or 0)) for row in rows]


def injuries(tx: Tx, incident: Incident) -> dict[tuple[Harm, Severity], int]:
    """How many injuries, exposures and near misses of each severity: figures alone, as reports upward take
    them."""
    tx.actor.must_cover("incident.read", incident.area)
    return harms.counts(tx, incident.id)


def _lines(tx: Tx, which: ColumnElement[bool]) -> list[PersonLine]:
    known = [col(getattr(Volunteer, field.name)) for field in fields(Known)]
    wanted = (
        columns(Duty, Offer, *known)
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .join(Volunteer, col(Volunteer.id) == col(Duty.volunteer_id))
        .where(which)
        .order_by(col(Duty.id))
    )
    rows = [(duty, offer, Known(*rest)) for duty, offer, *rest in tx.execute(wanted)]
    facts = slots.of(tx, {offer.slot_id for _, offer, _ in rows})
    policies: Callouts = policy.load("callouts", Callouts)
    return [_line(tx, *row, facts[row[1].slot_id], policies.field) for row in rows]


def _line(tx: Tx, duty: Duty, offer: Offer, known: Known, facts: SlotFacts, rules: FieldRules) -> PersonLine:
    it = _sighting(duty, offer, facts, rules)
    sees = tx.actor.may("volunteer.read", duty.area)
    today = tx.now.astimezone(ZoneInfo(facts.zone)).date()
    return PersonLine(
        duty=duty,
        person=known.public_id,
        name=known.name if sees else None,
        phone=known.phone if sees else None,
        facts=facts,
        it=it,
        needs=field_rules.needs(it, tx.now, rules),
        km_home=_km(known, facts),
        minor=known.birthday is not None and age_on(known.birthday, today) < ADULT_AGE,
    )


def _sighting(duty: Duty, offer: Offer, facts: SlotFacts, rules: FieldRules) -> Sighting:
    hazard = facts.hazard
    return Sighting(
        duty=duty.state,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        rest_after=(hazard.rest_after_minutes if hazard is not None else None) or rules.rest_after_minutes,
        held_since=offer.held_since,
        minutes_there=offer.minutes_there,
        seen_at=offer.seen_at,
        answered_at=offer.answered_at,
        en_route_at=duty.en_route_at,
        arrives_at=duty.arrives_at,
        checked_in_at=duty.checked_in_at,
        ok_at=duty.ok_at,
        ok_due_at=duty.ok_due_at,
        checked_out_at=duty.checked_out_at,
    )


def _km(known: Known, facts: SlotFacts) -> float | None:
    if known.lat is None or known.lon is None:
        return None
    return float(geo.haversine_km(known.lat, known.lon, *facts.position))


def _counts(lines: Collection[PersonLine]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for line in lines:
        found.update(name for name in COUNTED if line.counts_as(name))
    return {name: found[name] for name in COUNTED}


def ok_minutes(facts: SlotFacts, timers: Mapping[int, int | None]) -> int | None:
    """How often people at a task say that they are OK: as set for it (task id -> minutes), else as its hazard
    says; None: never."""
    if facts.task.id in timers:
        return timers[facts.task.id]
    return facts.hazard.ok_minutes if facts.hazard is not None else None


def _task_line(people: Sequence[PersonLine], timers: Mapping[int, int | None]) -> TaskLine:
    facts = people[0].facts
    return TaskLine(facts.task, facts, _counts(people), ok_minutes(facts, timers))


def _calls(tx: Tx, incident: Incident) -> Iterable[CallLine]:
    missing = func.count().filter(col(RollCallEntry.accounted).is_(None))
    wanted = (
        select(RollCall, func.count(), missing)
        .join(RollCallEntry, col(RollCallEntry.roll_call_id) == col(RollCall.id))
        .where(col(RollCall.incident_id) == incident.id)
        .group_by(col(RollCall.id))
        .order_by(col(RollCall.id).desc())
    )
    rows: Sequence[tuple[RollCall, int, int]] = tx.exec(wanted).all()
    return (CallLine(call, people, left) for call, people, left in rows)
