"""Joining in three steps on a phone: a code, who I am and what I can do, done. Plain forms, no script."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.errors import FieldError, HubError, Malformed, NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import join as flow
from volunteer_hub.notify import dispatch
from volunteer_hub.notify.rules import Channel
from volunteer_hub.volunteers import join as column
from volunteer_hub.volunteers import skills
from volunteer_hub.volunteers.rules import HOME_KINDS, Purpose
from volunteer_hub.web import forms
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import PUBLIC, see_other
from volunteer_hub.web.qr import svg
from volunteer_hub.web.render import language_of, page

router = APIRouter(dependencies=[PUBLIC])
_COOKIE: Final = "hub_join"
_FIELDS: Final = ("name", "birthday", "community", "guardian_name", "guardian_phone", "email")


def network_address(request: Request) -> str:
    """Where a request came from, for limits."""
    return request.client.host if request.client else ""


# -- what one reader's browser carries from step to step; nothing of it is believed without its proof --------


def _carried(request: Request) -> dict[str, str]:
    raw = request.cookies.get(_COOKIE, "")
    try:
        held = json.loads(base64.urlsafe_b64decode(raw)) if raw else {}
    except (binascii.Error, ValueError):
        return {}
    return {str(k): str(v) for k, v in held.items()} if isinstance(held, dict) else {}


def _carry(request: Request, response: Response, held: dict[str, str]) -> Response:
    value = base64.urlsafe_b64encode(json.dumps(held).encode()).decode()
    secure = request.url.scheme == "https"
    response.set_cookie(
        _COOKIE, value, max_age=3600, path="/join", httponly=True, samesite="lax", secure=secure
    )
    return response


# -- step 1 ------------------------------------------------------------------------------------------------


@router.get("/join")
def start(request: Request, community: str = "") -> Response:
    """The telephone; a poster's address names the community."""
    return _start(request, Form({"community": [community]}))


@router.post("/join")
def send_code(request: Request, form: Sent) -> Response:
    """Sends the code."""
    phone, email, community = form.text("phone", 40), form.text("email", 254), form.text("community", 60)
    lang = language_of(request)
    try:
        form.check()
        with db.transaction(GUEST, "join.start") as tx:
            sent = flow.start(
                tx, phone, network_address(request), email=email, community=community, lang=lang
            )
    except HubError as error:
        return _start(request, form, forms.words(lang, error), error.status)
    held = {"phone": sent.phone, "email": email, "community": community, "channel": sent.channel.value}
    return _carry(request, see_other("/join/check"), held)


