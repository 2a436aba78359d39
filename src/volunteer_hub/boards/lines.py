"""Lines to gateways that were down while a callout ran, and what of it waited for them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.notify import outages
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.outage_models import Outage
from volunteer_hub.notify.rules import WAITING, Channel, Subject


@dataclass(frozen=True)
class LineDown:
    """A line that was down from ``since`` ``until``, None: it is. Of the callout's messages that had to leave
    meanwhile ``waiting`` wait still, and ``late`` left after it."""

    channel: Channel
    since: datetime
    until: datetime | None
    waiting: int
    late: int


def of_callout(tx: Tx, callout: Callout) -> tuple[LineDown, ...]:
    """The lines that were down while a callout ran, the first first."""
    found = outages.within(tx, callout.created_at, callout.ended_at or tx.now)
    return tuple(_told(tx, callout, outage) for outage in found)


def _told(tx: Tx, callout: Callout, outage: Outage) -> LineDown:
    own = select(Offer.id).where(col(Offer.callout_id) == callout.id)
    over = outage.until or tx.now
    late = col(Message.sent_at) >= over
    wanted = select(func.count().filter(col(Message.state).in_(WAITING)), func.count().filter(late)).where(
        col(Message.subject_kind) == Subject.OFFER,
        col(Message.subject_id).in_(own),
        col(Message.channel) == outage.channel,
        col(Message.created_at) <= over,
    )
    waiting, left = tx.exec(wanted).one()
    return LineDown(outage.channel, outage.since, outage.until, waiting, left if outage.until else 0)
