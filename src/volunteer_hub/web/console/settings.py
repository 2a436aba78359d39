"""What this installation is set to, and where each value comes from; of secrets only that they are set."""

import os
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import SecretStr

from volunteer_hub.core import policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import t
from volunteer_hub.core.settings import Settings, settings
from volunteer_hub.core.site import Site
from volunteer_hub.web import nav
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter()

_HIDDEN: Final = frozenset({"database_url", "smtp_url", "sms_url", "voice_url", "tiles"})
"""Addresses that may hold a password."""


@router.get("/settings")
def listed(request: Request, actor: Annotated[Actor, allow("settings.read")]) -> Response:
    """Every setting and every policy file."""
    lang = language_of(request)
    context = nav.console(
        request,
        actor,
        title=t(lang, "settings.title"),
        zone=policy.load("hub", Site).zone,
        rows=[_shown(name, getattr(settings(), name), lang) for name in sorted(Settings.model_fields)],
        files=[
            (path.name, str(policy.path_of(path.stem)), policy.path_of(path.stem).parent != policy.SHIPPED)
            for path in sorted(policy.SHIPPED.glob("*.toml"))
        ],
    )
    return page(request, "console/settings.html", **context)


def _shown(name: str, value: Any, lang: str) -> dict[str, str | bool]:
    variable = f"HUB_{name.upper()}"
    own = any(key.upper() == variable for key in os.environ)
    secret = isinstance(value, SecretStr) or name in _HIDDEN
    if value in (None, "", frozenset()):
        words = t(lang, "settings.none")
    elif secret:
        words = t(lang, "settings.set")
    else:
        words = ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
    return {"name": variable, "value": words, "own": own}
