"""Who has taken which course in a time, how well, and who passed: one line a person and course."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.training.models import Attempt, Completion
from volunteer_hub.training.rules import AttemptState


@dataclass(frozen=True)
class Taken:
    """A person at a course. ``score``: their best, None where nothing was tested; ``on``: the last day."""

    volunteer_id: int
    course: str
    area: str
    score: int | None
    passed: bool
    on: date


def taken(tx: Tx, since: date, until: date) -> list[Taken]:
    """What people of the actor's areas have taken from ``since`` to ``until``, both included (UTC days). Two
    queries."""
    tx.actor.must("training.read")
    tries = select(Attempt).where(
        tx.actor.scope("training.read", Attempt.area), col(Attempt.state) != AttemptState.OPEN
    )
    passes = select(Completion).where(tx.actor.scope("training.read", Completion.area))
    found: dict[tuple[int, str], Taken] = {}
    for one in tx.exec(tries.order_by(col(Attempt.id))):
        if one.ended_at is not None and since <= one.ended_at.date() <= until:
            _add(found, Taken(one.volunteer_id, one.course, one.area, one.score, False, one.ended_at.date()))
    for done in tx.exec(passes.order_by(col(Completion.id))):
        if since <= done.passed_at.date() <= until:
            day = done.passed_at.date()
            _add(found, Taken(done.volunteer_id, done.course, done.area, done.score, True, day))
    return list(found.values())


def _add(found: dict[tuple[int, str], Taken], new: Taken) -> None:
    key = (new.volunteer_id, new.course)
    old = found.get(key, new)
    found[key] = Taken(
        new.volunteer_id,
        new.course,
        new.area,
        _best(score for score in (old.score, new.score) if score is not None),
        old.passed or new.passed,
        max(old.on, new.on),
    )


def _best(scores: Iterable[int]) -> int | None:
    return max(scores, default=None)
