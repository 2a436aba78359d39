"""What makes the phone pages installable and useful without signal: a manifest, a worker, a page of words."""

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from volunteer_hub.core.i18n import t
from volunteer_hub.web.guard import PUBLIC
from volunteer_hub.web.render import STATIC, language_of, page, static

router = APIRouter(dependencies=[PUBLIC])


@router.get("/worker.js")
def worker() -> Response:
    """The service worker: given from the root, because it rules over the folder that it comes from."""
    return FileResponse(
        STATIC / "worker.js", media_type="text/javascript", headers={"cache-control": "no-cache"}
    )


@router.get("/app.webmanifest")
def manifest(request: Request) -> Response:
    """How the phone pages look when somebody puts them on their home screen."""
    lang = language_of(request)
    icons = [
        {"src": static("mark.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
        *(
            {"src": static(f"mark-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
            for size in (192, 512)
        ),
    ]
    said = {
        "name": t(lang, "ui.brand"),
        "short_name": t(lang, "ui.brand"),
        "lang": lang,
        "id": "/today",
        "start_url": "/today",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f6f5f1",
        "theme_color": "#1c4f8c",
        "icons": icons,
    }
    return JSONResponse(said, media_type="application/manifest+json")


@router.get("/offline")
def offline(request: Request) -> Response:
    """What the telephone shows without signal for a page that it has not kept."""
    return page(request, "phone/offline.html", title=t(language_of(request), "offline.title"))
