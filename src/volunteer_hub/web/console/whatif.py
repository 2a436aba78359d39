"""What if: ask for an imagined callout or a whole area and week, see how far it is and what it came to."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import whatif as board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.drills import whatifs
from volunteer_hub.drills.rules import HOURS
from volunteer_hub.flows import whatif as flow
from volunteer_hub.flows import whatif_words as words
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()
ROWS: Final = 25
_LIST: Final = "/what-if"
Reader = Annotated[Actor, allow("drill.read")]
Writer = Annotated[Actor, allow("drill.write")]


@router.get(_LIST)
def listed(
    request: Request, actor: Reader, cursor: str = "", area: str = "", hazard: str = "", hour: str = ""
) -> Response:
    """What was asked so far; the address may hold a form's values."""
    return _page(request, actor, cursor, {"area": area, "hazard": hazard, "hour": hour})


@router.post(_LIST)
def ask(request: Request, actor: Writer, form: Sent) -> Response:
    """Asks for one imagined callout."""

    def made(tx: Tx) -> str:
        area, hazard, hour = form.text("area", 100), form.text("hazard", 100), form.whole("hour")
        form.check()
        return f"{_LIST}/{flow.request(tx, area, hazard, hour).public_id}"

    return _asked(request, actor, form, made)


@router.post("/what-if/grid")
def ask_grid(request: Request, actor: Writer, form: Sent) -> Response:
    """Asks for every hazard in every community of an area, at every hour of the week."""

    def made(tx: Tx) -> str:
        area = form.text("area", 100)
        form.check()
        return f"{_LIST}/{flow.request_grid(tx, area).public_id}"

    return _asked(request, actor, form, made)


def _asked(request: Request, actor: Actor, form: Form, made: Callable[[Tx], str]) -> Response:
    try:
        with db.transaction(actor, "whatif.request") as tx:
            path = form.once(tx, _LIST, lambda: made(tx))
    except HubError as error:
        if error.status in (403, 404):
            raise
        typed = {name: form.text(name, 100) for name in ("area", "hazard", "hour")}
        return _page(request, actor, "", typed, error)
    return see_other(path)


@router.get("/what-if/{id:uuid}")
def show(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """How far it is, or what it came to."""
    lang = language_of(request)
    with db.read(actor) as tx:
        run = whatifs.find(tx, "drill.read", id)
        line = board.lines(tx, [run])[0]
        result = line.cell.result if line.cell is not None else None
        title = t(lang, "whatif.grid.title", area=pick(line.area.name, lang))
        if line.cell is not None:
            title = words.hazard(line.cell.hazard, lang)
        context = nav.console(
            request,
            actor,
            title=title,
            zone=line.area.zone,
            line=line,
            result=result,
            progress=flow.progress(tx, [run])[run.id],
            weakest=board.weakest(tx, run) if line.cell is None else [],
            words=words,
            lang=lang,
            may=actor.may,
        )
    return page(request, "console/whatif_run.html", **context)


@router.post("/what-if/{id:uuid}/stop")
def stop(actor: Writer, id: uuid.UUID) -> Response:
    """No further cell is played."""
    with db.transaction(actor, "whatif.stop") as tx:
        whatifs.stop(tx, whatifs.find(tx, "drill.write", id))
    return see_other(f"{_LIST}/{id}")


def _page(
    request: Request, actor: Actor, cursor: str, typed: dict[str, str], error: HubError | None = None
) -> Response:
    lang = language_of(request)
    hazards: Hazards = policy.load("hazards", Hazards)
    with db.read(actor) as tx:
        rows = whatifs.listed(tx, before=decode_cursor(cursor or None), limit=ROWS)
        shown = rows[:ROWS]
        mine = jurisdictions.listed(tx, "drill.write") if actor.may("drill.write") else []
        told = forms.words(lang, error) if error is not None else Faults()
        context: dict[str, Any] = nav.console(
            request,
            actor,
            title=t(lang, "whatif.title"),
            zone=policy.load("hub", Site).timezone.key,
            lines=board.lines(tx, shown),
            progress=flow.progress(tx, shown),
            next=encode_cursor(shown[-1].id) if len(rows) > ROWS else None,
            areas=[(node.code, "　" * (node.path.count("/") - 2) + pick(node.name, lang)) for node in mine],
            hazards=[(code, pick(one.name, lang)) for code, one in hazards.hazards.items()],
            hours=[(str(number), words.hour(number, lang)) for number in HOURS],
            typed=typed,
            errors=told,
            words=words,
            lang=lang,
            key=forms.new_key(),
            grid_key=forms.new_key(),
        )
    return page(request, "console/whatif.html", status=error.status if error else 200, **context)
