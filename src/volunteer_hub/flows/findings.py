"""Findings: read from where they were made, with who raised them."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlmodel import col, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound, Refused
from volunteer_hub.drills import results
from volunteer_hub.feedback import actions, actions_queries
from volunteer_hub.feedback.actions import FindingIn, Raisers
from volunteer_hub.feedback.actions_models import ImprovementAction
from volunteer_hub.feedback.actions_rules import Figure, Source
from volunteer_hub.feedback.debriefs_models import Debrief
from volunteer_hub.feedback.policy import Question, Surveys, Theme
from volunteer_hub.feedback.rules import Form
from volunteer_hub.incidents import queries as incidents
from volunteer_hub.mobilization.models import Injury

T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """What somebody names as a finding. ``subject``: the injury, the drill's run, the debrief, by outer id;
    ``code``: the theme, the question, or the figure; ``area`` where it belongs to nothing."""

    source: Source
    words: str
    incident: uuid.UUID | None = None
    subject: uuid.UUID | None = None
    form: Form | None = None
    code: str | None = None
    area: str | None = None


class _Origin(Protocol):
    @property
    def source(self) -> Source: ...
    @property
    def incident_id(self) -> int | None: ...
    @property
    def form(self) -> Form | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def injury_id(self) -> int | None: ...
    @property
    def debrief_id(self) -> int | None: ...


def read(tx: Tx, it: Found) -> tuple[FindingIn, str]:
    """The finding as it is kept, and the area it belongs to.

    Raises Malformed naming what is missing or not known, NotFound for what is foreign, Refused where nobody
    has said so.
    """
    match it.source:
        case Source.THEME | Source.ANSWER:
            return _said(tx, it)
        case Source.INJURY:
            return _injury(tx, it)
        case Source.DRILL:
            return _drill(tx, it)
        case Source.DEBRIEF:
            return _debrief(tx, it)
        case Source.AFTER_ACTION:
            return _looking_back(tx, it)


def note_raisers(tx: Tx, action: ImprovementAction) -> None:
    """Notes who raised the findings of an action, and who has said the same since."""
    for finding in actions_queries.findings(tx, [action.id])[action.id]:
        actions.add_voices(tx, finding, _raisers(tx, finding))


def theme_of(code: str | None) -> Theme:
    """A theme of config/surveys.toml. Raises Malformed for one that is not there."""
    return _known("code", (theme for theme in _surveys().themes if theme.code == code))


def question_of(form: Form, code: str | None) -> Question:
    """A question of a form. Raises Malformed for one that is not there."""
    asked = _surveys().surveys.get(form.value)
    questions = asked.questions if asked is not None else ()
    return _known("code", (question for question in questions if question.code == code))


def _raisers(tx: Tx, it: _Origin) -> Raisers:
    if it.source is Source.THEME and it.incident_id is not None:
        theme = next((one for one in _surveys().themes if one.code == it.code), None)
        found = actions_queries.wrote_about(tx, it.incident_id, theme, _surveys()) if theme else ()
        return Raisers(volunteers=found)
    if it.source is Source.ANSWER and it.incident_id is not None and it.form is not None:
        question = question_of(it.form, it.code)
        return Raisers(volunteers=actions_queries.marked(tx, it.incident_id, it.form, question))
    if it.source is Source.INJURY and it.injury_id is not None:
        injury = tx.get_one(Injury, it.injury_id)
        return Raisers(_given(injury.reporter_id), _given(injury.account_id))
    if it.source is Source.DEBRIEF and it.debrief_id is not None:
        return Raisers(accounts=(tx.get_one(Debrief, it.debrief_id).account_id,))
    return Raisers()


def _given(key: int | None) -> tuple[int, ...]:
    return () if key is None else (key,)


def _said(tx: Tx, it: Found) -> tuple[FindingIn, str]:
    """What several have written about, or how they answered a question."""
    incident = incidents.find(tx, "survey.read", _needed(it.incident, "incident"))
    if it.source is Source.THEME:
        key = f"theme:{incident.id}:{theme_of(it.code).code}"
        made = FindingIn(it.source, it.words, key, incident.id, code=it.code)
    else:
        form = _needed(it.form, "form")
        key = f"answer:{incident.id}:{form}:{question_of(form, it.code).code}"
        made = FindingIn(it.source, it.words, key, incident.id, form, it.code)
    if not _raisers(tx, made).volunteers:
        raise Refused("action.nobody")
    return made, incident.area


def _injury(tx: Tx, it: Found) -> tuple[FindingIn, str]:
    tx.actor.must("duty.write")
    wanted = select(Injury).where(
        col(Injury.public_id) == _needed(it.subject, "subject"), tx.actor.scope("duty.write", Injury.area)
    )
    injury = tx.exec(wanted).first()
    if injury is None:
        raise NotFound("not_found")
    key = f"injury:{injury.id}"
    return FindingIn(it.source, it.words, key, injury.incident_id, injury_id=injury.id), injury.area


def _drill(tx: Tx, it: Found) -> tuple[FindingIn, str]:
    run = results.find(tx, "drill.read", _needed(it.subject, "subject"))
    if run.figures is None:
        raise Refused("action.no_figures")
    figure = _known("code", (each for each in Figure if each.value == it.code))
    key = f"drill:{run.id}:{figure}"
    return FindingIn(it.source, it.words, key, run.incident_id, code=figure.value, run_id=run.id), run.area


def _debrief(tx: Tx, it: Found) -> tuple[FindingIn, str]:
    tx.actor.must("survey.words")
    wanted = select(Debrief).where(
        col(Debrief.public_id) == _needed(it.subject, "subject"), tx.actor.scope("survey.words", Debrief.area)
    )
    debrief = tx.exec(wanted).first()
    if debrief is None:
        raise NotFound("not_found")
    question = question_of(Form.COORDINATOR, it.code)
    if question.code not in (debrief.answers or {}):
        raise Refused("action.nobody")
    key = f"debrief:{debrief.id}:{question.code}"
    made = FindingIn(it.source, it.words, key, debrief.incident_id, code=question.code, debrief_id=debrief.id)
    return made, debrief.area


def _looking_back(tx: Tx, it: Found) -> tuple[FindingIn, str]:
    """On an incident, or on nothing but the days since."""
    if it.incident is None:
        return FindingIn(it.source, it.words), _needed(it.area, "area")
    incident = incidents.find(tx, "action.write", it.incident)
    return FindingIn(it.source, it.words, incident_id=incident.id), incident.area


def _needed(value: T | None, where: str) -> T:
    if value is None:
        raise Malformed("action.missing", fields=[FieldError(where, "action.missing")])
    return value


def _known(where: str, found: Iterable[T]) -> T:
    for one in found:
        return one
    raise Malformed("action.unknown", fields=[FieldError(where, "action.unknown")])


def _surveys() -> Surveys:
    surveys: Surveys = policy.load("surveys", Surveys)
    return surveys
