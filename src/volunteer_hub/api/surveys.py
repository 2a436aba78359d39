"""How it was: questions by a link, answered once; what the answers of many amount to."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import LINK, Language, allow
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import GUEST, Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.i18n import pick
from volunteer_hub.feedback import queries
from volunteer_hub.feedback.models import Survey
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Form, State, now_state
from volunteer_hub.flows import feedback
from volunteer_hub.incidents import queries as incidents

router = APIRouter(tags=["surveys"])
Token = Annotated[str, Path(min_length=1, max_length=100)]


class AnswersIn(In):
    """Question -> a mark from 1 to 5, the code of a choice, or own words; what is left out is blank."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"answers": {"overall": 5, "safe": "yes"}}]})
    answers: dict[str, int | str] = Field(max_length=50)


class QuestionOut(Out):
    """One question; ``choices`` are [code, words] pairs."""

    code: str
    kind: str
    text: str
    required: bool
    choices: list[tuple[str, str]]


class SurveyOut(Out):
    """The questions behind a link, in the language of the request."""

    id: uuid.UUID
    form: Form
    name: str
    state: State
    expires_at: datetime
    questions: list[QuestionOut]


class AnsweredOut(Out):
    """What was taken down, and the points it has earned."""

    id: uuid.UUID
    state: State
    points: int


class TallyOut(Out):
    """How one question was answered. ``mean`` of marks; ``words``: how many wrote some."""

    code: str
    kind: str
    answered: int
    counts: dict[str, int]
    words: int
    findings: int
    mean: float | None


class ResultsOut(Out):
    """What the answers to one form after one incident amount to, in people; ``rate`` in whole per cent.
    ``seen``: known to have looked. Not ``shown`` while one could guess whose the few answers are."""

    form: Form
    asked: int
    seen: int
    answered: int
    waiting: int
    stopped: int
    expired: int
    rate: int | None
    shown: bool
    tallies: list[TallyOut]


class WordsOut(Out):
    """What one person wrote, without their name."""

    survey: uuid.UUID
    code: str
    text: str


def _policy() -> Surveys:
    surveys: Surveys = policy.load("surveys", Surveys)
    return surveys


def _shown(survey: Survey, now: datetime, lang: str) -> SurveyOut:
    form = _policy().surveys[survey.form.value]
    return SurveyOut(
        id=survey.public_id,
        form=survey.form,
        name=pick(form.name, lang),
        state=now_state(survey.state, survey.expires_at, now),
        expires_at=survey.expires_at,
        questions=[
            QuestionOut(
                code=question.code,
                kind=question.kind,
                text=pick(question.text, lang),
                required=question.required,
                choices=[(choice.code, pick(choice.name, lang)) for choice in question.choices],
            )
            for question in form.questions
        ],
    )


@router.get("/surveys/link/{token}", response_model=SurveyOut, dependencies=[LINK])
def questions(token: Token, lang: Language) -> SurveyOut:
    """The questions behind a link."""
    with db.read(GUEST) as tx:
        return _shown(feedback.by_link(tx, token), tx.now, lang)


@router.post("/surveys/link/{token}/answer", response_model=AnsweredOut, dependencies=[LINK])
def answer(token: Token, body: AnswersIn, once: OnceOnly) -> Response:
    """Takes the answers, once; the same ones again change nothing."""

    def deed() -> AnsweredOut:
        done = feedback.answer(tx, token, body.answers)
        return AnsweredOut(id=done.survey.public_id, state=done.survey.state, points=done.points)

    with db.transaction(GUEST, "survey.answer") as tx:
        feedback.by_link(tx, token)  # whose idempotency key it is
        return once.run(tx, deed)


@router.post("/surveys/link/{token}/stop", response_model=AnsweredOut, dependencies=[LINK])
def stop(token: Token, once: OnceOnly) -> Response:
    """The person wants to hear no more of it."""

    def deed() -> AnsweredOut:
        survey = feedback.stop(tx, token)
        return AnsweredOut(id=survey.public_id, state=survey.state, points=0)

    with db.transaction(GUEST, "survey.stop") as tx:
        feedback.by_link(tx, token)  # whose idempotency key it is
        return once.run(tx, deed)


@router.get("/incidents/{id}/surveys/{form}", response_model=ResultsOut)
def results(actor: Annotated[Actor, allow("survey.read")], id: uuid.UUID, form: Form) -> Any:
    """What the answers to one form amount to."""
    with db.read(actor) as tx:
        incident = incidents.find(tx, "survey.read", id)
        return ResultsOut.model_validate(queries.results(tx, incident.id, form, _policy()))


@router.get("/incidents/{id}/surveys/{form}/words", response_model=Page[WordsOut])
def words(
    actor: Annotated[Actor, allow("survey.words")],
    id: uuid.UUID,
    form: Form,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[WordsOut]:
    """What people wrote, the newest first, without their names."""
    with db.read(actor) as tx:
        incident = incidents.find(tx, "survey.words", id)
        before = decode_cursor(cursor)
        rows, more = queries.words(tx, incident.id, form, _policy(), before=before, limit=limit)
        following = encode_cursor(more) if more is not None else None
        return Page(items=[WordsOut.model_validate(row) for row in rows], next=following)
