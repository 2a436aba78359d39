"""Callouts: sent from an approved plan, watched slot by slot and person by person, ended."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import allow, still
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page
from volunteer_hub.boards import callout as board
from volunteer_hub.boards.callout import LiveCallout, PersonLine, SlotLine
from volunteer_hub.core import db, live
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.live import UNBUFFERED, Look, Seen
from volunteer_hub.flows import mobilize
from volunteer_hub.mobilization import callouts, plans
from volunteer_hub.mobilization.rules import CalloutState, DeclineReason, Kind, OfferState
from volunteer_hub.mobilization.standby_rules import PassedOver
from volunteer_hub.notify.rules import Channel, State

router = APIRouter(tags=["callouts"])

_EXAMPLE_ID = "01980c3e-7a60-7a53-9f1b-3f1c5a0f7d11"


class SendIn(In):
    """``answer_minutes``: by when an answer is hoped for; as configured when left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"answer_minutes": 20}]})
    answer_minutes: int | None = Field(None, ge=1, le=24 * 60)
    on_paper: bool = Field(False, description="a drill as if the network were down; refused for a real one")


class SlotOut(Out):
    """One slot, in people. ``filled`` holds a place; ``silent`` were asked and have not answered in time."""

    slot: UUID
    task: UUID
    title: str
    minimum: int
    target: int
    maximum: int
    filled: int
    queued: int
    asked: int
    accepted: int
    standing_by: int
    declined: int
    silent: int
    on_site: int
    done: int
    no_show: int


class SkillOut(Out):
    """One skill (null: anybody) over all slots, minima within them included: people wanted at least, there,
    and missing."""

    skill: str | None
    minimum: int
    there: int
    short: int


class LineOut(Out):
    """A gateway that was down, ``until`` null: it is. Of the callout's messages ``waiting`` wait for it, and
    ``late`` left after it."""

    channel: Channel
    since: datetime
    until: datetime | None
    waiting: int
    late: int


