"""The staff: accounts, their roles in areas, passwords, accounts shut and opened."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import accounts, jurisdictions
from volunteer_hub.access.models import Account
from volunteer_hub.access.rules import LONGEST_PASSWORD, SHORTEST_PASSWORD, Role
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, HubError, Malformed
from volunteer_hub.core.i18n import LANGUAGES, t
from volunteer_hub.core.site import Site
from volunteer_hub.web import forms, nav
from volunteer_hub.web.console.areas import options
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import LANGUAGE_NAMES, language_of, page

router = APIRouter()
ROWS: Final = 100
_LIST: Final = "/accounts"
Reads = Annotated[Actor, allow("account.read")]
Writes = Annotated[Actor, allow("account.write")]
Grants = Annotated[Actor, allow("role.grant")]


@router.get(_LIST)
def listed(request: Request, actor: Reads, cursor: str = "") -> Response:
    """The accounts kept in the actor's areas, with their roles."""
    return _list(request, actor, cursor=cursor)


@router.post(_LIST)
def create(request: Request, actor: Writes, form: Sent) -> Response:
    """A new account, as yet without a role."""
    try:
        with db.transaction(actor, "account.create") as tx:
            made = _create(tx, form).public_id
    except HubError as error:
        if error.bars:
            raise
        return _list(request, actor, error, form)
    return see_other(f"{_LIST}/{made}")


@router.get("/accounts/{id:uuid}")
def one(request: Request, actor: Reads, id: uuid.UUID) -> Response:
    """One account."""
    return _one(request, actor, id)


@router.post("/accounts/{id:uuid}/roles")
def grant(request: Request, actor: Grants, id: uuid.UUID, form: Sent) -> Response:
    """Gives a role in an area."""

    def deed(tx: Tx, account: Account) -> None:
        accounts.grant(tx, account, _role(form), jurisdictions.by_code(tx, form.text("area", 100)).path)

    return _deed(request, actor, id, form, "role.grant", "account.read", deed)


@router.post("/accounts/{id:uuid}/roles/take")
def revoke(request: Request, actor: Grants, id: uuid.UUID, form: Sent) -> Response:
    """Takes a role away."""

    def deed(tx: Tx, account: Account) -> None:
        accounts.revoke(tx, account, _role(form), jurisdictions.by_code(tx, form.text("area", 100)).path)

    return _deed(request, actor, id, form, "role.revoke", "account.read", deed)


@router.post("/accounts/{id:uuid}/password")
def password(request: Request, actor: Writes, id: uuid.UUID, form: Sent) -> Response:
    """A new password; the account's sessions end."""

    def deed(tx: Tx, account: Account) -> None:
        accounts.set_password(tx, account, form.text("password", LONGEST_PASSWORD))

    return _deed(request, actor, id, form, "account.password", "account.write", deed)


@router.post("/accounts/{id:uuid}/disable")
def disable(request: Request, actor: Writes, id: uuid.UUID, form: Sent) -> Response:
    """Shuts an account."""
    return _deed(request, actor, id, form, "account.disable", "account.write", accounts.disable)


@router.post("/accounts/{id:uuid}/enable")
def enable(request: Request, actor: Writes, id: uuid.UUID, form: Sent) -> Response:
    """Opens a shut account again."""
    return _deed(request, actor, id, form, "account.enable", "account.write", accounts.enable)


def _create(tx: Tx, form: Form) -> Account:
    lang, secret = form.text("lang", 2), form.text("password", LONGEST_PASSWORD)
    area, email, name = form.text("area", 100), form.text("email", 254), form.text("name", 100)
    form.check()
    return accounts.create(
        tx,
        area=jurisdictions.by_code(tx, area).path,
        email=email,
        name=name,
        lang=lang if lang in LANGUAGES else "zh",
        password=secret or None,
    )


def _role(form: Form) -> Role:
    try:
        return Role(form.text("role", 40))
    except ValueError:
        raise Malformed("form", fields=[FieldError("role", "incident.text.missing")]) from None


def _deed(
    request: Request,
    actor: Actor,
    id: uuid.UUID,
    form: Form,
    action: str,
    right: str,
    deed: Callable[[Tx, Account], Any],
) -> Response:
    try:
        with db.transaction(actor, action) as tx:
            account = accounts.find(tx, right, id)
            form.check()
            deed(tx, account)
    except HubError as error:
        if error.bars and error.code != "role.above":
            raise
        return _one(request, actor, id, error, form)
    return see_other(f"{_LIST}/{id}")


def _list(
    request: Request,
    actor: Actor,
    error: HubError | None = None,
    form: Form | None = None,
    cursor: str = "",
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        rows = list(accounts.listed(tx, decode_cursor(cursor or None) or 0, ROWS + 1))
        grants = accounts.grants_of(tx, [row.id for row in rows])
        mine = list(jurisdictions.listed(tx, "account.write")) if actor.may("account.write") else []
        paths = {row.area for row in rows} | {one.area for held in grants.values() for one in held}
        context = nav.console(
            request,
            actor,
            title=t(lang, "accounts.title"),
            zone=policy.load("hub", Site).zone,
            rows=rows[:ROWS],
            grants=grants,
            names=jurisdictions.names(tx, paths),
            next=f"{_LIST}?cursor={encode_cursor(rows[ROWS - 1].id)}" if len(rows) > ROWS else None,
            areas=options(mine, lang),
            languages=list(LANGUAGE_NAMES.items()),
            shortest=SHORTEST_PASSWORD,
            typed={k: v for k, v in form.typed.items() if k != "password"} if form else {},
            errors=forms.words(lang, error) if error else Faults(),
        )
    return page(request, "console/accounts.html", status=error.status if error else 200, **context)


def _one(
    request: Request, actor: Actor, id: uuid.UUID, error: HubError | None = None, form: Form | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        account = accounts.find(tx, "account.read", id)
        held = accounts.grants_of(tx, [account.id])[account.id]
        paths = {account.area, *(grant.area for grant in held)}
        mine = list(jurisdictions.listed(tx, "role.grant")) if actor.may("role.grant") else []
        context = nav.console(
            request,
            actor,
            title=account.name,
            zone=policy.load("hub", Site).zone,
            who=account,
            held=held,
            names=jurisdictions.names(tx, paths),
            codes=jurisdictions.codes(tx, paths),
            areas=options(mine, lang),
            roles=[(role.value, t(lang, f"access.role.{role.value}")) for role in Role],
            shortest=SHORTEST_PASSWORD,
            myself=actor.kind == "account" and actor.id == account.id,
            may=actor.may,
            typed={k: v for k, v in form.typed.items() if k != "password"} if form else {},
            errors=forms.words(lang, error) if error else Faults(),
        )
    return page(request, "console/account.html", status=error.status if error else 200, **context)
