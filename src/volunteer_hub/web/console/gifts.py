"""Points given: who is in need, what the funds hold, what was given, and what waits for a second look."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import gifts as board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.flows import give
from volunteer_hub.incentives import gifts
from volunteer_hub.incentives.gifts_rules import LONGEST_WORDS
from volunteer_hub.incentives.rules import LONGEST_REASON
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.phone.give import TONES
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/gifts")
Writer = Annotated[Actor, allow(gifts.WRITE)]
_HERE: Final = "/gifts"


@router.get("")
def show(request: Request, actor: Annotated[Actor, allow(gifts.READ)]) -> Response:
    """Of the actor's areas."""
    return _page(request, actor)


@router.post("/needs/of/{id:uuid}")
def name(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Names somebody as in need."""

    def deed(tx: Tx) -> None:
        words = form.text("words", LONGEST_WORDS)
        form.check()
        give.name(tx, id, words)

    return _deed(request, actor, "need.open", deed)


@router.post("/needs/{id:uuid}/close")
def close(request: Request, actor: Writer, id: uuid.UUID) -> Response:
    """Nothing more is given to them."""
    return _deed(request, actor, "need.close", lambda tx: gifts.close_need(tx, id))


@router.post("/needs/{id:uuid}/grant")
def grant(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Grants points of a fund to somebody in need; a button pressed twice grants once."""

    def deed(tx: Tx) -> str:
        points, fund = form.whole("points"), form.text("fund", 100)
        form.check()
        give.grant(tx, id, points, jurisdictions.by_code(tx, fund).path)
        return _HERE

    return _deed(
        request, actor, "gift.grant", lambda tx: form.once(tx, f"{_HERE}/needs/{id}", lambda: deed(tx))
    )


@router.post("/{id:uuid}")
def decide(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Lets a gift that waits go its way, or refuses it."""

    def deed(tx: Tx) -> None:
        do, reason = form.text("do", 20), form.text("reason")
        form.check()
        if do not in ("accept", "refuse"):
            raise Malformed("form")
        give.decide(tx, id, reason if do == "refuse" else None)

    return _deed(request, actor, "gift.decide", deed)


def _deed(request: Request, actor: Actor, name: str, deed: Callable[[Tx], Any]) -> Response:
    try:
        with db.transaction(actor, name) as tx:
            deed(tx)
    except HubError as error:
        if error.bars:
            raise
        return _page(request, actor, error)
    return see_other(_HERE)


def _page(request: Request, actor: Actor, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        desk = board.desk(tx)
        codes = jurisdictions.codes(tx, [fund.area for fund in desk.funds])
        context = nav.console(
            request,
            actor,
            title=t(lang, "gifts.title"),
            zone=policy.load("hub", Site).zone,
            desk=desk,
            funds=[(codes[fund.area], f"{pick(fund.name, lang)} ({fund.points})") for fund in desk.funds],
            tones=TONES,
            may_write=actor.may(gifts.WRITE),
            longest=LONGEST_REASON,
            key=forms.new_key(),
            error="; ".join(forms.words(lang, error).values()) if error is not None else "",
            now=tx.now,
        )
    return page(request, "console/gifts.html", status=error.status if error else 200, **context)
