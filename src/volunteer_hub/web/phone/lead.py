"""The list of whoever leads a task, behind their own link: who has come and gone, and the screen to scan."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import field as board
from volunteer_hub.boards.field import PersonLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.feedback import evaluations
from volunteer_hub.feedback.evaluation_models import EvaluationRow
from volunteer_hub.feedback.evaluation_rules import Side
from volunteer_hub.flows import evaluate as evaluating_flow
from volunteer_hub.flows import lead as flow
from volunteer_hub.flows import screen
from volunteer_hub.mobilization.field_rules import Place
from volunteer_hub.web import evaluating, qr
from volunteer_hub.web.console import field
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import LINK, see_other
from volunteer_hub.web.render import Speech, language_of, page

router = APIRouter(dependencies=[LINK])


@router.get("/c/{token}/people")
def show(request: Request, token: str) -> Response:
    """Everybody at the task: whoever needs attention first."""
    return _page(request, token)


@router.post("/c/{token}/people/came")
def came(request: Request, token: str, form: Sent) -> Response:
    """Somebody has come."""
    return _deed(request, token, form, "duty.check_in", flow.came)


@router.post("/c/{token}/people/went")
def went(request: Request, token: str, form: Sent) -> Response:
    """Somebody has gone."""
    return _deed(request, token, form, "duty.check_out", flow.went)


@router.get("/c/{token}/screen")
def show_screen(request: Request, token: str) -> Response:
    """The code that the leader's people scan."""
    lang = language_of(request)
    with db.read(GUEST) as tx:
        led = flow.by_link(tx, token)
        shown = screen.shown(led.facts.task, tx.now)
    return page(
        request,
        "phone/screen.html",
        title=pick(led.facts.title, lang),
        kind=led.facts.incident.kind.value,
        shown=shown,
        picture=qr.picture(shown.address),
        where=f"/c/{token}/screen",
        here=f"/c/{token}",
    )


@router.post("/c/{token}/people/evaluate")
def evaluate(request: Request, token: str, form: Sent) -> Response:
    """How somebody did who has gone."""

    def deed(tx: Tx, link: str, duty: uuid.UUID) -> Any:
        return evaluating_flow.by_leader(tx, link, duty, evaluating.marks(form), form.text("words"))

    return _deed(request, token, form, "evaluation.write", deed)


def _deed(
    request: Request, token: str, form: Sent, name: str, deed: Callable[[Tx, str, uuid.UUID], Any]
) -> Response:
    try:
        with db.transaction(GUEST, name) as tx:
            deed(tx, token, field.id_in(form, "duty"))
    except HubError as error:
        if error.bars:
            raise
        return _page(request, token, error)
    return see_other(f"/c/{token}/people")


def _page(request: Request, token: str, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(GUEST) as tx:
        led = flow.by_link(tx, token)
        view = board.people(tx, led.facts.incident)
        own = tx.actor.id
        speech = Speech(lang, view.zone)
        lines = [line for line in view.lines if line.facts.slot.id in led.slots]
        rows = evaluations.written(tx, [line.duty.id for line in lines], Side.VOLUNTEER)
        people = [
            field.shown(line, speech)
            | {"may": _may(line, own), "rate": _rates(line, own, rows), "row": rows.get(line.duty.id)}
            for line in lines
        ]
        now = tx.now
    return page(
        request,
        "phone/lead.html",
        zone=view.zone,
        status=error.status if error is not None else 200,
        title=t(lang, "here.list.title"),
        kind=view.incident.kind.value,
        task=pick(led.facts.title, lang),
        here=f"/c/{token}",
        people=people,
        asked=evaluating.asked(Side.VOLUNTEER, lang),
        error=evaluating.fault(lang, error) if error is not None else "",
        now=now,
    )


def _may(line: PersonLine, own: int | None) -> bool:
    """Whether the leader may say that this person has come or gone: of everybody but themselves."""
    return line.duty.volunteer_id != own and line.place not in (Place.LEFT, Place.RELEASED)


def _rates(line: PersonLine, own: int | None, rows: Mapping[int, EvaluationRow]) -> bool:
    """Whether the leader may say how this person did: of everybody else who has been there and left, until
    they have answered or somebody else has said it."""
    row = rows.get(line.duty.id)
    unanswered = row is None or (row.by_volunteer == own and row.replied_at is None)
    return line.duty.volunteer_id != own and line.place is Place.LEFT and unanswered
