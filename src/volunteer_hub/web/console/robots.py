"""The chat robots of areas, which hear of callouts there: listed, added, taken away."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, HubError, Malformed
from volunteer_hub.core.i18n import LANGUAGES, pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.notify import robots
from volunteer_hub.notify.channels.robot import LONGEST
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()
_LIST: Final = "/robots"
_NAME: Final = 100
Manages = Annotated[Actor, allow(robots.RIGHT)]


@router.get(_LIST)
def listed(request: Request, actor: Manages) -> Response:
    """The robots of the actor's areas."""
    return _page(request, actor)


@router.post(_LIST)
def add(request: Request, actor: Manages, form: Sent) -> Response:
    """A further robot; its address is shown to nobody again, not even in the form when it comes back."""
    try:
        with db.transaction(actor, "robot.add") as tx:
            _add(tx, form)
    except HubError as error:
        if error.status in (403, 404):
            raise
        return _page(request, actor, error, form)
    return see_other(_LIST)


@router.post("/robots/{id:uuid}/remove")
def remove(actor: Manages, id: uuid.UUID) -> Response:
    """Takes a robot away; what waits to be sent to it fails."""
    with db.transaction(actor, "robot.remove") as tx:
        robots.remove(tx, id)
    return see_other(_LIST)


def _add(tx: Tx, form: Form) -> None:
    name, url, lang = form.text("name", _NAME), form.text("url", LONGEST), form.text("lang", 2)
    code = form.text("area", 100)
    wrong = [FieldError(field, "robot.missing") for field in ("name", "url") if not form.text(field, LONGEST)]
    if wrong:
        raise Malformed("form", fields=wrong)
    form.check()
    area = jurisdictions.by_code(tx, code).path
    robots.add(tx, area=area, name=name, url=url, lang=lang if lang in LANGUAGES else LANGUAGES[0])


def _page(
    request: Request, actor: Actor, error: HubError | None = None, form: Form | None = None
) -> Response:
    lang = language_of(request)
    told = forms.words(lang, error) if error is not None else Faults()
    if error is not None and error.code == "robot.url":
        told["url"] = told.pop("", "")
    with db.read(actor) as tx:
        rows = robots.listed(tx)
        mine = jurisdictions.listed(tx, robots.RIGHT)
        context = nav.console(
            request,
            actor,
            title=t(lang, "robots.title"),
            zone=policy.load("hub", Site).timezone.key,
            rows=rows,
            names=jurisdictions.names(tx, {row.area for row in rows}),
            areas=[(node.code, "　" * (node.path.count("/") - 2) + pick(node.name, lang)) for node in mine],
            languages=[(one, t(lang, f"robots.lang.{one}")) for one in LANGUAGES],
            typed={name: form.text(name, _NAME) for name in ("area", "name", "lang")} if form else {},
            errors=told,
        )
    return page(request, "console/robots.html", status=error.status if error else 200, **context)
