"""Signing in, by password or by a code sent to a telephone, with limits on wrong tries.

A wrong try is an answer (None), not an error: it must be written down, and an error would undo the writing.
The door answers it with Unauthenticated("login.wrong") after the transaction.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, text
from sqlmodel import col, delete, select, update

from volunteer_hub.access import accounts, passwords, sessions
from volunteer_hub.access.models import LoginAttempt, LoginCode
from volunteer_hub.access.rules import (
    CODE_LIVES,
    CODE_TRIES,
    CODES_PER_SUBJECT,
    LONGEST_PASSWORD,
    TRIES_PER_ADDRESS,
    TRIES_PER_SUBJECT,
    WINDOW,
    AccountState,
    wait,
)
from volunteer_hub.access.sessions import Opened
from volunteer_hub.core.db import Tx, touched
from volunteer_hub.core.errors import TooMany
from volunteer_hub.core.signing import same, short_code, token_hash


@dataclass(frozen=True)
class Issued:
    """A code to be sent, and its row; of the code only a keyed hash is stored."""

    row_id: int
    code: str
    expires_at: datetime


def by_password(tx: Tx, email: str, password: str, address: str) -> Opened | None:
    """A session for the right password, None for a wrong one or an unknown e-mail: both look the same.

    ``address`` is the network address it came from. Raises TooMany after five wrong tries in 15 minutes for
    one e-mail, or twenty from one address, even when this one is right.
    """
    subject, origin = token_hash(f"email:{email.strip().lower()}"), _origin(address)
    _one_at_a_time(tx, subject)
    _must_be_allowed(tx, subject, TRIES_PER_SUBJECT)
    _must_be_allowed(tx, origin, TRIES_PER_ADDRESS)
    account = accounts.by_email(tx, email)
    stored = account.password_hash if account is not None else None
    right = passwords.fits(password[: LONGEST_PASSWORD + 1], stored)
    if account is None or not right or account.state is not AccountState.ACTIVE:
        _write_down(tx, subject, origin)
        return None
    tx.execute(delete(LoginAttempt).where(col(LoginAttempt.subject_hash) == subject))
    return sessions.open_for_account(tx, account)


def issue_code(tx: Tx, phone: str, volunteer_id: int | None, address: str) -> Issued | None:
    """A six-digit code for a telephone, to be sent to it; None, with the same bookkeeping, for nobody's.

    ``phone`` is in international form. An earlier code stops working. Raises TooMany after three codes in
    15 minutes for one telephone, or twenty tries from one address.
    """
    subject, origin = token_hash(f"code:{phone}"), _origin(address)
    _one_at_a_time(tx, subject)
    _must_be_allowed(tx, subject, CODES_PER_SUBJECT)
    _must_be_allowed(tx, origin, TRIES_PER_ADDRESS)
    _write_down(tx, subject, origin)
    tx.execute(delete(LoginCode).where(col(LoginCode.subject_hash) == subject))
    code = short_code()
    if volunteer_id is None:
        return None
    row = LoginCode(
        subject_hash=subject,
        volunteer_id=volunteer_id,
        code_hash=_code_hash(subject, code),
        expires_at=tx.now + CODE_LIVES,
    )
    tx.add(row)
    tx.flush()
    return Issued(row.id, code, row.expires_at)


def by_code(tx: Tx, phone: str, code: str, address: str) -> Opened | None:
    """A session for the right code, which is then spent; None for a wrong, old or unknown one.

    Five wrong tries spend the code. Raises TooMany after twenty tries from one address.
    """
    subject, origin = token_hash(f"code:{phone}"), _origin(address)
    _must_be_allowed(tx, origin, TRIES_PER_ADDRESS)
    counted = (
        update(LoginCode)
        .where(
            col(LoginCode.subject_hash) == subject,
            col(LoginCode.expires_at) > tx.now,
            col(LoginCode.tries) < CODE_TRIES,
        )
        .values(tries=col(LoginCode.tries) + 1)
        .returning(col(LoginCode.code_hash), col(LoginCode.volunteer_id))
    )
    row = tx.execute(counted).first()
    if row is None or not same(row.code_hash, _code_hash(subject, code.strip())):
        _write_down(tx, origin)
        return None
    tx.execute(delete(LoginCode).where(col(LoginCode.subject_hash) == subject))
    return sessions.open_for_volunteer(tx, row.volunteer_id)


def count_try(tx: Tx, address: str, *, of: str = "", allowed: int = TRIES_PER_ADDRESS) -> None:
    """Counts something costly asked by a guest, such as a code; what is counted apart says what it is ``of``.

    Raises TooMany after so many from one network address in 15 minutes.
    """
    origin = token_hash(f"{of}:{_origin(address).hex()}") if of else _origin(address)
    _must_be_allowed(tx, origin, allowed)
    _write_down(tx, origin)


def forget(tx: Tx, volunteer_id: int) -> None:
    """Ends the codes and the sessions of somebody who is forgotten."""
    tx.execute(delete(LoginCode).where(col(LoginCode.volunteer_id) == volunteer_id))
    sessions.close_all(tx, volunteer_id=volunteer_id)


def sweep(tx: Tx) -> int:
    """Removes tries and codes that no limit looks at any more; the count removed."""
    tries = tx.execute(delete(LoginAttempt).where(col(LoginAttempt.at) <= tx.now - WINDOW))
    codes = tx.execute(delete(LoginCode).where(col(LoginCode.expires_at) <= tx.now))
    return touched(tries) + touched(codes)


def _code_hash(subject: bytes, code: str) -> bytes:
    return token_hash(f"{subject.hex()}:{code}")


def _origin(address: str) -> bytes:
    """The keyed hash of where a try came from. One household or server holds a whole IPv6 /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return token_hash(f"address:{address}")
    if parsed.version == 6:
        mapped = parsed.ipv4_mapped
        parsed = mapped or ipaddress.ip_network((parsed, 64), strict=False).network_address
    return token_hash(f"address:{parsed}")


def _one_at_a_time(tx: Tx, subject: bytes) -> None:
    """Two tries for one person in one instant would both be counted too late."""
    key = int.from_bytes(subject[:8], signed=True)
    if not tx.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}).scalar_one():
        raise TooMany("login.too_many", retry_after=1)


def _must_be_allowed(tx: Tx, subject: bytes, allowed: int) -> None:
    counted = select(func.count(), func.min(col(LoginAttempt.at))).where(
        col(LoginAttempt.subject_hash) == subject, col(LoginAttempt.at) > tx.now - WINDOW
    )
    attempts, first = tx.exec(counted).one()
    seconds = wait(attempts, first, allowed, tx.now)
    if seconds:
        raise TooMany("login.too_many", retry_after=seconds)


def _write_down(tx: Tx, *subjects: bytes) -> None:
    tx.add_all([LoginAttempt(subject_hash=subject, at=tx.now) for subject in subjects])
    tx.flush()
