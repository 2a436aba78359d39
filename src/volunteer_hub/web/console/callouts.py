"""A callout as it runs: coverage, what became of the messages, everybody asked; refreshed as it happens."""

import uuid
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from volunteer_hub.boards import callout as board
from volunteer_hub.boards.callout import UNREACHED, LiveCallout, PersonLine
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.geo import band_km
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import course, mobilize, waves
from volunteer_hub.flows.course import AnswerCurve, Course, WaveTold
from volunteer_hub.mobilization import callouts
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.notify import replies
from volunteer_hub.notify.rules import State
from volunteer_hub.volunteers.policy import Skills
from volunteer_hub.web import nav, parts
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, Speech, language_of, page
from volunteer_hub.web.streams import Shown, follow

router = APIRouter()

ROWS: Final = 50
TONES: Final = {
    OfferState.QUEUED: "quiet",
    OfferState.ASKED: "watch",
    OfferState.ACCEPTED: "ok",
    OfferState.STANDING_BY: "info",
    OfferState.DECLINED: "quiet",
    OfferState.WITHDRAWN: "watch",
    OfferState.EXPIRED: "quiet",
    OfferState.RELEASED: "quiet",
    OfferState.CANCELLED: "quiet",
    OfferState.NO_SHOW: "short",
    OfferState.ON_SITE: "ok",
    OfferState.DONE: "ok",
}
_SHOWN: Final[dict[str, frozenset[OfferState]]] = {
    "asked": frozenset(OfferState) - {OfferState.QUEUED},
    "accepted": frozenset({OfferState.ACCEPTED}),
    "on_site": frozenset({OfferState.ON_SITE}),
    "standing_by": frozenset({OfferState.STANDING_BY}),
    "declined": frozenset({OfferState.DECLINED, OfferState.WITHDRAWN}),
    "waiting": frozenset({OfferState.ASKED}),
    "queued": frozenset({OfferState.QUEUED}),
    "no_show": frozenset({OfferState.NO_SHOW}),
    "done": frozenset({OfferState.DONE}),
}
"""What a count opens: the states behind it."""
_WORD: Final = 0.2  # of the width of a drawing, that a wave's word takes on a telephone


@router.get("/callouts/{id:uuid}")
def show(
    request: Request,
    actor: Annotated[Actor, allow("callout.read")],
    id: uuid.UUID,
    who: str = "",
    slot: str = "",
    cursor: str = "",
) -> Response:
    """The callout. ``who`` and ``slot`` say which people are listed."""
    return _page(request, actor, id, {"who": who, "slot": slot, "cursor": cursor})


@router.get("/callouts/{id:uuid}/live")
def live(
    request: Request,
    actor: Annotated[Actor, allow("callout.read")],
    id: uuid.UUID,
    who: str = "",
    slot: str = "",
    cursor: str = "",
    seen: str = "",
) -> Response:
    """What changes of it, or 204 when it is still as ``seen``."""
    with db.read(actor) as tx:
        callout = callouts.find(tx, "callout.read", id)
        wanted = {"who": who, "slot": slot, "cursor": cursor}
        shown = _live(tx, board.live(tx, callout), wanted, language_of(request))
        return parts.answer(shown, seen)


@router.get("/callouts/{id:uuid}/stream")
def stream(
    request: Request,
    actor: Annotated[Actor, allow("callout.read")],
    id: uuid.UUID,
    who: str = "",
    slot: str = "",
    cursor: str = "",
) -> Response:
    """What changes of it, pushed."""

    def show(tx: Tx, lang: Lang) -> Shown:
        callout = callouts.find(tx, "callout.read", id)
        wanted = {"who": who, "slot": slot, "cursor": cursor}
        return _live(tx, board.live(tx, callout), wanted, lang), [callout.id]

    return follow(request, actor, lambda tx: callouts.find(tx, "callout.read", id), show)


@router.post("/callouts/{id:uuid}/cancel")
def cancel(request: Request, actor: Annotated[Actor, allow("callout.cancel")], id: uuid.UUID) -> Response:
    """Calls it off and tells everybody who was asked."""
    return deed(request, actor, id, "callout.cancel", mobilize.cancel)


