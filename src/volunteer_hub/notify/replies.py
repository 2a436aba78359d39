"""What people write back by text message: the letters of their questions, the texts, and who reads which."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, func, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlmodel import col, select, update

from volunteer_hub.core import bulk
from volunteer_hub.core.db import Tx, touched
from volunteer_hub.core.errors import Gone, NotFound, Refused
from volunteer_hub.core.i18n import t
from volunteer_hub.notify import reply_rules, sealed
from volunteer_hub.notify.models import InboundText, ReplyLetter
from volunteer_hub.notify.reply_rules import Handled

RIGHT: Final = "duty.write"
"""Who may read what people wrote, and answer for them."""
OFFERS: Final = "offers"
"""In ``told_params``: the questions that our answer was about."""
_LEASE: Final = timedelta(minutes=5)


def give_letters(tx: Tx, asked: Mapping[int, int]) -> None:
    """Gives each of these questions (offer id -> volunteer id) that has none the next letter of its person.

    Where another sender takes a letter first, the database makes us wait, skips ours, and the next round
    finds the one after it.
    """
    left = dict(sorted(asked.items()))
    while left:
        for offer_id in _numbers(tx, left):
            del left[offer_id]
        if left:
            _give(tx, left)


def _numbers(tx: Tx, offer_ids: Iterable[int]) -> dict[int, int]:
    wanted = select(ReplyLetter.offer_id, ReplyLetter.number)
    return dict(tx.exec(wanted.where(bulk.among(col(ReplyLetter.offer_id), list(offer_ids)))).all())


def _give(tx: Tx, asked: Mapping[int, int]) -> None:
    given = (
        func.unnest(literal(list(asked), ARRAY(BigInteger)), literal(list(asked.values()), ARRAY(BigInteger)))
        .table_valued("offer_id", "volunteer_id", name="given")
        .render_derived()
    )
    theirs = col(ReplyLetter.volunteer_id) == given.c.volunteer_id
    last = select(func.coalesce(func.max(col(ReplyLetter.number)), -1)).where(theirs).scalar_subquery()
    place = func.row_number().over(partition_by=given.c.volunteer_id, order_by=given.c.offer_id)
    rows = select(given.c.offer_id, given.c.volunteer_id, last + place).order_by(given.c.volunteer_id)
    new = pg_insert(ReplyLetter).from_select(["offer_id", "volunteer_id", "number"], rows)
    tx.execute(new.on_conflict_do_nothing())


def letters(tx: Tx, offer_ids: Iterable[int]) -> dict[int, str]:
    """Offer -> its letter, where it was asked by text message."""
    ids = list(offer_ids)
    found = _numbers(tx, ids) if ids else {}
    return {offer_id: reply_rules.letter(number) for offer_id, number in found.items()}


@dataclass(frozen=True)
class Written:
    """The number a text came from, as it is kept in people's addresses, and its words."""

    number: str
    words: str


def receive(tx: Tx, text: InboundText, written: Written) -> int:
    """Keeps a text, to be judged next; the id of the one that was kept first where it comes again."""
    values = text.model_dump(exclude={"id"})
    new = pg_insert(InboundText).values(**values).on_conflict_do_nothing(index_elements=["sid"])
    kept = tx.scalars(new.returning(InboundText)).first()
    if kept is not None:
        sealed.seal(tx, kept, number=written.number, words=written.words)
        return kept.id
    return tx.exec(select(InboundText.id).where(col(InboundText.sid) == text.sid)).one()


def read(tx: Tx, texts: Sequence[InboundText]) -> dict[int, Written]:
    """Id of a text -> what was written, in one query; none of those of which it was taken away."""
    return {key: Written(**facts) for key, facts in sealed.opened(tx, texts).items()}


def told(text: InboundText, lang: str) -> str:
    """What we answered to a text at once, real or drill first; "" where that was nothing."""
    if text.told is None:
        return ""
    given = {name: value for name, value in text.told_params.items() if name not in (OFFERS, "kind")}
    kind = text.told_params.get("kind")
    marker = t(lang, f"message.kind.{kind}") if kind else ""
    return marker + t(lang, text.told, **given)


def locked(tx: Tx, text_id: int) -> InboundText:
    """A text, locked: two deliveries of it are judged once."""
    wanted = select(InboundText).where(col(InboundText.id) == text_id)
    return tx.exec(wanted.with_for_update().execution_options(populate_existing=True)).one()


