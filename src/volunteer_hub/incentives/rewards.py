"""Rewards: put into the catalogue, taken for points, handed over once, returned with points and piece.

Whoever takes or returns something holds the reward's row first and the person's account after it: in this
order always, so that two never wait for each other.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import func
from sqlmodel import col, select, update

from volunteer_hub.core import signing
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.incentives import ledger
from volunteer_hub.incentives import rewards_rules as rules
from volunteer_hub.incentives.entries import InForce
from volunteer_hub.incentives.models import LedgerEntry
from volunteer_hub.incentives.rewards_models import Redemption, Reward
from volunteer_hub.incentives.rewards_rules import Offer, RedemptionState
from volunteer_hub.incentives.rules import reason_of

T = TypeVar("T")
WRITE: Final = "reward.write"
REDEEM: Final = "reward.redeem"
_PURPOSE: Final = "redemption"
_SHOWN: Final = 100


@dataclass(frozen=True)
class Taken:
    """A redemption with what it is of."""

    redemption: Redemption
    reward: Reward


def code_of(public_id: uuid.UUID) -> str:
    """The code of a redemption: derived, so that only its hash is stored."""
    token = signing.derived_token(_PURPOSE, public_id)
    return rules.code(hashlib.sha256(token.encode()).digest())


def add(tx: Tx, area: str, offer: Offer) -> Reward:
    """Puts a reward into the catalogue of an area. Raises Malformed, NotFound."""
    tx.actor.must_cover(WRITE, area)
    rules.check(offer)
    row = Reward(
        area=area,
        title=offer.title.strip(),
        words=offer.words.strip(),
        sponsor=offer.sponsor.strip(),
        cost=offer.cost,
        stock=offer.stock,
        per_person=offer.per_person,
        keep_days=offer.keep_days,
        ends_at=offer.ends_at,
        created_at=tx.now,
    )
    tx.add(row)
    tx.flush()
    return row


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> Reward:
    """The reward by the id seen outside, its row held. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(Reward).where(col(Reward.public_id) == public_id, tx.actor.scope(permission, Reward.area))
    return _found(tx.exec(wanted.with_for_update()).first())


def set_stock(tx: Tx, public_id: uuid.UUID, stock: int, *, closed: bool) -> Reward:
    """How many pieces there are now, and whether they can be had."""
    row = find(tx, WRITE, public_id)
    rules.check(Offer(row.title, row.cost, stock))
    row.stock = stock
    row.closed_at = (row.closed_at or tx.now) if closed else None
    tx.flush()
    return row


def listed(tx: Tx) -> Sequence[Reward]:
    """The catalogue of the actor's areas, the newest first."""
    tx.actor.must(WRITE)
    wanted = select(Reward).where(tx.actor.scope(WRITE, Reward.area))
    return tx.exec(wanted.order_by(col(Reward.id).desc()).limit(_SHOWN)).all()


def offered(tx: Tx, home: str) -> Sequence[Reward]:
    """What somebody who lives there can choose from, the cheapest first."""
    wanted = select(Reward).where(
        func.starts_with(home, col(Reward.area)),
        col(Reward.closed_at).is_(None),
        col(Reward.ends_at).is_(None) | (col(Reward.ends_at) > tx.now),
    )
    return tx.exec(wanted.order_by(col(Reward.cost), col(Reward.id)).limit(_SHOWN)).all()


def take(tx: Tx, volunteer_id: int, home: str, reward: uuid.UUID, by: InForce) -> Redemption:
    """Takes a piece for points. Raises NotFound for what is not offered there, Refused when there is none
    left, when the person has had as many as they may, and when they have too few points."""
    row = _found(tx.exec(select(Reward).where(col(Reward.public_id) == reward).with_for_update()).first())
    if not home.startswith(row.area) or row.closed_at or (row.ends_at is not None and row.ends_at <= tx.now):
        raise NotFound("not_found")
    if row.stock < 1:
        raise Refused("reward.none_left")
    if row.per_person is not None and _had(tx, row.id, volunteer_id) >= row.per_person:
        raise Refused("reward.per_person", n=row.per_person)
    row.stock -= 1
    public_id = uuid7()
    source = f"redemption:{public_id}"
    paid = ledger.spend(tx, volunteer_id, home, row.cost, source, {"reward": row.title}, by)
    taken = Redemption(
        public_id=public_id,
        reward_id=row.id,
        volunteer_id=volunteer_id,
        area=row.area,
        cost=row.cost,
        code_hash=signing.token_hash(code_of(public_id)),
        transfer_id=paid[0].transfer_id,
        taken_at=tx.now,
        until=tx.now + timedelta(days=row.keep_days),
    )
    tx.add(taken)
    tx.flush()
    return taken


