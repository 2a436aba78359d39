"""Lessons as a volunteer reads them: how far they are, where they go on, the files that they may have."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from volunteer_hub.boards import assessment
from volunteer_hub.boards.assessment import Studying
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import pick
from volunteer_hub.training import courses, enrolments, lessons
from volunteer_hub.training import lessons_rules as rules
from volunteer_hub.training.lessons import FileLine
from volunteer_hub.training.lessons_models import LessonFile
from volunteer_hub.training.lessons_rules import Block, Progress
from volunteer_hub.training.policy import Lesson


@dataclass(frozen=True)
class Reading:
    """A volunteer and the lessons of a course. ``minutes``: lesson -> what reading it takes."""

    at: Studying
    progress: Progress
    minutes: Mapping[str, int]

    @property
    def lessons(self) -> Sequence[Lesson]:
        """In their order."""
        return self.at.offered.course.lessons


@dataclass(frozen=True)
class OneLesson:
    """A lesson opened: its words, its place from 1, the files beside it, and whether they may have them."""

    reading: Reading
    lesson: Lesson
    number: int
    blocks: Sequence[Block]
    files: Sequence[FileLine]
    may_have: bool


def reading(tx: Tx, at: Studying, lang: str) -> Reading:
    """How far somebody is. After a pass that ends soon, what they read before it has to be read again."""
    standing, course = at.standing, at.offered.course
    since = standing.last.passed_at if standing.last is not None and standing.due else None
    read = lessons.read(tx, at.person.id, at.offered.code) if course.lessons else {}
    return Reading(at, rules.progress(course.lessons, read, since), minutes(course.lessons, lang))


def minutes(some: Sequence[Lesson], lang: str) -> dict[str, int]:
    """Lesson -> whole minutes of reading in a language."""
    pace = courses.shipped().lessons
    return {one.code: rules.minutes(pick(one.text, lang), pace) for one in some}


def opened(tx: Tx, volunteer_id: int, code: str, lesson: str, lang: str) -> OneLesson:
    """A lesson of a course offered to somebody. Raises NotFound."""
    at = assessment.studying(tx, volunteer_id, code)
    found = lessons.one(at.offered, lesson)
    return OneLesson(
        reading(tx, at, lang),
        found,
        at.offered.course.lessons.index(found) + 1,
        rules.blocks(pick(found.text, lang)),
        lessons.files(tx, code, [lesson]),
        _enrolled(tx, at),
    )


def file(tx: Tx, volunteer_id: int, public_id: uuid.UUID) -> LessonFile:
    """A file beside a lesson, for who is enrolled in its course. Raises NotFound for everybody else."""
    found = lessons.file(tx, public_id)
    if not _enrolled(tx, assessment.studying(tx, volunteer_id, found.course)):
        raise NotFound("not_found")
    return found


def _enrolled(tx: Tx, at: Studying) -> bool:
    """Whether somebody takes part: on a list of the course, or passed it, or it is taken online alone."""
    takes_part = not at.offered.course.attend or at.standing.last is not None
    return takes_part or enrolments.listed_in(tx, at.person.id, at.offered.code)
