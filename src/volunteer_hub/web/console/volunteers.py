"""The pool: the list with its search, and one person's file."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import evaluations, level
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.errors import FieldError, HubError, Malformed
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.flows import answer_words, forget
from volunteer_hub.flows import join as flow
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.volunteers import fields, queries, registry, skills, standing, week
from volunteer_hub.volunteers.fields import Wrong, hour_text
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.queries import Person, Wanted
from volunteer_hub.volunteers.rules import Status
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/volunteers")
ROWS: Final = 50
TONES: Final = {
    Status.ACTIVE: "ok",
    Status.PLEDGED: "ok",
    Status.APPLIED: "watch",
    Status.PAUSED: "quiet",
    Status.SUSPENDED: "short",
    Status.LEFT: "quiet",
}
Reader = Annotated[Actor, allow("volunteer.read")]
Writer = Annotated[Actor, allow("volunteer.write")]
Approver = Annotated[Actor, allow("volunteer.approve")]


@router.get("")
def listed(
    request: Request,
    actor: Reader,
    search: Annotated[str, Query(max_length=100)] = "",
    status: str = "",
    skill: str = "",
    area: str = "",
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """The people of the actor's areas, or of one by its code, fifty a page."""
    with db.read(actor) as tx:
        within = jurisdictions.within(tx, "volunteer.read", area) if area else None
        found = _found(tx, language_of(request), search, status, skill, within, cursor)
        counts = queries.counts_by_status(tx, within.path if within else None)
    context = nav.console(
        request,
        actor,
        counts=counts,
        skills=sorted(skill_names(language_of(request)).items(), key=lambda pair: pair[1]),
        **found,
    )
    return page(request, "console/volunteers.html", statuses=tuple(counts), **context)


@router.get("/live")
def live(
    request: Request,
    actor: Reader,
    search: Annotated[str, Query(max_length=100)] = "",
    status: str = "",
    skill: str = "",
    area: str = "",
) -> Response:
    """The list alone, while somebody types: whole-pool counts would take longer than it."""
    with db.read(actor) as tx:
        within = jurisdictions.within(tx, "volunteer.read", area) if area else None
        found = _found(tx, language_of(request), search, status, skill, within, None)
    return page(request, "console/volunteers_found.html", **found)


def _found(
    tx: db.Tx,
    lang: str,
    search: str,
    status: str,
    skill: str,
    within: Jurisdiction | None,
    cursor: str | None,
) -> dict[str, Any]:
    state = next((each for each in Status if each.value == status), None)
    area = within.path if within else None
    wanted = Wanted(area=area, status=state, skill=skill or None, search=search or None)
    people = queries.people(tx, wanted, after=decode_cursor(cursor), limit=ROWS + 1)
    asked = {"search": search, "status": status, "skill": skill, "area": within.code if within else ""}
    more = None
    if len(people) > ROWS:
        more = "/volunteers?" + urlencode({**asked, "cursor": encode_cursor(people[ROWS - 1].row.id)})
    named = skill_names(lang)
    return {
        "title": t(lang, "pool.title"),
        "people": [_line(person, named, lang) for person in people[:ROWS]],
        "more": more,
        "asked": asked,
        "within": within,
        "may": {right: tx.actor.may(f"volunteer.{right}") for right in ("import", "export")},
    }


def skill_names(lang: str) -> dict[str, str]:
    """Code -> what a skill is called."""
    return {code: pick(skill.name, lang) for code, skill in skills.taxonomy().skills.items()}


def _line(person: Person, named: dict[str, str], lang: str) -> dict[str, Any]:
    claims = [f"{named.get(claim.skill, claim.skill)} {claim.level}" for claim in person.skills]
    return {
        "name": person.row.name or t(lang, "pool.nameless"),
        "href": f"/volunteers/{person.row.public_id}",
        "community": pick(person.community_name, lang),
        "skills": t(lang, "pool.comma").join(claims[:3]) + (" …" if len(claims) > 3 else ""),
        "tone": TONES[person.row.status],
        "word": t(lang, f"volunteers.status.{person.row.status.value}"),
        "asked": person.row.asked_count,
        "served": person.row.served_minutes,
    }


