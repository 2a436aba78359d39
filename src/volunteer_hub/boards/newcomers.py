"""Newcomers as the staff, they and their mentors see them: the step each is at, and what is next."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, union_all
from sqlmodel import col, func, select

from volunteer_hub.access.models import Account
from volunteer_hub.boards import command
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.rules import Kind as DrillKind
from volunteer_hub.drills.rules import Notice, PlanState
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.rules import OPEN, Kind, TaskState
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import DutyState
from volunteer_hub.training import introduction_rules as rules
from volunteer_hub.training import introductions
from volunteer_hub.training.introduction_models import IntroductionRow
from volunteer_hub.training.introduction_rules import Facts, MentorState, Stage, Step
from volunteer_hub.volunteers import queries, registry
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.queries import Person
from volunteer_hub.volunteers.rules import Status, is_adult

_IN: Final = (Status.ACTIVE, Status.PAUSED, Status.SUSPENDED)
GONE: Final = (Status.SUSPENDED, Status.LEFT, Status.FORGOTTEN)
"""Where nobody is a mentor any more."""
_CHOICE: Final = 20
_SUGGESTED: Final = 3


@dataclass(frozen=True)
class Newcomer:
    """Somebody on their way in. ``row`` is None until something was noted; ``mentor``: who was asked or has
    agreed; ``interviewer``: the name of the account that noted the interview."""

    person: Person
    row: IntroductionRow | None
    stages: tuple[Stage, ...]
    mentor: Volunteer | None = None
    interviewer: str = ""

    @property
    def step(self) -> Step | None:
        """The step they are at; None once they are introduced."""
        return rules.at(self.stages)

    @property
    def facts(self) -> Facts:
        """As the rules take them."""
        return self.row.facts if self.row is not None else Facts(self.person.row.created_at)

    @property
    def since(self) -> datetime | None:
        """Since when they wait at that step."""
        return rules.waiting_since(self.step, self.facts) if self.step is not None else None

    @property
    def mentored(self) -> bool:
        """Whether somebody has agreed who has not gone since."""
        if self.mentor is None or self.facts.mentor is not MentorState.AGREED:
            return False
        return self.mentor.status not in GONE

    def days(self, now: datetime) -> int:
        """For how many whole days."""
        return (now - self.since).days if self.since is not None else 0


@dataclass(frozen=True)
class Suggested:
    """An easy duty ahead. ``at``: when, the first day of its week with ``week_only``."""

    title: str
    at: datetime
    drill: bool
    place: str = ""
    week_only: bool = False


@dataclass(frozen=True)
class Mentee:
    """Somebody whose mentor the reader is, or is asked to be."""

    row: IntroductionRow
    person: Volunteer

    @property
    def asked(self) -> bool:
        """Whether an answer is waited for."""
        return self.row.mentor is MentorState.ASKED


@dataclass(frozen=True)
class Candidate:
    """Who could be a mentor, with what speaks for them."""

    person: Volunteer
    duties: int
    newcomers: int


def listed(tx: Tx, *, skip: int = 0, limit: int = 50) -> list[Newcomer]:
    """The newcomers of the actor's areas, who has applied first before others: one more than ``limit`` when
    there are more. A fixed number of queries."""
    tx.actor.must("volunteer.read")
    applied = select(Volunteer.id).where(col(Volunteer.status) == Status.APPLIED)
    begun = select(IntroductionRow.volunteer_id).where(
        col(IntroductionRow.finished_at).is_(None), col(IntroductionRow.taken_in_at).is_not(None)
    )
    wanted = (
        _people(tx, "volunteer.read")
        .where(col(Volunteer.id).in_(union_all(applied, begun)))
        .order_by(func.coalesce(IntroductionRow.applied_at, Volunteer.created_at), col(Volunteer.id))
        .offset(skip)
        .limit(limit + 1)
    )
    return _whole(tx, tx.execute(wanted).all())


def one(tx: Tx, permission: str, public_id: uuid.UUID) -> Newcomer:
    """One person of the actor's areas. Raises NotFound, also for who never was a newcomer here."""
    row = registry.find(tx, permission, public_id)
    found = tx.execute(_people(tx, permission).where(col(Volunteer.id) == row.id)).all()
    if not found or (found[0][1] is None and row.status is not Status.APPLIED):
        raise NotFound("not_found")
    return _whole(tx, found)[0]


def whole(tx: Tx, person: Volunteer) -> Newcomer:
    """Somebody's way in, wherever they stand now."""
    return _whole(tx, [(person, introductions.of(tx, person.id))])[0]


def own(tx: Tx, person: Volunteer) -> Newcomer | None:
    """A person's own way in, while they are on it; the door has checked that it is theirs."""
    row = introductions.of(tx, person.id)
    on_the_way = person.status is Status.APPLIED or (
        row is not None and row.taken_in_at is not None and row.finished_at is None and person.status in _IN
    )
    return _whole(tx, [(person, row)])[0] if on_the_way else None


