"""Training as people read it: a volunteer their courses and places, the staff its sessions and lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.training import assessments, courses, enrolments, sessions
from volunteer_hub.training.courses import Offered
from volunteer_hub.training.models import Enrolment, TrainingSession
from volunteer_hub.training.policy import Attendance
from volunteer_hub.training.rules import EnrolmentState, SessionState
from volunteer_hub.volunteers import queries, registry
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.queries import Person

_ON_LIST = (EnrolmentState.ENROLLED, EnrolmentState.WAITING, EnrolmentState.ATTENDED)


@dataclass(frozen=True)
class Sitting:
    """A session as a volunteer sees it. ``open``: one can enrol and leave; ``check_in``: say "I am here"."""

    session: TrainingSession
    offered: Offered
    zone: str
    mine: Enrolment | None
    waiting: int
    open: bool
    check_in: bool

    @property
    def free(self) -> int:
        """Places that nobody has."""
        return max(0, self.session.places - self.session.taken)

    @property
    def state(self) -> EnrolmentState | None:
        """Where they stand with it; None where they are not on the list."""
        return self.mine.state if self.mine is not None and self.mine.state in _ON_LIST else None


@dataclass(frozen=True)
class Learning:
    """What a volunteer may learn, and where they have a place. ``passes``: courses passed that still hold,
    with the last day of each."""

    person: Volunteer
    zone: str
    courses: tuple[Offered, ...]
    sittings: tuple[Sitting, ...]
    passes: Mapping[str, date | None]

    @property
    def mine(self) -> tuple[Sitting, ...]:
        """Where they are on the list."""
        return tuple(one for one in self.sittings if one.state is not None)

    def of(self, code: str) -> tuple[Sitting, ...]:
        """The sessions of one course."""
        return tuple(one for one in self.sittings if one.session.course == code)


@dataclass(frozen=True)
class SessionLine:
    """A session as the staff sees it in a list."""

    session: TrainingSession
    offered: Offered
    area: Jurisdiction
    waiting: int


@dataclass(frozen=True)
class Listed:
    """Somebody on the list of a session; ``person`` is None for whoever is forgotten, or lives where the one
    who looks may not read of people."""

    row: Enrolment
    person: Person | None


def learning(tx: Tx, volunteer_id: int) -> Learning:
    """The courses and sessions open to a volunteer, and those where they are on the list."""
    person = registry.one(tx, volunteer_id)
    offered = courses.for_area(tx, person.area)
    rows = [row for row in sessions.ahead_for(tx, person.area, _since(tx)) if row.course in offered]
    zones = {area.path: area.zone for area in _areas(tx, [*(row.area for row in rows), person.area])}
    mine = enrolments.of_volunteer(tx, person.id)
    waiting = enrolments.waiting_of(tx, [row.id for row in rows])
    rules = courses.shipped().attendance
    sittings = tuple(
        Sitting(
            row,
            offered[row.course],
            zones[row.area],
            mine.get(row.id),
            waiting.get(row.id, 0),
            open=tx.now < row.starts_at,
            check_in=_checks_in(row, tx.now, rules),
        )
        for row in rows
    )
    today = tx.now.astimezone(ZoneInfo(zones[person.area])).date()
    passes = assessments.valid_passes(tx, person.id, today)
    return Learning(person, zones[person.area], tuple(offered.values()), sittings, passes)


def lines(tx: Tx, rows: Sequence[TrainingSession]) -> list[SessionLine]:
    """Sessions with what a list says of each, in three queries."""
    known = courses.every(tx)
    areas = {area.path: area for area in _areas(tx, [row.area for row in rows])}
    waiting = enrolments.waiting_of(tx, [row.id for row in rows])
    return [
        SessionLine(row, known[row.course], areas[row.area], waiting.get(row.id, 0))
        for row in rows
        if row.course in known
    ]


def line(tx: Tx, row: TrainingSession) -> SessionLine:
    """One session. Raises NotFound where its course is no longer known."""
    found = lines(tx, [row])
    if not found:
        raise NotFound("not_found")
    return found[0]


def listed(tx: Tx, session: TrainingSession) -> list[Listed]:
    """Everybody on the list of a session, in the order they came."""
    rows = enrolments.of_session(tx, session)
    wanted = select(Volunteer).where(
        col(Volunteer.id).in_([row.volunteer_id for row in rows]),
        tx.actor.scope("volunteer.read", Volunteer.area),
    )
    people = {one.row.id: one for one in queries.with_parts(tx, tx.exec(wanted).all())}
    return [
        Listed(row, people.get(row.volunteer_id)) for row in rows if row.state is not EnrolmentState.WITHDRAWN
    ]


def _areas(tx: Tx, paths: Sequence[str]) -> Sequence[Jurisdiction]:
    return tx.exec(select(Jurisdiction).where(col(Jurisdiction.path).in_(set(paths)))).all()


def _since(tx: Tx) -> datetime:
    """A session stands on the page for as long as people may check in."""
    return tx.now - timedelta(minutes=courses.shipped().attendance.after_minutes)


def _checks_in(row: TrainingSession, now: datetime, rules: Attendance) -> bool:
    return row.state is SessionState.PLANNED and row.starts_at - timedelta(
        minutes=rules.before_minutes
    ) <= now <= row.ends_at + timedelta(minutes=rules.after_minutes)
