"""Parts of a page, pushed as they change; a page that gets none asks for them by itself."""

from collections.abc import Callable, Iterable

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from markupsafe import Markup

from volunteer_hub.core import db, live
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.live import UNBUFFERED, Look, Seen
from volunteer_hub.web import guard
from volunteer_hub.web.render import Lang, language_of

Shown = tuple[Markup, Iterable[int]]
"""The parts, and the callouts (ids) that they tell of."""


def follow(
    request: Request,
    actor: Actor,
    find: Callable[[Tx], object],
    show: Callable[[Tx, Lang], Shown],
    *,
    alone: bool = False,
) -> Response:
    """The stream of an address: what ``show`` makes, once for all readers of the same rights and language,
    or for each account ``alone`` where the parts tell them apart. Raises what ``find`` raises, which
    is asked for each reader: hundreds may come at once, and what they see is made for all of them."""
    lang = language_of(request)

    def read() -> Seen:
        with db.read(actor) as tx:
            shown, callouts = show(tx, lang)
            return Seen("parts", str(shown), frozenset(callouts))

    with db.read(actor) as tx:
        find(tx)
    whose = actor.id if alone else None
    key = (request.url.path, request.url.query, lang, actor.kind, frozenset(actor.grants), whose)
    look = Look(key, read, guard.still(request, actor))
    seen = request.headers.get("last-event-id", "")
    return StreamingResponse(live.stream(look, seen), media_type="text/event-stream", headers=UNBUFFERED)
