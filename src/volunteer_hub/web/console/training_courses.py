"""The courses there are: what each teaches and gives; those of the staff's own are made and changed here."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.training import courses
from volunteer_hub.training.models import OwnCourse
from volunteer_hub.volunteers import skills
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, language_of, page

router = APIRouter(prefix="/training/courses")
Reader = Annotated[Actor, allow("training.read")]
Writer = Annotated[Actor, allow("training.write")]
_NUMBERS: Final = ("level", "valid_months", "points")


@router.get("")
def listed(request: Request, actor: Reader) -> Response:
    """Every course."""
    lang = language_of(request)
    with db.read(actor) as tx:
        found = courses.for_staff(tx)
        names = jurisdictions.names(tx, [one.own.area for one in found.values() if one.own is not None])
        context = nav.console(
            request,
            actor,
            title=t(lang, "training.courses"),
            offered=list(found.values()),
            names=names,
            skills=_skills(lang),
            may=actor.may,
        )
    return page(request, "console/training_courses.html", **context)


@router.get("/new")
def new(request: Request, actor: Writer) -> Response:
    """The form of a course of our own."""
    return _form(request, actor, None, {"level": "1", "valid_months": "24", "points": "20"})


@router.post("/new")
def create(request: Request, actor: Writer, form: Sent) -> Response:
    """Adds it."""
    try:
        with db.transaction(actor, "training.course") as tx:
            area = jurisdictions.by_code(tx, form.text("area", 100)).path
            code = form.text("code", 100)
            path = form.once(
                tx,
                "/training/courses/new",
                lambda: f"/training/courses/{courses.add(tx, area, code, _body(form)).code}",
            )
    except HubError as error:
        if error.bars:
            raise
        return _form(request, actor, None, form.typed, error)
    return see_other(path)


@router.get("/{code}")
def show(request: Request, actor: Reader, code: str) -> Response:
    """One course."""
    return _show(request, actor, code)


@router.get("/{code}/edit")
def edit(request: Request, actor: Writer, code: str) -> Response:
    """The form of a course of our own."""
    with db.read(actor) as tx:
        row = _own(tx, actor, code)
        return _form(request, actor, code, _stored(row))


@router.post("/{code}/edit")
def change(request: Request, actor: Writer, code: str, form: Sent) -> Response:
    """Keeps it."""
    try:
        with db.transaction(actor, "training.course") as tx:
            row = _own(tx, actor, code)
            body = row.body | _body(form)
            courses.change(tx, row, form.whole("version"), body)
    except HubError as error:
        if error.bars:
            raise
        return _form(request, actor, code, form.typed, error)
    return see_other(f"/training/courses/{code}")


@router.post("/{code}/end")
def end(request: Request, actor: Writer, code: str, form: Sent) -> Response:
    """It is offered no more."""
    try:
        with db.transaction(actor, "training.course_end") as tx:
            courses.end(tx, _own(tx, actor, code), form.whole("version"))
    except HubError as error:
        if error.bars:
            raise
        return _show(request, actor, code, error)
    return see_other(f"/training/courses/{code}")


def _own(tx: Tx, actor: Actor, code: str) -> OwnCourse:
    """The row of a course of ours inside the actor's areas. Raises NotFound."""
    found = courses.one(tx, code)
    if found.own is None or not actor.may("training.write", found.own.area):
        raise NotFound("not_found")
    return found.own


def _show(request: Request, actor: Actor, code: str, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        found = courses.for_staff(tx)
        if code not in found:
            raise NotFound("not_found")
        offered = found[code]
        context = nav.console(
            request,
            actor,
            title=pick(offered.name, lang),
            offered=offered,
            skill=_skills(lang).get(offered.course.skill or "", ""),
            requires=[pick(found[one].name, lang) for one in offered.course.requires if one in found],
            mine=offered.own is not None and actor.may("training.write", offered.own.area),
            may=actor.may,
            error=t(lang, f"error.{error.code}", **error.params) if error is not None else "",
        )
    return page(request, "console/training_course.html", status=error.status if error else 200, **context)


def _form(
    request: Request, actor: Actor, code: str | None, typed: dict[str, str], error: HubError | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        areas = jurisdictions.listed(tx, "training.write")
        known = courses.for_staff(tx)
        context = nav.console(
            request,
            actor,
            title=t(lang, "training.course.edit" if code else "training.course.new"),
            code=code,
            typed=typed,
            errors=forms.words(lang, error) if error is not None else Faults(),
            areas=[(node.code, "　" * (node.path.count("/") - 2) + pick(node.name, lang)) for node in areas],
            skills=[("", t(lang, "training.course.no_skill")), *_skills(lang).items()],
            levels=[(str(n), t(lang, "pool.level", level=n)) for n in (1, 2, 3)],
            others=[("", "–")] + [(o.code, pick(o.name, lang)) for o in known.values() if o.code != code],
            key=forms.new_key(),
        )
    return page(
        request, "console/training_course_form.html", status=error.status if error else 200, **context
    )


def _body(form: Form) -> dict[str, Any]:
    """The course as typed; what is written in one language stands for both."""
    name, words = form.text("name", 200), form.text("material", 4_000)
    outline = [_both(line.strip()) for line in form.text("outline").splitlines() if line.strip()]
    items = [line.strip() for line in form.text("checklist").splitlines() if line.strip()]
    url = form.text("url", 500)
    numbers = {each: form.whole(each) for each in _NUMBERS}
    requires = [form.text("requires", 100)] if form.text("requires", 100) else []
    form.check()
    material = {"name": _both(form.text("material_name", 200) or name), "url": url}
    if words:
        material["text"] = _both(words)
    return {
        "name": _both(name),
        "outline": outline,
        "requires": requires,
        "skill": form.text("skill", 100) or None,
        "mandatory": form.flag("mandatory"),
        "checklist": [{"code": f"i{n}", "text": _both(item)} for n, item in enumerate(items, 1)],
        "materials": [material] if url or words else [],
        **numbers,
    }


def _stored(row: OwnCourse) -> dict[str, str]:
    """What the form starts with."""
    body = row.body
    material: dict[str, Any] = next(iter(body["materials"]), {})
    return {
        "name": body["name"]["en"],
        "outline": "\n".join(line["en"] for line in body["outline"]),
        "checklist": "\n".join(item["text"]["en"] for item in body.get("checklist", ())),
        "requires": next(iter(body["requires"]), ""),
        "skill": body["skill"] or "",
        "mandatory": "yes" if body["mandatory"] else "",
        "material_name": material.get("name", {}).get("en", ""),
        "url": material.get("url", ""),
        "material": (material.get("text") or {}).get("en", ""),
        "version": str(row.version),
        **{each: str(body[each]) for each in _NUMBERS},
    }


def _both(words: str) -> dict[str, str]:
    return {"en": words, "zh": words}


def _skills(lang: Lang) -> dict[str, str]:
    return {
        code: pick(skill.name, lang) for code, skill in skills.taxonomy().skills.items() if not skill.everyone
    }
