"""Courses on the phone: what there is, a place in a session, I am here. Plain forms, no script."""

import uuid
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import assessment, lessons
from volunteer_hub.boards import training as board
from volunteer_hub.boards.training import Learning
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import train
from volunteer_hub.training import rules
from volunteer_hub.training.rules import Part
from volunteer_hub.volunteers import skills
from volunteer_hub.web import forms
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import Volunteer, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/learn")


@router.get("")
def show(request: Request, actor: Volunteer) -> Response:
    """My places, and what can be learned."""
    return _show(request, actor)


@router.get("/courses/{code}")
def course(request: Request, actor: Volunteer, code: str) -> Response:
    """One course: what is taught, what it gives, when it is held."""
    lang = language_of(request)
    with db.read(actor) as tx:
        view, at = _view(tx, actor), assessment.studying(tx, _own(actor), code)
        offered = at.offered
        skill = skills.taxonomy().skills.get(offered.course.skill or "")
        names = {one.code: pick(one.name, lang) for one in view.courses}
        return page(
            request,
            "phone/learn_course.html",
            zone=view.zone,
            title=pick(offered.name, lang),
            offered=offered,
            at=at,
            reading=lessons.reading(tx, at, lang),
            parts=rules.parts(offered.course),
            test_missing=Part.TEST in at.standing.missing,
            may_test=at.standing.missing[:1] == (Part.TEST,) and at.standing.left > 0,
            skill=pick(skill.name, lang) if skill is not None else "",
            requires=[(one, names.get(one, one)) for one in offered.course.requires],
            sittings=view.of(code),
            now=tx.now,
        )


@router.post("/sessions/{id:uuid}/enrol")
def enrol(request: Request, actor: Volunteer, id: uuid.UUID) -> Response:
    """Puts me down."""
    return _deed(request, actor, "enrol", lambda tx, own: train.enrol(tx, own, id))


@router.post("/sessions/{id:uuid}/withdraw")
def withdraw(request: Request, actor: Volunteer, id: uuid.UUID) -> Response:
    """Gives my place back."""
    return _deed(request, actor, "withdraw", lambda tx, own: train.withdraw(tx, own, id))


@router.get("/sessions/{id:uuid}")
def here(request: Request, actor: Volunteer, id: uuid.UUID, code: str = "") -> Response:
    """The page behind the code in the room: a button, so that opening it says nothing yet."""
    return _here(request, actor, id, code[:20])


@router.post("/sessions/{id:uuid}/here")
def check_in(request: Request, actor: Volunteer, id: uuid.UUID, form: Sent) -> Response:
    """I am here."""
    code = form.text("code", 20)
    try:
        with db.transaction(actor, "training.check_in") as tx:
            train.check_in(tx, _own(actor), id, code)
    except HubError as error:
        if error.bars:
            raise
        return _here(request, actor, id, code, error)
    return see_other(f"/learn/sessions/{id}")


def _own(actor: Actor) -> int:
    assert actor.id is not None
    return actor.id


def _view(tx: Tx, actor: Actor) -> Learning:
    return board.learning(tx, _own(actor))


def _deed(request: Request, actor: Actor, name: str, deed: Callable[[Tx, int], Any]) -> Response:
    try:
        with db.transaction(actor, f"training.{name}") as tx:
            deed(tx, _own(actor))
    except HubError as error:
        if error.bars:
            raise
        return _show(request, actor, error)
    return see_other("/learn")


def _show(request: Request, actor: Actor, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        view = _view(tx, actor)
        return page(
            request,
            "phone/learn.html",
            zone=view.zone,
            status=error.status if error is not None else 200,
            title=t(lang, "learn.title"),
            view=view,
            now=tx.now,
            error=t(lang, f"error.{error.code}", **error.params) if error is not None else "",
        )


def _here(
    request: Request, actor: Actor, id: uuid.UUID, code: str, error: HubError | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        view = _view(tx, actor)
        sitting = next((one for one in view.mine if one.session.public_id == id), None)
        if sitting is None:
            raise NotFound("not_found")
        return page(
            request,
            "phone/learn_here.html",
            zone=sitting.zone,
            status=error.status if error is not None else 200,
            title=pick(sitting.offered.name, lang),
            sitting=sitting,
            code=code,
            errors=forms.words(lang, error) if error is not None else forms.Faults(),
            now=tx.now,
        )
