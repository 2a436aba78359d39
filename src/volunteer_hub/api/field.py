"""People in the field: who is where, on the way, well; how often they say so; in which order they go home."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from volunteer_hub.api.duties import Token
from volunteer_hub.api.guard import LINK, Language, Volunteer, allow
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, page
from volunteer_hub.boards import field as board
from volunteer_hub.boards.field import LeavingLine, PersonLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST, Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import field as flow
from volunteer_hub.flows import roll_call
from volunteer_hub.incidents import queries
from volunteer_hub.mobilization import attendance
from volunteer_hub.mobilization.desk import LONGEST_WAY
from volunteer_hub.mobilization.field_rules import OK_MINUTES, Contact, First, Harm, Need, Place, Severity
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import DutyState

router = APIRouter(tags=["field"])

_LINK_EXAMPLE = "q2fC0uT1l3yQd0r9mGkWvA"
Minutes = Annotated[int, Field(ge=0, le=LONGEST_WAY, description="from now until they are there")]


class OwnLinkIn(In):
    """A deed by the link of the person's offer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"link": _LINK_EXAMPLE}]})
    link: Token


class WayByLinkIn(OwnLinkIn):
    """On the way, by the link of the offer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"link": _LINK_EXAMPLE, "minutes": 20}]})
    minutes: Minutes


class WayIn(In):
    """On the way."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"minutes": 20}]})
    minutes: Minutes


class TimerIn(In):
    """How often everybody at a task says that they are OK; null: nobody is asked to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"minutes": 30}, {"minutes": None}]})
    minutes: int | None = Field(ge=OK_MINUTES[0], le=OK_MINUTES[-1])


class TimerOut(Out):
    """The timer of a task."""

    task: uuid.UUID
    minutes: int | None


class ReleaseSomeIn(In):
    """The duties of the people who may go."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"duties": ["019b0d6e-6f00-7000-8000-000000000001"]}]}
    )
    duties: list[uuid.UUID] = Field(min_length=1, max_length=1000)


class ReleasedSomeOut(Out):
    """How many have left by it."""

    released: int


class ContactOut(Out):
    """How and when somebody was last heard of."""

    how: Contact
    at: datetime


class PresenceOut(Out):
    """What a person's own deed came to."""

    duty: uuid.UUID
    state: DutyState
    arrives_at: datetime | None
    ok_at: datetime | None
    ok_due_at: datetime | None


class PersonOut(Out):
    """One person. ``name`` and ``phone`` are null for readers who may not know them; ``needs``: why they need
    attention, the most pressing first."""

    duty: uuid.UUID
    volunteer: uuid.UUID
    name: str | None
    phone: str | None
    task: str
    role: str
    place: Place
    needs: list[Need]
    expected_at: datetime
    ends_at: datetime
    checked_in_at: datetime | None
    ok_due_at: datetime | None
    rest_after_minutes: int
    last_contact: ContactOut | None


class LeavingOut(PersonOut):
    """Somebody who may go home, and why now. Distance in km."""

    why: First
    minutes_on: int
    km_home: float | None


class HarmedOut(Out):
    """How many of one kind and severity."""

    kind: Harm
    severity: Severity
    count: int


class FieldOut(Out):
    """The figures of an incident's people; a person may be in several."""

    counts: dict[str, int]
    injuries: list[HarmedOut]
    roll_calls: list[uuid.UUID] = Field(description="those that run")


def shown(line: PersonLine, lang: str) -> PersonOut:
    """A person as this API shows them."""
    it, contact = line.it, line.contact
    return PersonOut(
        duty=line.duty.public_id,
        volunteer=line.person,
        name=line.name,
        phone=line.phone,
        task=pick(line.facts.title, lang),
        role=pick(line.facts.role, lang),
        place=line.place,
        needs=list(line.needs),
        expected_at=it.expected_at,
        ends_at=it.ends_at,
        checked_in_at=it.checked_in_at,
        ok_due_at=it.ok_due_at if line.place is Place.ON_SITE else None,
        rest_after_minutes=it.rest_after,
        last_contact=ContactOut(how=contact[0], at=contact[1]) if contact is not None else None,
    )


@router.get("/incidents/{id}/field", response_model=FieldOut)
def figures(actor: Annotated[Actor, allow("duty.read")], id: uuid.UUID) -> FieldOut:
    """How many are on site, on the way, overdue; injuries by kind and severity; roll calls that run."""
    with db.read(actor) as tx:
        view = board.people(tx, queries.find(tx, "duty.read", id))
        return FieldOut(
            counts=dict(view.counts),
            injuries=[
                HarmedOut(kind=kind, severity=severity, count=count)
                for (kind, severity), count in view.harmed.items()
            ],
            roll_calls=[line.call.public_id for line in view.running],
        )


