"""What every answer carries and every request must pass, whatever the route: plain ASGI, no session."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from volunteer_hub.core.log import logger
from volunteer_hub.web.render import CRITICAL_STYLE_SOURCE

LARGEST_BODY: Final = 32 * 1024 * 1024
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        f"style-src 'self' {CRITICAL_STYLE_SOURCE}; manifest-src 'self'; worker-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
}


class SecurityHeaders:
    """Adds the headers above; pages are never kept by shared caches, static files always are.

    ``images``: an address whose host may give pictures too, as that of map tiles.
    """

    def __init__(self, app: ASGIApp, images: str | None = None) -> None:
        self.app = app
        self.headers = dict(_HEADERS)
        if images is not None:
            given = urlsplit(images)
            allowed = f"img-src 'self' data: {given.scheme}://{given.netloc.replace('{s}', '*')};"
            policy = self.headers["Content-Security-Policy"]
            self.headers["Content-Security-Policy"] = policy.replace("img-src 'self' data:;", allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and dresses the answer's start."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secure = scope["scheme"] == "https"
        is_static = scope["path"].startswith("/static/")

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    if name != "Strict-Transport-Security" or secure:
                        headers.setdefault(name, value)
                cache = (
                    "public, max-age=31536000, immutable"
                    if is_static and b"v=" in scope["query_string"]
                    else "no-store"
                )
                headers.setdefault("Cache-Control", cache)
            await send(message)

        await self.app(scope, receive, dressed)


class SameOrigin:
    """Refuses a write that another site began in the reader's browser; plain programs send neither header."""

    def __init__(self, app: ASGIApp, also: Iterable[str] = ()) -> None:
        self.app = app
        self.also = frozenset(also)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes safe methods and our own pages' writes; answers 403 to the rest."""
        if (
            scope["type"] == "http"
            and scope["method"] not in _SAFE_METHODS
            and self._foreign(Headers(scope=scope))
        ):
            answer = JSONResponse(
                {"code": "cross_site", "title": "This form was sent by another site.", "status": 403}, 403
            )
            await answer(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _foreign(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in ("same-origin", "none")
        origin = headers.get("origin")
        if origin is None:
            return False
        return urlsplit(origin).netloc not in {headers.get("host", ""), *self.also}


class BodyLimit:
    """Refuses a body larger than the door takes, by its declared length or as it arrives."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST_BODY) -> None:
        self.app = app
        self.largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts the bytes that come in."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdigit() or int(declared) > self.largest:
            await JSONResponse({"code": "too_large", "status": 413, "largest": self.largest}, 413)(
                scope, receive, send
            )
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            # A body longer than it declared is cut off: the parser behind then refuses it in its own words.
            return {"type": "http.disconnect"} if taken > self.largest else message

        await self.app(scope, counted, send)


class Told:
    """Keeps an error that the door has answered and logged from the server, which would print it as it is.

    The door's log line has personal values taken out; a server's own traceback has not.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on; an answer broken off in its middle is logged here and ends the connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        ended = False

        async def noting(message: Message) -> None:
            nonlocal ended
            ended = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            if ended:
                return
            logger("web").error("broken off", path=scope.get("path", ""), exc_info=error)
            raise ConnectionError("broken off; the line before says why") from None
