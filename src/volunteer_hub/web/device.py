"""Which telephone it is, and whose: cookies of the duty page.

A number drawn by lot, kept as a keyed hash only, tells one telephone that checks in many people from many
telephones, and nothing else. The links last opened there are there for the page behind a screen's code.
"""

from typing import Final

from fastapi import Request
from fastapi.responses import Response

from volunteer_hub.core import signing
from volunteer_hub.mobilization.attendance import Seen
from volunteer_hub.web.render import A_YEAR

COOKIE: Final = "hub_device"
LINKS: Final = "hub_links"
_LONGEST: Final = 64
_MOST_LINKS: Final = 4
_A_WEEK: Final = 7 * 24 * 3600


def seen(request: Request) -> Seen:
    """What a check is told of the telephone; nothing where cookies are refused."""
    number = request.cookies.get(COOKIE, "")[:_LONGEST]
    return Seen(device=signing.token_hash(f"device {number}") if number else None)


def links(request: Request) -> list[str]:
    """The links that this telephone carries, the latest first."""
    kept = request.cookies.get(LINKS, "")[: _MOST_LINKS * _LONGEST].split(".")
    return [link for link in kept if link][:_MOST_LINKS]


def carrying(request: Request, response: Response, link: str) -> Response:
    """Lets the telephone carry a link to the page behind a screen's code."""
    kept = [link, *(other for other in links(request) if other != link)][:_MOST_LINKS]
    response.set_cookie(
        LINKS,
        ".".join(kept),
        max_age=_A_WEEK,
        samesite="lax",
        secure=request.url.scheme == "https",
        httponly=True,
    )
    return response


def remembered(request: Request, response: Response) -> Response:
    """Gives the telephone its number, when it has none."""
    if COOKIE not in request.cookies:
        response.set_cookie(
            COOKIE,
            signing.new_token(),
            max_age=A_YEAR,
            samesite="lax",
            secure=request.url.scheme == "https",
            httponly=True,
        )
    return response
