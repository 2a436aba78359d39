"""Will enough come? A running callout as the forecast needs it: who was asked when and by what, who answered.

What nobody received teaches nothing and promises nothing: people whom no message reached are left out, and so
is whoever said that the message was not for them.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from sqlalchemy import select as columns  # SQLModel's select is typed for four at most
from sqlmodel import col, select

from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.boards.within import Minima
from volunteer_hub.core import bulk, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.engine import waves as engine
from volunteer_hub.engine.forecast import Within
from volunteer_hub.engine.law import Shock
from volunteer_hub.engine.waves import Curve, Decision, Rules
from volunteer_hub.flows.asking import Candidates
from volunteer_hub.flows.beliefs import Belief, Beliefs
from volunteer_hub.incidents.models import SlotMinimum
from volunteer_hub.mobilization import rules
from volunteer_hub.mobilization.callouts import Ask
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.policy import CalloutRules, Callouts
from volunteer_hub.mobilization.queries import SlotFigures
from volunteer_hub.mobilization.rules import DeclineReason, OfferState
from volunteer_hub.notify import outbox
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Channel, State, Subject

_YES: Final = frozenset({OfferState.ACCEPTED, OfferState.ON_SITE, OfferState.DONE})
_YES_IN_VAIN: Final = frozenset({OfferState.STANDING_BY, OfferState.NO_SHOW})
_NO: Final = frozenset({OfferState.DECLINED, OfferState.WITHDRAWN, OfferState.EXPIRED})
_SILENT: Final = frozenset({OfferState.ASKED})
_TELLING: Final = _YES | _YES_IN_VAIN | _NO | _SILENT
_UNREACHED: Final = frozenset({State.FAILED, State.EXPIRED})


@dataclass(frozen=True)
class Row:
    """One offer, and what became of its newest question: by which channel, None where no message reached the
    person, and since when they may have it: ``sent_at``, None while it waits to be sent."""

    channel: Channel | None
    sent_at: datetime | None
    slot_id: int
    volunteer_id: int
    state: OfferState
    wave: int
    asked_at: datetime | None
    answered_at: datetime | None
    minutes_there: int | None
    chance: float | None
    reason: DeclineReason | None


@dataclass(frozen=True)
class Outlook:
    """A callout at one moment. Minutes count from when it was sent; ``deadline`` is the time to answer, and
    ``yeses`` are the moments of every yes that stands, the first first."""

    callout: Callout
    facts: Mapping[int, SlotFacts]
    slots: Mapping[int, engine.Slot]
    queued: Mapping[int, tuple[Ask, ...]]
    taken: frozenset[int]
    law: Shock
    beliefs: tuple[Belief, ...]
    rules: Rules
    now: float
    deadline: float
    yeses: tuple[float, ...]
    _curves: "_Curves" = field(repr=False)
    _minima: Minima = field(repr=False)

    def chance(self, slot_id: int) -> float:
        """That the slot's minimum comes together by the deadline."""
        return engine.chance(self.slots[slot_id], self.now, self.deadline, self.rules, self.law)

    def band(self, slot_id: int) -> tuple[int, int]:
        """How many will have said yes by then: at least so many with 90 %, with 10 %."""
        return engine.band(self.slots[slot_id], self.now, self.deadline, self.rules, self.law)

    def expected(self, minutes: Sequence[float]) -> list[tuple[int, int]]:
        """By each minute, how many of those asked will have said yes, for all that they answered: at least so
        many with 90 %, with 10 %."""
        return engine.expected(list(self.slots.values()), minutes, self.law)

    def falls_at(self, slot_id: int) -> float | None:
        """The minute at which silence alone brings the chance below the confidence."""
        return engine.falls_at(self.slots[slot_id], self.now, self.deadline, self.rules, self.law)

    def decide(self, slot_id: int, spare: Sequence[Ask], people: Candidates) -> Decision:
        """How many of these people are asked now so that the confidence is reached again."""
        slot = self._with(slot_id, spare, people)
        return engine.decide(slot, self.now, self.deadline, self.rules, self.law)

    def by_hand(self, slot_id: int, need: int, spare: Sequence[Ask], people: Candidates) -> Decision:
        """How many meet this need though nobody still silent answers."""
        slot = replace(self._with(slot_id, spare, people), need=need)
        return engine.without_the_silent(slot, self.now, self.deadline, self.rules, self.law)

    def order(self, slot_id: int, asks: Iterable[Ask], people: Candidates) -> list[Ask]:
        """The free among them in the order in which they are asked: least burden for what each adds first."""
        facts = self.facts[slot_id]
        asking = policy.load("callouts", Callouts).goal.asking
        minutes = max(self.deadline - self.now, self.rules.horizon)

        def price(ask: Ask) -> float:
            chance = people.chance(ask.volunteer_id, facts) * people.in_time(ask.volunteer_id, facts, minutes)
            return float((10 * asking + ask.cost) / max(-math.log1p(-chance), 1e-12))

        free = people.further(asks, facts, self.taken)
        known = [replace(ask, chance=people.chance(ask.volunteer_id, facts)) for ask in free]
        return sorted(known, key=price)

    def _with(self, slot_id: int, spare: Sequence[Ask], people: Candidates) -> engine.Slot:
        facts = self.facts[slot_id]
        curves = [self._curves.number(people.channel(ask.volunteer_id), facts) for ask in spare]
        return replace(
            self.slots[slot_id],
            spare=np.array([people.chance(ask.volunteer_id, facts) for ask in spare], dtype=np.float64),
            spare_curve=np.array(curves, dtype=np.int64),
            curves=self._curves.all(),
            within=tuple(
                replace(one, spare=_counts(self._minima, minimum, [ask.volunteer_id for ask in spare]))
                for one, minimum in zip(
                    self.slots[slot_id].within, self._minima.of(slot_id), strict=False
                )  # none where the slot is full
            ),
        )


