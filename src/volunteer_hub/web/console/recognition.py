"""People, teams and communities of the month, and the badges there are, for the staff."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import recognition as board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.incentives import recognition_rules as rules
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.web import nav
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter()
RIGHT: Final = "points.read"


@router.get("/recognition")
def show(
    request: Request,
    actor: Annotated[Actor, allow(RIGHT)],
    area: Annotated[str, Query(max_length=100)] = "",
    month: Annotated[str, Query(max_length=7)] = "",
) -> Response:
    """A month in one of the actor's areas."""
    lang = language_of(request)
    with db.read(actor) as tx:
        mine = jurisdictions.listed(tx, RIGHT)
        node = jurisdictions.by_code(tx, area) if area else mine[0]
        actor.must_cover(RIGHT, node.path)
        found = board.view(tx, node.path, month)
        context = nav.console(
            request,
            actor,
            title=t(lang, "recognition.title"),
            zone=node.zone,
            found=found,
            given=policy.load("rewards", Rewards).badges,
            before=rules.previous(found.first).isoformat()[:7],
            areas=[(one.code, "　" * (one.path.count("/") - 2) + pick(one.name, lang)) for one in mine],
        )
    return page(request, "console/recognition.html", **context)
