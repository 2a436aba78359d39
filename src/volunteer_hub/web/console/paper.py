"""A sheet of paper keyed in: who of a callout answered, came and left, at which hours."""

import uuid
from datetime import date, datetime, time
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import paper as board
from volunteer_hub.boards.paper import SheetLine
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.flows import paper as flow
from volunteer_hub.flows.paper import Line
from volunteer_hub.mobilization import callouts
from volunteer_hub.mobilization.rules import Answer
from volunteer_hub.web import forms, nav
from volunteer_hub.web.console.field import ids_in
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, Speech, language_of, page

router = APIRouter()

ROWS: Final = 50
_ANSWERS: Final = {"accept": Answer.ACCEPT, "decline": Answer.DECLINE}
_HOURS: Final = ("at", "came", "left")
Faults = dict[uuid.UUID, str]


@router.get("/callouts/{id:uuid}/paper")
def show(
    request: Request,
    actor: Annotated[Actor, allow("duty.write")],
    id: uuid.UUID,
    search: str = "",
    start: int = 0,
    taken: int = 0,
) -> Response:
    """Everybody asked, by name. ``search`` narrows, ``start`` says how many stand before."""
    return _page(request, actor, id, search[:100], max(0, start), taken)


@router.post("/callouts/{id:uuid}/paper")
def key_in(
    request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Takes what was filled in; lines that cannot be taken come back as typed, with the reason."""
    lang = language_of(request)
    search, start = form.text("search", 100), form.whole("start")
    lines, unread = _lines(form, ids_in(form, "offer"))
    try:
        with db.transaction(actor, "callout.paper") as tx:
            keyed = flow.key_in(tx, callouts.find(tx, "duty.write", id), lines)
    except HubError as error:
        if error.bars:
            raise
        return _page(request, actor, id, search, start, 0, form, {}, t(lang, f"error.{error.code}"))
    faults = dict.fromkeys(unread, t(lang, "error.form.moment"))
    for line, one in zip(lines, keyed, strict=True):
        if one.error is not None and line.offer is not None:
            faults[line.offer] = " ".join(forms.words(lang, one.error).values())
    taken = sum(one.new for one in keyed)
    if faults:
        return _page(request, actor, id, search, start, taken, form, faults)
    here = urlencode({"search": search, "start": start, "taken": taken})
    return see_other(f"/callouts/{id}/paper?{here}")


def _lines(form: Form, offers: list[uuid.UUID]) -> tuple[list[Line], list[uuid.UUID]]:
    """What was filled in, and the lines of which an hour cannot be read."""
    zone = ZoneInfo(policy.load("hub", Site).zone)
    lines: list[Line] = []
    unread: list[uuid.UUID] = []
    for offer in offers:
        typed = {name: form.text(f"{name}.{offer}", 10) for name in ("answer", *_HOURS)}
        if not any(typed.values()):
            continue
        try:
            day = date.fromisoformat(form.text("day", 10))
            hours = {name: _hour(typed[name], day, zone) for name in _HOURS}
        except ValueError:
            unread.append(offer)
            continue
        answer = _ANSWERS.get(typed["answer"])
        lines.append(Line(offer, "", answer, hours["at"], came_at=hours["came"], left_at=hours["left"]))
    return lines, unread


def _hour(raw: str, day: date, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, time.fromisoformat(raw), zone) if raw else None


def _page(
    request: Request,
    actor: Actor,
    id: uuid.UUID,
    search: str,
    start: int,
    taken: int,
    form: Form | None = None,
    faults: Faults | None = None,
    error: str = "",
) -> Response:
    lang = language_of(request)
    zone = policy.load("hub", Site).zone
    speech = Speech(lang, zone)
    typed = form.typed if form is not None else {}
    with db.read(actor) as tx:
        callout = callouts.find(tx, "duty.write", id)
        lines, more = board.of_callout(tx, callout, search=search, start=start, limit=ROWS)
        context = nav.console(
            request,
            actor,
            title=t(lang, "paper.title"),
            kind=callout.kind.value,
            zone=zone,
            here=f"/callouts/{id}/paper",
            back=f"/callouts/{id}",
            lines=[_shown(line, lang, speech) for line in lines],
            day=typed.get("day") or tx.now.astimezone(ZoneInfo(zone)).date().isoformat(),
            typed=lambda name, offer: typed.get(f"{name}.{offer}", "") if offer in (faults or {}) else "",
            faults=faults or {},
            error=error,
            search=search,
            start=start,
            taken=taken,
            next=f"/callouts/{id}/paper?{urlencode({'search': search, 'start': start + ROWS})}"
            if more
            else "",
        )
    return page(request, "console/paper.html", status=422 if faults or error else 200, **context)


def _shown(line: SheetLine, lang: Lang, speech: Speech) -> dict[str, Any]:
    offer, duty = line.offer, line.duty
    known = [t(lang, f"offer.state.{offer.state}")]
    if offer.answered_at is not None:
        known.append(t(lang, "paper.answered", time=speech.clock(offer.answered_at)))
    if duty is not None and duty.checked_in_at is not None:
        known.append(t(lang, "paper.came_at", time=speech.clock(duty.checked_in_at)))
    if duty is not None and duty.checked_out_at is not None:
        known.append(t(lang, "paper.left_at", time=speech.clock(duty.checked_out_at)))
    return {
        "offer": offer.public_id,
        "name": line.name,
        "phone": line.phone,
        "task": pick(line.facts.title, lang),
        "role": pick(line.facts.role, lang),
        "known": " · ".join(known),
    }
