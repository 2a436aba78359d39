"""The after-action replay of an incident: as data, and as a file to read or print."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import Out
from volunteer_hub.boards.replay import RIGHT, Called, Deed, Minute, Role, Step
from volunteer_hub.core import db, document_html, document_pdf
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.document import Document
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import replay as flow
from volunteer_hub.flows.hindsight import Hindsight, SlotToday

router = APIRouter(prefix="/incidents/{id}/replay", tags=["incidents"])
Reader = Annotated[Actor, allow(RIGHT)]


class RoleOut(Out):
    """One role of a callout, the plan beside what came. ``sure``: the chance of the need as told then;
    ``met_at``, ``there_at``: when so many had said yes for good, and had come; null where that never was."""

    task: str
    role: str
    need: int
    chosen: int
    sure: float | None
    counts: dict[Step, int]
    met_at: datetime | None
    there_at: datetime | None


class TodayRoleOut(Out):
    """What would be asked for a role today. ``sure_today``: what the chance of those asked then is taken for
    now; ``same``: of those asked today, who were asked then."""

    task: str
    role: str
    need: int
    asked: int
    sure: float
    sure_today: float
    asked_today: int
    same: int


class TodayOut(Out):
    """What the engine would say today with what was known then. ``model_at``: when the answer model was made,
    null while all is assumed."""

    confidence: float
    model_at: datetime | None
    asked: int
    asked_today: int
    roles: list[TodayRoleOut]


class CalledOut(Out):
    """One callout with the plan it was sent by."""

    id: uuid.UUID
    plan: uuid.UUID
    sent_at: datetime
    answer_by: datetime
    confidence: float
    roles: list[RoleOut]
    today: TodayOut | None


class MinuteOut(Out):
    """One minute in which anything happened. ``coming``: who had said yes by its end and not taken it back;
    ``there``: who was on site."""

    at: datetime
    counts: dict[Step, int]
    coming: int
    there: int


class DeedOut(Out):
    """Something decided or said, by whom; by the program itself where nobody is named."""

    at: datetime
    what: str
    by: list[str]


class ReplayOut(Out):
    """The frozen plans against what happened; people as counts."""

    incident: uuid.UUID
    callouts: list[CalledOut]
    minutes: list[MinuteOut]
    deeds: list[DeedOut]


def _counts(counts: Mapping[Step, int]) -> dict[Step, int]:
    return {step: counts[step] for step in Step if counts.get(step)}


def _role(one: Role, lang: str) -> RoleOut:
    return RoleOut(
        task=pick(one.facts.title, lang),
        role=pick(one.facts.role, lang),
        need=one.need,
        chosen=one.chosen,
        sure=one.sure,
        counts=_counts(one.counts),
        met_at=one.met_at,
        there_at=one.there_at,
    )


def _today_role(one: SlotToday, lang: str) -> TodayRoleOut:
    given = {name: getattr(one, name) for name in TodayRoleOut.model_fields if name not in ("task", "role")}
    return TodayRoleOut(task=pick(one.facts.title, lang), role=pick(one.facts.role, lang), **given)


def _today(one: Hindsight, lang: str) -> TodayOut:
    return TodayOut(
        confidence=one.confidence,
        model_at=one.model_at,
        asked=one.asked,
        asked_today=one.asked_today,
        roles=[_today_role(slot, lang) for slot in one.slots],
    )


def _called(one: Called, today: Hindsight | None, lang: str) -> CalledOut:
    return CalledOut(
        id=one.callout.public_id,
        plan=one.plan.public_id,
        sent_at=one.callout.created_at,
        answer_by=one.callout.answer_by,
        confidence=one.callout.confidence,
        roles=[_role(role, lang) for role in one.roles],
        today=_today(today, lang) if today is not None else None,
    )


def _minute(one: Minute) -> MinuteOut:
    return MinuteOut(at=one.at, counts=_counts(one.counts), coming=one.coming, there=one.there)


def _deed(one: Deed, lang: str) -> DeedOut:
    names = [person.name for person in (one.by, one.second) if person is not None]
    return DeedOut(at=one.at, what=flow.said(one, lang), by=names)


@router.get("", response_model=ReplayOut)
def replay(actor: Reader, id: uuid.UUID, lang: Language) -> ReplayOut:
    """The frozen plans against what happened, minute by minute, and what the engine would say today."""
    with db.read(actor) as tx:
        told = flow.read(tx, id)
        return ReplayOut(
            incident=id,
            callouts=[
                _called(one, today, lang) for one, today in zip(told.replay.callouts, told.today, strict=True)
            ],
            minutes=[_minute(one) for one in told.replay.minutes],
            deeds=[_deed(one, lang) for one in told.replay.deeds],
        )


@router.get("/html", response_class=Response, responses={200: {"content": {"text/html": {}}}})
def as_html(actor: Reader, id: uuid.UUID, lang: Language) -> Response:
    """The same as one HTML file that needs nothing beside itself."""
    return Response(document_html.page(_document(actor, id, lang)), media_type="text/html; charset=utf-8")


@router.get("/pdf", response_class=Response, responses={200: {"content": {"application/pdf": {}}}})
def as_pdf(actor: Reader, id: uuid.UUID, lang: Language) -> Response:
    """The same to print."""
    return Response(document_pdf.pdf(_document(actor, id, lang)), media_type="application/pdf")


def _document(actor: Actor, id: uuid.UUID, lang: str) -> Document:
    with db.read(actor) as tx:
        return flow.document(flow.read(tx, id), tx.now, lang)
