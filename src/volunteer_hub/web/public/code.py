"""Volunteers sign in by a code to their telephone."""

from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import join as flow
from volunteer_hub.web import forms
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import PUBLIC, keep_session, safe_next, see_other
from volunteer_hub.web.public.join import network_address
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/login/code", dependencies=[PUBLIC])
_COOKIE: Final = "hub_phone"


@router.get("")
def ask_phone(request: Request, next: str = "/today") -> Response:
    """The telephone; ``next`` is where the reader was going."""
    return _phone(request, next)


@router.post("")
def send_code(request: Request, form: Sent) -> Response:
    """Sends a code, or not: the answer is the same for a number nobody has."""
    target = safe_next(form.text("next", 2000))
    try:
        with db.transaction(GUEST, "login.code") as tx:
            number = flow.send_login_code(tx, form.text("phone", 40), network_address(request))
    except HubError as error:
        words = " ".join(forms.words(language_of(request), error).values())
        return _phone(request, target, form.text("phone", 40), words, error.status)
    response = see_other("/login/code/check?" + urlencode({"next": target}))
    response.set_cookie(
        _COOKIE,
        number,
        max_age=900,
        path="/login/code",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@router.get("/check")
def ask_code(request: Request, next: str = "/today") -> Response:
    """The code."""
    return _code(request, next)


@router.post("/check")
def sign_in(request: Request, form: Sent) -> Response:
    """A session for the right code."""
    target = safe_next(form.text("next", 2000))
    lang = language_of(request)
    try:
        with db.transaction(GUEST, "login.code") as tx:
            phone = request.cookies.get(_COOKIE, "")
            opened = flow.sign_in(tx, phone, form.text("code", 20), network_address(request))
    except HubError as error:
        return _code(request, target, " ".join(forms.words(lang, error).values()), error.status)
    if opened is None:
        return _code(request, target, t(lang, "error.volunteer.code_wrong"), 401)
    response = see_other(target)
    response.delete_cookie(_COOKIE, path="/login/code")
    keep_session(request, response, opened.token)
    return response


def _phone(request: Request, next: str, phone: str = "", error: str = "", status: int = 200) -> Response:
    title = t(language_of(request), "code.title")
    return page(
        request,
        "public/code.html",
        status=status,
        title=title,
        next=safe_next(next),
        phone=phone,
        error=error,
    )


def _code(request: Request, next: str, error: str = "", status: int = 200) -> Response:
    if not request.cookies.get(_COOKIE):
        return see_other("/login/code")
    title = t(language_of(request), "join.code.title")
    return page(
        request, "public/code_check.html", status=status, title=title, next=safe_next(next), error=error
    )
