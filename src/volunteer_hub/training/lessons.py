"""Lessons: which somebody has read, how far people are, and the files beside them.

The words of a lesson are part of its course; doors check who the person is, as in `assessments`.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.training import courses
from volunteer_hub.training import lessons_rules as rules
from volunteer_hub.training.courses import Offered
from volunteer_hub.training.lessons_models import LessonFile, LessonRead
from volunteer_hub.training.models import OwnCourse
from volunteer_hub.training.policy import Lesson, Lessons


@dataclass(frozen=True)
class FileLine:
    """A file beside a lesson, without its bytes; ``size`` in bytes."""

    public_id: uuid.UUID
    lesson: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True)
class Counts:
    """How far people of the actor's areas are with a course: by lesson, who has begun, who has read all."""

    by_lesson: Mapping[str, int]
    begun: int
    finished: int


def one(offered: Offered, code: str) -> Lesson:
    """Raises NotFound."""
    found = next((lesson for lesson in offered.course.lessons if lesson.code == code), None)
    if found is None:
        raise NotFound("not_found")
    return found


def read(tx: Tx, volunteer_id: int, course: str) -> dict[str, datetime]:
    """Lesson -> when somebody last marked it as done."""
    wanted = select(LessonRead.lesson, LessonRead.done_at).where(
        col(LessonRead.volunteer_id) == volunteer_id, col(LessonRead.course) == course
    )
    return dict(tx.exec(wanted).all())


def mark(tx: Tx, volunteer_id: int, area: str, offered: Offered, code: str) -> None:
    """Somebody is done with a lesson; again, it counts from now. Raises NotFound."""
    row = {
        "volunteer_id": volunteer_id,
        "course": offered.code,
        "lesson": one(offered, code).code,
        "area": area,
        "done_at": tx.now,
    }
    made = insert(LessonRead).values(row)
    tx.execute(
        made.on_conflict_do_update(
            index_elements=["volunteer_id", "course", "lesson"], set_={"done_at": tx.now}
        ).returning(col(LessonRead.id), col(LessonRead.area))
    )


def counts(tx: Tx, offered: Offered) -> Counts:
    """How far people are, in the areas whose training the actor reads."""
    codes = [lesson.code for lesson in offered.course.lessons]
    mine = (
        tx.actor.scope("training.read", LessonRead.area),
        col(LessonRead.course) == offered.code,
        col(LessonRead.lesson).in_(codes),
    )
    by_lesson = select(LessonRead.lesson, func.count()).where(*mine).group_by(col(LessonRead.lesson))
    each = (select(func.count().label("read")).where(*mine).group_by(col(LessonRead.volunteer_id))).subquery()
    whole = select(func.count(), func.count().filter(each.c.read == len(codes))).select_from(each)
    begun, finished = tx.exec(whole).one()
    return Counts(dict(tx.exec(by_lesson).all()), begun, finished)


def rewrite(
    tx: Tx, row: OwnCourse, version: int, lessons: Sequence[Lesson], *, read_first: bool
) -> OwnCourse:
    """Other lessons in place of those there were; files of those that are gone go too. Raises as
    `courses.change`."""
    body = {"lessons": [one.model_dump(mode="json") for one in lessons], "read_first": read_first}
    changed = courses.change(tx, row, version, row.body | body)
    gone = delete(LessonFile).where(
        col(LessonFile.course) == row.code, col(LessonFile.lesson).not_in([one.code for one in lessons])
    )
    tx.execute(gone)
    return changed


def add_file(tx: Tx, row: OwnCourse, lesson: str, name: str, content: bytes, policy: Lessons) -> LessonFile:
    """A file beside a lesson of a course of ours. Raises NotFound, and as `lessons_rules.check_file`."""
    tx.actor.must_cover("training.write", row.area)
    tx.refresh(row, with_for_update=True)  # so that two at once do not both find room
    one(courses.one(tx, row.code), lesson)
    kept, media_type = rules.check_file(name, content, len(files(tx, row.code, [lesson])), policy)
    found = LessonFile(
        area=row.area,
        course=row.code,
        lesson=lesson,
        name=kept,
        media_type=media_type,
        size=len(content),
        content=content,
        made_by=tx.actor.id if tx.actor.kind == "account" else None,
        made_at=tx.now,
    )
    tx.add(found)
    tx.flush()
    return found


def drop_file(tx: Tx, row: OwnCourse, public_id: uuid.UUID) -> None:
    """Takes a file away. Raises NotFound for one of another course."""
    tx.actor.must_cover("training.write", row.area)
    found = file(tx, public_id)
    if found.course != row.code:
        raise NotFound("not_found")
    tx.delete(found)
    tx.flush()


def files(tx: Tx, course: str, lessons: Collection[str]) -> list[FileLine]:
    """The files beside some lessons of a course, the first the first."""
    of = LessonFile
    wanted = (
        select(of.public_id, of.lesson, of.name, of.media_type)
        .add_columns(col(of.size))
        .where(col(of.course) == course, col(of.lesson).in_(lessons))
        .order_by(col(of.id))
    )
    return [FileLine(*row) for row in tx.execute(wanted)]


def file(tx: Tx, public_id: uuid.UUID) -> LessonFile:
    """A file with its bytes; who may have it, the caller has asked. Raises NotFound."""
    found = tx.exec(select(LessonFile).where(col(LessonFile.public_id) == public_id)).first()
    if found is None:
        raise NotFound("not_found")
    return found


def file_for_staff(tx: Tx, public_id: uuid.UUID) -> LessonFile:
    """A file of a course that the actor sees. Raises NotFound."""
    found = file(tx, public_id)
    if found.course not in courses.for_staff(tx):
        raise NotFound("not_found")
    return found
