"""The page behind a callout's link: one question, answered without an account and without a script.

Looking changes nothing, because mail programs open links by themselves; every answer is a button.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from volunteer_hub.boards import duty_page
from volunteer_hub.boards import offer as board
from volunteer_hub.boards.offer import OfferView
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.errors import HubError, Malformed, NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.mobilization.desk import Reply
from volunteer_hub.mobilization.reply_rules import REASONS
from volunteer_hub.mobilization.rules import Answer, DeclineReason, OfferState
from volunteer_hub.web import answer_batch
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import LINK, see_other
from volunteer_hub.web.render import Speech, language_of, page

router = APIRouter(dependencies=[LINK])

_HOURS_ON = (1, 2, 4, 8, 12, 24)
_FURTHEST_MINUTES = 24 * 60


@router.get("/c/{token}")
def show(request: Request, token: str, stay: bool = False) -> Response:
    """The question, or how it stands after the answer. Whoever is asked something on site sees that instead,
    unless they ``stay``."""
    return _show(request, token, onward=not stay)


@router.get("/c/{token}/decline")
def ask_why(request: Request, token: str) -> Response:
    """Why not, in one tap."""
    return _show(request, token, "phone/callout_decline.html")


@router.get("/c/{token}/later")
def ask_when(request: Request, token: str) -> Response:
    """From when on, in one tap."""
    return _show(request, token, "phone/callout_later.html")


@router.post("/c/{token}/accept")
async def accept(request: Request, token: str, arrival: Annotated[str, Form(max_length=10)] = "") -> Response:
    """A yes, with the minutes until they can be there."""
    return await _answer(request, token, lambda: Reply(Answer.ACCEPT, _minutes(arrival)))


@router.post("/c/{token}/decline")
async def decline(
    request: Request, token: str, reason: Annotated[str, Form(max_length=20)] = "other"
) -> Response:
    """A no, with its reason."""
    again = "phone/callout_decline.html"
    return await _answer(request, token, lambda: Reply(Answer.DECLINE, reason=_reason(reason)), again)


@router.post("/c/{token}/later")
async def later(
    request: Request, token: str, from_when: Annotated[str, Form(max_length=40)] = ""
) -> Response:
    """Not now, but from then on."""
    again = "phone/callout_later.html"
    return await _answer(request, token, lambda: Reply(Answer.LATER, from_when=_moment(from_when)), again)


@router.post("/c/{token}/withdraw")
async def withdraw(
    request: Request, token: str, reason: Annotated[str, Form(max_length=20)] = "other"
) -> Response:
    """A yes taken back."""
    return await _answer(request, token, lambda: Reply(Answer.WITHDRAW, reason=_reason(reason)))


@router.post("/c/{token}/not-me")
async def not_me(request: Request, token: str) -> Response:
    """The message reached somebody else."""
    return await _answer(request, token, lambda: Reply(Answer.NOT_ME))


@router.post("/c/{token}/ack")
async def ack(request: Request, token: str) -> Response:
    """The change is understood."""
    return await _answer(request, token, lambda: Reply(Answer.ACK))


def replied(answer: str, form: Sent) -> Reply:
    """The answer of that name with the fields of its form. Raises Malformed."""
    match Answer(answer):
        case Answer.ACCEPT:
            return Reply(Answer.ACCEPT, _minutes(form.text("arrival", 10)))
        case Answer.LATER:
            return Reply(Answer.LATER, from_when=_moment(form.text("from_when", 40)))
        case Answer.DECLINE | Answer.WITHDRAW as kind:
            return Reply(kind, reason=_reason(form.text("reason", 20) or "other"))
        case kind:
            return Reply(kind)


async def _answer(
    request: Request, token: str, reply: Callable[[], Reply], again: str = "phone/callout.html"
) -> Response:
    """Recorded with those of other people; then off to the page, which a phone can open again at the gate."""
    try:
        await answer_batch.answer(token, reply())
    except HubError as error:
        return await run_in_threadpool(_show, request, token, again, error)
    return see_other(f"/c/{token}")


def _show(
    request: Request,
    token: str,
    template: str = "phone/callout.html",
    error: HubError | None = None,
    *,
    onward: bool = False,
) -> Response:
    lang = language_of(request)
    try:
        with db.read(GUEST) as tx:
            seen = board.view(tx, token)
            if onward and duty_page.waits(tx, seen.page.duty):
                return see_other(f"/c/{token}/duty")
        if seen.offer.state is OfferState.QUEUED:
            raise NotFound("offer.link_unknown")
    except NotFound as unknown:
        words = t(lang, f"error.{unknown.code}")
        title = t(lang, "callouts.unknown.title")
        return page(request, "phone/callout_unknown.html", status=404, title=title, words=words)
    if seen.state != "ask" and not (seen.can_accept and error):
        template = "phone/callout.html"
    speech = Speech(lang, seen.facts.zone)
    now = clock.now()
    return page(
        request,
        template,
        zone=seen.facts.zone,
        status=error.status if error is not None else 200,
        title=pick(seen.facts.title, lang),
        kind=seen.callout.kind.value,
        seen=seen,
        card=_card(seen, speech),
        ended=_ended(seen, lang),
        here=f"/c/{token}",
        now=now,
        arrivals=[(str(minutes), _arrival(seen, speech, now, minutes)) for minutes in seen.arrivals],
        reasons=[(reason.value, t(lang, f"offer.reason.{reason}")) for reason in REASONS],
        moments=_moments(speech, now),
        error=t(lang, f"error.{error.code}", **error.params) if error is not None else "",
    )


def _card(seen: OfferView, speech: Speech) -> dict[str, Any]:
    """The facts as the callout card takes them, ready to read."""
    lang, facts, way = speech.lang, seen.facts, seen.way
    place, pickup = pick(facts.place, lang), facts.task.pickup
    met = facts.task.pickup_lat is not None
    if way is not None:
        distance = speech.distance(way.km)
        far = " · " + (t(lang, "callouts.rough", distance=distance) if way.rough else distance)
        place, pickup = (place, pickup + far) if met else (place + far, pickup)
    return {
        "what": pick(facts.title, lang),
        "start": facts.task.starts_at,
        "end": facts.task.ends_at,
        "place": place,
        "position": f"{facts.task.lat:.5f},{facts.task.lon:.5f}",
        "pickup": pickup,
        "pickup_position": "{:.5f},{:.5f}".format(*facts.position) if met else "",
        "distance_km": None,
        "role": pick(facts.role, lang),
        "danger": pick(facts.hazard.danger, lang) if facts.hazard else "",
        "bring": pick(facts.hazard.bring, lang) if facts.hazard else "",
        "cover": t(lang, f"callouts.insured.{seen.insured or 'no'}"),
        "going": t(lang, "callouts.going", n=seen.page.filled, places=seen.page.maximum)
        if seen.page.filled
        else "",
        "leader": "",
        "answer_by": seen.callout.answer_by,
        "why": "",
        "why_facts": (),
    }


def _arrival(seen: OfferView, speech: Speech, now: datetime, minutes: int) -> str:
    moment = now + timedelta(minutes=minutes)
    starts = seen.facts.task.starts_at
    key = "on_time" if moment - timedelta(minutes=1) < starts <= moment else "by"
    shown = starts if key == "on_time" else moment
    return t(speech.lang, f"callouts.arrive.{key}", time=speech.when(shown, now))


def _moments(speech: Speech, now: datetime) -> list[tuple[str, str]]:
    """Hours to choose from for "later", on the half hour."""
    half = (now + timedelta(minutes=29)).replace(second=0, microsecond=0)
    half -= timedelta(minutes=half.minute % 30)
    moments = [half + timedelta(hours=hours) for hours in _HOURS_ON]
    return [(moment.isoformat(), speech.when(moment, now)) for moment in moments]


def _ended(seen: OfferView, lang: str) -> str:
    """Why there is nothing to answer any more."""
    reason = seen.page.would.value
    if seen.offer.state in (OfferState.EXPIRED, OfferState.RELEASED, OfferState.CANCELLED):
        reason = seen.offer.state.value
    if seen.offer.decline_reason is DeclineReason.NOT_ME:
        reason = "not_me"
    return t(lang, f"error.offer.{reason}") if seen.state == "ended" else ""


def _minutes(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise Malformed("offer.minutes_there", longest=_FURTHEST_MINUTES)
    return int(text)


def _reason(text: str) -> DeclineReason:
    for reason in REASONS:
        if text == reason.value:
            return reason
    raise Malformed("callouts.reason")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed("offer.later_from") from None
    if moment.tzinfo is None:
        raise Malformed("offer.later_from")
    return moment
