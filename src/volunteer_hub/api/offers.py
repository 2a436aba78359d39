"""Answers by link, for programs that carry them: the token is all the right one needs."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, ConfigDict, Field

from volunteer_hub.api.guard import LINK, Language
from volunteer_hub.api.pages import In, OnceOnly, Out
from volunteer_hub.boards import offer as board
from volunteer_hub.boards.offer import OfferView
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import respond
from volunteer_hub.mobilization.desk import LONGEST_WAY
from volunteer_hub.mobilization.rules import DeclineReason, Kind, OfferState

router = APIRouter(prefix="/offers/link/{token}", tags=["offers"], dependencies=[LINK])

Token = Annotated[str, Path(max_length=64, description="from the link of one person's message")]


class AcceptIn(In):
    """``minutes_there``: in how many minutes they can be there."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"minutes_there": 30}, {}]})
    minutes_there: int | None = Field(None, ge=0, le=LONGEST_WAY)


class DeclineIn(In):
    """Why not; declining costs nothing."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "busy"}]})
    reason: DeclineReason = DeclineReason.OTHER


class LaterIn(In):
    """From when on they can come."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"from": "2031-01-20T14:00:00+08:00"}]})
    from_when: AwareDatetime = Field(alias="from")


class OfferOut(Out):
    """How one person's offer stands. ``can_accept``: a yes counts now; ``changed``: a change of place or time
    is to be acknowledged; ``code`` and ``leader`` come with a place."""

    id: UUID
    kind: Kind
    state: OfferState
    can_accept: bool
    changed: bool
    name: str
    task: str
    place: str
    lat: float
    lon: float
    pickup: str
    pickup_lat: float | None
    pickup_lon: float | None
    role: str
    starts_at: datetime
    ends_at: datetime
    answer_by: datetime
    minutes_there: int | None
    code: str | None
    leader: str | None


@router.get("")
def read(token: Token, language: Language) -> OfferOut:
    """What the link is about. Reading changes nothing."""
    with db.read(GUEST) as tx:
        return _out(board.view(tx, token), language)


@router.post("/accept", response_model=OfferOut)
def accept(token: Token, body: AcceptIn, language: Language, once: OnceOnly) -> JSONResponse:
    """A yes: a place, or the stand-by line when all are taken."""
    return _answer(token, language, once, lambda tx: respond.accept(tx, token, body.minutes_there))


@router.post("/decline", response_model=OfferOut)
def decline(token: Token, body: DeclineIn, language: Language, once: OnceOnly) -> JSONResponse:
    """A no."""
    return _answer(token, language, once, lambda tx: respond.decline(tx, token, body.reason))


@router.post("/later", response_model=OfferOut)
def later(token: Token, body: LaterIn, language: Language, once: OnceOnly) -> JSONResponse:
    """Not now, but from then on."""
    return _answer(token, language, once, lambda tx: respond.later(tx, token, body.from_when))


@router.post("/withdraw", response_model=OfferOut)
def withdraw(token: Token, body: DeclineIn, language: Language, once: OnceOnly) -> JSONResponse:
    """A yes taken back; who stands by moves up."""
    return _answer(token, language, once, lambda tx: respond.withdraw(tx, token, body.reason))


@router.post("/not-me", response_model=OfferOut)
def not_me(token: Token, language: Language, once: OnceOnly) -> JSONResponse:
    """The message reached somebody else: the link is dead from now on."""
    return _answer(token, language, once, lambda tx: respond.not_me(tx, token))


@router.post("/ack", response_model=OfferOut)
def ack(token: Token, language: Language, once: OnceOnly) -> JSONResponse:
    """The change of place or time is understood."""
    return _answer(token, language, once, lambda tx: respond.ack(tx, token))


@router.post("/seen", response_model=OfferOut)
def seen(token: Token, language: Language, once: OnceOnly) -> JSONResponse:
    """The person has read it and not answered yet."""
    return _answer(token, language, once, lambda tx: respond.seen(tx, token))


def _answer(token: str, language: str, once: OnceOnly, deed: Any) -> JSONResponse:
    with db.transaction(GUEST, "offer.answer") as tx:
        respond.by_link(tx, token)  # whose idempotency key it is

        def answered() -> OfferOut:
            deed(tx)
            return _out(board.view(tx, token), language)

        return once.run(tx, answered)


def _out(view: OfferView, lang: str) -> OfferOut:
    if view.offer.state is OfferState.QUEUED:
        raise NotFound("offer.link_unknown")
    task = view.facts.task
    return OfferOut(
        id=view.offer.public_id,
        kind=view.callout.kind,
        state=view.offer.state,
        can_accept=view.can_accept,
        changed=view.page.changed,
        name=view.name,
        task=pick(view.facts.title, lang),
        place=pick(view.facts.place, lang),
        lat=task.lat,
        lon=task.lon,
        pickup=task.pickup,
        pickup_lat=task.pickup_lat,
        pickup_lon=task.pickup_lon,
        role=pick(view.facts.role, lang),
        starts_at=view.offer.starts_at,
        ends_at=view.offer.ends_at,
        answer_by=view.callout.answer_by,
        minutes_there=view.offer.minutes_there,
        code=view.page.code,
        leader=f"{view.leader.name} {view.leader.email}" if view.leader else None,
    )
