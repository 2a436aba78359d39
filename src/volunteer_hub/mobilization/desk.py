"""Answers taken many at a time, each judged as if it had come alone, in the order in which they came.

All that they can touch is locked first (desk_rows). From then on nobody else moves it, so the answers are
judged one after the other in memory and written together, in a number of statements that does not grow with
them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from psycopg.errors import ExclusionViolation
from sqlalchemy.exc import IntegrityError

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Gone, HubError, Malformed, NotFound, Refused
from volunteer_hub.mobilization import paper_rules, places, rules, standby_rules
from volunteer_hub.mobilization.desk_rows import Rows, place
from volunteer_hub.mobilization.models import Offer, SlotFill
from volunteer_hub.mobilization.policy import CalloutRules
from volunteer_hub.mobilization.rules import Answer, CalloutState, DeclineReason, Kind, OfferState, Outcome

LONGEST_WAY: Final = 24 * 60


@dataclass(frozen=True)
class Reply:
    """What a person says to an offer. ``minutes_there`` comes with a yes, ``from_when`` with "later"; a yes
    for when too little of the work is left is taken as "later". ``given_at``: when it was said, on paper
    or without signal; None: now."""

    answer: Answer
    minutes_there: int | None = None
    reason: DeclineReason = DeclineReason.OTHER
    from_when: datetime | None = None
    given_at: datetime | None = None


@dataclass(frozen=True)
class Answered:
    """What came of an answer. ``stands`` is a repeat; ``promoted`` moved up; ``late``: worth an alert;
    ``drills`` of the same person made way for a real callout, or a place for the one they moved to."""

    offer: Offer
    outcome: Outcome
    promoted: tuple[Offer, ...] = ()
    late: bool = False
    drills: tuple[Offer, ...] = ()


Result = Answered | HubError


def situation(tx: Tx, offer: Offer, callout: CalloutState, filled: int, maximum: int) -> rules.Situation:
    """What an answer to this offer is judged by."""
    return rules.Situation(
        offer=offer.state,
        callout=callout,
        now=tx.now,
        expires_at=offer.expires_at,
        ends_at=offer.ends_at,
        filled=filled,
        maximum=maximum,
        disowned=offer.decline_reason is DeclineReason.NOT_ME,
    )


def take(
    tx: Tx,
    replies: Sequence[tuple[int, Reply]],
    rules_of: CalloutRules | None = None,
    *,
    own: bool = False,
    fit: places.Fit = places.anybody,
) -> list[Result]:
    """What each of these (offer id, reply) comes to, or the error that refuses it, in their order.

    A refused one changes nothing. ``rules_of`` tells a late withdrawal. ``own``: everybody answers for
    themselves, and the trail says so; else the transaction's actor answers for them. ``fit`` judges again who
    moves up.
    """
    desk = _Desk(tx, replies, rules_of, own=own, fit=fit)
    try:
        with tx.begin_nested():
            return desk.results(replies)
    except IntegrityError as error:
        if not isinstance(error.orig, ExclusionViolation):
            raise
    # Somebody was promised elsewhere past their lock, as by a check-in after all: they alone are refused.
    if len(replies) == 1:
        return [Refused("offer.promised_elsewhere")]
    return [take(tx, [one], rules_of, own=own, fit=fit)[0] for one in replies]


class _Desk:
    """Judges answers over the rows that they can touch."""

    def __init__(
        self,
        tx: Tx,
        replies: Sequence[tuple[int, Reply]],
        rules_of: CalloutRules | None,
        *,
        own: bool,
        fit: places.Fit,
    ) -> None:
        self._tx, self._rules, self._own, self._fit = tx, rules_of, own, fit
        yes = {offer_id for offer_id, reply in replies if reply.answer is Answer.ACCEPT}
        self._rows = Rows(tx, {offer_id for offer_id, _ in replies}, yes, own=own)

    def results(self, replies: Sequence[tuple[int, Reply]]) -> list[Result]:
        """What they come to; written down once all are judged."""
        found = [self._result(offer_id, reply) for offer_id, reply in replies]
        self._rows.write()
        return found

    def _result(self, offer_id: int, reply: Reply) -> Result:
        """The outcome of one answer, or the error that refuses it; then nothing has changed."""
        try:
            offer = self._rows.offers.get(offer_id)
            if offer is None:
                raise NotFound("not_found")
            match reply.answer:
                case Answer.SEEN:
                    return self._seen(offer)
                case Answer.ACK:
                    return self._ack(offer)
                case Answer.ACCEPT:
                    return self._yes(offer, reply)
                case _:
                    return self._no(offer, reply)
        except HubError as error:
            return error

    # -- the answers ---------------------------------------------------------------------------------------

    def _seen(self, offer: Offer) -> Answered:
        if offer.seen_at is not None:
            return Answered(offer, Outcome.STANDS)
        offer.seen_at = self._tx.now
        self._record(offer, Reply(Answer.SEEN))
        return Answered(offer, Outcome.NOTED)

    def _ack(self, offer: Offer) -> Answered:
        if offer.state not in rules.HOLDING | {OfferState.STANDING_BY}:
            raise Gone("offer.over")
        if offer.ack_version == offer.version:
            return Answered(offer, Outcome.STANDS)
        offer.ack_version = offer.version
        self._record(offer, Reply(Answer.ACK), version=offer.version)
        return Answered(offer, Outcome.NOTED)

    def _yes(self, offer: Offer, reply: Reply) -> Answered:
        if reply.minutes_there is not None and not 0 <= reply.minutes_there <= LONGEST_WAY:
            raise Malformed("offer.minutes_there", longest=LONGEST_WAY)
        fill = self._rows.fills[place(offer)]
        outcome = self._judged(offer, reply, fill)
        if outcome is Outcome.STANDS:
            return Answered(offer, outcome)
        if reply.minutes_there is not None:
            there = (reply.given_at or self._tx.now) + timedelta(minutes=reply.minutes_there)
            if not standby_rules.of_use(there, offer.starts_at, offer.ends_at, fill.useful_minutes):
                return self._put_off(offer, reply, there)
        drills = self._making_way(offer)
        left = self._given_up(offer) if outcome is Outcome.ACCEPTED else []
        drills += [held for held in left if held not in drills]
        if outcome is Outcome.ACCEPTED and self._elsewhere(offer, drills):
            raise Refused("offer.promised_elsewhere")
        for drill in drills:
            self._leave(drill, OfferState.RELEASED)
        if outcome is Outcome.STANDING_BY and not paper_rules.waits_in_line(self._state(offer)):
            return self._noted(offer, reply)
        self._ask_again(offer, reply)
        if outcome is Outcome.ACCEPTED:
            fill.filled += 1
            self._rows.seat(offer)
        else:
            fill.line += 1
            offer.state = rules.step("offer", rules.OFFER_ALLOWED, offer.state, OfferState.STANDING_BY)
            offer.position = fill.line
        offer.minutes_there, offer.decline_reason, offer.later_from = reply.minutes_there, None, None
        offer.answered_at, offer.ack_version = reply.given_at or self._tx.now, offer.version
        self._record(offer, reply, minutes_there=reply.minutes_there, state=offer.state.value)
        promoted = tuple(moved for held in left for moved in self._promote(held))
        return Answered(offer, outcome, promoted, drills=tuple(drills))

    def _put_off(self, offer: Offer, reply: Reply, there: datetime) -> Answered:
        """A yes for when too little of the work is left: it holds no place, and the hour is kept."""
        self._ask_again(offer, reply)
        if offer.state is OfferState.ASKED:
            offer.state = rules.step("offer", rules.OFFER_ALLOWED, offer.state, OfferState.DECLINED)
        offer.decline_reason, offer.later_from = DeclineReason.LATER, there
        offer.answered_at = reply.given_at or self._tx.now
        self._record(offer, replace(reply, answer=Answer.LATER), state=offer.state.value)
        return Answered(offer, Outcome.DECLINED)

    def _no(self, offer: Offer, reply: Reply) -> Answered:
        reason = reply.reason
        if reply.answer is Answer.NOT_ME:
            reason = DeclineReason.NOT_ME
        elif reply.answer is Answer.LATER:
            reason = DeclineReason.LATER
            if reply.from_when is None or reply.from_when <= (reply.given_at or self._tx.now):
                raise Malformed("offer.later_from")
        outcome = self._judged(offer, reply)
        if outcome is Outcome.STANDS:
            return Answered(offer, outcome)
        self._ask_again(offer, reply)
        had_place = offer.state is OfferState.ACCEPTED
        offer.decline_reason, offer.later_from = reason, reply.from_when
        if reply.answer is not Answer.NOT_ME:
            offer.answered_at = reply.given_at or self._tx.now
        if outcome is Outcome.WITHDRAWN:
            self._leave(offer, OfferState.WITHDRAWN)
        elif outcome is Outcome.DECLINED:
            offer.state = rules.step("offer", rules.OFFER_ALLOWED, offer.state, OfferState.DECLINED)
        self._record(offer, reply, reason=reason.value, state=offer.state.value)
        promoted = self._promote(offer) if had_place else ()
        return Answered(offer, outcome, promoted, had_place and self._late(offer))

    def _late(self, offer: Offer) -> bool:
        return self._rules is not None and rules.late_withdrawal(self._tx.now, offer.starts_at, self._rules)

    def _state(self, offer: Offer) -> CalloutState:
        return self._rows.callouts[offer.callout_id].state

    def _judged(self, offer: Offer, reply: Reply, fill: SlotFill | None = None) -> Outcome:
        """What the answer comes to; only a yes asks how many places are taken. Raises what refuses it."""
        if paper_rules.is_older(reply.given_at, offer.answered_at):
            return Outcome.STANDS
        filled, maximum = (fill.filled, fill.maximum) if fill is not None else (0, 0)
        it = situation(self._tx, offer, self._state(offer), filled, maximum)
        if reply.given_at is not None:
            ended_at = self._rows.callouts[offer.callout_id].ended_at
            it = paper_rules.as_given(it, reply.given_at, offer.answered_at, ended_at)
        outcome = rules.decide(reply.answer, it)
        error = rules.refusal(outcome)
        if error is not None:
            raise error
        return outcome

    def _ask_again(self, offer: Offer, reply: Reply) -> None:
        """Opens a question that had ended, for an answer given before its end."""
        if reply.given_at is not None and offer.state in paper_rules.ENDED_UNANSWERED:
            offer.state = rules.step("offer", rules.OFFER_ALLOWED, offer.state, OfferState.ASKED)

    def _noted(self, offer: Offer, reply: Reply) -> Answered:
        """A yes without a place, keyed in when nobody stands by any more: it counts as an answer."""
        offer.answered_at = reply.given_at
        self._record(offer, reply, state=offer.state.value)
        return Answered(offer, Outcome.NOTED)

    def _record(self, offer: Offer, reply: Reply, **data: object) -> None:
        if reply.given_at is not None:
            data |= {"late": True} if self._own else {"on_paper": True, "by": self._tx.actor.id}
        self._rows.log(offer, reply.answer, reply.given_at, data)
        if self._own:
            offer.seen_at = offer.seen_at or self._tx.now

    # -- places --------------------------------------------------------------------------------------------

    def _leave(self, offer: Offer, after: OfferState) -> None:
        placed = offer.state in rules.PLACED
        offer.state = rules.step("offer", rules.OFFER_ALLOWED, offer.state, after)
        offer.position = None
        if placed:
            self._rows.unseat(offer)

    def _making_way(self, offer: Offer) -> list[Offer]:
        """Drills of that time that the person has a place in, where this is a real callout."""
        if self._rows.callouts[offer.callout_id].kind is not Kind.REAL:
            return []
        return [
            held
            for held in self._overlapping(offer)
            if held.state is OfferState.ACCEPTED
            # Locked: one accepted past us a moment ago still holds its person.
            and held.id in self._rows.offers
            and self._rows.callouts[held.callout_id].kind is Kind.DRILL
        ]

    def _given_up(self, offer: Offer) -> list[Offer]:
        """The place that a yes to this offer gives up: a re-plan asked the person to move."""
        held = self._rows.offers.get(offer.instead_of) if offer.instead_of is not None else None
        return [held] if held is not None and held.state is OfferState.ACCEPTED else []

    def _elsewhere(self, offer: Offer, but: Collection[Offer]) -> bool:
        released = {offer.id for offer in but}
        return any(held.id not in released for held in self._overlapping(offer))

    def _overlapping(self, offer: Offer) -> Iterator[Offer]:
        for held in self._rows.promised.get(offer.volunteer_id, ()):
            if held is not offer and held.state in rules.HOLDING and held.during.overlaps(offer.during):
                yield held

    def _promote(self, left: Offer) -> tuple[Offer, ...]:
        """Moves up who stands by for the place that this offer left: by the row, as it may be anybody."""
        with self._rows.by_row(left):
            moved = places.promote(self._tx, left.callout_id, left.slot_id, self._fit)
        self._rows.hold(moved)
        return tuple(moved)