class _Curves:
    """The delay curves of a callout, numbered as they are met."""

    def __init__(self, beliefs: Beliefs, now: datetime) -> None:
        self._beliefs, self._now = beliefs, now
        self._numbers: dict[Curve, int] = {}

    def number(self, channel: Channel | None, facts: SlotFacts, asked_at: datetime | None = None) -> int:
        """The curve of somebody asked so; -1, which nobody answers by, without a channel."""
        if channel is None:
            return -1
        curve = self._beliefs.curve(channel, facts, asked_at or self._now)
        return self._numbers.setdefault(curve, len(self._numbers))

    def all(self) -> tuple[Curve, ...]:
        return tuple(self._numbers)


def read(
    tx: Tx, callout: Callout, figures: Mapping[int, SlotFigures], facts: Mapping[int, SlotFacts]
) -> Outlook:
    """The callout as it stands, for the slots of ``facts``, in two queries."""
    rows = _rows(tx, callout)
    beliefs = Beliefs(tx, {row.volunteer_id for row in rows})
    curves = _Curves(beliefs, tx.now)
    by_slot: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_slot[row.slot_id].append(row)
    limits, minima = policy.load("callouts", Callouts).callout, Minima(tx, facts)
    made = {
        key: _slot(by_slot[key], figures[key], one, callout, limits, curves, beliefs, minima, tx.now)
        for key, one in facts.items()
    }
    rest = [
        beliefs.of(row.channel, facts[row.slot_id], row.volunteer_id) for row in rows if row.slot_id in facts
    ]
    first = next(iter(facts.values()))
    return Outlook(
        callout=callout,
        facts=facts,
        slots=made,
        queued={key: _queued(by_slot[key]) for key in facts},
        taken=frozenset(row.volunteer_id for row in rows if row.state is not OfferState.QUEUED),
        law=beliefs.law(first, rest),
        beliefs=tuple(belief for belief in rest if belief.chance > 0),
        rules=Rules(callout.confidence, limits.horizon_minutes, limits.wave_minutes),
        now=_minutes(callout, tx.now),
        deadline=_minutes(callout, callout.answer_by),
        yeses=tuple(sorted(_yeses(callout, rows, facts))),
        _curves=curves,
        _minima=minima,
    )


def _rows(tx: Tx, callout: Callout) -> list[Row]:
    wanted = columns(
        col(Offer.id), col(Offer.slot_id), col(Offer.volunteer_id), col(Offer.state), col(Offer.wave),
        col(Offer.asked_at), col(Offer.answered_at), col(Offer.minutes_there), col(Offer.chance),
        col(Offer.decline_reason),
    ).where(col(Offer.callout_id) == callout.id)  # fmt: skip
    found = tx.execute(wanted.order_by(col(Offer.wave), col(Offer.id))).all()
    ways = _ways(tx, [row[0] for row in found])
    return [Row(*ways.get(row[0], (None, None)), *row[1:]) for row in found]


