"""What was said after an incident or drill, and the coordinator's own debrief."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.incidents import required
from volunteer_hub.api.pages import In, Out, Version, etag
from volunteer_hub.api.surveys import ResultsOut
from volunteer_hub.boards import report as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import pick
from volunteer_hub.feedback import debriefs
from volunteer_hub.flows import debrief as flow
from volunteer_hub.flows import report_table
from volunteer_hub.incidents import queries as incidents

router = APIRouter(prefix="/incidents/{id}", tags=["surveys"])
Reader = Annotated[Actor, allow("survey.read")]
Writer = Annotated[Actor, allow("survey.write")]


class DebriefIn(In):
    """Question -> a mark from 1 to 5, the code of a choice, or own words."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"answers": {"plan": 4, "answers": 3, "missing": "The bridge."}}]}
    )
    answers: dict[str, int | str] = Field(max_length=50)


class DebriefOut(Out):
    """The actor's own debrief; ``version`` is its ETag."""

    id: uuid.UUID
    version: int
    answered_at: datetime | None
    answers: dict[str, Any]


class ThemeOut(Out):
    """What several wrote about. ``quotes``: for who may read words; ``action``: what came of it."""

    code: str
    name: str
    people: int
    quotes: list[str]
    action: uuid.UUID | None


class ToldOut(Out):
    """A debrief; no answers for who may not read words."""

    id: uuid.UUID
    by: str
    answered_at: datetime | None
    answers: dict[str, Any]


class ReportOut(Out):
    """What was said; ``wrote``: people whose words the themes were found in."""

    incident: uuid.UUID
    forms: list[ResultsOut]
    wrote: int
    themes: list[ThemeOut]
    debriefs: list[ToldOut]


@router.get("/report", response_model=ReportOut)
def report(actor: Reader, id: uuid.UUID, lang: Language) -> ReportOut:
    """The report; answers of too few people are left out."""
    with db.read(actor) as tx:
        found = board.view(tx, incidents.find(tx, "survey.read", id))
        return ReportOut(
            incident=id,
            forms=[ResultsOut.model_validate(part.results) for part in found.parts],
            wrote=found.wrote,
            themes=[
                ThemeOut(
                    code=one.theme.code,
                    name=pick(one.theme.name, lang),
                    people=one.people,
                    quotes=list(one.quotes),
                    action=one.action.public_id if one.action is not None else None,
                )
                for one in found.themes
            ],
            debriefs=[
                ToldOut(
                    id=one.debrief.public_id,
                    by=one.by,
                    answered_at=one.debrief.answered_at,
                    answers={question.code: answer for question, answer, _ in one.answers},
                )
                for one in found.debriefs
            ],
        )


@router.get("/report/csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def as_csv(actor: Reader, id: uuid.UUID, lang: Language) -> Response:
    """Its figures as a file for spreadsheets."""
    with db.read(actor) as tx:
        found = board.view(tx, incidents.find(tx, "survey.read", id))
        return Response(report_table.as_csv(found, lang), media_type="text/csv; charset=utf-8")


@router.get("/debrief", response_model=DebriefOut)
def own(actor: Writer, id: uuid.UUID) -> JSONResponse:
    """The actor's own debrief, empty where there is none yet."""
    with db.read(actor) as tx:
        row = debriefs.own(tx, incidents.find(tx, "survey.write", id).id)
        body = (
            DebriefOut(
                id=row.public_id,
                **row.model_dump(include={"version", "answered_at"}),
                answers=row.answers or {},
            )
            if row is not None
            else DebriefOut(id=id, version=0, answered_at=None, answers={})
        )
        return _tagged(body)


@router.put("/debrief", response_model=DebriefOut)
def write(actor: Writer, id: uuid.UUID, body: DebriefIn, version: Version) -> JSONResponse:
    """Writes it, once the incident has closed, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "debrief.answer") as tx:
        row = flow.answer(tx, incidents.find(tx, "survey.write", id), body.answers, seen)
        answers = row.answers or {}
        return _tagged(
            DebriefOut(id=row.public_id, version=row.version, answered_at=row.answered_at, answers=answers)
        )


def _tagged(body: DebriefOut) -> JSONResponse:
    return JSONResponse(body.model_dump(mode="json"), headers={"ETag": etag(body.version)})
