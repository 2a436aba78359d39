"""Duties: people checked in and out by their code or by the staff, missed, released."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field

from volunteer_hub.api.guard import LINK, Language, Volunteer, allow
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, page
from volunteer_hub.boards import duties as board
from volunteer_hub.boards.duties import DutyLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST, Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import duty as flow
from volunteer_hub.flows import presence, screen
from volunteer_hub.flows.duty import CheckedOut
from volunteer_hub.flows.presence import Position, Proof
from volunteer_hub.incidents import queries as incidents
from volunteer_hub.mobilization import attendance
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import DutyState, Evidence, Grade

router = APIRouter(tags=["duties"])

Came = TypeVar("Came", Duty, CheckedOut)

Digits = Annotated[str, Field(min_length=1, max_length=20, description="the person's six digits")]
Token = Annotated[
    str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$", description="of the person's link")
]


class PositionIn(In):
    """Where a telephone believes to be, WGS-84, within ``accuracy`` metres. It is held against the place and
    not kept."""

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    accuracy: float = Field(ge=0, le=100_000)


class ProofIn(In):
    """What a check rests on: the code scanned from the screen at the place, the person's own code, or a
    position there. ``at`` is its true time where it was kept without signal and is sent later; a screen
    counts while it shows that code."""

    code: Digits | None = None
    position: PositionIn | None = None
    screen: Token | None = Field(default=None, description="what stands behind /here/ in the scanned address")
    at: AwareDatetime | None = None

    def proof(self) -> Proof:
        """As the story takes it."""
        where = self.position
        position = Position(where.lat, where.lon, where.accuracy) if where is not None else None
        return Proof(self.code, position, self.at, self.screen)


class ScreenOut(Out):
    """The code of a task's check-in screen: an address to be shown as a QR code, good for so many seconds at
    least."""

    address: str
    seconds: int


class LinkIn(ProofIn):
    """A check by the link of the offer, with the code that its page shows or a position."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"link": "q2fC0uT1l3yQd0r9mGkWvA", "code": "042917"}]}
    )
    link: Token


class CodeIn(ProofIn):
    """A check by the person's own code or position."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"code": "042917"},
                {
                    "position": {"lat": 46.6, "lon": 125.1, "accuracy": 20},
                    "at": "2031-01-20T03:05:00Z",
                },
            ]
        }
    )


class StaffIn(In):
    """A check by the staff: with the person's code, or confirmed by a leader, or typed in later with its true
    time ``at``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"code": "042917"},
                {"evidence": "leader"},
                {"evidence": "typed", "at": "2031-01-20T03:05:00Z"},
            ]
        }
    )
    code: Digits | None = None
    evidence: Literal["leader", "typed"] = "leader"
    at: AwareDatetime | None = None


class DutyOut(Out):
    """One duty. ``name`` is null for readers who may not see people's names; ``points`` stands in the answer
    of the check-out that paid it."""

    id: uuid.UUID
    incident: uuid.UUID
    kind: Literal["real", "drill"]
    volunteer: uuid.UUID
    name: str | None
    task: str
    role: str
    place: str
    starts_at: datetime
    ends_at: datetime
    state: DutyState
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    minutes: int | None
    grade: Grade | None
    points: int | None = None


def shown(line: DutyLine, lang: str, points: int | None = None) -> DutyOut:
    """A duty as this API shows it."""
    duty, facts = line.duty, line.facts
    return DutyOut(
        id=duty.public_id,
        incident=facts.incident.public_id,
        kind=facts.incident.kind.value,
        volunteer=line.person,
        name=line.name,
        task=pick(facts.title, lang),
        role=pick(facts.role, lang),
        place=pick(facts.place, lang),
        starts_at=line.offer.starts_at,
        ends_at=line.offer.ends_at,
        state=duty.state,
        checked_in_at=duty.checked_in_at,
        checked_out_at=duty.checked_out_at,
        minutes=duty.minutes,
        grade=duty.grade,
        points=points,
    )


