"""Reserve floors: what every area keeps, who could come today, and a form to set, change and remove them."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers import floors
from volunteer_hub.volunteers.floors import FloorIn
from volunteer_hub.volunteers.skills import taxonomy
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()

ROWS: Final = 50
_LIST: Final = "/floors"
Writer = Annotated[Actor, allow("floor.write")]


@router.get(_LIST)
def listed(request: Request, actor: Annotated[Actor, allow("floor.read")], cursor: str = "") -> Response:
    """The floors of the actor's areas."""
    return _page(request, actor, cursor)


@router.post(_LIST)
def create(request: Request, actor: Writer, form: Sent) -> Response:
    """Sets a floor."""
    try:
        with db.transaction(actor, "floor.create") as tx:
            path = form.once(tx, _LIST, lambda: _created(tx, form))
    except HubError as error:
        return _came_back(request, actor, error, form)
    return see_other(path)


def _created(tx: Tx, form: Form) -> str:
    level, keep = form.whole("level", 1), form.whole("keep")
    code, skill = form.text("area", 100), form.text("skill", 100)
    form.check()
    area = jurisdictions.by_code(tx, code).path
    floors.create(tx, FloorIn(area=area, skill=skill, level=level, keep=keep))
    return _LIST


@router.post("/floors/{id:uuid}")
def change(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Keeps more or fewer."""
    try:
        with db.transaction(actor, "floor.change") as tx:
            version, keep = form.whole("version"), form.whole("keep")
            form.check()
            floors.change(tx, id, version, keep)
    except HubError as error:
        return _came_back(request, actor, error)
    return see_other(_LIST)


@router.post("/floors/{id:uuid}/remove")
def remove(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Keeps nobody any more."""
    try:
        with db.transaction(actor, "floor.remove") as tx:
            version = form.whole("version")
            form.check()
            floors.remove(tx, id, version)
    except HubError as error:
        return _came_back(request, actor, error)
    return see_other(_LIST)


def _came_back(request: Request, actor: Actor, error: HubError, form: Form | None = None) -> Response:
    """The list again, with what was typed; of a row's own form only what was wrong with it."""
    if error.status in (403, 404):
        raise error
    return _page(request, actor, "", error, form)


def _page(
    request: Request, actor: Actor, cursor: str, error: HubError | None = None, form: Form | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        rows = floors.floors(tx, after=decode_cursor(cursor or None), limit=ROWS + 1)
        shown = rows[:ROWS]
        mine = jurisdictions.listed(tx, "floor.write") if actor.may("floor.write") else []
        told = forms.words(lang, error) if error is not None else Faults()
        context = nav.console(
            request,
            actor,
            title=t(lang, "floors.title"),
            zone=policy.load("hub", Site).timezone.key,
            lines=shown,
            names=jurisdictions.names(tx, {row.area for row in shown}),
            present=floors.present(tx, shown),
            skill_of=lambda code: pick(taxonomy().skills[code].name, lang),
            level_of=lambda level: pick(taxonomy().levels[level - 1], lang),
            next=encode_cursor(shown[-1].id) if len(rows) > ROWS else None,
            may=lambda area: actor.may("floor.write", area),
            areas=[(node.code, "　" * (node.path.count("/") - 2) + pick(node.name, lang)) for node in mine],
            skills=[(code, pick(skill.name, lang)) for code, skill in taxonomy().skills.items()],
            levels=[(str(n + 1), pick(level, lang)) for n, level in enumerate(taxonomy().levels)],
            typed={name: form.text(name, 100) for name in ("area", "skill", "level", "keep")} if form else {},
            errors=told if form else Faults(),
            problem="" if form else " ".join(told.values()),
            key=forms.new_key(),
        )
    return page(request, "console/floors.html", status=error.status if error else 200, **context)
