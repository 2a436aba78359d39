"""The web process: pages for people, /api/v1 for machines, two health addresses for whoever watches."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio.to_thread
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from volunteer_hub import __version__, api, bootstrap, web
from volunteer_hub.api import errors as api_errors
from volunteer_hub.api import health
from volunteer_hub.core import db, live
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.core.settings import settings
from volunteer_hub.flows.exchange import MEDIA_TYPES
from volunteer_hub.web import answer_batch
from volunteer_hub.web import errors as web_errors
from volunteer_hub.web.middleware import BodyLimit, SameOrigin, SecurityHeaders, Told
from volunteer_hub.web.render import STATIC

API = "/api/v1"
PACKED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, MEDIA_TYPES["xlsx"], "application/pdf")
"""What is packed already, or must not wait: a stream of events."""


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    await anyio.to_thread.run_sync(bootstrap.start)
    # A thread waiting for a connection starves the others: never more threads than connections, of which the
    # answers by link take one.
    anyio.to_thread.current_default_thread_limiter().total_tokens = settings().pool_size - 1
    # What has been loaded stays: the collector need not walk it again and again, a fifth of an answer's time.
    gc.freeze()
    live.end_with_the_process()
    yield
    await answer_batch.drain()
    await anyio.to_thread.run_sync(db.engine().dispose)


def _door(request: Request) -> Any:
    """Which door's words an error is told in."""
    return api_errors if request.url.path.startswith(("/api/", "/livez", "/readyz")) else web_errors


async def _storable(request: Request) -> None:
    """No address names a character that PostgreSQL cannot hold; bodies are read by their own doors."""
    if "\0" in request.url.path or b"%00" in request.scope["query_string"]:
        raise Malformed("text.nul")


class _Documented(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return api_errors.documented(super().openapi())


class _Files(StaticFiles):
    """Sent by ourselves: what a server sends by its path alone goes out unpacked."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__({**scope, "extensions": {}}, receive, send)


def create_app() -> FastAPI:
    """The ASGI application."""
    app = _Documented(
        title="Volunteer Hub",
        version=__version__,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        dependencies=[Depends(_storable)],
    )
    # Routes are tried in this order, which costs an answer by link more than all else if it comes last.
    for router in web.routers():
        app.include_router(router, include_in_schema=False)
    app.include_router(health.router)
    for router in api.routers():
        app.include_router(router, prefix=API, responses=api_errors.DOCUMENTED)
    app.mount("/static", _Files(directory=STATIC), name="static")
    for kind, name in (
        (HubError, "hub_error"),
        (RequestValidationError, "invalid"),
        (HTTPException, "http_error"),
    ):
        app.add_exception_handler(kind, _teller(name))
    app.add_exception_handler(Exception, _teller("unexpected"))
    app.add_middleware(SameOrigin)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, images=settings().tiles)
    # Lengths of packed pages tell nothing (BREACH): none holds a secret against forgery, and what
    # another site asks for in bulk comes without the cookie, which is SameSite.
    app.add_middleware(GZipMiddleware, compresslevel=5, exclude_content_types=PACKED)
    return app


def served() -> ASGIApp:
    """What a server runs: the application, whose faults go to our log and no further."""
    return Told(create_app())


def _teller(name: str) -> Any:
    def tell(request: Request, error: Exception) -> Response:
        return cast(Response, getattr(_door(request), name)(request, error))

    return tell
