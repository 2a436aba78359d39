"""Which question a text message answers: the one whose letter it names, else the only one it can mean."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.rules import LIVE, OfferState
from volunteer_hub.notify import replies
from volunteer_hub.notify.reply_rules import Meaning, Said

_JUST_OVER: Final = timedelta(minutes=30)
_REMEMBERED: Final = timedelta(days=7)
_MOST: Final = 60
_HELD: Final = (OfferState.ACCEPTED, OfferState.STANDING_BY)
_ANSWERED: Final = (*_HELD, OfferState.DECLINED, OfferState.WITHDRAWN)
_UNANSWERED: Final = (OfferState.ASKED, OfferState.EXPIRED, OfferState.CANCELLED, OfferState.RELEASED)


@dataclass(frozen=True)
class Question:
    """An offer that somebody was asked about, with its callout and the letter it was given, if any."""

    offer: Offer
    callout: Callout
    letter: str | None

    def open(self, now: datetime) -> bool:
        """Whether it waits for an answer."""
        return (
            self.offer.state is OfferState.ASKED
            and self.callout.state in LIVE
            and (self.offer.expires_at is None or now < self.offer.expires_at)
        )

    def just_over(self, now: datetime) -> bool:
        """Whether it ended unanswered a moment ago: what comes now may still be meant for it."""
        ends = [moment for moment in (self.callout.ended_at, self.offer.expires_at) if moment is not None]
        return (
            self.offer.state in _UNANSWERED
            and self.offer.answered_at is None
            and bool(ends)
            and not self.open(now)
            and now - _JUST_OVER < min(ends) <= now
        )

    def held(self, now: datetime) -> bool:
        """Whether they have a place or stand by."""
        return self.offer.state in _HELD and now < self.offer.ends_at


def of(tx: Tx, volunteer_ids: Iterable[int]) -> list[Question]:
    """What these people were asked in the last days, the newest first."""
    people = list(volunteer_ids)
    wanted = (
        select(Offer, Callout)
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .where(col(Offer.volunteer_id).in_(people), col(Offer.asked_at) > tx.now - _REMEMBERED)
        .order_by(col(Offer.id).desc())
        .limit(_MOST)
    )
    rows = tx.exec(wanted).all()
    letters = replies.letters(tx, [offer.id for offer, _ in rows])
    return [Question(offer, callout, letters.get(offer.id)) for offer, callout in rows]


def meant(known: Sequence[Question], said: Said, now: datetime) -> list[Question]:
    """The questions that an answer may be meant for: one, none, or several to ask back about.

    A letter names one of each person. Without it a yes may mean what is open or was so a moment ago, and the
    place somebody was given since it was asked, for which they may be thanking us; a no any place they hold.
    When nothing is open it is what they have answered, else the last thing they were asked.
    """
    if said.letter is not None:
        named: dict[int, Question] = {}
        for question in known:
            if question.letter == said.letter:
                named.setdefault(question.offer.volunteer_id, question)
        return list(named.values())
    waiting = [q for q in known if q.open(now) or q.just_over(now)]
    if waiting:
        first = min(_asked(q) for q in waiting)
        return waiting + [
            q
            for q in known
            if q.held(now) and (said.meaning is Meaning.NO or (q.offer.answered_at or first) > first)
        ]
    answered = [q for q in known if q.offer.state in _ANSWERED and now < q.offer.ends_at]
    return answered or list(known[:1])


def _asked(question: Question) -> datetime:
    asked = question.offer.asked_at
    assert asked is not None
    return asked
