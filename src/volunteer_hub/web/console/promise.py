"""The public promise, as it was kept: by area, beside the phone tree."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import promise as board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import t
from volunteer_hub.core.site import Site
from volunteer_hub.web import nav
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter()


@router.get("/promise")
def show(request: Request, actor: Annotated[Actor, allow("drill.read")]) -> Response:
    """The last year of the actor's areas."""
    with db.read(actor) as tx:
        view = board.view(tx)
        context = nav.console(
            request,
            actor,
            title=t(language_of(request), "promise_page.title"),
            zone=policy.load("hub", Site).timezone.key,
            view=view,
            now=tx.now,
        )
    return page(request, "console/promise.html", **context)
