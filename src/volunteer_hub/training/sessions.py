"""Sessions: planned, changed, called off, closed when the list is right."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, PreconditionFailed, Refused
from volunteer_hub.core.signing import derived_code, same
from volunteer_hub.training import rules
from volunteer_hub.training.models import Enrolment, TrainingSession
from volunteer_hub.training.policy import Attendance
from volunteer_hub.training.rules import EnrolmentState, SessionSpec, SessionState

_PURPOSE: Final = "training"


def plan(tx: Tx, area: str, spec: SessionSpec, courses: Collection[str]) -> TrainingSession:
    """A session for people of an area and below. ``courses``: the codes there are. Raises Malformed."""
    tx.actor.must_cover("training.write", area)
    rules.check_session(spec, courses, tx.now)
    row = TrainingSession(
        area=area, made_by=tx.actor.id if tx.actor.kind == "account" else None, **asdict(spec)
    )
    tx.add(row)
    tx.flush()
    return row


def change(tx: Tx, row: TrainingSession, version: int, spec: SessionSpec) -> bool:
    """Another time, place or number of places; whether those enrolled have to hear of it.

    Fewer places than given away are possible: nobody loses theirs. Raises Malformed, Refused once it is over
    or called off, PreconditionFailed when somebody was faster.
    """
    editing(tx, row, version)
    must_be_planned(row)
    rules.check_session(spec, (row.course,), tx.now)
    told = (row.place, row.starts_at, row.ends_at) != (spec.place, spec.starts_at, spec.ends_at)
    row.place, row.starts_at, row.ends_at = spec.place, spec.starts_at, spec.ends_at
    row.places, row.trainer, row.words = spec.places, spec.trainer, spec.words
    row.version += 1
    tx.flush()
    return told


def cancel(tx: Tx, row: TrainingSession, version: int) -> None:
    """Called off. Raises Refused once it is over, PreconditionFailed."""
    editing(tx, row, version)
    must_be_planned(row)
    row.state = SessionState.CANCELLED
    row.version += 1
    tx.flush()


def close(tx: Tx, row: TrainingSession, version: int) -> None:
    """The list is right: who is not on it as present has missed the session; who still waited, has not.

    Raises Refused before it has begun or when it was called off, PreconditionFailed.
    """
    editing(tx, row, version)
    must_be_planned(row)
    if tx.now < row.starts_at:
        raise Refused("training.not_begun")
    row.state = SessionState.CLOSED
    row.version += 1
    wanted = select(Enrolment).where(
        col(Enrolment.session_id) == row.id,
        col(Enrolment.state).in_((EnrolmentState.ENROLLED, EnrolmentState.WAITING)),
    )
    for one in tx.exec(wanted):
        after = EnrolmentState.MISSED if one.state is EnrolmentState.ENROLLED else EnrolmentState.WITHDRAWN
        one.state = rules.step(one.state, after)
    tx.flush()


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> TrainingSession:
    """A session inside the actor's areas. Raises NotFound."""
    tx.actor.must(permission)
    wanted = select(TrainingSession).where(
        col(TrainingSession.public_id) == public_id, tx.actor.scope(permission, TrainingSession.area)
    )
    row = tx.exec(wanted).first()
    if row is None:
        raise NotFound("not_found")
    return row


def open_to(tx: Tx, area: str, public_id: uuid.UUID) -> TrainingSession:
    """A session open to somebody who lives in an area. Raises NotFound for others as for none."""
    row = tx.exec(select(TrainingSession).where(col(TrainingSession.public_id) == public_id)).first()
    if row is None or not area.startswith(row.area):
        raise NotFound("not_found")
    return row


def listed(
    tx: Tx, *, course: str | None = None, past: bool = False, skip: int = 0, limit: int = 50
) -> list[TrainingSession]:
    """The sessions of the actor's areas that are not over yet, the next first; or those that are, the latest
    first: one more than ``limit`` when there are more."""
    tx.actor.must("training.read")
    ends = col(TrainingSession.ends_at)
    over = ends < tx.now
    wanted = select(TrainingSession).where(tx.actor.scope("training.read", TrainingSession.area))
    wanted = wanted.where(over if past else ~over)
    if course is not None:
        wanted = wanted.where(col(TrainingSession.course) == course)
    starts = col(TrainingSession.starts_at)
    order = starts.desc() if past else starts.asc()
    return list(tx.exec(wanted.order_by(order, col(TrainingSession.id)).offset(skip).limit(limit + 1)))


def ahead_for(tx: Tx, area: str, now: datetime, limit: int = 50) -> Sequence[TrainingSession]:
    """What is held for somebody who lives in an area and has not ended, the next first."""
    above = ["/".join(area.split("/")[:n]) + "/" for n in range(2, area.count("/") + 1)]
    wanted = select(TrainingSession).where(
        col(TrainingSession.area).in_(above),
        col(TrainingSession.ends_at) > now,
        col(TrainingSession.state) == SessionState.PLANNED,
    )
    order = (col(TrainingSession.starts_at), col(TrainingSession.id))
    return tx.exec(wanted.order_by(*order).limit(limit)).all()


def code(row: TrainingSession, now: datetime, policy: Attendance) -> str:
    """The six digits shown in the room now."""
    return _code(row, rules.code_steps(now, policy)[0])


def knows(row: TrainingSession, typed: str, now: datetime, policy: Attendance) -> bool:
    """Whether these are the digits shown now, or just before."""
    given = typed.strip().encode()
    return any(same(_code(row, number).encode(), given) for number in rules.code_steps(now, policy))


def _code(row: TrainingSession, number: int) -> str:
    return derived_code(_PURPOSE, f"{row.public_id}:{number}")


def editing(tx: Tx, row: TrainingSession, version: int) -> None:
    """Holds the session for one editor. Raises NotFound outside their areas, PreconditionFailed."""
    tx.actor.must_cover("training.write", row.area)
    tx.refresh(row, with_for_update=True)
    if row.version != version:
        raise PreconditionFailed("version")


def must_be_planned(row: TrainingSession) -> None:
    """Raises Refused for one that is over or was called off."""
    if row.state is not SessionState.PLANNED:
        raise Refused("training.cancelled" if row.state is SessionState.CANCELLED else "training.over")