@router.get("/{id:uuid}")
def one(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """One person's file."""
    return _file(request, actor, id)


def _file(
    request: Request, actor: Actor, id: uuid.UUID, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        person = queries.person(tx, registry.find(tx, "volunteer.read", id))
        answering = answer_words.person(tx, person.row, lang)
        suggested = evaluations.suggestions(tx, person.row.id)
        reached = level.of(tx, person.row.id, person.row.area)
    row, rewards = person.row, policy.load("rewards", Rewards)
    rights = ("write", "approve", "erase")
    context = nav.console(
        request,
        actor,
        person=person,
        answering=answering,
        reached=reached,
        suggested=suggested,
        tone=TONES[row.status],
        errors=errors or {},
        skill_names=(named := skill_names(lang)),
        pledged=t(lang, "pool.comma").join(named.get(code, code) for code in row.pledge_for),
        cells=[[bool(row.availability & week.bit(d, night=n)) for d in range(7)] for n in (False, True)],
        quiet=(hour_text(row.quiet_from), hour_text(row.quiet_until)),
        may={right: actor.may(f"volunteer.{right}", row.area) for right in rights}
        | {"talk": actor.may("duty.write", row.area), "take": actor.may("points.write", row.area)},
        taken_for=[(code, pick(name, lang)) for code, name in rewards.deductions.kinds.items()],
        appeal_days=rewards.deductions.appeal_days,
        key=forms.new_key(),
    )
    zone = policy.load("hub", Site).zone
    title = row.name or t(lang, "pool.nameless")
    return page(request, "console/volunteer.html", zone=zone, status=status, title=title, **context)


def _do(request: Request, actor: Actor, id: uuid.UUID, name: str, deed: Callable[[db.Tx], Any]) -> Response:
    """The deed, and back to the file, with what was wrong when it says no."""
    try:
        with db.transaction(actor, f"volunteer.{name}") as tx:
            deed(tx)
    except HubError as error:
        if error.status in (403, 404):
            raise
        return _file(request, actor, id, forms.words(language_of(request), error), error.status)
    return see_other(f"/volunteers/{id}")


def _locked(tx: db.Tx, id: uuid.UUID) -> Volunteer:
    return registry.find(tx, "volunteer.write", id, lock=True)


@router.post("/{id:uuid}/approve")
def approve(request: Request, actor: Approver, id: uuid.UUID) -> Response:
    """Into the pool; they are welcomed."""
    return _do(request, actor, id, "approve", lambda tx: flow.approve(tx, id))


@router.post("/{id:uuid}/decline")
def decline(request: Request, actor: Approver, id: uuid.UUID, form: Sent) -> Response:
    """Not this time; they are told so."""
    return _do(request, actor, id, "decline", lambda tx: flow.decline(tx, id, _reason(form)))


@router.post("/{id:uuid}/suspend")
def suspend(request: Request, actor: Approver, id: uuid.UUID, form: Sent) -> Response:
    """Out of the pool until resumed."""
    return _do(request, actor, id, "suspend", lambda tx: standing.suspend(tx, id, _reason(form)))


def _reason(form: Form) -> str:
    reason = form.text("reason", 300)
    form.check()
    if not reason:
        raise Malformed("form", fields=[FieldError("reason", "volunteer.required")])
    return reason


@router.post("/{id:uuid}/pause")
def pause(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """No callouts until a day."""
    return _do(
        request, actor, id, "pause", lambda tx: standing.pause(tx, _locked(tx, id), _day(form, "until"))
    )


@router.post("/{id:uuid}/resume")
def resume(request: Request, actor: Writer, id: uuid.UUID) -> Response:
    """Back into the pool."""
    return _do(request, actor, id, "resume", lambda tx: standing.resume(tx, _locked(tx, id)))


@router.post("/{id:uuid}/vouch")
def vouch(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """The staff vouches for a skill at a level."""
    return _do(
        request,
        actor,
        id,
        "vouch",
        lambda tx: skills.vouch(tx, _locked(tx, id), form.text("skill", 60), form.whole("level", 1)),
    )


@router.post("/{id:uuid}/certify")
def certify(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """A paper was shown."""

    def deed(tx: db.Tx) -> None:
        number, issuer = form.text("number", 100) or None, form.text("issuer", 100) or None
        ends = _day(form, "expires_on")
        form.check()
        row = _locked(tx, id)
        skills.certify(tx, row, form.text("skill", 60), number=number, issuer=issuer, expires_on=ends)

    return _do(request, actor, id, "certify", deed)


def _day(form: Form, name: str) -> Any:
    raw = form.text(name, 10)
    try:
        return fields.day(raw) if raw else None
    except Wrong as error:
        raise Malformed("form", fields=[FieldError(name, error.code, error.params)]) from None


@router.post("/{id:uuid}/erase")
def erase(
    request: Request, actor: Annotated[Actor, allow("volunteer.erase")], id: uuid.UUID, form: Sent
) -> Response:
    """Erased for good, when the box was ticked."""
    lang = language_of(request)
    if not form.flag("sure"):
        return _file(request, actor, id, {"sure": t(lang, "me.erase.tick")}, 422)
    try:
        with db.transaction(actor, "volunteer.erase") as tx:
            forget.by_staff(tx, id)
    except HubError as error:
        if error.status in (403, 404):
            raise
        return _file(request, actor, id, forms.words(lang, error), error.status)
    return see_other("/volunteers")