@router.post("/callouts/{id:uuid}/close")
def close(request: Request, actor: Annotated[Actor, allow("callout.send")], id: uuid.UUID) -> Response:
    """Enough have come: who stands by is stood down."""
    return deed(request, actor, id, "callout.send", mobilize.close)


def deed(request: Request, actor: Actor, id: uuid.UUID, permission: str, what: Any) -> Response:
    """Does it and goes back to the callout; what a rule refuses stands above the page."""
    try:
        with db.transaction(actor, permission) as tx:
            what(tx, callouts.find(tx, permission, id))
    except HubError as error:
        if error.bars:
            raise
        return _page(request, actor, id, {}, error)
    return see_other(f"/callouts/{id}")


def _page(
    request: Request, actor: Actor, id: uuid.UUID, wanted: dict[str, str], error: HubError | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        view = board.live(tx, callouts.find(tx, "callout.read", id))
        context = nav.console(
            request,
            actor,
            title=view.incident.title,
            kind=view.callout.kind.value,
            zone=view.zone,
            view=view,
            may=lambda right: actor.may(right, view.callout.area),
            live_part=_live(tx, view, wanted, lang),
            stream_address=_address(view.callout, "stream", wanted),
            error=t(lang, f"error.{error.code}", **error.params) if error else "",
            farthest=waves.FARTHEST_KM,
            most=waves.MOST_BY_HAND,
            now=tx.now,
        )
    return page(request, "console/callout.html", status=error.status if error else 200, **context)


def _live(tx: Tx, view: LiveCallout, wanted: dict[str, str], lang: Lang) -> Markup:
    callout = view.callout
    here = f"/callouts/{callout.public_id}"
    chosen = {key: value for key, value in wanted.items() if value}
    asked = _SHOWN.get(wanted.get("who", ""), frozenset(OfferState))
    names = tx.actor.may("offer.read", callout.area)
    lines, further = _people(tx, callout, view, wanted, asked) if names else ([], None)
    speech, told = Speech(lang, view.zone), course.told(tx, callout, lang)
    return parts.part(
        "callout",
        "console/callout_live.html",
        _address(callout, "live", wanted),
        lang=lang,
        zone=view.zone,
        live=view.live,
        view=view,
        here=here,
        course=told,
        waves=[
            {
                "at": one.wave.decided_at,
                "what": t(lang, "waves.number", **_numbers(one)),
                "by": one.why,
                "major": True,
            }
            for one in reversed(told.waves)
        ],
        names=names,
        who=wanted.get("who", "") if wanted.get("who", "") in _SHOWN else "",
        counts=[(key, view.count(key)) for key in _counted() if view.count(key) or key == "asked"],
        people=[_row(line, speech, talks=tx.actor.may("duty.write", callout.area)) for line in lines],
        next=f"{here}?{urlencode({**chosen, 'cursor': encode_cursor(further)})}#people" if further else None,
        unreached=view.unreached,
        unclear=replies.count_waiting(tx),
        skills=_skills(view, lang),
        curve=_curve(told, speech),
        messages=[(state.value, view.messages[state]) for state in State if view.messages.get(state)],
        now=tx.now,
    )


def _skills(view: LiveCallout, lang: Lang) -> list[dict[str, Any]]:
    """Needs by skill, where the bars of the slots do not show them already."""
    if all(one.places == 1 for one in view.skills) and len(view.skills) == len(view.slots):
        return []
    known = policy.load("skills", Skills).skills
    return [
        {
            "name": pick(known[one.skill].name, lang) if one.skill in known else t(lang, "callouts.anybody"),
            "need": one,
        }
        for one in view.skills
    ]


def _curve(told: Course, speech: Speech) -> dict[str, Any] | None:
    """Answers against the forecast; nothing in the first minute, when there is nothing to draw."""
    curve, lang = told.curve, speech.lang
    if curve is None or curve.answers[-1][0] == 0:
        return None
    time = speech.clock(told.deadline)
    minute, people = curve.answers[-1]
    return {
        "answers": curve.answers,
        "band": curve.band,
        "waves": _labelled(curve, lang),
        "deadline": (curve.deadline, t(lang, "waves.curve.deadline", time=time)),
        "need": curve.need,
        "span": curve.span,
        "summary": t(lang, "waves.curve.said", n=people, minutes=minute, need=curve.need),
    }


def _labelled(curve: AnswerCurve, lang: Lang) -> list[tuple[float, str]]:
    """The waves; a word where it stands clear of the one before and of the deadline's."""
    shown, free = list[tuple[float, str]](), 0.0
    for minute, number in curve.waves:
        clear = free <= minute <= curve.deadline - _WORD * 2 * curve.span
        shown.append((minute, t(lang, "waves.curve.wave", number=number) if clear else ""))
        free = minute + _WORD * curve.span if clear else free
    return shown


def _address(callout: Callout, end: str, wanted: dict[str, str]) -> str:
    """Where the part that changes is had from, with the people wanted in its list."""
    chosen = urlencode({key: value for key, value in wanted.items() if value})
    return f"/callouts/{callout.public_id}/{end}" + (f"?{chosen}" if chosen else "")


def _numbers(told: WaveTold) -> dict[str, int]:
    return {"number": told.wave.number, "n": told.wave.people}


def _counted() -> tuple[str, ...]:
    return ("asked", "accepted", "on_site", "standing_by", "declined", "silent", "queued", "done", "no_show")


def _people(
    tx: Tx, callout: Callout, view: LiveCallout, wanted: dict[str, str], states: frozenset[OfferState]
) -> tuple[list[PersonLine], int | None]:
    slots = {str(line.facts.slot.public_id): line.facts.slot.id for line in view.slots}
    return board.people(
        tx,
        callout,
        states=states,
        slot_id=slots.get(wanted.get("slot", "")),
        after=decode_cursor(wanted.get("cursor") or None) or 0,
        limit=ROWS,
    )


def _row(line: PersonLine, speech: Speech, *, talks: bool) -> dict[str, Any]:
    """One person as the table of people takes them."""
    offer, lang = line.offer, speech.lang
    known = policy.load("skills", Skills).skills
    held = [f"{pick(known[code].name, lang)} {level}" for code, level in line.skills[:2] if code in known]
    word = t(lang, f"offer.state.{offer.state}")
    tone = TONES[offer.state]
    if offer.state is OfferState.ASKED and (line.message is None or line.message in UNREACHED):
        word, tone = t(lang, "callouts.not_reached" if line.message else "callouts.no_address"), "short"
    elif offer.state is OfferState.STANDING_BY:
        word = t(lang, "callouts.in_line", word=word, number=offer.position or 0)
        if offer.passed_over is not None:
            reason = t(lang, f"offer.passed_over.{offer.passed_over}")
            word, tone = t(lang, "callouts.passed_over", word=word, reason=reason), "watch"
    elif offer.state is OfferState.DECLINED and offer.decline_reason is not None:
        reason = t(lang, f"offer.reason.{offer.decline_reason}")
        word = t(lang, "callouts.with_reason", word=word, reason=reason)
    contact = board.last_contact(offer)
    return {
        "name": line.name or t(lang, "callouts.name_hidden"),
        "href": f"/volunteers/{line.volunteer}",
        "skills": (", " if lang == "en" else "、").join(held) or pick(line.role, lang),
        "distance": _band(line.km, speech),
        "tone": tone,
        "word": word,
        "contact": speech.clock(contact) if contact else "–",
        "talk": f"/volunteers/{line.volunteer}/conversation" if talks else "",
        "asked": line.asked,
        "served": line.served_minutes // 60,
    }


def _band(km: float | None, speech: Speech) -> str:
    if km is None:
        return "–"
    low, high = band_km(km)
    if high is None:
        return t(speech.lang, "callouts.beyond", km=speech.number(low))
    return t(speech.lang, "callouts.band", low=speech.number(low), high=speech.number(high))
