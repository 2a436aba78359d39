"""Signed-in sessions: an opaque cookie outside, its keyed hash inside, read afresh at every request."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, delete, select, update

from volunteer_hub.access import accounts
from volunteer_hub.access.models import Account, LoginSession
from volunteer_hub.access.rules import SESSION_RENEWED_AFTER, AccountState, session_expiry
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx, touched
from volunteer_hub.core.errors import Unauthenticated
from volunteer_hub.core.signing import new_token, token_hash


@dataclass(frozen=True)
class Opened:
    """A session just opened: the cookie's value, known only here, and when it ends if not used."""

    token: str
    actor: Actor
    expires_at: datetime


def open_for_account(tx: Tx, account: Account) -> Opened:
    """A session of an account."""
    return _open(tx, accounts.actor_for(tx, account), account_id=account.id)


def open_for_volunteer(tx: Tx, volunteer_id: int, lang: str = "zh") -> Opened:
    """A session of a volunteer, who acts on nothing but their own rows."""
    return _open(tx, Actor("volunteer", volunteer_id, lang=lang), volunteer_id=volunteer_id)


def _open(tx: Tx, actor: Actor, *, account_id: int | None = None, volunteer_id: int | None = None) -> Opened:
    token = new_token()
    expires = session_expiry(tx.now, tx.now)
    tx.add(
        LoginSession(
            token_hash=token_hash(token),
            account_id=account_id,
            volunteer_id=volunteer_id,
            created_at=tx.now,
            expires_at=expires,
        )
    )
    tx.flush()
    return Opened(token, actor, expires)


def actor_of_session(tx: Tx, token: str) -> Actor:
    """Who the cookie stands for, with the rights held at this moment. Needs a writing transaction.

    Use prolongs the session, with one write per five minutes at most. Raises Unauthenticated when the
    session has ended or its account is shut. A volunteer's name and language are not known here.
    """
    wanted = (
        select(LoginSession, Account)
        .outerjoin(Account, col(Account.id) == col(LoginSession.account_id))
        .where(col(LoginSession.token_hash) == token_hash(token), col(LoginSession.expires_at) > tx.now)
    )
    found = tx.exec(wanted).first()
    if found is None:
        raise Unauthenticated("session.ended")
    session, account = found
    if account is not None and account.state is not AccountState.ACTIVE:
        raise Unauthenticated("session.ended")
    _prolong(tx, session)
    if account is not None:
        return accounts.actor_for(tx, account)
    return Actor("volunteer", session.volunteer_id)


def _prolong(tx: Tx, session: LoginSession) -> None:
    expires = session_expiry(session.created_at, tx.now)
    if expires - session.expires_at >= SESSION_RENEWED_AFTER:
        later = update(LoginSession).where(col(LoginSession.id) == session.id).values(expires_at=expires)
        tx.execute(later)


def close(tx: Tx, token: str) -> None:
    """Signs out; closing twice is no error."""
    tx.execute(delete(LoginSession).where(col(LoginSession.token_hash) == token_hash(token)))


def close_all(tx: Tx, *, account_id: int | None = None, volunteer_id: int | None = None) -> int:
    """Ends every session of one person; the count ended."""
    owner = (
        col(LoginSession.account_id) == account_id
        if account_id is not None
        else col(LoginSession.volunteer_id) == volunteer_id
    )
    ended = tx.execute(delete(LoginSession).where(owner))
    return touched(ended)


def sweep(tx: Tx) -> int:
    """Removes sessions that have ended; the count removed."""
    ended = tx.execute(delete(LoginSession).where(col(LoginSession.expires_at) <= tx.now))
    return touched(ended)
