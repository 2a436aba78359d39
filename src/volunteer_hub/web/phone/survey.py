"""How it was: a few questions behind a link, answered without account or script, or stopped with one tap."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import survey as board
from volunteer_hub.boards.drill_result import TEAM_MINUTES
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.feedback.policy import Question
from volunteer_hub.feedback.rules import SCALE, Kind
from volunteer_hub.flows import feedback
from volunteer_hub.web import forms
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import LINK, see_other
from volunteer_hub.web.render import Lang, language_of, page

router = APIRouter(dependencies=[LINK])


@router.get("/s/{token}")
def show(request: Request, token: str) -> Response:
    """The questions, or what became of them."""
    return _show(request, token)


@router.post("/s/{token}")
def answer(request: Request, token: str, form: Sent) -> Response:
    """Takes the answers; what was typed stays on the page when one is missing."""
    try:
        with db.transaction(GUEST, "survey.answer") as tx:
            feedback.answer(tx, token, _typed(form))
    except HubError as error:
        return _show(request, token, form, error)
    return see_other(f"/s/{token}")


@router.post("/s/{token}/stop")
def stop(request: Request, token: str) -> Response:
    """No more of it, please."""
    try:
        with db.transaction(GUEST, "survey.stop") as tx:
            feedback.stop(tx, token)
    except HubError as error:
        return _show(request, token, None, error)
    return see_other(f"/s/{token}")


def _typed(form: Form | None) -> dict[str, Any]:
    return {name: values[0] for name, values in form.values.items() if values} if form is not None else {}


def _show(request: Request, token: str, form: Form | None = None, error: HubError | None = None) -> Response:
    lang = language_of(request)
    try:
        with db.read(GUEST) as tx:
            view = board.view(tx, token)
    except NotFound:
        title, words = t(lang, "survey.page.unknown"), t(lang, "survey.page.unknown.text")
        return page(request, "phone/callout_unknown.html", status=404, title=title, words=words)
    faults = forms.words(lang, error) if error is not None else forms.Faults()
    return page(
        request,
        "phone/survey.html",
        zone=view.zone,
        status=error.status if error is not None else 200,
        title=pick(view.form.name, lang),
        kind="drill" if view.survey.kind is Kind.DRILL else None,  # nobody is called out by a question
        view=view,
        team_minutes=TEAM_MINUTES,
        options=lambda question: _options(question, lang),
        typed=_typed(form),
        errors=faults,
        here=f"/s/{token}",
    )


def _options(question: Question, lang: Lang) -> list[tuple[str, str]]:
    if question.kind == "scale":
        return [(str(mark), t(lang, f"survey.page.scale.{mark}")) for mark in SCALE]
    return [(choice.code, pick(choice.name, lang)) for choice in question.choices]
