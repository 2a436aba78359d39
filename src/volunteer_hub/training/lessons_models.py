"""What is stored of lessons: which somebody has read, and the files beside them."""

import uuid
from datetime import datetime

from sqlalchemy import Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, blob, pk, public_id, ref, ts


class LessonRead(SQLModel, table=True):
    """Somebody marked a lesson as done, the last time ``done_at``; ``area`` is theirs, whose staff counts."""

    __tablename__ = "training_lessons_read"
    __table_args__ = (
        UniqueConstraint("volunteer_id", "course", "lesson"),
        Index("ix_training_lessons_read_course", "course"),
    )
    id: int = pk()
    volunteer_id: int = ref("volunteers.id", index=False)
    course: str = Field(sa_column=Column(Text, nullable=False))
    lesson: str = Field(sa_column=Column(Text, nullable=False))
    area: str = area()
    done_at: datetime = ts()


class LessonFile(SQLModel, table=True):
    """A file beside a lesson of a course of the staff's own. ``media_type`` is told by its first bytes."""

    __tablename__ = "training_lesson_files"
    __table_args__ = (Index("ix_training_lesson_files_course", "course", "lesson"),)
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    course: str = Field(sa_column=Column(Text, nullable=False))
    lesson: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    media_type: str = Field(sa_column=Column(Text, nullable=False))
    size: int
    content: bytes = blob()
    made_by: int | None = ref("accounts.id", null=True, index=False)
    made_at: datetime = ts()
