"""My badges, people, teams and communities of the month in my district, and whether I want to be named."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import badges, command
from volunteer_hub.boards import recognition as board
from volunteer_hub.core import db
from volunteer_hub.core.i18n import t
from volunteer_hub.incentives import recognition_rules as rules
from volunteer_hub.incentives import unnamed
from volunteer_hub.volunteers import registry
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import Volunteer, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/me/recognition")
_HERE: Final = "/me/recognition"


@router.get("")
def show(request: Request, actor: Volunteer, month: Annotated[str, Query(max_length=7)] = "") -> Response:
    """A month in the area above my community."""
    assert actor.id is not None
    with db.read(actor) as tx:
        row = registry.one(tx, actor.id)
        way = command.way(tx, row.area)
        found = board.view(tx, way[max(0, len(way) - 2)].path, month)
        return page(
            request,
            "phone/recognition.html",
            zone=jurisdictions.by_path(tx, row.area).zone,
            title=t(language_of(request), "recognition.title"),
            own=badges.own(tx, row.id, row.area),
            found=found,
            before=rules.previous(found.first).isoformat()[:7],
            named=row.id not in unnamed.among(tx, [row.id]),
        )


@router.post("/named")
def choose(actor: Volunteer, form: Sent) -> Response:
    """I want to be named, or not."""
    assert actor.id is not None
    with db.transaction(actor, "me.named") as tx:
        unnamed.choose(tx, actor.id, named=form.flag("named"))
    return see_other(_HERE)
