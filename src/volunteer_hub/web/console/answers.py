"""How people answer: what the model has learned, and whether what it said before came so."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import calibration as board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import t
from volunteer_hub.core.site import Site
from volunteer_hub.flows import answer_words as words
from volunteer_hub.mobilization import answers
from volunteer_hub.web import nav
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter()
Reader = Annotated[Actor, allow("drill.read")]


@router.get("/drills/answers")
def shown(request: Request, actor: Reader) -> Response:
    """The newest version, and predicted against observed."""
    lang = language_of(request)
    with db.read(actor) as tx:
        version = answers.latest(tx)
        city = int(actor.areas("drill.read")[0].split("/")[1] or 0)
        context = nav.console(
            request,
            actor,
            title=t(lang, "answers.title"),
            zone=policy.load("hub", Site).timezone.key,
            now=tx.now,
            version=version,
            cells=words.cells(version, tx.now, city),
            shown=board.shown(tx),
            days=board.DAYS,
        )
        return page(request, "console/answers.html", **context)


@router.get("/drills/answers.csv")
def as_csv(request: Request, actor: Reader) -> Response:
    """The same tenths as a file."""
    with db.read(actor) as tx:
        text = words.table(board.shown(tx), language_of(request))
    head = {"Content-Disposition": 'attachment; filename="answers.csv"'}
    return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=head)