def of(tx: Tx, volunteer_id: int) -> list[Taken]:
    """What somebody has taken, the newest first."""
    wanted = select(Redemption, Reward).where(
        col(Reward.id) == col(Redemption.reward_id), col(Redemption.volunteer_id) == volunteer_id
    )
    return [Taken(*row) for row in tx.exec(wanted.order_by(col(Redemption.id).desc()).limit(_SHOWN))]


def move(tx: Tx, keep: int, drop: int) -> None:
    """What the second of two entries has taken is the first one's."""
    theirs = update(Redemption).where(col(Redemption.volunteer_id) == drop)
    tx.execute(theirs.values(volunteer_id=keep))


def own(tx: Tx, volunteer_id: int, public_id: uuid.UUID) -> Redemption:
    """One of a person's own. Raises NotFound."""
    mine = col(Redemption.public_id) == public_id, col(Redemption.volunteer_id) == volunteer_id
    return _found(tx.exec(select(Redemption).where(*mine)).first())


def by_code(tx: Tx, letters: str) -> Taken:
    """What a code stands for, at a counter of its area. Raises NotFound, for a foreign area too."""
    tx.actor.must(REDEEM)
    wanted = select(Redemption, Reward).where(
        col(Reward.id) == col(Redemption.reward_id),
        col(Redemption.code_hash) == signing.token_hash(letters),
        tx.actor.scope(REDEEM, Redemption.area),
    )
    return Taken(*_found(tx.exec(wanted).first()))


def hand_over(tx: Tx, letters: str, noted: datetime | None = None) -> Taken:
    """Hands it over at a counter, once whoever else tries at the same moment. ``noted``: when it was handed
    over, where that was noted on paper.

    Raises NotFound, Malformed for a time that cannot be, Refused for one handed over, returned or too old.
    """
    known = by_code(tx, letters)
    row = _held(tx, known.redemption)
    if row.state is not RedemptionState.TAKEN:
        raise Refused(f"reward.{row.state.value}")
    row.handed_over_at = rules.handed_over_at(tx.now, row.taken_at, row.until, noted)
    row.state, row.noted_at = RedemptionState.HANDED_OVER, tx.now
    row.noted_by = tx.actor.id if tx.actor.kind == "account" else None
    tx.flush()
    return known


def give_back(tx: Tx, taken: Redemption, by_holder: str) -> Redemption:
    """The holder changes their mind before it is handed over: points and piece go back."""
    return _return(tx, taken, by_holder, {RedemptionState.TAKEN})


def reverse(tx: Tx, public_id: uuid.UUID, reason: str) -> Redemption:
    """The staff takes a redemption back, with a reason its holder reads: points and piece go back."""
    tx.actor.must(WRITE)
    wanted = select(Redemption).where(
        col(Redemption.public_id) == public_id, tx.actor.scope(WRITE, Redemption.area)
    )
    taken = _found(tx.exec(wanted).first())
    return _return(tx, taken, reason_of(reason), {RedemptionState.TAKEN, RedemptionState.HANDED_OVER})


def _return(tx: Tx, taken: Redemption, reason: str, allowed: set[RedemptionState]) -> Redemption:
    reward = tx.exec(select(Reward).where(col(Reward.id) == taken.reward_id).with_for_update()).one()
    row = _held(tx, taken)
    if row.state not in allowed:
        raise Refused(f"reward.{row.state.value}")
    reward.stock += 1
    entry = tx.exec(select(LedgerEntry).where(col(LedgerEntry.transfer_id) == row.transfer_id)).first()
    ledger.take_back(tx, _found(entry), reason)
    row.state, row.returned_at, row.reason = RedemptionState.RETURNED, tx.now, reason
    tx.flush()
    return row


def _held(tx: Tx, redemption: Redemption) -> Redemption:
    """The row as it stands, held until the commit."""
    wanted = select(Redemption).where(col(Redemption.id) == redemption.id).with_for_update()
    return tx.exec(wanted.execution_options(populate_existing=True)).one()


def _had(tx: Tx, reward_id: int, volunteer_id: int) -> int:
    wanted = select(func.count()).where(
        col(Redemption.reward_id) == reward_id,
        col(Redemption.volunteer_id) == volunteer_id,
        col(Redemption.state) != RedemptionState.RETURNED,
    )
    return tx.exec(wanted).one()


def recent(tx: Tx) -> list[Taken]:
    """What was taken lately in the actor's areas, the newest first."""
    wanted = select(Redemption, Reward).where(
        col(Reward.id) == col(Redemption.reward_id), tx.actor.scope(WRITE, Redemption.area)
    )
    return [Taken(*row) for row in tx.exec(wanted.order_by(col(Redemption.id).desc()).limit(_SHOWN))]


def _found(row: T | None) -> T:
    if row is None:
        raise NotFound("not_found")
    return row
