"""Keys for machines: an account's rights, narrowed to scopes (names of permissions) and to an area."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import col, select

from volunteer_hub.access import accounts
from volunteer_hub.access.models import Account, ApiToken
from volunteer_hub.access.rules import ALL_PERMISSIONS, AccountState
from volunteer_hub.core.actor import Actor, Grant
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Forbidden, Malformed, NotFound, Refused, Unauthenticated
from volunteer_hub.core.signing import new_token, token_hash

PREFIX: Final = "vh_"  # lets scanners of leaked secrets know it


def create(
    tx: Tx,
    account: Account,
    *,
    label: str,
    scopes: Iterable[str],
    area: str,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """A token of one's own account, and its text, which is shown this once.

    Raises Malformed for a scope that does not exist, Refused for one the account does not hold there,
    Forbidden for anybody but the account itself and the system.
    """
    _must_own(tx, account)
    wanted = sorted(set(scopes))
    unknown = [FieldError("scopes", "token.scope", {"scope": s}) for s in wanted if s not in ALL_PERMISSIONS]
    if unknown or not wanted:
        raise Malformed("token.scopes", fields=unknown)
    if not label.strip():
        raise Malformed("token.label", fields=[FieldError("label", "token.label")])
    if expires_at is not None and expires_at <= tx.now:
        raise Malformed("token.expired", fields=[FieldError("expires_at", "token.expired")])
    rights = accounts.actor_for(tx, account)
    lacking = [scope for scope in wanted if not rights.may(scope, area)]
    if lacking:
        raise Refused("token.not_held", scopes=", ".join(lacking))
    clear = PREFIX + new_token()
    token = ApiToken(
        token_hash=token_hash(clear),
        account_id=account.id,
        label=label.strip(),
        scopes=wanted,
        area=area,
        created_at=tx.now,
        expires_at=expires_at,
    )
    tx.add(token)
    tx.flush()
    return token, clear


def listed(tx: Tx, account: Account) -> Sequence[ApiToken]:
    """The account's tokens, the newest first; Forbidden for others' as in `create`."""
    _must_own(tx, account)
    mine = select(ApiToken).where(col(ApiToken.account_id) == account.id)
    return tx.exec(mine.order_by(col(ApiToken.id).desc())).all()


def find(tx: Tx, public_id: UUID) -> ApiToken:
    """A token by its outer id: one's own, or one whose account is in the actor's areas. Raises NotFound."""
    token = tx.exec(select(ApiToken).where(col(ApiToken.public_id) == public_id)).first()
    account = tx.get(Account, token.account_id) if token is not None else None
    if token is None or account is None or not _may_end(tx, account):
        raise NotFound("not_found")
    return token


def revoke(tx: Tx, token: ApiToken) -> None:
    """Ends a token at once; ending it twice changes nothing. Raises NotFound as `find`."""
    account = tx.get_one(Account, token.account_id)
    if not _may_end(tx, account):
        raise NotFound("not_found")
    if token.revoked_at is None:
        token.revoked_at = tx.now
        tx.flush()


def actor_of_token(tx: Tx, clear: str) -> Actor:
    """Who a token stands for: its account's rights of this moment, within its scopes and area.

    Raises Unauthenticated when it is unknown, revoked or expired, or its account is shut.
    """
    wanted = (
        select(ApiToken, Account)
        .join(Account, col(Account.id) == col(ApiToken.account_id))
        .where(col(ApiToken.token_hash) == token_hash(clear), col(ApiToken.revoked_at).is_(None))
    )
    found = tx.exec(wanted).first()
    if found is None:
        raise Unauthenticated("token.invalid")
    token, account = found
    ended = token.expires_at is not None and token.expires_at <= tx.now
    if ended or account.state is not AccountState.ACTIVE:
        raise Unauthenticated("token.invalid")
    rights = accounts.actor_for(tx, account).narrowed(token.scopes)
    return replace(
        rights, kind="token", id=token.id, name=token.label, grants=_within(rights.grants, token.area)
    )


def _within(grants: Iterable[Grant], area: str) -> tuple[Grant, ...]:
    """The part of each grant that lies in the area."""
    return tuple(
        Grant(max(area, grant.area, key=len), grant.permissions)
        for grant in grants
        if area.startswith(grant.area) or grant.area.startswith(area)
    )


def _must_own(tx: Tx, account: Account) -> None:
    # A token may not make tokens: one that leaked would outlive its own end.
    if tx.actor.kind != "system" and not _is_self(tx, account):
        raise Forbidden("token.owner")


def _may_end(tx: Tx, account: Account) -> bool:
    return _is_self(tx, account) or tx.actor.may("account.write", account.area)


def _is_self(tx: Tx, account: Account) -> bool:
    return tx.actor.kind == "account" and tx.actor.id == account.id
