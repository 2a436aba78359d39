"""The lessons of a course: how far people are with each; those of a course of our own are written here."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request, UploadFile
from fastapi.responses import Response

from volunteer_hub.boards import lessons as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.training import courses, lessons
from volunteer_hub.training import lessons_rules as rules
from volunteer_hub.training.courses import Offered
from volunteer_hub.training.models import OwnCourse
from volunteer_hub.training.policy import LONGEST_LESSON, LONGEST_TITLE, Lesson
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/training")
Reader = Annotated[Actor, allow("training.read")]
Writer = Annotated[Actor, allow("training.write")]


@router.get("/courses/{code}/lessons")
def listed(request: Request, actor: Reader, code: str) -> Response:
    """The lessons of a course in their order, how many have read each, and a form for one more."""
    return _list(request, actor, code)


@router.post("/courses/{code}/lessons")
def change(request: Request, actor: Writer, code: str, form: Sent) -> Response:
    """Adds a lesson, moves one up, takes one out, or says whether all are read before the test."""
    try:
        with db.transaction(actor, "training.lessons") as tx:
            row = _own(tx, actor, code)
            offered = courses.one(tx, code)
            found = _changed(form, list(offered.course.lessons))
            first = form.flag("read_first") if form.text("do", 20) == "rule" else offered.course.read_first
            lessons.rewrite(tx, row, form.whole("version"), found, read_first=first and bool(found))
    except HubError as error:
        if error.bars:
            raise
        return _list(request, actor, code, form, error)
    return see_other(f"/training/courses/{code}/lessons")


@router.get("/courses/{code}/lessons/{lesson}")
def show(request: Request, actor: Reader, code: str, lesson: str) -> Response:
    """One lesson as people read it, its files, and the form to write it anew."""
    return _one(request, actor, code, lesson)


@router.post("/courses/{code}/lessons/{lesson}")
def write(request: Request, actor: Writer, code: str, lesson: str, form: Sent) -> Response:
    """Keeps it."""
    try:
        with db.transaction(actor, "training.lessons") as tx:
            row = _own(tx, actor, code)
            course = courses.one(tx, code).course
            lessons.one(courses.one(tx, code), lesson)
            fresh = _typed(form, lesson)
            found = [fresh if each.code == lesson else each for each in course.lessons]
            lessons.rewrite(tx, row, form.whole("version"), found, read_first=course.read_first)
    except HubError as error:
        if error.bars:
            raise
        return _one(request, actor, code, lesson, form, error)
    return see_other(f"/training/courses/{code}/lessons/{lesson}")


@router.post("/courses/{code}/lessons/{lesson}/files")
def add_file(
    request: Request, actor: Writer, code: str, lesson: str, file: UploadFile | None = None
) -> Response:
    """Puts a file beside it."""
    policy = courses.shipped().lessons
    content = file.file.read(policy.largest_file_kb * rules.KB + 1) if file is not None else b""
    try:
        with db.transaction(actor, "training.lesson_file") as tx:
            name = (file.filename if file is not None else "") or ""
            lessons.add_file(tx, _own(tx, actor, code), lesson, name, content, policy)
    except HubError as error:
        if error.bars:
            raise
        return _one(request, actor, code, lesson, None, error)
    return see_other(f"/training/courses/{code}/lessons/{lesson}")


@router.post("/courses/{code}/lessons/{lesson}/files/{id:uuid}/remove")
def drop_file(actor: Writer, code: str, lesson: str, id: uuid.UUID) -> Response:
    """Takes a file away."""
    with db.transaction(actor, "training.lesson_file") as tx:
        lessons.drop_file(tx, _own(tx, actor, code), id)
    return see_other(f"/training/courses/{code}/lessons/{lesson}")


@router.get("/files/{id:uuid}/download")
def material(actor: Reader, id: uuid.UUID) -> Response:
    """A file beside a lesson."""
    with db.read(actor) as tx:
        row = lessons.file_for_staff(tx, id)
        return Response(row.content, media_type=row.media_type, headers=rules.headers(row.name))


def _own(tx: Tx, actor: Actor, code: str) -> OwnCourse:
    found = courses.one(tx, code)
    if found.own is None or not actor.may("training.write", found.own.area):
        raise NotFound("not_found")
    return found.own


def _seen(tx: Tx, code: str) -> Offered:
    found = courses.for_staff(tx).get(code)
    if found is None:
        raise NotFound("not_found")
    return found


def _changed(form: Form, found: list[Lesson]) -> list[Lesson]:
    deed, code = form.text("do", 20), form.text("lesson", 100)
    known = [each.code for each in found]
    if deed == "add":
        return [*found, _typed(form, rules.fresh_code(known))]
    if code not in known:
        return found
    if deed == "remove":
        return [each for each in found if each.code != code]
    order = rules.moved(known, code)
    return sorted(found, key=lambda each: order.index(each.code))


def _typed(form: Form, code: str) -> Lesson:
    """The lesson as typed; what is written in one language stands for both. Raises Malformed."""
    fields = {
        f"{part}_{lang}": form.text(f"{part}_{lang}", longest)
        for part, longest in (("title", LONGEST_TITLE), ("text", LONGEST_LESSON))
        for lang in ("en", "zh")
    }
    both = {part: fields[f"{part}_en"] or fields[f"{part}_zh"] for part in ("title", "text")}
    for part, words in both.items():
        if not words:
            form.require(f"{part}_en")
    form.check()
    names: dict[str, dict[str, str]] = {
        part: {lang: fields[f"{part}_{lang}"] or both[part] for lang in ("en", "zh")} for part in both
    }
    return Lesson.model_validate({"code": code, **names})


def _list(
    request: Request, actor: Actor, code: str, form: Form | None = None, error: HubError | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        offered = _seen(tx, code)
        context = nav.console(
            request,
            actor,
            title=t(lang, "lesson.of", course=pick(offered.name, lang)),
            offered=offered,
            minutes=board.minutes(offered.course.lessons, lang),
            counts=lessons.counts(tx, offered),
            **_mine(actor, offered, lang, form, error),
        )
    return page(request, "console/training_lessons.html", status=error.status if error else 200, **context)


def _one(
    request: Request,
    actor: Actor,
    code: str,
    lesson: str,
    form: Form | None = None,
    error: HubError | None = None,
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        offered = _seen(tx, code)
        found = lessons.one(offered, lesson)
        typed = {
            f"{part}_{each}": getattr(getattr(found, part), each)
            for part in ("title", "text")
            for each in ("en", "zh")
        }
        context = nav.console(
            request,
            actor,
            title=pick(found.title, lang),
            offered=offered,
            lesson=found,
            blocks=rules.blocks(pick(found.text, lang)),
            minutes=board.minutes([found], lang)[lesson],
            files=lessons.files(tx, code, [lesson]),
            largest=courses.shipped().lessons.largest_file_kb,
            **_mine(actor, offered, lang, form, error, typed),
        )
    return page(request, "console/training_lesson.html", status=error.status if error else 200, **context)


def _mine(
    actor: Actor,
    offered: Offered,
    lang: str,
    form: Form | None,
    error: HubError | None,
    typed: dict[str, str] | None = None,
) -> dict[str, Any]:
    """What the forms need: whether they are there, what stands in them, what is wrong."""
    own = offered.own
    mine = own is not None and own.ended_at is None and actor.may("training.write", own.area)
    return {
        "mine": mine,
        "version": own.version if own is not None else 0,
        "typed": form.typed if form is not None else typed or {},
        "errors": forms.words(lang, error) if error is not None else Faults(),
    }