class CalloutOut(Out):
    """A callout. ``to_tell`` is how many people a cancelling would tell. Of those coming ``changed`` were
    told of a change of place or time, and ``acknowledged`` the last one. ``lines_down``: gateways that were
    or are down while it runs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _EXAMPLE_ID,
                    "incident": "01980c3e-7a4e-7c11-8d07-7d0a6f4a9b52",
                    "kind": "real",
                    "state": "open",
                    "wave": 1,
                    "created_at": "2031-01-20T02:00:00Z",
                    "answer_by": "2031-01-20T02:30:00Z",
                    "expires_at": "2031-01-20T07:00:00Z",
                    "ended_at": None,
                    "on_paper": False,
                    "slots": [],
                    "skills": [{"skill": "first_aid", "minimum": 2, "there": 1, "short": 1}],
                    "messages": {"sent": 63},
                    "to_tell": 63,
                    "changed": 12,
                    "acknowledged": 9,
                    "lines_down": [],
                }
            ]
        }
    )
    id: UUID
    incident: UUID
    kind: Kind
    state: CalloutState
    wave: int
    created_at: datetime
    answer_by: datetime
    expires_at: datetime
    ended_at: datetime | None
    on_paper: bool
    slots: list[SlotOut]
    skills: list[SkillOut]
    messages: dict[State, int]
    to_tell: int
    changed: int
    acknowledged: int
    lines_down: list[LineOut]


class OfferOut(Out):
    """One person asked for one slot. ``message``: what became of the question; null where no address is
    known. ``acknowledged``: the last change of place or time is confirmed."""

    id: UUID
    slot: UUID
    volunteer: UUID
    state: OfferState
    wave: int
    asked_at: datetime | None
    seen_at: datetime | None
    answered_at: datetime | None
    minutes_there: int | None
    decline_reason: DeclineReason | None
    later_from: datetime | None
    position: int | None
    passed_over: PassedOver | None
    acknowledged: bool
    message: State | None


@router.post("/plans/{id}/callout", status_code=201, response_model=CalloutOut)
def send(
    id: UUID, body: SendIn, actor: Annotated[Actor, allow("callout.send")], once: OnceOnly
) -> JSONResponse:
    """Sends an approved plan: everybody it chose is asked, and as many more as the minimum needs."""
    with db.transaction(actor, "callout.send") as tx:

        def deed() -> CalloutOut:
            plan = plans.find(tx, "callout.send", id)
            sent = mobilize.send(tx, plan, answer_minutes=body.answer_minutes, on_paper=body.on_paper)
            return _out(board.live(tx, sent))

        return once.run(tx, deed, 201)


@router.get("/callouts/{id}")
def read(id: UUID, actor: Annotated[Actor, allow("callout.read")]) -> CalloutOut:
    """The figures of every slot as they stand."""
    with db.read(actor) as tx:
        return _out(board.live(tx, callouts.find(tx, "callout.read", id)))


@router.get(
    "/callouts/{id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events `figures`, each a callout as `GET /callouts/{id}` returns it",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
def events(
    request: Request,
    id: UUID,
    actor: Annotated[Actor, allow("callout.read")],
    last_event_id: Annotated[str, Header(max_length=100)] = "",
) -> StreamingResponse:
    """The figures as they change, as server-sent events; an event `beat` while nothing does.

    Ends when the rights of the caller change and when the server stops: connect again after three seconds.
    """

    def figures() -> Seen:
        with db.read(actor) as tx:
            callout = callouts.find(tx, "callout.read", id)
            shown = _out(board.live(tx, callout)).model_dump_json()
            return Seen("figures", shown, frozenset([callout.id]))

    with db.read(actor) as tx:
        callouts.find(tx, "callout.read", id)
    look = Look((request.url.path, frozenset(actor.grants)), figures, still(request, actor))
    return StreamingResponse(
        live.stream(look, last_event_id), media_type="text/event-stream", headers=UNBUFFERED
    )


@router.get("/callouts/{id}/offers")
def offers(
    id: UUID,
    actor: Annotated[Actor, allow("offer.read")],
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[list[OfferState] | None, Query(description="only in these states")] = None,
) -> Page[OfferOut]:
    """The people asked, one by one."""
    with db.read(actor) as tx:
        callout = callouts.find(tx, "offer.read", id)
        lines, further = board.people(
            tx,
            callout,
            states=tuple(state or OfferState),
            after=decode_cursor(cursor) or 0,
            limit=limit,
        )
        return Page(
            items=[_offer(line) for line in lines],
            next=encode_cursor(further) if further is not None else None,
        )


@router.post("/callouts/{id}/cancel", response_model=CalloutOut)
def cancel(id: UUID, actor: Annotated[Actor, allow("callout.cancel")], once: OnceOnly) -> JSONResponse:
    """Calls it off; everybody who was asked is told."""
    with db.transaction(actor, "callout.cancel") as tx:

        def deed() -> CalloutOut:
            ended = mobilize.cancel(tx, callouts.find(tx, "callout.cancel", id))
            return _out(board.live(tx, ended.callout))

        return once.run(tx, deed)


@router.post("/callouts/{id}/close", response_model=CalloutOut)
def close(id: UUID, actor: Annotated[Actor, allow("callout.send")], once: OnceOnly) -> JSONResponse:
    """Enough have come: nobody more is asked, who stands by is thanked and stood down."""
    with db.transaction(actor, "callout.close") as tx:

        def deed() -> CalloutOut:
            ended = mobilize.close(tx, callouts.find(tx, "callout.send", id))
            return _out(board.live(tx, ended.callout))

        return once.run(tx, deed)


def _out(view: LiveCallout) -> CalloutOut:
    callout = view.callout
    return CalloutOut(
        id=callout.public_id,
        incident=view.incident.public_id,
        kind=callout.kind,
        state=callout.state,
        wave=callout.wave,
        created_at=callout.created_at,
        answer_by=callout.answer_by,
        expires_at=callout.expires_at,
        ended_at=callout.ended_at,
        on_paper=callout.on_paper,
        slots=[_slot(line) for line in view.slots],
        skills=[
            SkillOut(skill=one.skill, minimum=one.minimum, there=one.there, short=one.short)
            for one in view.skills
        ],
        messages=dict(view.messages),
        to_tell=view.to_tell,
        changed=view.changed,
        acknowledged=view.acknowledged,
        lines_down=[LineOut(**asdict(line)) for line in view.lines_down],
    )


def _slot(line: SlotLine) -> SlotOut:
    names = ("minimum", "target", "maximum", "filled", *board.COUNTED)
    return SlotOut(
        slot=line.facts.slot.public_id,
        task=line.facts.task.public_id,
        title=line.facts.task.title,
        **{name: getattr(line.figures, name) for name in dict.fromkeys(names)},
    )


def _offer(line: PersonLine) -> OfferOut:
    offer = line.offer
    same = ("state", "wave", "asked_at", "seen_at", "answered_at", "minutes_there", "decline_reason",
            "passed_over")  # fmt: skip
    return OfferOut(
        id=offer.public_id,
        slot=line.slot,
        volunteer=line.volunteer,
        later_from=offer.later_from,
        position=offer.position,
        acknowledged=offer.ack_version == offer.version,
        message=line.message,
        **{name: getattr(offer, name) for name in same},
    )
