"""Which telephone it is: a number drawn by lot in a cookie of the duty page, kept as a keyed hash only.

It tells one telephone that checks in many people from many telephones, and nothing else.
"""

from typing import Final

from fastapi import Request
from fastapi.responses import Response

from volunteer_hub.core import signing
from volunteer_hub.mobilization.attendance import Seen
from volunteer_hub.web.render import A_YEAR

COOKIE: Final = "hub_device"
_LONGEST: Final = 64


def seen(request: Request) -> Seen:
    """What a check is told of the telephone; nothing where cookies are refused."""
    number = request.cookies.get(COOKIE, "")[:_LONGEST]
    return Seen(device=signing.token_hash(f"device {number}") if number else None)


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
