"""Points given to a person in need, to an area's fund, and from it: both sides in one transfer.

Whoever gives holds both accounts first, in one order, so that two gifts at once never spend the same points.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.incentives import entries, gifts_rules
from volunteer_hub.incentives.entries import InForce, Transfer
from volunteer_hub.incentives.gifts_models import Gift, Need
from volunteer_hub.incentives.gifts_rules import GiftState, Standing
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry
from volunteer_hub.incentives.rules import AccountKind, Award, EntryKind, Grade, Line, reason_of

READ: Final = "points.read"
WRITE: Final = "points.write"
_SHOWN: Final = 100
Names = Mapping[str, dict[str, str]]
"""What areas are called, in both languages."""
T = TypeVar("T")
_COUNTS: Final = (GiftState.GIVEN, GiftState.WAITING)


@dataclass(frozen=True)
class Giver:
    """Who gives: the person, their home, and when the month began on the clocks there."""

    volunteer_id: int
    home: str
    month: datetime


def open_need(tx: Tx, volunteer_id: int, area: str, words: str, account: int | None) -> Need:
    """Names a person as in need. Raises Malformed without words, Refused where they are named already."""
    tx.actor.must_cover(WRITE, area)
    known = select(Need.id).where(col(Need.volunteer_id) == volunteer_id, col(Need.closed_at).is_(None))
    if tx.exec(known).first() is not None:
        raise Refused("gift.known_need")
    row = Need(
        volunteer_id=volunteer_id,
        area=area,
        words=gifts_rules.words_of(words),
        opened_by=account,
        opened_at=tx.now,
    )
    tx.add(row)
    tx.flush()
    return row


def close_need(tx: Tx, public_id: uuid.UUID) -> Need:
    """Nothing more is given to them. Raises NotFound, for a foreign area too."""
    row = need(tx, public_id, permission=WRITE)
    row.closed_at = tx.now
    tx.flush()
    return row


def need(tx: Tx, public_id: uuid.UUID, *, home: str = "", permission: str = "") -> Need:
    """An open one: near a home, or of the actor's areas. Raises NotFound."""
    where = tx.actor.scope(permission, Need.area) if permission else _near(home)
    found = select(Need).where(col(Need.public_id) == public_id, col(Need.closed_at).is_(None), where)
    return _found(tx.exec(found).first())


def needs(tx: Tx, *, home: str = "") -> Sequence[Need]:
    """Who is in need: near a home, else in the actor's areas; who was given to least lately comes first."""
    where = _near(home) if home else tx.actor.scope(READ, Need.area)
    had = select(func.max(col(Gift.at))).where(col(Gift.receiver_id) == col(Need.volunteer_id))
    last = had.scalar_subquery()
    wanted = select(Need).where(col(Need.closed_at).is_(None), where)
    return tx.exec(wanted.order_by(last.asc().nulls_first(), col(Need.id)).limit(_SHOWN)).all()


def _near(home: str) -> Any:
    """Within the node above a home: neighbours, not the whole city."""
    above = "/".join(home.split("/")[:-2]) + "/"
    return func.starts_with(col(Need.area), above if len(above) > 1 else home)


def standing(tx: Tx, who: Giver, by: InForce, to: int | None = None, *, but: int = 0) -> Standing:
    """Where a giver stands towards the limits; ``to``: the person who is to have points; ``but``: a gift that
    is not counted. To be relied on while their account is held."""
    account = entries.known(tx, who.volunteer_id)
    points, kind, grade = col(LedgerEntry.points), col(LedgerEntry.kind), col(LedgerEntry.grade)
    earned = func.sum(points).filter(
        grade.in_([Grade(each) for each in by.rewards.gifts.grades]),
        kind.in_((EntryKind.DUTY, EntryKind.REVERSAL)),
    )
    given = func.sum(points).filter(kind == EntryKind.GIFT, points < 0)
    own = col(LedgerEntry.account_id).in_(entries.with_merged([account or 0]))
    have, good, gave = tx.exec(select(func.sum(points), earned, given).where(own)).one()
    month = col(Gift.at) >= who.month
    sums = select(
        func.sum(col(Gift.points)), func.sum(col(Gift.points)).filter(col(Gift.receiver_id) == to)
    ).where(col(Gift.giver_id) == who.volunteer_id, col(Gift.state).in_(_COUNTS), col(Gift.id) != but, month)
    in_month, pair = tx.exec(sums).one()
    waiting = select(func.coalesce(func.sum(col(Gift.points)), 0)).where(
        col(Gift.giver_id) == who.volunteer_id, col(Gift.state) == GiftState.WAITING, col(Gift.id) != but
    )
    held = tx.exec(waiting).one()
    return Standing(
        balance=(have or 0) - held,
        earned=good or 0,
        given=held - (gave or 0),
        month=in_month or 0,
        pair=(pair or 0) if to is not None else 0,
    )


