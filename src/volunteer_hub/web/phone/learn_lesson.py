"""Lessons on the phone: read one, say that it is done, go on with the next. Plain pages and one button."""

import uuid

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import lessons as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import assess
from volunteer_hub.training import lessons_rules as rules
from volunteer_hub.web.guard import Volunteer, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/learn")


@router.get("/courses/{code}/lessons/{lesson}")
def show(request: Request, actor: Volunteer, code: str, lesson: str) -> Response:
    """One lesson of a course, with its place among them and the button that it is done."""
    lang = language_of(request)
    with db.read(actor) as tx:
        found = board.opened(tx, _own(actor), code, lesson, lang)
        return page(
            request,
            "phone/learn_lesson.html",
            zone=found.reading.at.zone,
            title=pick(found.lesson.title, lang),
            found=found,
        )


@router.post("/courses/{code}/lessons/{lesson}/done")
def done(actor: Volunteer, code: str, lesson: str) -> Response:
    """I have read it; on to the next one, or back to the course after the last."""
    with db.transaction(actor, "training.read") as tx:
        assess.read(tx, _own(actor), code, lesson)
        following = board.opened(tx, _own(actor), code, lesson, "en").reading.progress.next
    return see_other(f"/learn/courses/{code}" + (f"/lessons/{following}" if following else ""))


@router.get("/files/{id:uuid}/download")
def material(actor: Volunteer, id: uuid.UUID) -> Response:
    """A file beside a lesson, for who is enrolled."""
    with db.read(actor) as tx:
        row = board.file(tx, _own(actor), id)
        return Response(row.content, media_type=row.media_type, headers=rules.headers(row.name))


def _own(actor: Actor) -> int:
    assert actor.id is not None
    return actor.id