def mentees(tx: Tx, mentor_id: int) -> list[Mentee]:
    """The newcomers whose mentor somebody is, or is asked to be."""
    wanted = (
        select(IntroductionRow, Volunteer)
        .join(Volunteer, col(Volunteer.id) == col(IntroductionRow.volunteer_id))
        .where(
            col(IntroductionRow.mentor_id) == mentor_id,
            col(IntroductionRow.mentor).in_((MentorState.ASKED, MentorState.AGREED)),
            col(IntroductionRow.finished_at).is_(None),
            col(Volunteer.status).in_(_IN),
        )
        .order_by(col(IntroductionRow.id))
    )
    return [Mentee(row, person) for row, person in tx.exec(wanted)]


def candidates(tx: Tx, newcomer: Volunteer) -> list[Candidate]:
    """Who of the newcomer's community may be their mentor: adults in the pool with the stated number of
    duties, who has served most first, at most twenty."""
    policy = introductions.policy()
    served = _served(tx, col(Volunteer.area) == newcomer.area, policy.mentor_duties)
    taken = introductions.mentored(tx, [person.id for person, _ in served])
    return [
        Candidate(person, duties, taken.get(person.id, 0))
        for person, duties in served
        if person.id != newcomer.id
        and is_adult(person.birthday, tx.now.date())
        and rules.may_mentor(duties, taken.get(person.id, 0), policy)
    ][:_CHOICE]


def suggested(tx: Tx, person: Volunteer) -> list[Suggested]:
    """Easy duties ahead for somebody's home: drills to which people come, told as early as their notice
    allows, and open work without hazards. The next first."""
    above = [node.path for node in command.way(tx, person.area)]
    drills = select(DrillPlan).where(
        col(DrillPlan.area).in_(above),
        col(DrillPlan.state) == PlanState.ACTIVE,
        col(DrillPlan.kind) == DrillKind.ASSEMBLY,
        col(DrillPlan.notice) != Notice.NONE,
        col(DrillPlan.next_at) > tx.now,
        func.jsonb_array_length(DrillPlan.skills) == 0,
    )
    found = [
        Suggested(plan.title, _told(plan), drill=True, week_only=plan.notice is Notice.PARTIAL)
        for plan in tx.exec(drills.order_by(col(DrillPlan.next_at)).limit(_SUGGESTED))
    ]
    work = (
        select(Task)
        .join(Incident, col(Incident.id) == col(Task.incident_id))
        .where(
            col(Task.area).in_(above),
            col(Task.state) == TaskState.OPEN,
            col(Task.starts_at) > tx.now,
            ~col(Task.hazardous),
            col(Incident.state).in_(OPEN),
            col(Incident.kind) == Kind.REAL,
        )
    )
    for task in tx.exec(work.order_by(col(Task.starts_at)).limit(_SUGGESTED)):
        found.append(Suggested(task.title, task.starts_at, drill=False, place=task.place))
    return sorted(found, key=lambda each: each.at)[:_SUGGESTED]


def _told(plan: DrillPlan) -> datetime:
    """The hour of a drill, or the Monday of its week where no more is told."""
    assert plan.next_at is not None
    if plan.notice is Notice.FULL:
        return plan.next_at
    there = plan.next_at.astimezone(ZoneInfo(plan.zone))
    return there - timedelta(days=there.weekday())


def _people(tx: Tx, permission: str) -> Select[tuple[Volunteer, IntroductionRow | None]]:
    return (
        select(Volunteer, IntroductionRow)  # type: ignore[return-value]  # sqlmodel's own Select of two
        .outerjoin(IntroductionRow, col(IntroductionRow.volunteer_id) == col(Volunteer.id))
        .where(
            tx.actor.scope(permission, Volunteer.area),
            col(Volunteer.merged_into).is_(None),
            col(Volunteer.status).in_((Status.APPLIED, *_IN)),
        )
    )


def _served(tx: Tx, where: ColumnElement[bool], least: int) -> Sequence[tuple[Volunteer, int]]:
    """Active people of an area with at least so many duties done, the most first."""
    count = func.count(col(Duty.id))
    wanted = (
        select(Volunteer, count)
        .join(Duty, col(Duty.volunteer_id) == col(Volunteer.id))
        .where(
            where,
            tx.actor.scope("volunteer.read", Volunteer.area),
            col(Volunteer.status) == Status.ACTIVE,
            col(Duty.state) == DutyState.DONE,
        )
        .group_by(col(Volunteer.id))
        .having(count >= least)
        .order_by(count.desc(), col(Volunteer.id))
        .limit(_CHOICE * 5)
    )
    return tx.exec(wanted).all()


def _whole(tx: Tx, found: Sequence[tuple[Volunteer, IntroductionRow | None]]) -> list[Newcomer]:
    policy = introductions.policy()
    people = {each.row.id: each for each in queries.with_parts(tx, [person for person, _ in found])}
    rows = [row for _, row in found if row is not None]
    mentors = select(Volunteer).where(col(Volunteer.id).in_({row.mentor_id for row in rows if row.mentor_id}))
    named = {each.id: each for each in tx.exec(mentors)}
    staff = select(Account.id, Account.name).where(col(Account.id).in_({row.interviewed_by for row in rows}))
    accounts = dict(tx.exec(staff).all())
    return [
        Newcomer(
            people[person.id],
            row,
            rules.stages(row.facts if row is not None else Facts(person.created_at), policy),
            named.get(row.mentor_id or 0) if row is not None else None,
            accounts.get(row.interviewed_by or 0, "") if row is not None else "",
        )
        for person, row in found
    ]
