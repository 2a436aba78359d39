"""Errors as problem+json (RFC 9457), in the reader's language."""

from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from volunteer_hub.api.guard import language
from volunteer_hub.core.errors import FieldError, HubError
from volunteer_hub.core.i18n import has, t
from volunteer_hub.core.log import logger

MEDIA_TYPE = "application/problem+json"
_LONGEST_NAME: Final = 100  # a key that the sender made up is not sent back whole


class Fault(BaseModel):
    """One thing that is wrong: where, the code a program reads, the words a person reads."""

    where: str
    code: str
    detail: str


class Problem(BaseModel):
    """What every refusal looks like. ``type`` is ``urn:volunteer-hub:problem:`` and the code."""

    type: str
    title: str
    status: int
    code: str
    errors: list[Fault] = []
    retry_after: int | None = None


DOCUMENTED: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, description in (
        ("4XX", "Refused, in the reader's language"),
        ("5XX", "A fault of ours, or not ready"),
    )
}
"""The answers that every route of the API may give besides its own."""


def documented(schema: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with the shapes that DOCUMENTED refers to."""
    shapes = schema.setdefault("components", {}).setdefault("schemas", {})
    if "Problem" not in shapes:
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        shapes |= problem.pop("$defs") | {"Problem": problem}
    return schema


def _problem(status: int, code: str, detail: str, **extra: Any) -> JSONResponse:
    headers = {"Retry-After": str(extra["retry_after"])} if "retry_after" in extra else {}
    content = {
        "type": f"urn:volunteer-hub:problem:{code}",
        "title": detail,
        "status": status,
        "code": code,
        **extra,
    }
    return JSONResponse(content, status, headers, MEDIA_TYPE)


def words(lang: str, error: HubError | FieldError) -> str:
    """What an error says to its reader."""
    return t(lang, f"error.{error.code}", **error.params)


def hub_error(request: Request, error: HubError) -> JSONResponse:
    """One of ours: its code, words, and every field that is wrong."""
    lang = language(request)
    extra: dict[str, Any] = {}
    if error.fields:
        extra["errors"] = [{"where": f.where, "code": f.code, "detail": words(lang, f)} for f in error.fields]
    if hasattr(error, "retry_after"):
        extra["retry_after"] = error.retry_after
    return _problem(error.status, error.code, words(lang, error), **extra)


def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Input that does not have the documented shape: each place named."""
    lang = language(request)
    errors = [
        {
            "where": ".".join(str(part)[:_LONGEST_NAME] for part in problem["loc"]),
            "code": problem["type"],
            "detail": problem["msg"],
        }
        for problem in error.errors()
    ]
    return _problem(422, "malformed", t(lang, "error.malformed"), errors=errors)


def http_error(request: Request, error: HTTPException) -> JSONResponse:
    """The framework's own: no such route, wrong method."""
    lang = language(request)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "malformed")
    detail = t(lang, f"error.{code}") if has(lang, f"error.{code}") else str(error.detail)
    return _problem(error.status_code, code, detail)


def unexpected(request: Request, error: Exception) -> JSONResponse:
    """A fault of ours: logged whole, told briefly."""
    logger("api").error("unexpected", path=request.url.path, exc_info=error)
    return _problem(500, "unexpected", t(language(request), "error.unexpected"))
