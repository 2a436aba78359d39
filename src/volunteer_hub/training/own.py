"""What is held about one person's training: to take along, and to carry over when two entries are one."""

from typing import Any, Final

from sqlalchemy import tuple_
from sqlmodel import SQLModel, col, select, update

from volunteer_hub.core.db import Tx
from volunteer_hub.training import introductions
from volunteer_hub.training.introduction_models import IntroductionRow
from volunteer_hub.training.lessons_models import LessonRead
from volunteer_hub.training.models import Attempt, Completion, Enrolment, Practical
from volunteer_hub.training.rules import AttemptState

_INNER: Final = {
    *("id", "volunteer_id", "session_id", "marked_by", "signed_by"),
    *("interviewed_by", "mentor_id"),
}
_KEPT: Final = {"paper", "seed"}  # questions are drawn again for others


def everything(tx: Tx, volunteer_id: int) -> dict[str, list[dict[str, Any]]]:
    """In JSON's types, a list for each kind; of a test what was answered and the score, not its questions."""
    held: dict[str, type[SQLModel]] = {
        "lessons": LessonRead,
        "sessions": Enrolment,
        "tests": Attempt,
        "practicals": Practical,
        "passed": Completion,
        "introduction": IntroductionRow,
    }
    found = {}
    for name, model in held.items():
        mine: Any = model.volunteer_id  # type: ignore[attr-defined]  # every model named has the column
        rows = tx.exec(select(model).where(mine == volunteer_id)).all()
        found[name] = sorted((row.model_dump(mode="json", exclude=_INNER | _KEPT) for row in rows), key=str)
    return found


def move(tx: Tx, keep: int, drop: int) -> None:
    """What the second of two people learned was learned by the first: they are one.

    A session on whose list both stand keeps the first's place; a test that the second has open stays theirs
    and ends with its time; of a lesson both have read, the first's mark stays.
    """
    introductions.move(tx, keep, drop)
    both = select(Enrolment.session_id).where(col(Enrolment.volunteer_id) == keep)
    lists = update(Enrolment).where(
        col(Enrolment.volunteer_id) == drop, col(Enrolment.session_id).not_in(both)
    )
    tests = update(Attempt).where(col(Attempt.volunteer_id) == drop, col(Attempt.state) != AttemptState.OPEN)
    mine = select(LessonRead.course, LessonRead.lesson).where(col(LessonRead.volunteer_id) == keep)
    read = update(LessonRead).where(
        col(LessonRead.volunteer_id) == drop,
        tuple_(col(LessonRead.course), col(LessonRead.lesson)).not_in(mine),
    )
    practicals = update(Practical).where(col(Practical.volunteer_id) == drop)
    passed = update(Completion).where(col(Completion.volunteer_id) == drop)
    for theirs in (lists, tests, read, practicals, passed):
        tx.execute(theirs.values(volunteer_id=keep))
