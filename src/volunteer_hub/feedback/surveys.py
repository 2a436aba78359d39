"""Surveys: opened after release or drill, answered by a link, reminded, stopped, expired."""

import uuid
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.signing import derived_token, token_hash
from volunteer_hub.feedback import rules
from volunteer_hub.feedback.models import Survey
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Form, Kind, State

_PURPOSE: Final = "survey"


def token(public_id: uuid.UUID) -> str:
    """The token of a survey's link; a message keeps the id and makes the link when it is sent."""
    return derived_token(_PURPOSE, public_id)


def open_for(
    tx: Tx,
    incident_id: int,
    area: str,
    volunteers: Collection[int],
    policy: Surveys,
    *,
    kind: Kind,
    form: Form = Form.VOLUNTEER,
) -> list[Survey]:
    """Asks these people after an incident or drill; the new surveys by id, none for who was asked before.

    ``area``: of the incident, whose coordinators read the answers.
    """
    tx.actor.must_cover("survey.write", area)
    rows = []
    for volunteer in sorted(set(volunteers)):
        public_id = uuid7()
        rows.append(
            {
                "public_id": public_id,
                "incident_id": incident_id,
                "volunteer_id": volunteer,
                "area": area,
                "form": form,
                "kind": kind,
                "state": State.OPEN,
                "token_hash": token_hash(token(public_id)),
                "opened_at": tx.now,
                "reminders": 0,
                "remind_at": rules.next_reminder(tx.now, tx.now, policy),
                "expires_at": tx.now + timedelta(hours=policy.closes_hours),
            }
        )
    if not rows:
        return []
    asked_once = ["incident_id", "volunteer_id", "form"]
    made = insert(Survey).values(rows).on_conflict_do_nothing(index_elements=asked_once)
    ids = tx.execute(made.returning(col(Survey.id), col(Survey.area))).scalars().all()
    return list(tx.exec(select(Survey).where(col(Survey.id).in_(ids)).order_by(col(Survey.id))).all())


def by_token(tx: Tx, link_token: str) -> Survey:
    """The survey behind a link. Raises NotFound for an unknown token."""
    survey = tx.exec(select(Survey).where(col(Survey.token_hash) == token_hash(link_token))).first()
    if survey is None:
        raise NotFound("not_found")
    return survey


def answer(tx: Tx, survey: Survey, answers: Mapping[str, object], policy: Surveys) -> Survey:
    """Takes the answers of the person whom `by_token` has found: once, and the same ones again change
    nothing.

    Raises Malformed naming every question answered wrongly, Refused when other answers were given before,
    Gone after the time or when the person wanted no more of it.
    """
    tx.refresh(survey, with_for_update=True)
    state = rules.now_state(survey.state, survey.expires_at, tx.now)
    given = rules.read_answers(answers, policy.surveys[survey.form.value])
    if state is State.ANSWERED and survey.answers == given:
        return survey
    survey.state = rules.step(state, State.ANSWERED)
    survey.answers, survey.answered_at, survey.remind_at = dict(given), tx.now, None
    survey.seen_at = survey.seen_at or tx.now
    tx.flush()
    return survey


def stop(tx: Tx, survey: Survey) -> Survey:
    """Asks the person no more; again, it changes nothing. Raises Refused or Gone when it has ended
    otherwise."""
    tx.refresh(survey, with_for_update=True)
    if survey.state is State.STOPPED:
        return survey
    state = rules.now_state(survey.state, survey.expires_at, tx.now)
    survey.state, survey.remind_at = rules.step(state, State.STOPPED), None
    survey.seen_at = survey.seen_at or tx.now
    tx.flush()
    return survey


def remind(tx: Tx, policy: Surveys, limit: int = 100) -> list[Survey]:
    """The surveys whose reminder is due now, each counted as reminded: what is to be sent goes into the
    outbox in this same transaction. Any number of workers may sweep."""
    due = (
        select(Survey)
        .where(
            col(Survey.state) == State.OPEN,
            col(Survey.remind_at) <= tx.now,
            col(Survey.expires_at) > tx.now,
        )
        .order_by(col(Survey.remind_at), col(Survey.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    surveys = list(tx.exec(due.execution_options(populate_existing=True)).all())
    for survey in surveys:
        survey.reminders += 1
        survey.reminded_at = tx.now
        survey.remind_at = rules.next_reminder(survey.opened_at, tx.now, policy)
    tx.flush()
    return surveys


def expire(tx: Tx) -> int:
    """Ends the surveys whose time is over; how many."""
    over = (
        update(Survey)
        .where(col(Survey.state) == State.OPEN, col(Survey.expires_at) <= tx.now)
        .values(state=State.EXPIRED, remind_at=None)
        .returning(col(Survey.id))
    )
    return len(tx.execute(over).all())


def forget(tx: Tx, volunteer_id: int, policy: Surveys) -> int:
    """Ends what a forgotten person was asked and takes their own words away; marks and choices stay, so that
    the counts still hold. How many surveys were touched."""
    wanted = select(Survey).where(col(Survey.volunteer_id) == volunteer_id).with_for_update()
    surveys = tx.exec(wanted.execution_options(populate_existing=True)).all()
    for survey in surveys:
        if survey.state is State.OPEN:
            survey.state, survey.remind_at = State.STOPPED, None
        if survey.answers is not None:
            survey.answers = rules.without_words(survey.answers, policy.surveys[survey.form.value])
    tx.flush()
    return len(surveys)
