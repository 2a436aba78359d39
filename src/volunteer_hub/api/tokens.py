"""/tokens: keys for machines, each no more than its account may."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from volunteer_hub.access import accounts, jurisdictions, tokens
from volunteer_hub.access.models import Account, ApiToken
from volunteer_hub.api.guard import SignedIn
from volunteer_hub.api.jurisdictions import Code
from volunteer_hub.api.pages import In, Out, Page
from volunteer_hub.core import db

router = APIRouter(prefix="/tokens", tags=["tokens"])


class TokenOut(Out):
    """A key, without its text."""

    id: uuid.UUID
    label: str
    scopes: list[str]
    area: str = Field(description="code of the area it is narrowed to")
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class NewToken(TokenOut):
    """A new key with its text, which is shown this once."""

    token: str


class TokenIn(In):
    """A key to be made for one's own account; scopes are names of permissions."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"label": "weather service", "scopes": ["alert.write"], "area": "2306"}]
        }
    }
    label: str = Field(min_length=1, max_length=100)
    scopes: Annotated[list[str], Field(min_length=1, max_length=100)]
    area: Code
    expires_at: AwareDatetime | None = None


def _view(tx: db.Tx, token: ApiToken) -> TokenOut:
    same = set(TokenOut.model_fields) - {"id", "area"}
    code = jurisdictions.by_path(tx, token.area).code
    return TokenOut(id=token.public_id, area=code, **token.model_dump(include=same))


def _own(tx: db.Tx) -> Account:
    return accounts.own(tx)


@router.get("")
def listed(actor: SignedIn) -> Page[TokenOut]:
    """My tokens, the newest first."""
    with db.read(actor) as tx:
        return Page(items=[_view(tx, token) for token in tokens.listed(tx, _own(tx))])


@router.post("", status_code=201)
def create(actor: SignedIn, body: TokenIn) -> NewToken:
    """A new token. There is no idempotency key here: its text must not be kept."""
    with db.transaction(actor, "token.create") as tx:
        area = jurisdictions.by_code(tx, body.area).path
        token, clear = tokens.create(tx, _own(tx), area=area, **body.model_dump(exclude={"area"}))
        return NewToken(**_view(tx, token).model_dump(), token=clear)


@router.delete("/{id}", status_code=204, response_class=Response)
def revoke(actor: SignedIn, id: uuid.UUID) -> None:
    """Ends a token at once."""
    with db.transaction(actor, "token.revoke") as tx:
        tokens.revoke(tx, tokens.find(tx, id))
