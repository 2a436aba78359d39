"""Personal values that an append-only trail must show: sealed under a key per person.

Forgetting a person destroys the key, and what was sealed under it is noise from then on. Keys live in a
schema of their own, which dumps leave out: an old dump cannot bring a forgotten person back.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel, col, delete, select

from volunteer_hub.core import bulk
from volunteer_hub.core.columns import blob
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import settings

SCHEMA = "vault"


class PersonKey(SQLModel, table=True):
    """One person's key, itself sealed under HUB_SECRET_KEY."""

    __tablename__ = "person_keys"
    __table_args__ = {"schema": SCHEMA}
    subject: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    wrapped: bytes = blob()


def _wrapping() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"vault:" + settings().secret()).digest()))


def _key(tx: Tx, subject: int, *, create: bool) -> Fernet | None:
    row = tx.get(PersonKey, subject)
    if row is None:
        if not create:
            return None
        row = PersonKey(subject=subject, wrapped=_wrapping().encrypt(Fernet.generate_key()))
        tx.add(row)
    return Fernet(_wrapping().decrypt(row.wrapped))


def seal(tx: Tx, subject: int, text: str) -> str:
    """The text under the person's key, which is made when there is none."""
    return sealer(tx, subject)(text)


def sealer(tx: Tx, subject: int) -> Callable[[str], str]:
    """Seals texts of one person, whose key is read once, and made when there is none."""
    key = _key(tx, subject, create=True)
    assert key is not None
    return lambda text: key.encrypt(text.encode()).decode("ascii")


def unseal(tx: Tx, subject: int, sealed: str) -> str | None:
    """The text again, or None when the person was forgotten."""
    key = _key(tx, subject, create=False)
    if key is None:
        return None
    try:
        return key.decrypt(sealed.encode("ascii")).decode()
    except InvalidToken:
        return None


def unseal_all(tx: Tx, sealed: Mapping[int, str]) -> dict[int, str]:
    """Subject -> its text again, in one query; those that were forgotten are left out."""
    wanted = select(PersonKey).where(bulk.among(col(PersonKey.subject), list(sealed)))
    texts = {}
    for row in tx.exec(wanted):
        with suppress(InvalidToken):
            key = Fernet(_wrapping().decrypt(row.wrapped))
            texts[row.subject] = key.decrypt(sealed[row.subject].encode("ascii")).decode()
    return texts


def seal_here(text: str) -> str:
    """The text under the installation's own key: what must not be read from a dump, and is blanked as a whole
    when it goes."""
    return _wrapping().encrypt(text.encode()).decode("ascii")


def unseal_here(sealed: str) -> str | None:
    """The text again; None for what was not sealed here."""
    try:
        return _wrapping().decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def forget(tx: Tx, subject: int) -> None:
    """Destroys the person's key."""
    row = tx.get(PersonKey, subject)
    if row is not None:
        tx.delete(row)
        tx.flush()


def forget_all(tx: Tx, subjects: Iterable[int]) -> None:
    """Destroys these keys."""
    tx.execute(delete(PersonKey).where(bulk.among(col(PersonKey.subject), list(subjects))))