@router.get("/duties", response_model=Page[DutyOut])
def listed(
    actor: Annotated[Actor, allow("duty.read")],
    lang: Language,
    incident: uuid.UUID | None = None,
    state: Annotated[list[DutyState] | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DutyOut]:
    """The duties of the actor's areas, of one incident or of all, by their beginning in the books."""
    with db.read(actor) as tx:
        key = incidents.find(tx, "incident.read", incident).id if incident is not None else None
        states = tuple(state) if state else tuple(DutyState)
        after = decode_cursor(cursor) or 0
        lines = board.of_incident(tx, key, states=states, after=after, limit=limit)
        return page(lines, limit, lambda line: shown(line, lang), lambda line: line.duty.id)


@router.get("/duties/mine", response_model=Page[DutyOut])
def mine(actor: Volunteer, lang: Language) -> Page[DutyOut]:
    """The volunteer's own duties, the newest first."""
    with db.read(actor) as tx:
        assert actor.id is not None
        return Page(items=[shown(line, lang) for line in board.of_volunteer(tx, actor.id)])


@router.get("/tasks/{id}/screen", response_model=ScreenOut)
def screen_of(actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID) -> ScreenOut:
    """What the check-in screen of a task shows at this moment."""
    with db.read(actor) as tx:
        shown = screen.shown(incidents.find_task(tx, "duty.write", id), tx.now)
    return ScreenOut(address=shown.address, seconds=shown.seconds)


@router.post("/duties/check-in", response_model=DutyOut, dependencies=[LINK])
def check_in_by_link(body: LinkIn, once: OnceOnly, lang: Language) -> Response:
    """Checks in the person behind a link."""
    with db.transaction(GUEST, "duty.check_in") as tx:
        duty = flow.by_link(tx, body.link)  # whose idempotency key it is
        return once.run(tx, _in(tx, lambda: presence.check_in(tx, duty, body.proof()), lang))


@router.post("/duties/check-out", response_model=DutyOut, dependencies=[LINK])
def check_out_by_link(body: LinkIn, once: OnceOnly, lang: Language) -> Response:
    """Checks out the person behind a link; hours and points are booked in the same transaction."""
    with db.transaction(GUEST, "duty.check_out") as tx:
        duty = flow.by_link(tx, body.link)  # whose idempotency key it is
        return once.run(tx, _out(tx, lambda: presence.check_out(tx, duty, body.proof()), lang))


@router.post("/duties/mine/{id}/check-in", response_model=DutyOut)
def check_in_own(actor: Volunteer, id: uuid.UUID, body: CodeIn, once: OnceOnly, lang: Language) -> Response:
    """Checks in the volunteer who is signed in."""
    with db.transaction(actor, "duty.check_in") as tx:
        return once.run(tx, _in(tx, lambda: presence.check_in(tx, flow.own(tx, id), body.proof()), lang))


@router.post("/duties/mine/{id}/check-out", response_model=DutyOut)
def check_out_own(actor: Volunteer, id: uuid.UUID, body: CodeIn, once: OnceOnly, lang: Language) -> Response:
    """Checks out the volunteer who is signed in."""
    with db.transaction(actor, "duty.check_out") as tx:
        return once.run(tx, _out(tx, lambda: presence.check_out(tx, flow.own(tx, id), body.proof()), lang))


@router.post("/duties/{id}/check-in", response_model=DutyOut)
def check_in(
    actor: Annotated[Actor, allow("duty.write")],
    id: uuid.UUID,
    body: StaffIn,
    once: OnceOnly,
    lang: Language,
) -> Response:
    """Checks somebody in: grade A with their code, B confirmed by a leader, C typed in later."""
    with db.transaction(actor, "duty.check_in") as tx:
        return once.run(tx, _in(tx, lambda: _shown_by(tx, id, body, flow.check_in, flow.confirm_in), lang))


@router.post("/duties/{id}/check-out", response_model=DutyOut)
def check_out(
    actor: Annotated[Actor, allow("duty.write")],
    id: uuid.UUID,
    body: StaffIn,
    once: OnceOnly,
    lang: Language,
) -> Response:
    """Checks somebody out, as at check-in; the duty is worth no more than the weaker of the two."""
    with db.transaction(actor, "duty.check_out") as tx:
        return once.run(tx, _out(tx, lambda: _shown_by(tx, id, body, flow.check_out, flow.confirm_out), lang))


def _shown_by(
    tx: Tx, id: uuid.UUID, body: StaffIn, code: Callable[..., Came], word: Callable[..., Came]
) -> Came:
    """By the person's code where one is given, else by the leader's word."""
    duty = attendance.find(tx, "duty.write", id)
    if body.code is not None:
        return code(tx, duty, body.code)
    return word(tx, duty, Evidence(body.evidence), body.at)


@router.post("/duties/{id}/no-show", response_model=DutyOut)
def no_show(
    actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, once: OnceOnly, lang: Language
) -> Response:
    """Says that somebody did not come; who stands by moves up."""
    with db.transaction(actor, "duty.no_show") as tx:
        deed = _in(tx, lambda: flow.no_show(tx, attendance.find(tx, "duty.write", id)), lang)
        return once.run(tx, deed)


@router.post("/duties/{id}/release", response_model=DutyOut)
def release(
    actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, once: OnceOnly, lang: Language
) -> Response:
    """Lets one person go: checked out by the leader, or told that they need not come."""

    def deed() -> Duty:
        duty = attendance.find(tx, "duty.write", id)
        flow.release(tx, duty)
        return duty

    with db.transaction(actor, "duty.release") as tx:
        return once.run(tx, _in(tx, deed, lang))


def _in(tx: Tx, deed: Callable[[], Duty], lang: str) -> Callable[[], Any]:
    return lambda: shown(board.one(tx, deed()), lang)


def _out(tx: Tx, deed: Callable[[], CheckedOut], lang: str) -> Callable[[], Any]:
    def run() -> DutyOut:
        out = deed()
        return shown(board.one(tx, out.duty), lang, out.points)

    return run
