"""Lessons of a course: their words in order, the files beside them, and how far people are."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import allow
from volunteer_hub.api.incidents import required
from volunteer_hub.api.pages import In, Out, Version
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.training import courses, lessons
from volunteer_hub.training import lessons_rules as rules
from volunteer_hub.training.courses import Offered
from volunteer_hub.training.models import OwnCourse
from volunteer_hub.training.policy import LONGEST_LESSON, LONGEST_TITLE, MOST_LESSONS, Lesson

router = APIRouter(prefix="/training", tags=["training"])
Reader = Annotated[Actor, allow("training.read")]
Writer = Annotated[Actor, allow("training.write")]
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in rules.ENDINGS},
    }
}


class TitleIn(In):
    """What a lesson is called."""

    en: str = Field(min_length=1, max_length=LONGEST_TITLE)
    zh: str = Field(min_length=1, max_length=LONGEST_TITLE)


class TextIn(In):
    """A lesson's words: paragraphs with an empty line between, `- ` for lists, `1. ` for steps, `# ` for a
    heading."""

    en: str = Field(min_length=1, max_length=LONGEST_LESSON)
    zh: str = Field(min_length=1, max_length=LONGEST_LESSON)


class LessonIn(In):
    """One lesson; its ``code`` stays when it is written anew, so that whoever has read it has."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    title: TitleIn
    text: TextIn


class LessonsIn(In):
    """All lessons of a course in their order; ``read_first``: all are read before the test."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "read_first": True,
                    "lessons": [
                        {
                            "code": "seepage",
                            "title": {"en": "Seepage", "zh": "渗水"},
                            "text": {"en": "Clear water is watched.", "zh": "清水要盯守。"},
                        }
                    ],
                }
            ]
        }
    )
    lessons: list[LessonIn] = Field(max_length=MOST_LESSONS)
    read_first: bool = False


class FileOut(Out):
    """A file beside a lesson; ``size`` in bytes."""

    id: uuid.UUID
    name: str
    media_type: str
    size: int


class LessonOut(Out):
    """A lesson; ``read``: how many people of the reader's areas have."""

    code: str
    title: dict[str, str]
    text: dict[str, str]
    read: int
    files: list[FileOut]


class LessonsOut(Out):
    """The lessons of a course, and how many people have begun and finished. ``version``: for If-Match, null
    where the course ships and is not changed."""

    read_first: bool
    begun: int
    finished: int
    version: int | None
    lessons: list[LessonOut]


async def _body(request: Request) -> bytes:
    return await request.body()


Content = Annotated[bytes, Depends(_body)]


@router.get("/courses/{code}/lessons", response_model=LessonsOut)
def listed(actor: Reader, code: str) -> LessonsOut:
    """The lessons of a course, and how far people are."""
    with db.read(actor) as tx:
        return _out(tx, code)


@router.put("/courses/{code}/lessons", response_model=LessonsOut)
def rewrite(actor: Writer, code: str, body: LessonsIn, version: Version) -> LessonsOut:
    """Other lessons for a course of ours, in this order. Needs If-Match with the version of the course."""
    seen = required(version)
    with db.transaction(actor, "training.lessons") as tx:
        fresh = [Lesson.model_validate(one.model_dump()) for one in body.lessons]
        lessons.rewrite(tx, _own(tx, actor, code), seen, fresh, read_first=body.read_first)
        return _out(tx, code)


@router.post(
    "/courses/{code}/lessons/{lesson}/files",
    status_code=201,
    response_model=FileOut,
    openapi_extra=_FILE,
)
def add_file(
    actor: Writer,
    code: str,
    lesson: str,
    content: Content,
    name: Annotated[str, Query(max_length=200)] = "",
) -> FileOut:
    """Puts a PDF or picture, sent as the body, beside a lesson of a course of ours."""
    with db.transaction(actor, "training.lesson_file") as tx:
        policy = courses.shipped().lessons
        row = lessons.add_file(tx, _own(tx, actor, code), lesson, name, content, policy)
        return FileOut(id=row.public_id, name=row.name, media_type=row.media_type, size=row.size)


@router.get("/lesson-files/{id}", response_class=Response)
def file(actor: Reader, id: uuid.UUID) -> Response:
    """The bytes of a file."""
    with db.read(actor) as tx:
        row = lessons.file_for_staff(tx, id)
        return Response(row.content, media_type=row.media_type, headers=rules.headers(row.name))


@router.delete("/courses/{code}/lesson-files/{id}", status_code=204, response_class=Response)
def drop_file(actor: Writer, code: str, id: uuid.UUID) -> None:
    """Takes a file away."""
    with db.transaction(actor, "training.lesson_file") as tx:
        lessons.drop_file(tx, _own(tx, actor, code), id)


def _own(tx: Tx, actor: Actor, code: str) -> OwnCourse:
    found = courses.one(tx, code)
    if found.own is None or not actor.may("training.write", found.own.area):
        raise NotFound("not_found")
    return found.own


def _out(tx: Tx, code: str) -> LessonsOut:
    offered = courses.for_staff(tx).get(code)
    if offered is None:
        raise NotFound("not_found")
    counts = lessons.counts(tx, offered)
    return LessonsOut(
        read_first=offered.course.read_first,
        begun=counts.begun,
        finished=counts.finished,
        version=offered.own.version if offered.own is not None else None,
        lessons=_lessons(tx, offered, counts),
    )


def _lessons(tx: Tx, offered: Offered, counts: lessons.Counts) -> list[LessonOut]:
    found = offered.course.lessons
    beside = lessons.files(tx, offered.code, [one.code for one in found])
    return [
        LessonOut(
            code=one.code,
            title=one.title.model_dump(),
            text=one.text.model_dump(),
            read=counts.by_lesson.get(one.code, 0),
            files=[
                FileOut(id=each.public_id, name=each.name, media_type=each.media_type, size=each.size)
                for each in beside
                if each.lesson == one.code
            ],
        )
        for one in found
    ]