def give(tx: Tx, who: Giver, to: Need | None, points: int, names: Names, by: InForce) -> Gift:
    """Gives points to a person in need, else to the fund of the giver's community; what looks like giving
    back waits. Raises as `gifts_rules.check`, Refused to oneself."""
    receiver = to.volunteer_id if to is not None else None
    if receiver == who.volunteer_id:
        raise Refused("gift.self")
    row = Gift(
        giver_id=who.volunteer_id,
        receiver_id=receiver,
        need_id=to.id if to is not None else None,
        area=to.area if to is not None else who.home,
        points=points,
        at=tx.now,
        state=GiftState.WAITING,
    )
    entries.held_by(tx, _people(row))
    gifts_rules.check(points, standing(tx, who, by, receiver), by.rewards.gifts)
    if receiver is None or not _gave_back(tx, row, by):
        _moved(tx, row, who.home, names, by)
    tx.add(row)
    tx.flush()
    return row


def grant(
    tx: Tx,
    fund: str,
    to: Need,
    points: int,
    account: int | None,
    names: Names,
    by: InForce,
) -> Gift:
    """Grants points of an area's fund to a person in need. Raises Malformed for less than one point, Refused
    where the fund has fewer."""
    tx.actor.must_cover(WRITE, fund)
    have = entries.balance(tx, _fund(tx, fund))
    gifts_rules.check_grant(points, have)
    row = Gift(
        receiver_id=to.volunteer_id,
        need_id=to.id,
        area=fund,
        points=points,
        at=tx.now,
        granted_by=account,
    )
    _moved(tx, row, to.area, names, by)
    tx.add(row)
    tx.flush()
    return row


def decide(
    tx: Tx,
    known: Gift,
    who: Giver,
    reason: str | None,
    account: int | None,
    names: Names,
    by: InForce,
) -> Gift:
    """Lets a gift that waits go its way, or with a ``reason`` refuses it. Raises Refused where it does not
    wait, or can no longer be given."""
    entries.held_by(tx, _people(known))
    locked = select(Gift).where(col(Gift.id) == known.id).with_for_update()
    row = tx.exec(locked.execution_options(populate_existing=True)).one()
    if row.state is not GiftState.WAITING:
        raise Refused("gift.decided")
    row.decided_by, row.decided_at = account, tx.now
    if reason is None:
        gifts_rules.check(row.points, standing(tx, who, by, row.receiver_id, but=row.id), by.rewards.gifts)
        _moved(tx, row, who.home, names, by)
    else:
        row.state, row.reason = GiftState.REFUSED, reason_of(reason)
    tx.flush()
    return row


def _gave_back(tx: Tx, row: Gift, by: InForce) -> bool:
    """Whether the receiver has lately given to the giver."""
    since = tx.now - timedelta(days=by.rewards.gifts.swap_days)
    wanted = select(Gift.id).where(
        col(Gift.giver_id) == row.receiver_id,
        col(Gift.receiver_id) == row.giver_id,
        col(Gift.state).in_(_COUNTS),
        col(Gift.at) >= since,
    )
    return tx.exec(wanted.limit(1)).first() is not None


def _moved(tx: Tx, row: Gift, giver_home: str, names: Names, by: InForce) -> None:
    """Both sides of the transfer, each with a line that explains it; no entry names the other person."""
    transfer, n, area = uuid7(), row.points, {"area": names[row.area]}
    if row.giver_id is None:
        away, out = _fund(tx, row.area), Line("gift_granted_away", -n, area)
    else:
        to = "gift_to_fund" if row.receiver_id is None else "gift_to_person"
        away, out = entries.held(tx, row.giver_id), Line(to, -n, area)
    if row.receiver_id is None:
        here, into = _fund(tx, row.area), Line("gift_into_fund", n, area)
    else:
        code = "gift_granted" if row.giver_id is None else "gift_received"
        here, into = entries.held(tx, row.receiver_id), Line(code, n, area)
    given = Transfer(
        away, giver_home, EntryKind.GIFT, f"gift:{row.public_id}", Award(-n, {}, (out,)), id=transfer
    )
    got = replace(given, account=here, area=row.area, award=Award(n, {}, (into,)))
    sides = [entries.side(one, one.account, one.award, tx.now, by) for one in (given, got)]
    tx.add_all([LedgerEntry(**side) for side in sides])
    tx.flush()
    row.transfer_id, row.state = transfer, GiftState.GIVEN


