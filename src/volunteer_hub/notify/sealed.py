"""What people wrote to us and were written in words of their own: sealed, each text under a key of its own.

Not under a key of the person: who wrote is often known only later, and a household shares a number. Taking
the words away destroys the key with them, so that no old dump brings them back.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import col, update

from volunteer_hub.core import vault
from volunteer_hub.core.db import Tx
from volunteer_hub.notify.models import InboundText
from volunteer_hub.notify.note_models import Note

Text = InboundText | Note
# Keys of people are above 0, those of codes a little below (flows/codes).
_FIRST: Final[dict[type[Text], int]] = {InboundText: -(1 << 62), Note: -(1 << 61)}


def _keyholder(kind: type[Text], row_id: int) -> int:
    return _FIRST[kind] - row_id


def seal(tx: Tx, row: Text, **facts: str) -> None:
    """Keeps these facts with a row that has its id."""
    row.sealed = vault.seal(tx, _keyholder(type(row), row.id), json.dumps(facts, ensure_ascii=False))
    tx.flush()


def opened(tx: Tx, rows: Sequence[Text]) -> dict[int, dict[str, str]]:
    """Row id -> its facts, none of rows of which they were taken away; in one query. All are of one kind."""
    held = {_keyholder(type(row), row.id): row for row in rows if row.sealed is not None}
    if not held:
        return {}
    texts = vault.unseal_all(tx, {key: row.sealed or "" for key, row in held.items()})
    return {held[key].id: dict(json.loads(words)) for key, words in texts.items()}


def blank(tx: Tx, which: ColumnElement[bool]) -> int:
    """Takes number and words of these texts away for good; how many. That somebody wrote stays."""
    gone = update(InboundText).where(which).values(sealed=None, number_hash=b"")
    ids = tx.execute(gone.returning(col(InboundText.id))).scalars().all()
    forget(tx, InboundText, ids)
    return len(ids)


def forget(tx: Tx, kind: type[Text], ids: Iterable[int]) -> None:
    """Destroys the keys of these rows."""
    vault.forget_all(tx, [_keyholder(kind, row_id) for row_id in ids])
