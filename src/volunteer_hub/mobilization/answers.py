"""What has been answered, counted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization import rules
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.rules import Kind, OfferState


@dataclass(frozen=True)
class Counts:
    """How people asked since a moment have answered. ``answered`` includes every answer, also "no"."""

    asked: int
    answered: int
    accepted: int


def counts(tx: Tx, kind: Kind, since: datetime) -> Counts:
    """Over the offers in the actor's areas that were asked at or after ``since``."""
    has_answered = col(Offer.answered_at).is_not(None)
    said_yes = col(Offer.state).in_(rules.PLACED | {OfferState.STANDING_BY})
    wanted = (
        select(func.count(), func.count().filter(has_answered), func.count().filter(said_yes))
        .select_from(Offer)
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .where(
            col(Callout.kind) == kind,
            col(Offer.asked_at) >= since,
            tx.actor.scope("callout.read", Offer.area),
        )
    )
    asked, answered, accepted = tx.exec(wanted).one()
    return Counts(asked, answered, accepted)