@router.get("/incidents/{id}/people", response_model=Page[PersonOut])
def people(
    actor: Annotated[Actor, allow("duty.read")],
    id: uuid.UUID,
    lang: Language,
    who: str = "",
    task: uuid.UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PersonOut]:
    """Everybody who said yes, whoever needs attention first; ``who`` is one of the counts of the field."""
    if who and who not in board.COUNTED:
        raise Malformed("field.who", known=", ".join(board.COUNTED))
    start = decode_cursor(cursor) or 0
    with db.read(actor) as tx:
        lines = board.people(tx, queries.find(tx, "duty.read", id)).only(who, task)
        rows = lines[start : start + limit + 1]
        return page(rows, limit, lambda line: shown(line, lang), lambda _: start + limit)


@router.get("/incidents/{id}/release-order", response_model=Page[LeavingOut])
def order(actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, lang: Language) -> Page[LeavingOut]:
    """Everybody on site in the order in which they go home, with the reason."""

    def leaving(line: LeavingLine) -> LeavingOut:
        person = shown(line.line, lang).model_dump()
        return LeavingOut(**person, why=line.first, minutes_on=line.minutes_on, km_home=line.line.km_home)

    with db.read(actor) as tx:
        view = board.people(tx, queries.find(tx, "duty.write", id))
        return Page(items=[leaving(line) for line in board.release_order(tx, view)])


@router.post("/incidents/{id}/release-some", response_model=ReleasedSomeOut)
def release_some(
    actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, body: ReleaseSomeIn, once: OnceOnly
) -> Response:
    """Lets some people go: checked out with thanks, hours and points, or told that they need not come."""

    def deed() -> ReleasedSomeOut:
        incident = queries.find(tx, "duty.write", id)
        return ReleasedSomeOut(released=duties.release_several(tx, incident, body.duties))

    with db.transaction(actor, "duty.release") as tx:
        return once.run(tx, deed)


@router.put("/tasks/{id}/ok-timer", response_model=TimerOut)
def timer(actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, body: TimerIn) -> TimerOut:
    """Sets how often everybody at a task says that they are OK; for everybody on site it begins now."""
    with db.transaction(actor, "field.timer") as tx:
        task = queries.find_task(tx, "duty.write", id)
        return TimerOut(task=id, minutes=flow.set_timer(tx, task, body.minutes).minutes)


@router.post("/duties/{id}/ok", response_model=PresenceOut)
def heard(actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, once: OnceOnly) -> Response:
    """Whoever is in charge has heard from somebody on site."""
    with db.transaction(actor, "field.heard") as tx:
        return once.run(tx, lambda: _presence(flow.ok(tx, attendance.find(tx, "duty.write", id))))


@router.post("/duties/on-my-way", response_model=PresenceOut, dependencies=[LINK])
def on_my_way(body: WayByLinkIn, once: OnceOnly) -> Response:
    """The person behind a link is on the way."""
    return _by_link(
        body.link, once, "duty.on_my_way", lambda tx, duty: flow.on_my_way(tx, duty, body.minutes)
    )


@router.post("/duties/ok", response_model=PresenceOut, dependencies=[LINK])
def ok(body: OwnLinkIn, once: OnceOnly) -> Response:
    """The person behind a link is OK."""
    return _by_link(body.link, once, "duty.ok", flow.ok)


@router.post("/duties/safe", response_model=PresenceOut, dependencies=[LINK])
def safe(body: OwnLinkIn, once: OnceOnly) -> Response:
    """The person behind a link has left and is safe."""
    return _by_link(body.link, once, "duty.safe", roll_call.safe)


@router.post("/duties/mine/{id}/on-my-way", response_model=PresenceOut)
def own_way(actor: Volunteer, id: uuid.UUID, body: WayIn, once: OnceOnly) -> Response:
    """The volunteer who is signed in is on the way."""
    return _own(actor, id, once, "duty.on_my_way", lambda tx, duty: flow.on_my_way(tx, duty, body.minutes))


@router.post("/duties/mine/{id}/ok", response_model=PresenceOut)
def own_ok(actor: Volunteer, id: uuid.UUID, once: OnceOnly) -> Response:
    """The volunteer who is signed in is OK."""
    return _own(actor, id, once, "duty.ok", flow.ok)


@router.post("/duties/mine/{id}/safe", response_model=PresenceOut)
def own_safe(actor: Volunteer, id: uuid.UUID, once: OnceOnly) -> Response:
    """The volunteer who is signed in has left and is safe."""
    return _own(actor, id, once, "duty.safe", roll_call.safe)


Deed = Callable[[Tx, Duty], Duty]


def _by_link(link: str, once: OnceOnly, action: str, deed: Deed) -> Response:
    with db.transaction(GUEST, action) as tx:
        duty = duties.by_link(tx, link)  # whose idempotency key it is
        return once.run(tx, lambda: _presence(deed(tx, duty)))


def _own(actor: Actor, id: uuid.UUID, once: OnceOnly, action: str, deed: Deed) -> Response:
    with db.transaction(actor, action) as tx:
        return once.run(tx, lambda: _presence(deed(tx, duties.own(tx, id))))


def _presence(duty: Duty) -> Any:
    return PresenceOut(
        duty=duty.public_id,
        state=duty.state,
        arrives_at=duty.arrives_at,
        ok_at=duty.ok_at,
        ok_due_at=duty.ok_due_at,
    )
