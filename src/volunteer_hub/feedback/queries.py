"""What the answers amount to, told without making more of them than there is."""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, false, func, or_, true
from sqlalchemy import select as columns  # SQLModel's select does not take columns of a function
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.feedback import rules
from volunteer_hub.feedback.models import Survey
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Form, State, Tally


@dataclass(frozen=True)
class Results:
    """Of one form after one incident, in people. ``rate``: whole per cent of all asked who answered, rounded
    down; None when nobody was asked. ``seen``: known to have looked, because they answered or stopped it:
    opening a link alone leaves no trace, for previews open links too. ``waiting``: may still answer.
    ``shown``: enough have answered, else there are no tallies."""

    form: Form
    asked: int
    seen: int
    answered: int
    stopped: int
    expired: int
    waiting: int
    rate: int | None
    shown: bool
    tallies: tuple[Tally, ...]


@dataclass(frozen=True)
class Words:
    """What one person wrote, without their name."""

    survey: uuid.UUID
    code: str
    text: str


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> Survey:
    """The survey by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(Survey).where(col(Survey.public_id) == public_id, tx.actor.scope(permission, Survey.area))
    survey = tx.exec(wanted).first()
    if survey is None:
        raise NotFound("not_found")
    return survey


def of_volunteer(tx: Tx, volunteer_id: int, limit: int = 50) -> list[Survey]:
    """What a person was asked, the newest first; the door has checked that it is the actor."""
    wanted = select(Survey).where(col(Survey.volunteer_id) == volunteer_id)
    return list(tx.exec(wanted.order_by(col(Survey.id).desc()).limit(limit)).all())


def results(tx: Tx, incident_id: int, form: Form, policy: Surveys) -> Results:
    """The figures of one form, in two queries however many answered."""
    numbers = _states(tx, _of(tx, incident_id, form))
    answered, asked = numbers[State.ANSWERED], sum(numbers.values())
    shown = answered >= policy.shown_from(form.value)
    counts = _counts(tx, _of(tx, incident_id, form), policy, form) if shown else {}
    questions = policy.surveys[form.value].questions if shown else ()
    return Results(
        form=form,
        asked=asked,
        seen=answered + numbers[State.STOPPED],
        answered=answered,
        stopped=numbers[State.STOPPED],
        expired=numbers[State.EXPIRED],
        waiting=numbers[State.OPEN],
        rate=100 * answered // asked if asked else None,
        shown=shown,
        tallies=tuple(rules.tally(question, counts.get(question.code, {})) for question in questions),
    )


def words(
    tx: Tx, incident_id: int, form: Form, policy: Surveys, *, before: int | None = None, limit: int = 50
) -> tuple[list[Words], int | None]:
    """What people wrote, a page of surveys the newest first, and the ``before`` of the next page or None.

    For whoever may read words; nothing while so few have answered that one could guess who wrote it.
    """
    tx.actor.must("survey.words")
    if _states(tx, _of(tx, incident_id, form))[State.ANSWERED] < policy.shown_from(form.value):
        return [], None
    codes = [question.code for question in policy.surveys[form.value].questions if question.kind == "text"]
    wrote = or_(false(), *(col(Survey.answers).op("?")(code) for code in codes))
    wanted = select(Survey).where(_of(tx, incident_id, form), wrote)
    if before is not None:
        wanted = wanted.where(col(Survey.id) < before)
    rows = list(tx.exec(wanted.order_by(col(Survey.id).desc()).limit(limit + 1)).all())
    page = rows[:limit]
    texts = [
        Words(survey.public_id, code, survey.answers[code])
        for survey in page
        if survey.answers is not None
        for code in codes
        if code in survey.answers
    ]
    return texts, page[-1].id if len(rows) > limit else None


def _of(tx: Tx, incident_id: int, form: Form) -> ColumnElement[bool]:
    tx.actor.must("survey.read")
    scope = tx.actor.scope("survey.read", Survey.area)
    return (col(Survey.incident_id) == incident_id) & (col(Survey.form) == form) & scope


def _states(tx: Tx, which: ColumnElement[bool]) -> Mapping[State, int]:
    """People by state as it is now: an open survey past its time counts as expired before the sweep."""
    over = (col(Survey.state) == State.OPEN) & (col(Survey.expires_at) <= tx.now)
    wanted = select(col(Survey.state), over, func.count()).where(which).group_by(col(Survey.state), over)
    numbers: defaultdict[State, int] = defaultdict(int)
    for state, is_over, people in tx.exec(wanted):
        numbers[State.EXPIRED if is_over else state] += people
    return numbers


def _counts(tx: Tx, which: ColumnElement[bool], policy: Surveys, form: Form) -> dict[str, dict[str, int]]:
    """Question -> answer -> people; all words of a person count as the same answer."""
    texts = [question.code for question in policy.surveys[form.value].questions if question.kind == "text"]
    pairs = func.jsonb_each_text(col(Survey.answers)).table_valued("key", "value").render_derived()
    shown = case((pairs.c.key.in_(texts), ""), else_=pairs.c.value)
    wanted = (
        columns(pairs.c.key, shown, func.count())
        .select_from(Survey)
        .join(pairs, true())
        .where(which, col(Survey.state) == State.ANSWERED)
        .group_by(pairs.c.key, shown)
    )
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for code, value, people in tx.execute(wanted):
        counts[code][value] = people
    return counts
