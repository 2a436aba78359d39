"""What an account has been told, and how messages of an area fare."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Channel, State


def mine(tx: Tx, *, before: int | None = None, limit: int = 50) -> Sequence[Message]:
    """Console messages of the acting account, the newest first, those below the id ``before``."""
    if tx.actor.kind != "account":
        return []
    wanted = select(Message).where(
        col(Message.account_id) == tx.actor.id,
        col(Message.channel) == Channel.CONSOLE,
        col(Message.state).in_((State.SENT, State.DELIVERED, State.QUEUED, State.SENDING)),
    )
    if before is not None:
        wanted = wanted.where(col(Message.id) < before)
    return tx.exec(wanted.order_by(col(Message.id).desc()).limit(limit)).all()


def unreached(tx: Tx, *, before: int | None = None, limit: int = 50) -> Sequence[Message]:
    """Messages of the actor's areas that failed for good or came too late, the newest first, those below the
    id ``before``."""
    wanted = select(Message).where(
        col(Message.state).in_((State.FAILED, State.EXPIRED)), tx.actor.scope("callout.read", Message.area)
    )
    if before is not None:
        wanted = wanted.where(col(Message.id) < before)
    return tx.exec(wanted.order_by(col(Message.id).desc()).limit(limit)).all()


def counts(tx: Tx) -> dict[State, int]:
    """How many messages of the actor's areas are in each state, all states named."""
    counted = (
        select(Message.state, func.count())
        .where(tx.actor.scope("callout.read", Message.area))
        .group_by(col(Message.state))
    )
    found = {State(state): count for state, count in tx.exec(counted)}
    return {state: found.get(state, 0) for state in State}
