"""My data: seen, corrected, taken along, paused, erased. Plain forms on a phone, no script."""

import json
from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import drill_result, newcomers
from volunteer_hub.boards import evaluations as evaluations_board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import FieldError, HubError, Malformed
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.settings import settings
from volunteer_hub.feedback import evaluations
from volunteer_hub.flows import evaluate, forget, settle, take_along
from volunteer_hub.notify import notes, vapid
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.rules import Subject
from volunteer_hub.volunteers import (
    availability,
    consents,
    fields,
    own,
    queries,
    registry,
    skills,
    standing,
    week,
)
from volunteer_hub.volunteers.fields import Wrong, hour_text
from volunteer_hub.volunteers.models import Volunteer as Row
from volunteer_hub.volunteers.queries import Person
from volunteer_hub.volunteers.rules import MILDEST, Purpose, TravelMode
from volunteer_hub.web import forms
from volunteer_hub.web.console.field import id_in
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import SESSION_COOKIE, Volunteer, see_other
from volunteer_hub.web.public.join import skill_groups
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/me")
CORRECTED: Final = (
    "name",
    "email",
    "address",
    "emergency_contact",
    "travel_mode",
    "max_km",
    "language",
)


def _mine(tx: db.Tx, actor: Actor, *, lock: bool = False) -> Row:
    assert actor.id is not None
    return registry.one(tx, actor.id, lock=lock)


def _do(
    request: Request,
    actor: Actor,
    name: str,
    deed: Callable[[db.Tx, Row], Any],
    again: Callable[[dict[str, str], int], Response],
) -> Response:
    """The deed on my own locked row, and back to my data; its form again when it says no."""
    try:
        with db.transaction(actor, f"me.{name}") as tx:
            deed(tx, _mine(tx, actor, lock=True))
    except HubError as error:
        return again(forms.words(language_of(request), error), error.status)
    return see_other("/me")


@router.get("")
def show(request: Request, actor: Volunteer) -> Response:
    """What is known of me."""
    return _show(request, actor)


