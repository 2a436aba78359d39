"""Errors as pages: what happened, what was kept, what to do."""

from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.errors import HubError, Unauthenticated
from volunteer_hub.core.i18n import has, t
from volunteer_hub.core.log import logger
from volunteer_hub.web.render import language_of, page

_REMEDIES = {
    401: "sign_in",
    403: "ask",
    404: "check",
    409: "back",
    410: "ask_new",
    422: "correct",
    429: "wait",
}


def _error_page(request: Request, status: int, happened: str, reference: str = "") -> Response:
    lang = language_of(request)
    return page(
        request,
        "layout/error.html",
        status=status,
        title=t(lang, "error.page.title"),
        happened=happened,
        kept=t(lang, "error.page.kept") if request.method == "POST" else "",
        remedy=t(lang, f"error.remedy.{_REMEDIES.get(status, 'later')}"),
        next_href=_way_back(request),
        next_text=t(lang, "error.page.back"),
        reference=reference,
    )


def _way_back(request: Request) -> str:
    """The page the reader came from when it is ours; the start page otherwise."""
    origin = f"{request.url.scheme}://{request.url.netloc}/"
    referer = request.headers.get("referer", "")
    return referer if referer.startswith(origin) else "/"


def hub_error(request: Request, error: HubError) -> Response:
    """One of ours. Whoever is not signed in is led to sign in and back."""
    if isinstance(error, Unauthenticated) and request.method == "GET":
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(here)}", status_code=303)
    lang = language_of(request)
    lines = [t(lang, f"error.{error.code}", **error.params)]
    lines += [f"{field.where}: {t(lang, f'error.{field.code}', **field.params)}" for field in error.fields]
    response = _error_page(request, error.status, " ".join(lines))
    if hasattr(error, "retry_after"):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def invalid(request: Request, error: RequestValidationError) -> Response:
    """A form that does not have the shape the page gave it."""
    lang = language_of(request)
    places = ", ".join(dict.fromkeys(str(problem["loc"][-1]) for problem in error.errors()))
    return _error_page(request, 422, t(lang, "error.form.places", places=places))


def http_error(request: Request, error: HTTPException) -> Response:
    """No such page, wrong method."""
    lang = language_of(request)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "malformed")
    known = has(lang, f"error.{code}")
    return _error_page(request, error.status_code, t(lang, f"error.{code}") if known else str(error.detail))


def unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours: logged whole under a reference that the reader can quote."""
    reference = str(uuid7())[:8]
    logger("web").error("unexpected", event_id=reference, path=request.url.path, exc_info=error)
    return _error_page(request, 500, t(language_of(request), "error.unexpected"), reference)
