"""Who comes to a session: enrolled while there is a place, waiting behind, moved up, there or not.

Every verb takes the row of the session first and holds it, so that no place is given twice and nobody is
moved up twice. Doors check who the person is.
"""

import uuid
from collections.abc import Sequence

from sqlmodel import col, func, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound, Refused
from volunteer_hub.training import rules, sessions
from volunteer_hub.training.models import Enrolment, TrainingSession
from volunteer_hub.training.policy import Attendance
from volunteer_hub.training.rules import HELD, EnrolmentState, Evidence, SessionState


def enrol(tx: Tx, session: TrainingSession, volunteer_id: int) -> Enrolment:
    """A place, or the end of the waiting list; again, nothing changes. Raises Refused once it has begun."""
    _hold(tx, session)
    row = of(tx, session.id, volunteer_id)
    if row is not None and row.state is not EnrolmentState.WITHDRAWN:
        return row
    rules.check_open(session.state, session.starts_at, tx.now)
    state = rules.place_for(session.taken + waiting(tx, session.id), session.places)
    if row is None:
        row = Enrolment(
            session_id=session.id,
            volunteer_id=volunteer_id,
            area=session.area,
            state=state,
            queued_at=tx.now,
        )
        tx.add(row)
    else:
        row.state, row.queued_at, row.promoted_at = rules.step(row.state, state), tx.now, None
    session.taken += state in HELD
    tx.flush()
    return row


def withdraw(tx: Tx, session: TrainingSession, volunteer_id: int) -> list[Enrolment]:
    """Gives the place back; who has moved up for it. Again, it changes nothing. Raises NotFound for who is
    not on the list, Refused once it has begun."""
    _hold(tx, session)
    row = of(tx, session.id, volunteer_id)
    if row is None:
        raise NotFound("not_found")
    if row.state is EnrolmentState.WITHDRAWN:
        return []
    rules.check_open(session.state, session.starts_at, tx.now)
    session.taken -= row.state in HELD
    row.state = rules.step(row.state, EnrolmentState.WITHDRAWN)
    return move_up(tx, session)


def move_up(tx: Tx, session: TrainingSession) -> list[Enrolment]:
    """Gives free places of a held session to the waiting list, in its order; who has moved up."""
    if session.state is not SessionState.PLANNED or tx.now >= session.starts_at:
        return []
    tx.flush()
    wanted = select(Enrolment).where(
        col(Enrolment.session_id) == session.id, col(Enrolment.state) == EnrolmentState.WAITING
    )
    queue = tx.exec(wanted.order_by(col(Enrolment.queued_at), col(Enrolment.id))).all()
    lucky = set(rules.next_up([row.id for row in queue], session.taken, session.places))
    moved = [row for row in queue if row.id in lucky]
    for row in moved:
        row.state, row.promoted_at = rules.step(row.state, EnrolmentState.ENROLLED), tx.now
    session.taken += len(moved)
    tx.flush()
    return moved


def check_in(tx: Tx, session: TrainingSession, volunteer_id: int, code: str, policy: Attendance) -> Enrolment:
    """I am here: by the digits shown in the room, within its time. Who still waits and came may stay.

    Again, it changes nothing. Raises NotFound for who is not on the list, Malformed for a wrong code,
    Refused outside the time.
    """
    _hold(tx, session)
    row = _on_list(tx, session, volunteer_id)
    if row.state is EnrolmentState.ATTENDED:
        return row
    rules.check_attendance(session.state, session.starts_at, session.ends_at, tx.now, policy)
    if not sessions.knows(session, code, tx.now, policy):
        raise Malformed("form", fields=[FieldError("code", "training.wrong_code")])
    return _attended(tx, session, row, Evidence.CODE)


def mark(tx: Tx, session: TrainingSession, volunteer_id: int, *, there: bool) -> Enrolment:
    """The trainer's list: there, or not. Raises NotFound, Refused before it has begun, when it was called
    off, and once the list is closed."""
    tx.actor.must_cover("training.write", session.area)
    _hold(tx, session)
    sessions.must_be_planned(session)
    row = _on_list(tx, session, volunteer_id)
    if there and row.state is EnrolmentState.ATTENDED:
        return row
    if tx.now < session.starts_at and not there:
        raise Refused("training.not_begun")
    if there:
        return _attended(tx, session, row, Evidence.TRAINER)
    if row.state is not EnrolmentState.MISSED:
        session.taken += row.state not in HELD
        row.state = rules.step(row.state, EnrolmentState.MISSED)
        row.attended_at, row.evidence, row.marked_by = None, None, _account(tx)
        tx.flush()
    return row