def _show(
    request: Request, actor: Actor, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        person = queries.person(tx, _mine(tx, actor))
        held = {consent.purpose for consent in consents.in_force(tx, person.row.id)}
        named = {code: pick(skill.name, lang) for code, skill in skills.taxonomy().skills.items()}
        return page(
            request,
            "phone/me.html",
            status=status,
            title=t(lang, "me.title"),
            zone=settle.zone_of(tx, person.row.area).key,
            now=tx.now,
            person=person,
            notes=notes.told(tx, Subject.VOLUNTEER, person.row.id),
            held=held,
            purposes=tuple(Purpose),
            skill_names=named,
            cells=_cells(person),
            drills=drill_result.own(tx, person.row),
            way=newcomers.own(tx, person.row),
            ahead=newcomers.suggested(tx, person.row),
            told=evaluations_board.told(tx, evaluations.told(tx, person.row.id)),
            suggested=evaluations_board.suggestions(tx, person.row.id),
            mentees=newcomers.mentees(tx, person.row.id),
            team_minutes=drill_result.TEAM_MINUTES,
            quiet=(hour_text(person.row.quiet_from), hour_text(person.row.quiet_until)),
            push_key=vapid.public() if settings().push else "",
            wakes=t(lang, f"me.wakes.{_wakes_for(person.row)}"),
            error=(errors or {}).get("", "") or " ".join((errors or {}).values()),
        )


def _wakes_for(row: Row) -> int:
    usual: int = policy.load("messages", Messages).quiet.broken_by
    return usual if row.wakes_for is None else row.wakes_for


def _cells(person: Person) -> list[tuple[bool, bool]]:
    """(day, night) for Monday to Sunday."""
    mask = person.row.availability
    return [
        (bool(mask & week.bit(day, night=False)), bool(mask & week.bit(day, night=True))) for day in range(7)
    ]


@router.get("/download")
def download(actor: Volunteer) -> Response:
    """Everything held about me, as a file."""
    with db.read(actor) as tx:
        assert actor.id is not None
        text = json.dumps(take_along.everything(tx, actor.id), ensure_ascii=False, indent=2)
    return Response(
        text,
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="my-data.json"'},
    )


# -- times -------------------------------------------------------------------------------------------------


@router.get("/availability")
def ask_week(request: Request, actor: Volunteer) -> Response:
    """My week in fourteen boxes, and my quiet hours."""
    with db.read(actor) as tx:
        row = _mine(tx, actor)
        ticked = [str(cell) for cell in range(week.CELLS) if row.availability >> cell & 1]
        typed = {"cell": ticked, "quiet_from": [hour_text(row.quiet_from)]}
        typed["quiet_until"] = [hour_text(row.quiet_until)]
        typed["wakes_for"] = [fields.as_text(row.wakes_for)]
    return _week(request, Form(typed))


@router.post("/availability")
def set_week(request: Request, actor: Volunteer, form: Sent) -> Response:
    """Keeps them."""

    def deed(tx: db.Tx, row: Row) -> None:
        mask = sum({1 << int(cell) for cell in form.many("cell") if cell in map(str, range(week.CELLS))})
        hours = {name: _hour(form, name) for name in ("quiet_from", "quiet_until")}
        wakes = form.whole("wakes_for") if form.text("wakes_for", 2) else None
        availability.set_week(tx, row, mask, wakes_for=wakes, **hours)

    return _do(request, actor, "availability", deed, lambda *said: _week(request, form, *said))


def _hour(form: Form, name: str) -> int | None:
    try:
        return fields.minute_of_day(form.text(name, 8)) if form.text(name, 8) else None
    except Wrong as error:
        raise Malformed("form", fields=[FieldError(name, error.code, error.params)]) from None


def _week(request: Request, form: Form, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    lang = language_of(request)
    usual = policy.load("messages", Messages).quiet.broken_by
    named = [(str(level), t(lang, f"me.wakes.{level}")) for level in range(MILDEST, -1, -1)]
    as_usual = t(lang, "me.wakes.usual", wakes=t(lang, f"me.wakes.{usual}"))
    return page(
        request,
        "phone/me_week.html",
        status=status,
        title=t(lang, "me.week.title"),
        form=form,
        errors=errors or {},
        wakes=[("", as_usual), *named],
    )


# -- correcting --------------------------------------------------------------------------------------------


@router.get("/correct")
def ask_correction(request: Request, actor: Volunteer) -> Response:
    """What I may change myself."""
    with db.read(actor) as tx:
        person = queries.person(tx, _mine(tx, actor))
    row = person.row
    typed = {name: [fields.as_text(getattr(row, name, None))] for name in CORRECTED}
    typed |= {"language": [row.lang], "fit": ["yes"] if row.fit else [], "version": [str(row.version)]}
    return _correct(request, Form(typed | {"skills": [claim.skill for claim in person.skills]}))


@router.post("/correct")
def correct(request: Request, actor: Volunteer, form: Sent) -> Response:
    """Keeps it."""

    def deed(tx: db.Tx, row: Row) -> None:
        changes = {name: form.text(name, 300) for name in CORRECTED} | {"fit": form.flag("fit")}
        own.correct(tx, row.id, form.whole("version"), changes)
        own.claim_exactly(tx, row, set(form.many("skills")))

    return _do(request, actor, "correct", deed, lambda *said: _correct(request, form, *said))


def _correct(
    request: Request, form: Form, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    lang = language_of(request)
    return page(
        request,
        "phone/me_correct.html",
        status=status,
        title=t(lang, "me.correct.title"),
        form=form,
        errors=errors or {},
        groups=skill_groups(lang),
        modes=[(mode.value, t(lang, f"volunteers.travel_mode.{mode.value}")) for mode in TravelMode],
    )


# -- standing ----------------------------------------------------------------------------------------------


@router.post("/pause")
def pause(request: Request, actor: Volunteer, form: Sent) -> Response:
    """No callouts until a day, or until I resume."""

    def deed(tx: db.Tx, row: Row) -> None:
        day = form.text("until", 10)
        try:
            until = fields.day(day) if day else None
        except Wrong as error:
            raise Malformed(error.code) from None
        standing.pause(tx, row, until)

    return _do(request, actor, "pause", deed, lambda *said: _show(request, actor, *said))


@router.post("/resume")
def resume(request: Request, actor: Volunteer) -> Response:
    """Ends my pause."""
    return _do(
        request,
        actor,
        "resume",
        lambda tx, row: own.resume(tx, row.id),
        lambda *said: _show(request, actor, *said),
    )


@router.post("/consents/{purpose}")
def change_consent(request: Request, actor: Volunteer, purpose: Purpose, form: Sent) -> Response:
    """Gives a consent, or takes it back."""

    def deed(tx: db.Tx, row: Row) -> None:
        if form.flag("give"):
            consents.give(tx, row.id, [purpose])
        else:
            consents.withdraw(tx, row, purpose)

    return _do(request, actor, "consent", deed, lambda *said: _show(request, actor, *said))


@router.post("/evaluations")
def reply(request: Request, actor: Volunteer, form: Sent) -> Response:
    """My word about what was said of me after a duty."""

    def deed(tx: db.Tx, row: Row) -> None:
        del row
        evaluate.reply(tx, id_in(form, "evaluation"), form.text("words"))

    return _do(request, actor, "reply", deed, lambda *said: _show(request, actor, *said))


# -- erasing -----------------------------------------------------------------------------------------------


@router.get("/erase")
def ask_erase(request: Request, actor: Volunteer) -> Response:
    """What erasing means, and whether I am sure."""
    del actor
    return _erase(request)


@router.post("/erase")
def erase(request: Request, actor: Volunteer, form: Sent) -> Response:
    """Erases me for good."""
    lang = language_of(request)
    if not form.flag("sure"):
        return _erase(request, t(lang, "me.erase.tick"), 422)
    try:
        with db.transaction(actor, "me.erase") as tx:
            assert actor.id is not None
            forget.own(tx, actor.id)
    except HubError as error:
        return _erase(request, t(lang, f"error.{error.code}", **error.params), error.status)
    response = page(request, "public/erased.html", title=t(lang, "me.erased.title"))
    response.delete_cookie(SESSION_COOKIE)
    return response


def _erase(request: Request, error: str = "", status: int = 200) -> Response:
    title = t(language_of(request), "me.erase.title")
    return page(request, "phone/me_erase.html", status=status, title=title, error=error)