def _ways(tx: Tx, offer_ids: Sequence[int]) -> dict[int, tuple[Channel, datetime | None]]:
    """Offer -> the channel of its newest question, or of one that arrived, and when it was sent, unless that
    reached nobody."""
    about = (
        (col(Message.subject_kind) == Subject.OFFER)
        & bulk.among(col(Message.subject_id), offer_ids)
        & (col(Message.purpose) == "offer")
    )
    wanted = select(Message.subject_id, Message.channel, Message.state, Message.sent_at).where(about)
    newest = {row[0]: row[1:] for row in tx.exec(wanted.order_by(*outbox.NEWEST))}
    return {
        offer: (Channel(way), sent) for offer, (way, state, sent) in newest.items() if state not in _UNREACHED
    }


def _queued(rows: Iterable[Row]) -> tuple[Ask, ...]:
    waiting = (row for row in rows if row.state is OfferState.QUEUED)
    return tuple(Ask(row.slot_id, row.volunteer_id, row.wave) for row in waiting)


def _slot(
    rows: Iterable[Row],
    figures: SlotFigures,
    facts: SlotFacts,
    callout: Callout,
    limits: CalloutRules,
    curves: _Curves,
    beliefs: Beliefs,
    minima: Minima,
    now: datetime,
) -> engine.Slot:
    told = [row for row in rows if _tells(row)]
    chances = [
        row.chance if row.chance is not None else beliefs.of(row.channel, facts, row.volunteer_id).chance
        for row in told
    ]
    numbers = [curves.number(row.channel, facts, row.asked_at) for row in told]
    return engine.Slot(
        need=figures.minimum,
        chance=np.array(chances, dtype=np.float64),
        # Silence tells of somebody only once they may have the question.
        asked=np.array([_minutes(callout, row.sent_at or now) for row in told], dtype=np.float64),
        curve=np.array(numbers, dtype=np.int64),
        yes=_mask(row.state in _YES | _YES_IN_VAIN for row in told),
        no=_mask(row.state in _NO for row in told),
        too_late=_mask(row.state in _YES_IN_VAIN or _late(row, facts, callout, limits) for row in told),
        curves=curves.all(),
        spare=np.zeros(0),
        spare_curve=np.zeros(0, np.int64),
        within=tuple(
            Within(one.heads, _counts(minima, one, [row.volunteer_id for row in told]), _mask(()))
            for one in minima.of(facts.slot.id)
            if figures.filled < figures.maximum  # else nobody who is asked could take a place
        ),
    )


def _counts(minima: Minima, one: SlotMinimum, people: Sequence[int]) -> Any:
    """[n] who counts for a minimum."""
    able = minima.count_for(one, people)
    return _mask(person in able for person in people)


def _tells(row: Row) -> bool:
    """Whether anything can be learned or hoped from this person. A yes counts by whatever way it came."""
    if row.state not in _TELLING or row.reason is DeclineReason.NOT_ME or row.asked_at is None:
        return False
    return row.channel is not None or row.answered_at is not None


def _yeses(callout: Callout, rows: Iterable[Row], facts: Mapping[int, SlotFacts]) -> Iterator[float]:
    for row in rows:
        if row.slot_id in facts and row.state in _YES | _YES_IN_VAIN and row.answered_at is not None:
            yield _minutes(callout, row.answered_at)


def _late(row: Row, facts: SlotFacts, callout: Callout, limits: CalloutRules) -> bool:
    """Said yes, and will be there too late by their own word."""
    if row.state is not OfferState.ACCEPTED or row.minutes_there is None or row.answered_at is None:
        return False
    arrives = row.answered_at + timedelta(minutes=row.minutes_there)
    task = facts.task
    return not rules.comes_in_time(arrives, task.starts_at, task.ends_at, callout.created_at, limits)


def _minutes(callout: Callout, moment: datetime) -> float:
    return (moment - callout.created_at).total_seconds() / 60


def _mask(flags: Iterable[bool]) -> Any:
    return np.fromiter(flags, dtype=np.bool_)