def of(tx: Tx, session_id: int, volunteer_id: int) -> Enrolment | None:
    """Where somebody stands with a session."""
    wanted = select(Enrolment).where(
        col(Enrolment.session_id) == session_id, col(Enrolment.volunteer_id) == volunteer_id
    )
    return tx.exec(wanted.execution_options(populate_existing=True)).first()


def find(tx: Tx, session: TrainingSession, public_id: uuid.UUID) -> Enrolment:
    """One of a session's list. Raises NotFound."""
    wanted = select(Enrolment).where(
        col(Enrolment.session_id) == session.id, col(Enrolment.public_id) == public_id
    )
    row = tx.exec(wanted).first()
    if row is None:
        raise NotFound("not_found")
    return row


def of_session(tx: Tx, session: TrainingSession) -> Sequence[Enrolment]:
    """Everybody who is, waits or was on the list, in the order they came."""
    tx.actor.must_cover("training.read", session.area)
    wanted = select(Enrolment).where(col(Enrolment.session_id) == session.id)
    return tx.exec(wanted.order_by(col(Enrolment.queued_at), col(Enrolment.id))).all()


def of_volunteer(tx: Tx, volunteer_id: int) -> dict[int, Enrolment]:
    """By session id, where somebody stands with each."""
    wanted = select(Enrolment).where(col(Enrolment.volunteer_id) == volunteer_id)
    return {row.session_id: row for row in tx.exec(wanted)}


def listed_in(tx: Tx, volunteer_id: int, course: str) -> bool:
    """Whether somebody is, or was to the end, on the list of a session of a course."""
    wanted = (
        select(Enrolment.id)
        .join(TrainingSession, col(TrainingSession.id) == col(Enrolment.session_id))
        .where(
            col(Enrolment.volunteer_id) == volunteer_id,
            col(Enrolment.state) != EnrolmentState.WITHDRAWN,
            col(TrainingSession.course) == course,
        )
    )
    return tx.exec(wanted).first() is not None


def waiting(tx: Tx, session_id: int) -> int:
    """How many wait for a place."""
    wanted = select(func.count()).where(
        col(Enrolment.session_id) == session_id, col(Enrolment.state) == EnrolmentState.WAITING
    )
    return tx.exec(wanted).one()


def waiting_of(tx: Tx, session_ids: Sequence[int]) -> dict[int, int]:
    """Session -> how many wait, in one query; those without are left out."""
    wanted = (
        select(col(Enrolment.session_id), func.count())
        .where(col(Enrolment.session_id).in_(session_ids), col(Enrolment.state) == EnrolmentState.WAITING)
        .group_by(col(Enrolment.session_id))
    )
    return dict(tx.exec(wanted).all())


def coming(tx: Tx, session: TrainingSession) -> Sequence[Enrolment]:
    """Those who have to hear of a change: with a place or waiting."""
    states = (EnrolmentState.ENROLLED, EnrolmentState.WAITING)
    wanted = select(Enrolment).where(
        col(Enrolment.session_id) == session.id, col(Enrolment.state).in_(states)
    )
    return tx.exec(wanted.order_by(col(Enrolment.id))).all()


def forget(tx: Tx, volunteer_id: int) -> list[tuple[TrainingSession, list[Enrolment]]]:
    """Somebody who is forgotten comes to nothing any more; who has moved up in which session."""
    wanted = (
        select(TrainingSession)
        .join(Enrolment, col(Enrolment.session_id) == col(TrainingSession.id))
        .where(
            col(Enrolment.volunteer_id) == volunteer_id,
            col(Enrolment.state).in_((EnrolmentState.ENROLLED, EnrolmentState.WAITING)),
            col(TrainingSession.starts_at) > tx.now,
            col(TrainingSession.state) == SessionState.PLANNED,
        )
    )
    ahead = tx.exec(wanted.order_by(col(TrainingSession.id))).all()
    return [(session, withdraw(tx, session, volunteer_id)) for session in ahead]


def _hold(tx: Tx, session: TrainingSession) -> None:
    tx.refresh(session, with_for_update=True)


def _on_list(tx: Tx, session: TrainingSession, volunteer_id: int) -> Enrolment:
    row = of(tx, session.id, volunteer_id)
    if row is None or row.state is EnrolmentState.WITHDRAWN:
        raise NotFound("not_found")
    return row


def _attended(tx: Tx, session: TrainingSession, row: Enrolment, by: Evidence) -> Enrolment:
    session.taken += row.state not in HELD
    row.state = rules.step(row.state, EnrolmentState.ATTENDED)
    row.attended_at, row.evidence = tx.now, by
    row.marked_by = _account(tx)
    tx.flush()
    return row


def _account(tx: Tx) -> int | None:
    return tx.actor.id if tx.actor.kind == "account" else None
