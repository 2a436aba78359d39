"""Words that somebody wrote to people in a text of their own: kept sealed, read, taken away."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, Text, case, cast
from sqlmodel import col, select, update

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.notify import sealed
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.note_models import Note
from volunteer_hub.notify.rules import Subject

PURPOSE: Final = "note"
IN_PARAMS: Final = "note"
"""In a message's facts: the id of the note it carries."""
LONGEST: Final = 500
_SHOWN: Final = 10


def check(words: str) -> str:
    """The words as they are sent. Raises Malformed for none, and for more than a text message bears."""
    plain = " ".join(words.split())
    if not plain:
        raise Malformed("form", fields=[FieldError("words", "note.empty")])
    if len(plain) > LONGEST:
        raise Malformed("form", fields=[FieldError("words", "note.too_long", {"longest": LONGEST})])
    return plain


def write(tx: Tx, note: Note, words: str) -> Note:
    """Keeps a note with its words."""
    tx.add(note)
    tx.flush()
    sealed.seal(tx, note, words=words)
    return note


def read(tx: Tx, notes: Sequence[Note]) -> dict[int, str]:
    """Id of a note -> its words, in one query; none of those of which they were taken away."""
    return {key: facts["words"] for key, facts in sealed.opened(tx, notes).items()}


def words_of(tx: Tx, messages: Collection[Message]) -> dict[int, str]:
    """Id of a note -> its words, of the notes that these messages carry; in two queries."""
    ids = {m.params[IN_PARAMS] for m in messages if m.purpose == PURPOSE and IN_PARAMS in m.params}
    return read(tx, tx.exec(select(Note).where(col(Note.id).in_(ids))).all()) if ids else {}


def told(tx: Tx, subject: Subject, subject_id: int) -> list[tuple[Note, str]]:
    """What was written to somebody about an offer, or to them alone, the newest first."""
    carried = select(col(Message.params)[IN_PARAMS].as_integer()).where(
        col(Message.subject_kind) == subject,
        col(Message.subject_id) == subject_id,
        col(Message.purpose) == PURPOSE,
    )
    wanted = select(Note).where(col(Note.id).in_(carried), col(Note.sealed).is_not(None))
    rows = tx.exec(wanted.order_by(col(Note.id).desc()).limit(_SHOWN)).all()
    words = read(tx, rows)
    return [(row, words[row.id]) for row in rows if row.id in words]


def to_one(tx: Tx, volunteer_id: int) -> Sequence[Note]:
    """All that was written to somebody, alone or among others, the first first."""
    carried = select(col(Message.params)[IN_PARAMS].as_integer()).where(
        col(Message.volunteer_id) == volunteer_id, col(Message.purpose) == PURPOSE
    )
    mine = (col(Note.volunteer_id) == volunteer_id) | col(Note.id).in_(carried)
    return tx.exec(select(Note).where(mine, col(Note.sealed).is_not(None)).order_by(col(Note.id))).all()


def move(tx: Tx, keep: int, drop: int) -> None:
    """What was written to the second of two people was written to the first: they are one."""
    tx.execute(update(Note).where(col(Note.volunteer_id) == drop).values(volunteer_id=keep))
    carrying = (col(Message.volunteer_id) == drop) & (col(Message.purpose) == PURPOSE)
    alone = col(Message.subject_kind) == Subject.VOLUNTEER
    subject = case((alone, keep), else_=col(Message.subject_id))
    tx.execute(update(Message).where(carrying).values(volunteer_id=keep, subject_id=subject))


def of_incident(tx: Tx, incident_id: int, *, before: int | None = None, limit: int = 50) -> Sequence[Note]:
    """What was written to the people of an incident, the newest first, below the id ``before``."""
    wanted = select(Note).where(
        col(Note.incident_id) == incident_id,
        col(Note.volunteer_id).is_(None),
        tx.actor.scope("note.send", Note.area),
    )
    if before is not None:
        wanted = wanted.where(col(Note.id) < before)
    return tx.exec(wanted.order_by(col(Note.id).desc()).limit(limit)).all()


def forget(tx: Tx, volunteer_id: int) -> None:
    """Takes away every word that was written to somebody alone, and what ties them to words for others."""
    _blank(tx, col(Note.volunteer_id) == volunteer_id)
    theirs = (col(Message.volunteer_id) == volunteer_id) & (col(Message.purpose) == PURPOSE)
    tx.execute(
        update(Message).where(theirs).values(params=col(Message.params).op("-")(cast(IN_PARAMS, Text)))
    )


def blank_older_than(tx: Tx, age: timedelta) -> int:
    """Takes away the words of notes older than ``age``; how many."""
    return _blank(tx, (col(Note.at) < tx.now - age) & col(Note.sealed).is_not(None))


def _blank(tx: Tx, which: ColumnElement[bool]) -> int:
    gone = update(Note).where(which).values(sealed=None).returning(col(Note.id))
    ids = tx.execute(gone).scalars().all()
    sealed.forget(tx, Note, ids)
    return len(ids)