def _fund(tx: Tx, area: str) -> int:
    """The account of an area's fund, made when there is none; held until the commit."""
    wanted = select(LedgerAccount.id).where(
        col(LedgerAccount.kind) == AccountKind.FUND, col(LedgerAccount.area) == area
    )
    if tx.exec(wanted).first() is None:
        new = insert(LedgerAccount).values(kind=AccountKind.FUND, area=area)
        tx.execute(new.on_conflict_do_nothing())
    return tx.exec(wanted.with_for_update(key_share=True)).one()


def funds(tx: Tx) -> dict[str, int]:
    """The points of the funds of the actor's areas, those that have any: area -> points."""
    tx.actor.must(READ)
    total = func.sum(col(LedgerEntry.points))
    wanted = (
        select(LedgerAccount.area, total)
        .join(LedgerEntry, col(LedgerEntry.account_id) == col(LedgerAccount.id))
        .where(col(LedgerAccount.kind) == AccountKind.FUND, tx.actor.scope(READ, LedgerAccount.area))
        .group_by(col(LedgerAccount.area))
        .having(total > 0)
    )
    return {area: int(points) for area, points in tx.exec(wanted) if area is not None}


def find(tx: Tx, public_id: uuid.UUID) -> Gift:
    """One of the actor's areas, to be decided on. Raises NotFound, for a foreign area too."""
    tx.actor.must(WRITE)
    wanted = select(Gift).where(col(Gift.public_id) == public_id, tx.actor.scope(WRITE, Gift.area))
    return _found(tx.exec(wanted).first())


def listed(tx: Tx) -> Sequence[Gift]:
    """Those of the actor's areas, what waits first, then the newest."""
    tx.actor.must(READ)
    wanted = select(Gift).where(tx.actor.scope(READ, Gift.area))
    waits = col(Gift.state) == GiftState.WAITING
    return tx.exec(wanted.order_by(waits.desc(), col(Gift.id).desc()).limit(_SHOWN)).all()


def of(tx: Tx, volunteer_id: int) -> Sequence[Gift]:
    """What somebody has given, and what has come to them, the newest first."""
    came = (col(Gift.receiver_id) == volunteer_id) & (col(Gift.state) == GiftState.GIVEN)
    mine = (col(Gift.giver_id) == volunteer_id) | came
    return tx.exec(select(Gift).where(mine).order_by(col(Gift.id).desc()).limit(_SHOWN)).all()


def move(tx: Tx, keep: int, drop: int) -> None:
    """What the second of two entries gave, was given and needs is the first one's."""
    between = (col(Gift.giver_id) == keep) & (col(Gift.receiver_id) == drop)
    between |= (col(Gift.giver_id) == drop) & (col(Gift.receiver_id) == keep)
    # A gift between the two was none: it stays with the entry that is no more.
    others = ~func.coalesce(between, False)
    tx.execute(update(Gift).where(col(Gift.giver_id) == drop, others).values(giver_id=keep))
    tx.execute(update(Gift).where(col(Gift.receiver_id) == drop, others).values(receiver_id=keep))
    open_too = select(Need.id).where(col(Need.volunteer_id) == keep, col(Need.closed_at).is_(None))
    both = update(Need).where(
        col(Need.volunteer_id) == drop, col(Need.closed_at).is_(None), open_too.exists()
    )
    tx.execute(both.values(closed_at=tx.now))
    tx.execute(update(Need).where(col(Need.volunteer_id) == drop).values(volunteer_id=keep))


def forget(tx: Tx, volunteer_id: int) -> None:
    """Nobody reads any more that they were in need; what was given stays as sums."""
    for row in tx.exec(select(Need).where(col(Need.volunteer_id) == volunteer_id)):
        row.words, row.closed_at = None, row.closed_at or tx.now
    waiting = select(Gift).where(
        (col(Gift.giver_id) == volunteer_id) | (col(Gift.receiver_id) == volunteer_id),
        col(Gift.state) == GiftState.WAITING,
    )
    for gift in tx.exec(waiting):
        gift.state, gift.reason = GiftState.REFUSED, "forgotten"
    tx.flush()


def _people(row: Gift) -> set[int]:
    return {who for who in (row.giver_id, row.receiver_id) if who is not None}


def _found(row: T | None) -> T:
    if row is None:
        raise NotFound("not_found")
    return row
