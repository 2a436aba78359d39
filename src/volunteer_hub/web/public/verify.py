"""The page behind the code on a certificate: is it genuine, and what its holder lets anybody read."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import certificate_document as words
from volunteer_hub.flows import certify
from volunteer_hub.incentives import certificates
from volunteer_hub.web.guard import LINK
from volunteer_hub.web.render import language_of, page

router = APIRouter(dependencies=[LINK])


@router.get("/v/{code}")
def show(request: Request, code: str) -> Response:
    """What is known of the certificate."""
    lang = language_of(request)
    title = t(lang, "certificate.check.title")
    try:
        with db.read(GUEST) as tx:
            found = certify.check(tx, code)
    except NotFound:
        return page(request, "public/verify.html", status=404, title=title, found=None)
    content = found.content or {}
    return page(
        request,
        "public/verify.html",
        title=title,
        zone=content.get("zone", "UTC"),
        found=found,
        number=certificates.number(found.certificate),
        issuer=words.issuer(content, lang) if content else "",
        hours=_hours(content, lang),
        duties=words.duties(content, content["zone"], lang) if "duties" in content else None,
    )


def _hours(content: dict[str, object], lang: str) -> list[tuple[str, str]]:
    """Rows of facts about the time."""
    shown = content.get("hours")
    if not isinstance(shown, dict):
        return []
    if "counted" in shown:
        return [("", line) for line in words.figures(shown, lang)]
    zone = str(content["zone"])
    rows = [(t(lang, "certificate.check.on_duty"), words.times((shown["begins"], shown["ends"]), zone))]
    if shown["served"]:
        rows.append((t(lang, "certificate.check.served"), words.times(shown["served"], zone)))
    return rows
