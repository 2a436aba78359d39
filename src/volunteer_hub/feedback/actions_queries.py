"""Reading improvement actions: one, a list, their ages, who raised them, who may have."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.signing import token_hash
from volunteer_hub.feedback import rules as survey_rules
from volunteer_hub.feedback import themes
from volunteer_hub.feedback.actions_models import ActionStep, Finding, ImprovementAction, Voice
from volunteer_hub.feedback.actions_rules import PENDING, WORKED_ON, ActionState
from volunteer_hub.feedback.models import Survey
from volunteer_hub.feedback.policy import Question, Surveys, Theme
from volunteer_hub.feedback.rules import Form, State


@dataclass(frozen=True)
class Wanted:
    """Which actions a list shows. ``aged``: proposed at least and less than so many days ago, None unbounded;
    ``areas``: paths whose subtrees are wanted."""

    states: Collection[ActionState] = ()
    owner_id: int | None = None
    unowned: bool = False
    overdue: bool = False
    incident_id: int | None = None
    aged: tuple[int, int | None] | None = None
    area: str | None = None


@dataclass(frozen=True)
class Aged:
    """So many pending actions of one owner within one span of ages. ``span``: index into the policy's bounds,
    the last one open."""

    owner_id: int | None
    span: int
    actions: int
    overdue: int


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> ImprovementAction:
    """The action by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(ImprovementAction).where(
        col(ImprovementAction.public_id) == public_id, tx.actor.scope(permission, ImprovementAction.area)
    )
    action = tx.exec(wanted).first()
    if action is None:
        raise NotFound("not_found")
    return action


def listed(tx: Tx, wanted: Wanted, *, skip: int = 0, limit: int = 50) -> list[ImprovementAction]:
    """Actions of the actor's areas: the overdue first, then by due date, what waits for an owner, what is
    done, what has ended. One more than ``limit`` when there are more."""
    tx.actor.must("action.read")
    rank = case(
        (col(ImprovementAction.state).in_(WORKED_ON), 0),
        (col(ImprovementAction.state) == ActionState.PROPOSED, 1),
        (col(ImprovementAction.state) == ActionState.DONE, 2),
        else_=3,
    )
    rows = (
        select(ImprovementAction)
        .where(*_which(tx, wanted))
        .order_by(rank, col(ImprovementAction.due_at), col(ImprovementAction.id))
        .offset(skip)
        .limit(limit + 1)
    )
    return list(tx.exec(rows).all())


def ages(tx: Tx, bounds: Sequence[int]) -> list[Aged]:
    """Pending actions of the actor's areas by owner and age; ``bounds``: days, rising."""
    tx.actor.must("action.read")
    span = case(
        *(
            (col(ImprovementAction.proposed_at) > tx.now - timedelta(days=days), index)
            for index, days in enumerate(bounds)
        ),
        else_=len(bounds),
    )
    late = func.count().filter(_overdue(tx.now))
    rows = (
        select(col(ImprovementAction.owner_id), span, func.count(), late)
        .where(*_which(tx, Wanted(states=PENDING)))
        .group_by(col(ImprovementAction.owner_id), span)
    )
    return [Aged(*row) for row in tx.exec(rows)]


def findings(tx: Tx, action_ids: Collection[int]) -> dict[int, list[Finding]]:
    """Action id -> its findings, in one query."""
    found: dict[int, list[Finding]] = {key: [] for key in action_ids}
    rows = select(Finding).where(col(Finding.action_id).in_(action_ids)).order_by(col(Finding.id))
    for row in tx.exec(rows):
        found[row.action_id].append(row)
    return found


def steps(tx: Tx, action: ImprovementAction) -> Sequence[ActionStep]:
    """The way of an action, the oldest step first."""
    wanted = select(ActionStep).where(col(ActionStep.action_id) == action.id)
    return tx.exec(wanted.order_by(col(ActionStep.id))).all()


def raised(tx: Tx, keys: Iterable[str]) -> dict[str, ImprovementAction]:
    """Key of a finding -> the action that is there because of it, in one query."""
    wanted = select(Finding.key, ImprovementAction).join(
        ImprovementAction, col(ImprovementAction.id) == col(Finding.action_id)
    )
    rows = tx.exec(wanted.where(col(Finding.key).in_(list(keys))))
    return {key: action for key, action in rows if key is not None}


def voices(tx: Tx, action_id: int) -> Sequence[Voice]:
    """Everybody who raised what an action is about."""
    return tx.exec(select(Voice).where(col(Voice.action_id) == action_id).order_by(col(Voice.id))).all()


def heard(tx: Tx, action_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Action id -> how many raised it, and how many of them were told; in one query."""
    told = func.count(col(Voice.told_at))
    rows = select(Voice.action_id, func.count(), told).where(col(Voice.action_id).in_(action_ids))
    found = dict.fromkeys(action_ids, (0, 0))
    return found | {key: (all_, some) for key, all_, some in tx.exec(rows.group_by(col(Voice.action_id)))}


def by_token(tx: Tx, link_token: str) -> Voice:
    """The voice behind a link. Raises NotFound for an unknown token."""
    voice = tx.exec(select(Voice).where(col(Voice.token_hash) == token_hash(link_token))).first()
    if voice is None:
        raise NotFound("not_found")
    return voice


def wrote_about(tx: Tx, incident_id: int, theme: Theme, policy: Surveys) -> tuple[int, ...]:
    """The volunteers whose own words after an incident touch a theme."""
    return tuple(
        survey.volunteer_id
        for survey in _answered(tx, incident_id)
        if themes.touches(theme, *survey_rules.own_words(survey.answers or {}, policy, survey.form))
    )


def marked(tx: Tx, incident_id: int, form: Form, question: Question) -> tuple[int, ...]:
    """The volunteers whose answer to a question counts as a finding."""
    return tuple(
        survey.volunteer_id
        for survey in _answered(tx, incident_id)
        if survey.form is form
        and survey_rules.is_finding(str((survey.answers or {}).get(question.code, "")), question)
    )


def _answered(tx: Tx, incident_id: int) -> Sequence[Survey]:
    wanted = select(Survey).where(col(Survey.incident_id) == incident_id, col(Survey.state) == State.ANSWERED)
    return tx.exec(wanted.order_by(col(Survey.id))).all()


def _which(tx: Tx, wanted: Wanted) -> list[ColumnElement[bool]]:
    clauses = [tx.actor.scope("action.read", ImprovementAction.area)]
    if wanted.states:
        clauses.append(col(ImprovementAction.state).in_(wanted.states))
    if wanted.owner_id is not None:
        clauses.append(col(ImprovementAction.owner_id) == wanted.owner_id)
    if wanted.unowned:
        clauses.append(col(ImprovementAction.owner_id).is_(None))
    if wanted.overdue:
        clauses.append(_overdue(tx.now))
    if wanted.area is not None:
        clauses.append(col(ImprovementAction.area).startswith(wanted.area))
    if wanted.incident_id is not None:
        about = select(Finding.action_id).where(col(Finding.incident_id) == wanted.incident_id)
        clauses.append(col(ImprovementAction.id).in_(about))
    if wanted.aged is not None:
        least, below = wanted.aged
        clauses.append(col(ImprovementAction.proposed_at) <= tx.now - timedelta(days=least))
        if below is not None:
            clauses.append(col(ImprovementAction.proposed_at) > tx.now - timedelta(days=below))
    return clauses


def _overdue(now: datetime) -> ColumnElement[bool]:
    return (col(ImprovementAction.due_at) <= now) & col(ImprovementAction.state).in_(WORKED_ON)
