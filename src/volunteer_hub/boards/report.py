"""What was said after an incident or drill: by form, by theme, by who was in command, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.drills import results
from volunteer_hub.drills.results import Result
from volunteer_hub.feedback import actions_queries, debriefs, queries, rules, themes
from volunteer_hub.feedback.actions_models import ImprovementAction
from volunteer_hub.feedback.debriefs_models import Debrief
from volunteer_hub.feedback.models import Survey
from volunteer_hub.feedback.policy import Question, Surveys, Theme
from volunteer_hub.feedback.policy import Survey as Questions
from volunteer_hub.feedback.queries import Results
from volunteer_hub.feedback.rules import Form, State, Tally
from volunteer_hub.incidents.models import Incident

_QUOTES = 20


@dataclass(frozen=True)
class Asked:
    """A question with how it was answered, and the action that came of the answers that count as findings."""

    question: Question
    tally: Tally
    key: str
    action: ImprovementAction | None


@dataclass(frozen=True)
class Part:
    """One form: whom it asked, how many answered, what they said; no questions while they are too few."""

    form: Form
    named: Questions
    results: Results
    shown_from: int
    questions: tuple[Asked, ...]


@dataclass(frozen=True)
class Touched:
    """A theme: how many wrote about it, what they wrote for who may read it, the action that came of it."""

    theme: Theme
    people: int
    quotes: tuple[str, ...]
    action: ImprovementAction | None


@dataclass(frozen=True)
class Told:
    """A debrief, its words for who may read them."""

    debrief: Debrief
    by: str
    answers: tuple[tuple[Question, Any, ImprovementAction | None], ...]


@dataclass(frozen=True)
class Report:
    """All of it. ``wrote``: people whose words the themes were found in; ``drill``: a drill's figures."""

    incident: Incident
    parts: tuple[Part, ...]
    wrote: int
    themes: tuple[Touched, ...]
    debriefs: tuple[Told, ...]
    drill: Result | None


def view(tx: Tx, incident: Incident) -> Report:
    """The report, for whoever may read surveys in the incident's area. Raises Forbidden, NotFound."""
    tx.actor.must_cover("survey.read", incident.area)
    rules_: Surveys = policy.load("surveys", Surveys)
    parts = tuple(
        part
        for form in Form
        if form is not Form.COORDINATOR and form.value in rules_.surveys
        if (part := _part(tx, incident, form, rules_)).results.asked
    )
    wrote, touched = _themes(tx, incident, [p.form for p in parts if p.results.shown], rules_)
    run = results.of_incident(tx, incident.id)
    return Report(
        incident=incident,
        parts=parts,
        wrote=wrote,
        themes=touched,
        debriefs=_debriefs(tx, incident, rules_),
        drill=results.result(run) if run is not None and tx.actor.may("drill.read", run.area) else None,
    )


def _part(tx: Tx, incident: Incident, form: Form, policies: Surveys) -> Part:
    found = queries.results(tx, incident.id, form, policies)
    named = next(one for name, one in policies.surveys.items() if name == form.value)
    keys = {tally.code: f"answer:{incident.id}:{form}:{tally.code}" for tally in found.tallies}
    raised = actions_queries.raised(tx, keys.values())
    asked = tuple(
        Asked(question, tally, keys[tally.code], raised.get(keys[tally.code]))
        for question, tally in zip(named.questions, found.tallies, strict=False)
    )
    return Part(form, named, found, policies.shown_from(form.value), asked)


def _themes(
    tx: Tx, incident: Incident, forms: Sequence[Form], policies: Surveys
) -> tuple[int, tuple[Touched, ...]]:
    """How many wrote anything, and the themes that any of them touched, the commonest first."""
    wanted = select(Survey).where(
        col(Survey.incident_id) == incident.id,
        col(Survey.form).in_(forms),
        col(Survey.state) == State.ANSWERED,
        tx.actor.scope("survey.read", Survey.area),
    )
    said = [
        texts
        for survey in tx.exec(wanted.order_by(col(Survey.id)))
        if (texts := rules.own_words(survey.answers or {}, policies, survey.form))
    ]
    may = tx.actor.may("survey.words", incident.area)
    raised = actions_queries.raised(tx, [f"theme:{incident.id}:{theme.code}" for theme in policies.themes])
    found = []
    for theme in policies.themes:
        about = [texts for texts in said if themes.touches(theme, *texts)]
        quotes = [text for texts in about for text in texts if themes.touches(theme, text)][:_QUOTES]
        action = raised.get(f"theme:{incident.id}:{theme.code}")
        if about:
            found.append(Touched(theme, len(about), tuple(quotes) if may else (), action))
    found.sort(key=lambda one: -one.people)
    return len(said), tuple(found)


def _debriefs(tx: Tx, incident: Incident, policies: Surveys) -> tuple[Told, ...]:
    rows = debriefs.of_incident(tx, incident.id)
    may = tx.actor.may("survey.words", incident.area)
    questions = policies.surveys[Form.COORDINATOR.value].questions
    people = select(Account.id, Account.name).where(col(Account.id).in_({row.account_id for row in rows}))
    names = dict(tx.exec(people).all())
    keys = [f"debrief:{row.id}:{one.code}" for row in rows for one in questions]
    raised = actions_queries.raised(tx, keys)
    return tuple(
        Told(
            row,
            names[row.account_id],
            tuple(
                (one, (row.answers or {})[one.code], raised.get(f"debrief:{row.id}:{one.code}"))
                for one in questions
                if may and one.code in (row.answers or {})
            ),
        )
        for row in rows
    )
