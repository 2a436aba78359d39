"""Who is at the machines' door: a bearer token, or the console's own session cookie."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Body, Depends, Header, Request

from volunteer_hub.access import sessions, tokens
from volunteer_hub.core import db, gate
from volunteer_hub.core.actor import GUEST, Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Forbidden, Unauthenticated
from volunteer_hub.core.i18n import negotiate
from volunteer_hub.notify import callbacks

SESSION_COOKIE = "hub_session"


def actor_at(request: Request) -> Actor:
    """The actor of a request. Raises Unauthenticated for a token or session that does not hold."""
    with db.transaction(GUEST, "session.read") as tx:
        return _actor(tx, request)


def _actor(tx: Tx, request: Request) -> Actor:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    cookie = request.cookies.get(SESSION_COOKIE)
    if scheme.lower() == "bearer" and token:
        return tokens.actor_of_token(tx, token.strip())
    if cookie:
        return sessions.actor_of_session(tx, cookie)
    raise Unauthenticated("unauthenticated")


def still(request: Request, actor: Actor) -> Callable[[Tx], bool]:
    """Whether the token or session of a request holds yet, with the rights that it gave then."""

    def holds(tx: Tx) -> bool:
        try:
            return set(_actor(tx, request).grants) == set(actor.grants)
        except Unauthenticated:
            return False

    return holds


def actor_or_guest(request: Request) -> Actor:
    """Who is signed in, or a guest at a door open to all. Raises Unauthenticated for what does not hold."""
    signed_in = request.headers.get("authorization") or request.cookies.get(SESSION_COOKIE)
    return actor_at(request) if signed_in else GUEST


def language(request: Request) -> str:
    """The language of the answer."""
    return negotiate(request.headers.get("accept-language"))


def allow(permission: str) -> Any:
    """The dependency of a route that needs a permission; the route's transaction narrows it to an area."""
    return Depends(gate.holding(actor_at, permission))


def _public() -> None:
    return None


def _link() -> None:
    return None


def _gateway(
    request: Request,
    body: Annotated[bytes, Body(media_type="application/x-www-form-urlencoded", max_length=100_000)] = b"",
    x_twilio_signature: Annotated[str, Header(max_length=200)] = "",
) -> Mapping[str, str]:
    try:
        form = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        raise Forbidden("gateway_signature") from None
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if not callbacks.proven(path, form, x_twilio_signature):
        raise Forbidden("gateway_signature")
    return {name: value.replace("\0", "") for name, value in form}


SignedIn = Annotated[Actor, Depends(gate.signed_in(actor_at))]
Volunteer = Annotated[Actor, Depends(gate.volunteer(actor_at))]
PUBLIC = Depends(gate.marked(_public, gate.PUBLIC))
LINK = Depends(gate.marked(_link, gate.LINK))
GatewayForm = Annotated[Mapping[str, str], Depends(gate.marked(_gateway, gate.GATEWAY))]
"""The form a gateway sent, once its signature holds. Raises Forbidden."""
Language = Annotated[str, Depends(language)]
