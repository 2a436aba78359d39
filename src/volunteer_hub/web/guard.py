"""Who is at the people's door: a session cookie, or the opaque link of one offer or survey."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse

from volunteer_hub.access import sessions
from volunteer_hub.core import db, gate
from volunteer_hub.core.actor import GUEST, Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Unauthenticated
from volunteer_hub.web.render import language_of

SESSION_COOKIE = "hub_session"


def actor_at(request: Request) -> Actor:
    """The actor of a page. Raises Unauthenticated, which the error page turns into the way to sign in."""
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        raise Unauthenticated("unauthenticated")
    with db.transaction(GUEST, "session.read") as tx:
        return sessions.actor_of_session(tx, cookie)


def still(request: Request, actor: Actor) -> Callable[[Tx], bool]:
    """Whether whoever opened this page is signed in yet and holds the rights that they had then."""
    cookie = request.cookies[SESSION_COOKIE]

    def holds(tx: Tx) -> bool:
        try:
            return set(sessions.actor_of_session(tx, cookie).grants) == set(actor.grants)
        except Unauthenticated:
            return False

    return holds


def allow(permission: str) -> Any:
    """The dependency of a page that needs a permission somewhere; its transaction narrows it to an area."""
    return Depends(gate.holding(actor_at, permission))


# Async, because a plain function would be sent to a thread and back for nothing.
async def _public(request: Request) -> None:
    request.state.policy = gate.PUBLIC


async def _link(request: Request) -> None:
    request.state.policy = gate.LINK


SignedIn = Annotated[Actor, Depends(gate.signed_in(actor_at))]
Volunteer = Annotated[Actor, Depends(gate.volunteer(actor_at))]
PUBLIC = Depends(gate.marked(_public, gate.PUBLIC))
LINK = Depends(gate.marked(_link, gate.LINK))
Language = Annotated[str, Depends(language_of)]


def keep_session(request: Request, response: Any, token: str) -> None:
    """Sets the session cookie: out of scripts' reach, same site, and secure wherever the page is."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        SESSION_COOKIE, token, httponly=True, samesite="lax", secure=secure, max_age=7 * 24 * 3600
    )


def safe_next(target: str | None) -> str:
    """A path of our own to go on to after signing in; anything else becomes the start page."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return "/"
    parts = urlsplit(target)
    return "/" if parts.scheme or parts.netloc else target


def see_other(path: str) -> RedirectResponse:
    """After a form was taken: go and look, so that reloading does not send it again."""
    return RedirectResponse(path, status_code=303)
