"""After an incident or drill: what people said, with charts and themes, and the coordinator's own debrief."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import report as board
from volunteer_hub.boards.report import Asked
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.feedback import debriefs, rules
from volunteer_hub.feedback.policy import Question, Surveys
from volunteer_hub.flows import debrief as flow
from volunteer_hub.flows import report_table, settle
from volunteer_hub.incidents import queries
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, language_of, page

router = APIRouter()
Reader = Annotated[Actor, allow("survey.read")]
Writer = Annotated[Actor, allow("survey.write")]


@router.get("/incidents/{id:uuid}/report")
def report(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """What people said."""
    lang = language_of(request)
    with db.read(actor) as tx:
        found = board.view(tx, queries.find(tx, "survey.read", id))
        context = nav.console(
            request,
            actor,
            title=t(lang, "report.title"),
            kind="drill" if found.incident.kind.value == "drill" else None,
            zone=settle.zone_of(tx, found.incident.area).key,
            at=f"/incidents/{id}",
            report=found,
            parts=[(part, [_chart(asked, lang) for asked in part.questions]) for part in found.parts],
            said=[(told, [_said(*answer, lang) for answer in told.answers]) for told in found.debriefs],
            may=lambda right: actor.may(right, found.incident.area),
            now=tx.now,
        )
    return page(request, "console/report.html", **context)


@router.get("/incidents/{id:uuid}/report/csv")
def as_csv(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """The figures as a file for spreadsheets."""
    with db.read(actor) as tx:
        found = board.view(tx, queries.find(tx, "survey.read", id))
    headers = {"Content-Disposition": 'attachment; filename="report.csv"'}
    body = report_table.as_csv(found, language_of(request))
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/incidents/{id:uuid}/debrief")
def show(request: Request, actor: Writer, id: uuid.UUID) -> Response:
    """The coordinator's questions."""
    return _form(request, actor, id)


@router.post("/incidents/{id:uuid}/debrief")
def write(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Keeps the answers, and goes to what all said."""
    try:
        with db.transaction(actor, "debrief.answer") as tx:
            version = form.whole("version")
            form.check()
            answers = {name: value for name, value in form.typed.items() if name != "version"}
            flow.answer(tx, queries.find(tx, "survey.write", id), answers, version)
    except HubError as error:
        if error.status in (401, 403, 404):
            raise
        return _form(request, actor, id, form, error)
    return see_other(f"/incidents/{id}/report")


def _form(
    request: Request, actor: Actor, id: uuid.UUID, form: Form | None = None, error: HubError | None = None
) -> Response:
    lang = language_of(request)
    surveys: Surveys = policy.load("surveys", Surveys)
    with db.read(actor) as tx:
        incident = queries.find(tx, "survey.write", id)
        row = debriefs.own(tx, incident.id)
        kept = {code: str(value) for code, value in ((row.answers if row else None) or {}).items()}
        context = nav.console(
            request,
            actor,
            title=pick(surveys.surveys["coordinator"].name, lang),
            kind="drill" if incident.kind.value == "drill" else None,
            zone=settle.zone_of(tx, incident.area).key,
            at=f"/incidents/{id}",
            incident=incident,
            questions=surveys.surveys["coordinator"].questions,
            options=lambda question: _options(question, lang),
            version=row.version if row is not None else 0,
            typed=form.typed if form is not None else kept,
            errors=forms.words(lang, error) if error is not None else Faults(),
            now=tx.now,
        )
    return page(request, "console/debrief.html", status=error.status if error else 200, **context)


def _options(question: Question, lang: Lang) -> list[tuple[str, str]]:
    codes = (
        [str(mark) for mark in rules.SCALE]
        if question.kind == "scale"
        else [c.code for c in question.choices]
    )
    return [(code, report_table.answer_words(question, code, lang)) for code in codes]


def _chart(asked: Asked, lang: Lang) -> dict[str, Any]:
    """A question as a chart: (words, people, whether it counts as a finding) of each answer."""
    most = max([1, *asked.tally.counts.values()])
    return {
        "code": asked.question.code,
        "text": pick(asked.question.text, lang),
        "kind": asked.question.kind,
        "answered": asked.tally.answered,
        "mean": asked.tally.mean,
        "findings": asked.tally.findings,
        "action": asked.action,
        "most": most,
        "bars": [
            (
                report_table.answer_words(asked.question, code, lang),
                people,
                rules.is_finding(code, asked.question),
            )
            for code, people in asked.tally.counts.items()
        ],
    }


def _said(question: Question, value: Any, action: Any, lang: Lang) -> dict[str, Any]:
    words = str(value) if question.kind == "text" else report_table.answer_words(question, str(value), lang)
    return {"code": question.code, "question": pick(question.text, lang), "words": words, "action": action}
