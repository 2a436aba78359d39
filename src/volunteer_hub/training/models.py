"""What is stored of training: courses of the staff's own, sessions, who is enrolled."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Date, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, jsonb, pk, public_id, ref, text_enum, ts, version
from volunteer_hub.training.rules import AttemptState, EnrolmentState, Evidence, SessionState


def _word() -> Any:
    return Field(sa_column=Column(Text, nullable=False))


class OwnCourse(SQLModel, table=True):
    """A course that the staff added, for its area and below. ``body`` has the shape of `policy.Course`;
    ``ended_at``: since when it is offered no more."""

    __tablename__ = "training_courses"
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    code: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    body: dict[str, Any] = jsonb()
    made_by: int | None = ref("accounts.id", null=True, index=False)
    made_at: datetime = ts()
    ended_at: datetime | None = ts(null=True)
    version: int = version()


class TrainingSession(SQLModel, table=True):
    """A course held once, for people of its area and below. ``taken``: places given away."""

    __tablename__ = "training_sessions"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        CheckConstraint("places > 0", name="places"),
        CheckConstraint("taken >= 0", name="taken"),
        Index("ix_training_sessions_starts_at", "starts_at"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    course: str = _word()
    place: str = _word()
    starts_at: datetime = ts()
    ends_at: datetime = ts()
    places: int
    taken: int = 0
    trainer: str = _word()
    words: str = _word()
    state: SessionState = text_enum(SessionState, "state", SessionState.PLANNED)
    made_by: int | None = ref("accounts.id", null=True, index=False)
    version: int = version()


class Enrolment(SQLModel, table=True):
    """Somebody and a session. ``queued_at``: since when they wait or have a place, which orders the waiting
    list; ``area`` is that of the session, whose staff reads the list."""

    __tablename__ = "training_enrolments"
    __table_args__ = (
        UniqueConstraint("session_id", "volunteer_id"),
        CheckConstraint("(state = 'attended') = (evidence IS NOT NULL)", name="attended"),
        Index(
            "ix_training_enrolments_waiting",
            "session_id",
            "queued_at",
            postgresql_where=text("state = 'waiting'"),
        ),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    session_id: int = ref("training_sessions.id", index=False)
    volunteer_id: int = ref("volunteers.id")
    area: str = area()
    state: EnrolmentState = text_enum(EnrolmentState, "state")
    queued_at: datetime = ts()
    promoted_at: datetime | None = ts(null=True)
    attended_at: datetime | None = ts(null=True)
    evidence: Evidence | None = text_enum(Evidence, "evidence", null=True)
    marked_by: int | None = ref("accounts.id", null=True, index=False)


class Attempt(SQLModel, table=True):
    """One try at a course's test. ``paper``: the questions drawn by ``seed``, frozen with their answers in
    the order shown and which is right; ``score``: per cent right."""

    __tablename__ = "training_attempts"
    __table_args__ = (
        Index(
            "uq_training_attempts_open",
            "volunteer_id",
            "course",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_training_attempts_ends_at", "ends_at", postgresql_where=text("state = 'open'")),
        CheckConstraint("(state = 'open') = (score IS NULL)", name="scored"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    volunteer_id: int = ref("volunteers.id")
    course: str = _word()
    area: str = area()
    seed: int
    paper: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    state: AttemptState = text_enum(AttemptState, "state", AttemptState.OPEN)
    started_at: datetime = ts()
    ends_at: datetime = ts()
    ended_at: datetime | None = ts(null=True)
    answers: dict[str, int] = jsonb()
    score: int | None = None


class Practical(SQLModel, table=True):
    """What somebody showed an assessor: the items of the checklist that were done, and who signed."""

    __tablename__ = "training_practicals"
    id: int = pk()
    public_id: uuid.UUID = public_id()
    volunteer_id: int = ref("volunteers.id")
    course: str = _word()
    area: str = area()
    done: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    passed: bool
    words: str = _word()
    signed_by: int = ref("accounts.id", index=False)
    signed_at: datetime = ts()


class Completion(SQLModel, table=True):
    """A course passed, and until when that holds (None: without end); ``lapsed_at``: the end was acted on."""

    __tablename__ = "training_completions"
    __table_args__ = (
        Index(
            "ix_training_completions_valid_until",
            "valid_until",
            postgresql_where=text("lapsed_at IS NULL AND valid_until IS NOT NULL"),
        ),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    volunteer_id: int = ref("volunteers.id")
    course: str = _word()
    area: str = area()
    score: int | None = None
    passed_at: datetime = ts(index=True)
    valid_until: date | None = Field(default=None, sa_column=Column(Date, nullable=True))
    lapsed_at: datetime | None = ts(null=True)