def _start(request: Request, form: Form, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    with db.read(GUEST) as tx:
        node = flow.community_of(tx, form.text("community", 60))
    return page(
        request,
        "public/join.html",
        status=status,
        title=t(language_of(request), "join.title"),
        form=form,
        errors=errors or {},
        community=node,
        needs_email=Channel.SMS not in dispatch.configured(),
    )


# -- step 2 ------------------------------------------------------------------------------------------------


@router.get("/join/check")
def ask_code(request: Request) -> Response:
    """The code."""
    return _check(request)


@router.post("/join/check")
def check_code(request: Request, form: Sent) -> Response:
    """A right code proves the telephone for an hour."""
    held = _carried(request)
    lang = language_of(request)
    try:
        with db.transaction(GUEST, "join.verify") as tx:
            proof = column.verify(tx, held.get("phone", ""), form.text("code", 20))
    except HubError as error:
        return _check(request, forms.words(lang, error).get("", ""), error.status)
    if proof is None:
        return _check(request, t(lang, "error.volunteer.code_wrong"), 422)
    return _carry(request, see_other("/join/details"), held | {"proof": proof})


def _check(request: Request, error: str = "", status: int = 200) -> Response:
    held = _carried(request)
    if not held.get("phone"):
        return see_other("/join")
    title = t(language_of(request), "join.code.title")
    return page(request, "public/join_code.html", status=status, title=title, held=held, error=error)


# -- step 3 ------------------------------------------------------------------------------------------------


@router.get("/join/details")
def ask_details(request: Request) -> Response:
    """Who I am, what I can do, what I agree to."""
    held = _carried(request)
    values = {"community": [held.get("community", "")], "email": [held.get("email", "")]}
    return _details(request, Form(values | {"how": ["member"]}))


@router.post("/join/details")
def apply(request: Request, form: Sent) -> Response:
    """Takes the application, or the light pledge."""
    held = _carried(request)
    lang = language_of(request)
    chosen = form.many("skills")
    pledge = form.text("how", 20) == "pledge"
    person: dict[str, Any] = {name: form.text(name, 300) for name in _FIELDS}
    person |= {"phone": held.get("phone", ""), "language": lang, "skills": ";".join(chosen)}
    try:
        form.check()
        with db.transaction(GUEST, "join.apply") as tx:
            flow.apply(
                tx,
                held.get("proof", ""),
                person,
                [each for each in Purpose if each.value in form.many("consent")],
                guardian_consents=form.flag("guardian_consent"),
                pledge_for=chosen if pledge else (),
            )
            if pledge and not chosen:
                raise Malformed("form", fields=[FieldError("skills", "join.pledge")])
    except HubError as error:
        wrong = forms.words(lang, error)
        if pledge and not chosen:  # told together with what else is wrong
            wrong["skills"] = t(lang, "error.join.pledge")
        return _details(request, form, wrong, error.status)
    response = see_other("/join/done?" + urlencode({"state": "pledged" if pledge else "applied"}))
    response.delete_cookie(_COOKIE, path="/join")
    return response


def _details(
    request: Request, form: Form, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    if not _carried(request).get("proof"):
        return see_other("/join")
    lang = language_of(request)
    with db.read(GUEST) as tx:
        homes = _homes(jurisdictions.everywhere(tx), lang)
    return page(
        request,
        "public/join_details.html",
        status=status,
        title=t(lang, "join.details.title"),
        form=form,
        errors=errors or {},
        homes=homes,
        groups=skill_groups(lang),
        purposes=[(each.value, t(lang, f"volunteers.purpose.{each.value}")) for each in Purpose],
    )


def _homes(nodes: Sequence[Jurisdiction], lang: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(district, [(code, community)]) in the order of the tree."""
    named = {node.path: node for node in nodes}
    groups: dict[str, list[tuple[str, str]]] = {}
    for node in nodes:
        if node.kind.value in HOME_KINDS:
            above = named.get("/".join(node.path.split("/")[:3]) + "/", node)
            groups.setdefault(pick(above.name, lang), []).append((node.code, pick(node.name, lang)))
    return list(groups.items())


def skill_groups(lang: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(group, [(code, skill)]) of what people may tick; what everybody can do is not asked."""
    taxonomy = skills.taxonomy()
    groups: dict[str, list[tuple[str, str]]] = {key: [] for key in taxonomy.groups}
    for code, skill in taxonomy.skills.items():
        if not skill.everyone:
            groups[skill.group].append((code, pick(skill.name, lang)))
    return [(pick(taxonomy.groups[key], lang), found) for key, found in groups.items() if found]


@router.get("/join/done")
def done(request: Request, state: str = "applied") -> Response:
    """What happens next."""
    title = t(language_of(request), "join.done.title")
    return page(request, "public/join_done.html", title=title, pledged=state == "pledged")


# -- the poster --------------------------------------------------------------------------------------------


@router.get("/join/qr.svg")
def qr(community: str = "") -> Response:
    """The page's address as a QR code, for a poster."""
    address = settings().base_url.rstrip("/") + "/join"
    if community:
        with db.read(GUEST) as tx:
            if flow.community_of(tx, community) is None:
                raise NotFound("not_found")
        address += "?" + urlencode({"community": community})
    return svg(address)
