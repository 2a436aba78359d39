"""Signing in and out, for staff."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from volunteer_hub.access import login
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.errors import TooMany
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import push
from volunteer_hub.web.guard import PUBLIC, SESSION_COOKIE, keep_session, safe_next, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(dependencies=[PUBLIC])


def _form(
    request: Request, *, email: str = "", next: str = "/", error: str = "", status: int = 200
) -> Response:
    title = t(language_of(request), "login.title")
    return page(
        request,
        "public/login.html",
        status=status,
        title=title,
        email=email,
        next=safe_next(next),
        error=error,
    )


@router.get("/login")
def show(request: Request, next: str = "/") -> Response:
    """The form; ``next`` is where the reader was going."""
    return _form(request, next=next)


@router.post("/login")
def sign_in(
    request: Request,
    email: Annotated[str, Form(max_length=320)],
    password: Annotated[str, Form(max_length=1000)],
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """A session for the right password; the same words for a wrong one and for an unknown address."""
    lang = language_of(request)
    address = request.client.host if request.client else ""
    try:
        with db.transaction(GUEST, "login.password") as tx:
            opened = login.by_password(tx, email, password, address)
    except TooMany as error:
        words = t(lang, f"error.{error.code}", **error.params)
        response = _form(request, email=email, next=next, error=words, status=error.status)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    if opened is None:
        return _form(request, email=email, next=next, error=t(lang, "error.login.wrong"), status=401)
    response = see_other(safe_next(next))
    keep_session(request, response, opened.token)
    return response


@router.post("/logout")
def sign_out(request: Request) -> Response:
    """Ends the session, here and in the database; this device is told nothing more."""
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        with db.transaction(GUEST, "login.logout") as tx:
            push.sign_out(tx, token)
    response = see_other("/login")
    response.delete_cookie(SESSION_COOKIE)
    return response
