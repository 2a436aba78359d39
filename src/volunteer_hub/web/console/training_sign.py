"""A checklist that an assessor signs, and the bank of questions of a course of our own."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import assessment as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, HubError, Malformed, NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import assess
from volunteer_hub.training import courses
from volunteer_hub.training.models import OwnCourse
from volunteer_hub.volunteers import registry
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/training/courses/{code}")
Writer = Annotated[Actor, allow("training.write")]
_USUAL: Final = {"draw": 1, "pass_percent": 80, "minutes": 10, "attempts": 3}


@router.get("/people/{id:uuid}")
def ask(request: Request, actor: Writer, code: str, id: uuid.UUID) -> Response:
    """Where somebody stands with a course, and its checklist to be signed."""
    return _sheet(request, actor, code, id)


@router.post("/people/{id:uuid}")
def sign(request: Request, actor: Writer, code: str, id: uuid.UUID, form: Sent) -> Response:
    """Signs what they have shown."""
    try:
        with db.transaction(actor, "training.sign") as tx:
            words = form.text("words")
            form.check()
            assess.sign(tx, id, code, form.many("done"), words)
    except HubError as error:
        if error.bars:
            raise
        return _sheet(request, actor, code, id, form, error)
    return see_other(f"/training/courses/{code}/people/{id}")


@router.get("/questions")
def bank(request: Request, actor: Writer, code: str) -> Response:
    """The questions of a course of our own."""
    return _bank(request, actor, code)


@router.post("/questions")
def add(request: Request, actor: Writer, code: str, form: Sent) -> Response:
    """Adds a question, takes one out, or changes how many are drawn and what passes."""
    try:
        with db.transaction(actor, "training.questions") as tx:
            row = _own(tx, actor, code)
            test = _changed(form, row.body.get("test") or {"questions": [], **_USUAL})
            courses.change(tx, row, form.whole("version"), row.body | {"test": test})
    except HubError as error:
        if error.bars:
            raise
        return _bank(request, actor, code, form, error)
    return see_other(f"/training/courses/{code}/questions")


def _changed(form: Form, test: dict[str, Any]) -> dict[str, Any] | None:
    """The test after what the form says to do; None once it has no question any more."""
    questions = list(test["questions"])
    if form.text("do", 20) == "remove":
        questions = [one for one in questions if one["code"] != form.text("question", 100)]
    elif form.text("do", 20) == "add":
        questions.append(_question(form, {one["code"] for one in questions}))
    else:
        test = test | {name: form.whole(name) for name in _USUAL}
        form.check()
    drawn = min(test["draw"], len(questions)) if form.text("do", 20) else test["draw"]
    return test | {"questions": questions, "draw": max(1, drawn)} if questions else None


def _question(form: Form, taken: set[str]) -> dict[str, Any]:
    """Words, and an answer a line, the right one with a star before it. Raises Malformed."""
    words = form.text("text", 500)
    lines = [line.strip() for line in form.text("answers").splitlines() if line.strip()]
    form.check()
    right = [place for place, line in enumerate(lines, 1) if line.startswith(("*", "＊"))]
    if not words:
        raise Malformed("form", fields=[FieldError("text", "training.body")])
    if len(right) != 1 or not 2 <= len(lines) <= 6:
        raise Malformed("form", fields=[FieldError("answers", "training.answers")])
    number = next(n for n in range(1, len(taken) + 2) if f"q{n}" not in taken)
    answers = [_both(line.lstrip("*＊").strip()) for line in lines]
    return {"code": f"q{number}", "text": _both(words), "answers": answers, "right": right[0]}


def _both(words: str) -> dict[str, str]:
    return {"en": words, "zh": words}


def _own(tx: Tx, actor: Actor, code: str) -> OwnCourse:
    found = courses.one(tx, code)
    if found.own is None or not actor.may("training.write", found.own.area):
        raise NotFound("not_found")
    return found.own


def _bank(
    request: Request, actor: Actor, code: str, form: Form | None = None, error: HubError | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        row = _own(tx, actor, code)
        test = row.body.get("test") or {"questions": [], **_USUAL}
        context = nav.console(
            request,
            actor,
            title=t(lang, "training.bank.of", course=pick(row.body["name"], lang)),
            code=code,
            version=row.version,
            test=test,
            typed=form.typed if form is not None else {},
            errors=forms.words(lang, error) if error is not None else Faults(),
        )
    return page(request, "console/training_bank.html", status=error.status if error else 200, **context)


def _sheet(
    request: Request,
    actor: Actor,
    code: str,
    id: uuid.UUID,
    form: Form | None = None,
    error: HubError | None = None,
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        person = registry.find(tx, "training.write", id)
        at = board.studying(tx, person.id, code)
        context = nav.console(
            request,
            actor,
            title=t(
                lang,
                "training.sheet.of",
                course=pick(at.offered.name, lang),
                name=person.name or t(lang, "training.unnamed"),
            ),
            zone=at.zone,
            at=at,
            items=[(item.code, pick(item.text, lang)) for item in at.offered.course.checklist],
            done=form.many("done") if form is not None else [],
            typed=form.typed if form is not None else {},
            errors=forms.words(lang, error) if error is not None else Faults(),
            now=tx.now,
        )
    return page(request, "console/training_sheet.html", status=error.status if error else 200, **context)
