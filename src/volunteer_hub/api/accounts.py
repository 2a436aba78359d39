"""/accounts: the staff and their roles."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from volunteer_hub.access import accounts, jurisdictions
from volunteer_hub.access.models import Account
from volunteer_hub.access.rules import LONGEST_PASSWORD, AccountState, Role
from volunteer_hub.api.guard import SignedIn, allow
from volunteer_hub.api.jurisdictions import Code
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, page
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor

router = APIRouter(prefix="/accounts", tags=["accounts"])
Writer = Annotated[Actor, allow("account.write")]
Granter = Annotated[Actor, allow("role.grant")]


class RoleOut(Out):
    """A role in an area and everything below it."""

    role: Role
    area: str = Field(description="code of the area")


class AccountOut(Out):
    """Somebody on the staff; passwords are never shown."""

    id: uuid.UUID
    area: str = Field(description="code of the area that keeps the account")
    email: str
    name: str
    lang: str
    state: AccountState
    roles: list[RoleOut]
    created_at: datetime


class AccountIn(In):
    """A new account, as yet without a role."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"area": "230602", "email": "mei@example.org", "name": "Mei Chen", "lang": "zh"}]
        }
    }
    area: Code
    email: str = Field(max_length=254)
    name: str = Field(min_length=1, max_length=100)
    lang: Literal["en", "zh"] = "zh"
    password: str | None = Field(None, max_length=LONGEST_PASSWORD)


class RoleIn(In):
    """A role to be given."""

    model_config = {"json_schema_extra": {"examples": [{"role": "coordinator", "area": "230602"}]}}
    role: Role
    area: Code


class PasswordIn(In):
    """A new password."""

    password: str = Field(max_length=LONGEST_PASSWORD)


def _views(tx: db.Tx, rows: list[Account]) -> dict[int, AccountOut]:
    grants = accounts.grants_of(tx, [row.id for row in rows])
    paths = {row.area for row in rows} | {grant.area for held in grants.values() for grant in held}
    codes = jurisdictions.codes(tx, paths)
    same = {"email", "name", "lang", "state", "created_at"}
    return {
        row.id: AccountOut(
            id=row.public_id,
            area=codes[row.area],
            roles=[RoleOut(role=grant.role, area=codes[grant.area]) for grant in grants[row.id]],
            **row.model_dump(include=same),
        )
        for row in rows
    }


def _shown(tx: db.Tx, row: Account) -> AccountOut:
    return _views(tx, [row])[row.id]


@router.get("")
def listed(
    actor: Annotated[Actor, allow("account.read")], limit: Limit = 50, cursor: Cursor = None
) -> Page[AccountOut]:
    """The accounts kept in the actor's areas."""
    with db.read(actor) as tx:
        rows = list(accounts.listed(tx, decode_cursor(cursor) or 0, limit + 1))
        views = _views(tx, rows)
        return page(rows, limit, lambda row: views[row.id], lambda row: int(row.id))


@router.post("", status_code=201)
def create(actor: Writer, body: AccountIn) -> AccountOut:
    """A new account. A repeat is refused, because the e-mail is known then."""
    with db.transaction(actor, "account.create") as tx:
        area = jurisdictions.by_code(tx, body.area).path
        return _shown(tx, accounts.create(tx, area=area, **body.model_dump(exclude={"area"})))


@router.get("/{id}")
def one(actor: Annotated[Actor, allow("account.read")], id: uuid.UUID) -> AccountOut:
    """One account with its roles."""
    with db.read(actor) as tx:
        return _shown(tx, accounts.find(tx, "account.read", id))


@router.post("/{id}/roles", status_code=201, response_model=AccountOut)
def grant(actor: Granter, id: uuid.UUID, body: RoleIn, once: OnceOnly) -> JSONResponse:
    """Gives a role: nobody gives a right that they do not hold there."""

    def deed(tx: db.Tx) -> AccountOut:
        account = accounts.find(tx, "account.read", id)
        accounts.grant(tx, account, body.role, jurisdictions.by_code(tx, body.area).path)
        return _shown(tx, account)

    with db.transaction(actor, "role.grant") as tx:
        return once.run(tx, lambda: deed(tx), 201)


@router.delete("/{id}/roles/{role}", status_code=204, response_class=Response)
def revoke(actor: Granter, id: uuid.UUID, role: Role, area: Code) -> None:
    """Takes a role away; the very next request finds it gone."""
    with db.transaction(actor, "role.revoke") as tx:
        account = accounts.find(tx, "account.read", id)
        accounts.revoke(tx, account, role, jurisdictions.by_code(tx, area).path)


@router.put("/{id}/password", status_code=204, response_class=Response)
def password(actor: SignedIn, id: uuid.UUID, body: PasswordIn) -> None:
    """A new password, one's own or that of an account one may keep; its sessions end."""
    with db.transaction(actor, "account.password") as tx:
        accounts.set_password(tx, accounts.find_or_self(tx, "account.write", id), body.password)


@router.post("/{id}/disable", response_model=AccountOut)
def disable(actor: Writer, id: uuid.UUID, once: OnceOnly) -> JSONResponse:
    """Shuts an account: sessions end, tokens stop working."""
    with db.transaction(actor, "account.disable") as tx:
        return once.run(tx, lambda: _after(tx, id, accounts.disable))


@router.post("/{id}/enable", response_model=AccountOut)
def enable(actor: Writer, id: uuid.UUID, once: OnceOnly) -> JSONResponse:
    """Opens a shut account again."""
    with db.transaction(actor, "account.enable") as tx:
        return once.run(tx, lambda: _after(tx, id, accounts.enable))


def _after(tx: db.Tx, id: uuid.UUID, deed: Callable[[db.Tx, Account], None]) -> AccountOut:
    account = accounts.find(tx, "account.write", id)
    deed(tx, account)
    return _shown(tx, account)