def told_since(tx: Tx, text: InboundText, key: str, offer_ids: Sequence[int]) -> bool:
    """Whether this number was told so before, about one of these questions."""
    before = select(InboundText.told_params).where(
        col(InboundText.number_hash) == text.number_hash,
        col(InboundText.id) != text.id,
        col(InboundText.told) == key,
    )
    recent = tx.exec(before.order_by(col(InboundText.id).desc()).limit(50))
    return any(set(offer_ids) & set(params.get("offers", ())) for params in recent)


def settle_asked_back(tx: Tx, text: InboundText, keys: Sequence[str]) -> int:
    """The number has answered what it was asked back: its earlier texts need no person any more; how many."""
    waiting = update(InboundText).where(
        col(InboundText.number_hash) == text.number_hash,
        col(InboundText.id) < text.id,
        col(InboundText.state) == Handled.UNCLEAR,
        col(InboundText.told).in_(keys),
    )
    return touched(tx.execute(waiting.values(state=Handled.DONE)))


def waiting(tx: Tx, *, after: int | None = None, limit: int = 50) -> Sequence[InboundText]:
    """What a person of the actor's areas has to read, the oldest first, above the id ``after``."""
    wanted = select(InboundText).where(
        col(InboundText.state) == Handled.UNCLEAR, tx.actor.scope(RIGHT, InboundText.area)
    )
    if after is not None:
        wanted = wanted.where(col(InboundText.id) > after)
    return tx.exec(wanted.order_by(col(InboundText.id)).limit(limit)).all()


def count_waiting(tx: Tx) -> int:
    """How many those are."""
    mine = tx.actor.scope(RIGHT, InboundText.area) & (col(InboundText.state) == Handled.UNCLEAR)
    return tx.exec(select(func.count()).select_from(InboundText).where(mine)).one()


def claim(tx: Tx, public_id: UUID) -> InboundText:
    """Takes a text to work on, for a few minutes; who has it already has it for longer.

    Raises NotFound, Gone for one dealt with, Refused while somebody else has it.
    """
    tx.actor.must(RIGHT)
    which = (col(InboundText.public_id) == public_id) & tx.actor.scope(RIGHT, InboundText.area)
    free = col(InboundText.lease_until).is_(None) | (col(InboundText.lease_until) <= tx.now)
    taken = update(InboundText).where(
        which,
        col(InboundText.state) == Handled.UNCLEAR,
        free | (col(InboundText.claimed_by) == tx.actor.id),
    )
    lease = taken.values(claimed_by=tx.actor.id, lease_until=tx.now + _LEASE).returning(InboundText)
    row = tx.scalars(lease, execution_options={"populate_existing": True}).first()
    if row is not None:
        return row
    state = tx.exec(select(InboundText.state).where(which)).first()
    if state is None:
        raise NotFound("not_found")
    if state is not Handled.UNCLEAR:
        raise Gone("reply.handled")
    raise Refused("reply.claimed")


def settle(tx: Tx, text: InboundText, state: Handled) -> None:
    """The acting account has dealt with a text that it had claimed."""
    text.state, text.handled_by, text.handled_at, text.lease_until = state, tx.actor.id, tx.now, None
    tx.flush()


def of_one(tx: Tx, volunteer_id: int) -> Sequence[InboundText]:
    """All that somebody wrote, the first first."""
    mine = select(InboundText).where(col(InboundText.volunteer_id) == volunteer_id)
    return tx.exec(mine.order_by(col(InboundText.id))).all()


def move(tx: Tx, keep: int, drop: int) -> None:
    """What the second of two people wrote was written by the first: they are one."""
    theirs = update(InboundText).where(col(InboundText.volunteer_id) == drop)
    tx.execute(theirs.values(volunteer_id=keep))


def forget(tx: Tx, volunteer_id: int, number_hashes: Iterable[bytes]) -> None:
    """Takes away every word somebody wrote and the number they wrote from; that they wrote stays."""
    theirs = (col(InboundText.volunteer_id) == volunteer_id) | col(InboundText.number_hash).in_(
        list(number_hashes)
    )
    sealed.blank(tx, theirs)


def blank_older_than(tx: Tx, age: timedelta) -> int:
    """Takes away words and numbers of texts older than ``age``; how many."""
    return sealed.blank(tx, (col(InboundText.at) < tx.now - age) & col(InboundText.sealed).is_not(None))
