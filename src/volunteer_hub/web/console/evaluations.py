"""After a duty, for the staff that led: how each volunteer did, and what volunteers say of their leading."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import evaluations as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import t
from volunteer_hub.feedback import evaluations
from volunteer_hub.feedback.evaluation_rules import Side
from volunteer_hub.flows import evaluate as flow
from volunteer_hub.flows import settle
from volunteer_hub.incidents import queries
from volunteer_hub.web import evaluating, nav
from volunteer_hub.web.console.field import id_in
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/incidents/{id:uuid}/evaluations")
Writer = Annotated[Actor, allow("duty.write")]


@router.get("")
def show(request: Request, actor: Writer, id: uuid.UUID) -> Response:
    """The duties that have ended, each with its form; and what was said of the reader for leading."""
    return _show(request, actor, id)


@router.post("")
def write(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """How one volunteer did."""

    def deed(tx: Tx) -> Any:
        return flow.by_staff(tx, id_in(form, "duty"), evaluating.marks(form), form.text("words"))

    return _deed(request, actor, id, "write", deed, form.text("duty", 40))


@router.post("/reply")
def reply(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """A word of whoever led."""

    def deed(tx: Tx) -> Any:
        return flow.reply(tx, id_in(form, "evaluation"), form.text("words"))

    return _deed(request, actor, id, "reply", deed, form.text("evaluation", 40))


def _deed(
    request: Request, actor: Actor, id: uuid.UUID, name: str, deed: Callable[[Tx], Any], of: str
) -> Response:
    try:
        with db.transaction(actor, f"evaluation.{name}") as tx:
            queries.find(tx, "duty.write", id)
            deed(tx)
    except HubError as error:
        if error.bars:
            raise
        return _show(request, actor, id, of, error)
    return see_other(f"/incidents/{id}/evaluations")


def _show(
    request: Request, actor: Actor, id: uuid.UUID, of: str = "", error: HubError | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        incident = queries.find(tx, "duty.write", id)
        mine = evaluations.told_account(tx, actor.id, incident.id) if actor.kind == "account" else []
        context = nav.console(
            request,
            actor,
            title=t(lang, "evaluation.title"),
            kind="drill" if incident.kind.value == "drill" else None,
            zone=settle.zone_of(tx, incident.area).key,
            at=f"/incidents/{id}",
            incident=incident,
            asked=evaluating.asked(Side.VOLUNTEER, lang),
            lines=board.of_incident(tx, incident),
            me=actor.id if actor.kind == "account" else 0,
            mine=board.told(tx, mine),
            of=of,
            error=evaluating.fault(lang, error) if error is not None else "",
            now=tx.now,
        )
    return page(request, "console/evaluations.html", status=error.status if error else 200, **context)
