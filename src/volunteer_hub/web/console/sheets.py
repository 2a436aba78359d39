"""What is printed of an incident: forms ICS 204, 211, 214 and 221, briefing cards, badges, the duty log."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import sheets as board
from volunteer_hub.boards.sheets import Hand
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.incidents import logbook, queries
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.templates import shown_title
from volunteer_hub.mobilization.field_rules import Place
from volunteer_hub.web import nav
from volunteer_hub.web.console.board import skill_name
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import Lang, language_of, page

router = APIRouter()
Reader = Annotated[Actor, allow("duty.read")]

SHEETS: Final = ("sign-in", "assignments", "briefing", "badges", "log", "duties", "check-out")
BLANKS: Final = 12
"""Empty lines for people whom nobody expected."""


@router.get("/incidents/{id:uuid}/print")
def listed(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """Every sheet there is, with what it is for."""
    return _page(request, actor, id, "")


@router.get("/incidents/{id:uuid}/print/sign-in")
def sign_in(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """ICS 211: everybody expected, and lines for who comes besides."""
    return _page(request, actor, id, "sign-in", blanks=BLANKS)


@router.get("/incidents/{id:uuid}/print/assignments")
def assignments(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """ICS 204: a page for each task."""
    return _page(request, actor, id, "assignments")


@router.get("/incidents/{id:uuid}/print/briefing")
def briefing(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """A card for each task, to be read out where people meet."""
    return _page(request, actor, id, "briefing")


@router.get("/incidents/{id:uuid}/print/badges")
def badges(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """A badge for everybody, to be cut out."""
    return _page(request, actor, id, "badges")


@router.get("/incidents/{id:uuid}/print/log")
def log(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """ICS 214: what was said and done."""
    return _page(request, actor, id, "log")


@router.get("/incidents/{id:uuid}/print/duties")
def duties(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """Who came, when they left, how long they served."""
    return _page(request, actor, id, "duties")


@router.get("/incidents/{id:uuid}/print/check-out")
def check_out(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """ICS 221: a page for everybody on site or who has left."""
    return _page(request, actor, id, "check-out")


def _page(request: Request, actor: Actor, id: uuid.UUID, sheet: str, **more: Any) -> Response:
    lang = language_of(request)
    hazards = policy.load("hazards", Hazards)
    with db.read(actor) as tx:
        found = board.sheets(tx, queries.find(tx, "duty.read", id))
        incident, hazard = found.incident, hazards.hazards.get(found.incident.hazard)
        at = f"/incidents/{id}"
        context = nav.console(
            request,
            actor,
            title=t(lang, f"sheet.{sheet}.title" if sheet else "sheet.title"),
            kind=incident.kind.value,
            zone=found.area.zone,
            sheet=sheet,
            at=at,
            back=f"{at}/print" if sheet else at,
            names=SHEETS,
            sheets=found,
            hazard=hazard,
            tasks=[
                (one.task, shown_title(hazards, one.task, lang), [_shown(hand, lang) for hand in one.hands])
                for one in found.assignments
            ],
            gone=[
                _shown(hand, lang)
                for hand in found.hands
                if hand.line.place in (Place.ON_SITE, Place.LEFT, Place.RELEASED)
            ],
            said=[(line.entry.at, logbook.words(lang, line.entry), line.account) for line in found.log],
            area_name=pick(found.area.name, lang),
            number=str(incident.public_id)[-12:],
            gates=found.gates,
            may=lambda right: actor.may(right, incident.area),
            now=tx.now,
            **more,
        )
    return page(request, "console/sheets.html" if not sheet else f"console/sheet_{sheet}.html", **context)


def _shown(hand: Hand, lang: Lang) -> dict[str, Any]:
    """One person as sheets name them."""
    line = hand.line
    return {
        "name": line.name or t(lang, "callouts.name_hidden"),
        "phone": line.phone or "",
        "role": pick(line.facts.role, lang),
        "task": pick(line.facts.title, lang),
        "leads": line.facts.leads,
        "home": pick(hand.home.name, lang),
        "travel": t(lang, f"volunteers.travel_mode.{hand.travel}"),
        "skills": ("、" if lang == "zh" else ", ").join(skill_name(lang, *skill) for skill in hand.skills),
        "it": line.it,
        "minutes": line.duty.minutes,
        "place": t(lang, f"field.place.{line.place}"),
        "grade": t(lang, f"duty.grade.{line.duty.grade}") if line.duty.grade else "",
        "number": str(line.duty.public_id)[-12:],
    }
