"""A file of people that was previewed and waits for the word to take it in: one an account, for a day."""

import uuid
from datetime import timedelta
from typing import Final

from sqlmodel import col, delete, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Forbidden, NotFound
from volunteer_hub.volunteers.models import ImportFile

KEPT: Final = timedelta(days=1)


def keep(tx: Tx, name: str, content: bytes, datum: str = "wgs84") -> ImportFile:
    """Keeps a file for the acting account; the one before goes. Raises Forbidden for all but staff."""
    owner = _owner(tx)
    tx.execute(delete(ImportFile).where(col(ImportFile.account_id) == owner))
    row = ImportFile(account_id=owner, name=name[:200], datum=datum, content=content, created_at=tx.now)
    tx.add(row)
    tx.flush()
    return row


def find(tx: Tx, public_id: uuid.UUID) -> ImportFile:
    """The acting account's file. Raises NotFound when it was taken in, replaced, or a day has passed."""
    mine = select(ImportFile).where(
        col(ImportFile.public_id) == public_id,
        col(ImportFile.account_id) == _owner(tx),
        col(ImportFile.created_at) > tx.now - KEPT,
    )
    row = tx.exec(mine).first()
    if row is None:
        raise NotFound("import.file_gone")
    return row


def drop(tx: Tx, row: ImportFile) -> None:
    """The file is not needed any more."""
    tx.delete(row)
    tx.flush()


def sweep(tx: Tx) -> int:
    """Removes files kept for longer than a day; the count removed."""
    old = delete(ImportFile).where(col(ImportFile.created_at) <= tx.now - KEPT)
    return int(tx.exec(old).rowcount)


def _owner(tx: Tx) -> int:
    if tx.actor.kind != "account" or tx.actor.id is None:
        raise Forbidden("forbidden", permission="volunteer.import")
    return tx.actor.id
