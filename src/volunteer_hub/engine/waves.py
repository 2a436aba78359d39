"""Does the next wave go? The decision about one slot of a running callout, from plain figures alone.

After every answer, and after every minute of silence, the chance that the need is met by the deadline is
worked out anew (forecast.py). Below the confidence wanted so many more are asked as bring it back, above it
the callout holds. Two waves keep a gap: who was asked a moment ago has not had the time to answer, and a
forecast that has just been brought to the confidence falls below it with the next breath.

Times are minutes from any common zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.forecast import Asked, Forecast, Within
from volunteer_hub.engine.law import Shock
from volunteer_hub.engine.overcall import check_confidence

T = TypeVar("T")
CLOSE = 0.25  # minutes: as exactly the moment is told at which a forecast falls
DRAWN_EXACT = 60  # people, up to whom a drawn band is counted one by one


class Verdict(StrEnum):
    """``short``: everybody there is, is asked, and it is not enough."""

    HOLD = "hold"
    ASK = "ask"
    SHORT = "short"


@dataclass(frozen=True)
class Curve:
    """By how many minutes each share of all yeses has come: linear between, from 0 at minute 0."""

    minutes: tuple[float, ...]
    shares: tuple[float, ...]

    def by(self, minutes: Floats) -> Floats:
        """The shares that have come so many minutes after asking."""
        found: Floats = np.interp(minutes, (0.0, *self.minutes), (0.0, *self.shares))
        return found


@dataclass(frozen=True)
class Slot:
    """One slot as it stands. ``need``: yeses wanted in time, in all.

    Of everybody asked: chance of a yes as believed, minute of asking, number of the curve, whether they said
    yes or no. ``too_late``: said yes, and does not count for the need. ``spare``: chances of those who could
    be asked now, in the order in which they would be. ``within``: minima within the need, as of a skill.
    """

    need: int
    chance: Floats  # [n]
    asked: Floats
    curve: Ints
    yes: Bools
    no: Bools
    too_late: Bools
    curves: tuple[Curve, ...]
    spare: Floats  # [m]
    spare_curve: Ints
    within: tuple[Within, ...] = ()

    @property
    def open_need(self) -> int:
        """Yeses still wanting."""
        return max(0, self.need - int((self.yes & ~self.too_late).sum()))

    @property
    def lacking(self) -> int:
        """The same, and at least those that a minimum within the need still wants."""
        there = self.yes & ~self.too_late
        return max([self.open_need, *(one.heads - one.there(there) for one in self.within)])

    def forecast(self, now: float, deadline: float, law: Shock) -> Forecast:
        """What is believed at a moment when nobody more has answered."""
        asked = Asked(
            chance=self.chance,
            now=self.by(now),
            by=self.by(max(now, deadline)),
            yes=self.yes,
            no=self.no,
        )
        return Forecast(asked, law)

    def by(self, minute: float) -> Floats:
        """[n] the share of the yeses of those asked that has come by a minute."""
        return self._by(minute - self.asked, self.curve)

    def spare_by(self, minutes: float) -> Floats:
        """[m] the share of the yeses of the spare that comes so many minutes after asking."""
        return self._by(np.full(len(self.spare), max(minutes, 0.0)), self.spare_curve)

    @property
    def beside(self) -> int:
        """Yeses that do not count for the need."""
        return int((self.yes & self.too_late).sum())

    @property
    def told(self) -> int:
        """The need as the forecast counts it, for which every yes is one."""
        return self.need + self.beside

    @property
    def told_within(self) -> tuple[Within, ...]:
        """The minima within it, counted in the same way."""
        late = self.yes & self.too_late
        return tuple(replace(one, heads=one.heads + one.there(late)) for one in self.within)

    def _by(self, minutes: Floats, curve: Ints) -> Floats:
        shares = np.zeros(len(minutes))
        for number, one in enumerate(self.curves):
            mine = curve == number
            shares[mine] = one.by(minutes[mine])
        return shares


@dataclass(frozen=True)
class Rules:
    """``horizon``: a forecast looks at least so far ahead, also when the deadline is near or over. ``gap``:
    between two waves that the forecast sends."""

    confidence: float
    horizon: float
    gap: float

    def __post_init__(self) -> None:
        check_confidence(self.confidence)
        if not self.horizon > 0 or not self.gap >= 0:
            raise ValueError("the horizon must be positive, the gap not negative")


@dataclass(frozen=True)
class Decision:
    """``more``: so many of the spare are asked, in their order, or those of ``first`` (rows) where minima
    within the need ask for some before others; ``before``, ``after``: the chance that the need is met,
    without and with them."""

    verdict: Verdict
    more: int
    before: float
    after: float
    first: tuple[int, ...] = ()

    def asked(self, spare: Sequence[T], most: int | None = None) -> list[T]:
        """Those of the spare who are asked, or so many in this order."""
        rest = (row for row in range(len(spare)) if row not in set(self.first))
        order = [*(row for row in self.first if row < len(spare)), *rest]
        return [spare[row] for row in order[: self.more if most is None else most]]


def chance(slot: Slot, now: float, deadline: float, rules: Rules, law: Shock) -> float:
    """That the need is met by the deadline, with those asked so far."""
    if not slot.lacking:
        return 1.0
    return slot.forecast(now, _ahead(now, deadline, rules), law).together(slot.told, slot.told_within)


def decide(
    slot: Slot, now: float, deadline: float, rules: Rules, law: Shock, last_wave: float | None = None
) -> Decision:
    """Whether more are asked now. ``last_wave``: the minute of the last one, after which there is a gap."""
    before = chance(slot, now, deadline, rules, law)
    if before >= rules.confidence or (last_wave is not None and now < last_wave + rules.gap):
        return Decision(Verdict.HOLD, 0, before, before)
    return _asking(slot, now, _ahead(now, deadline, rules), rules.confidence, before, law)


def without_the_silent(slot: Slot, now: float, deadline: float, rules: Rules, law: Shock) -> Decision:
    """A wave by hand: so many as meet the need with this confidence though nobody still silent answers."""
    told = slot.yes | slot.no
    alone = replace(
        slot,
        chance=slot.chance[told],
        asked=slot.asked[told],
        curve=slot.curve[told],
        yes=slot.yes[told],
        no=slot.no[told],
        too_late=slot.too_late[told],
        within=tuple(replace(one, asked=one.asked[told]) for one in slot.within),
    )
    before = chance(slot, now, deadline, rules, law)
    return _asking(alone, now, _ahead(now, deadline, rules), rules.confidence, before, law, seen=slot)


def falls_at(slot: Slot, now: float, deadline: float, rules: Rules, law: Shock) -> float | None:
    """The minute before the deadline at which silence alone brings the chance below the confidence; None when
    it does not. Silence never raises a chance while the deadline stands."""
    last = deadline - rules.horizon
    if last <= now or chance(slot, last, deadline, rules, law) >= rules.confidence:
        return None
    low, high = now, last
    while high - low > CLOSE:
        middle = (low + high) / 2
        if chance(slot, middle, deadline, rules, law) >= rules.confidence:
            low = middle
        else:
            high = middle
    return high


def band(slot: Slot, now: float, deadline: float, rules: Rules, law: Shock) -> tuple[int, int]:
    """How many will have said yes in time: (at least so many with 90 %, with 10 %)."""
    there = int((slot.yes & ~slot.too_late).sum())
    forecast = slot.forecast(now, _ahead(now, deadline, rules), law)
    return there + forecast.further(0.9), there + forecast.further(0.1)


def expected(slots: Sequence[Slot], minutes: Sequence[float], law: Shock) -> list[tuple[int, int]]:
    """What asking these people let hope for, whatever they answered: at each minute how many of all slots
    will have said yes by then, (at least so many with 90 %, with 10 %)."""
    chance = np.concatenate([slot.chance for slot in slots])
    nobody = np.zeros(len(chance), dtype=np.bool_)
    bands = []
    for minute in minutes:
        by = np.concatenate([slot.by(minute) for slot in slots])
        asked = Asked(chance=chance, now=np.zeros(len(chance)), by=by, yes=nobody, no=nobody)
        forecast = Forecast(asked, law)
        bands.append((forecast.further(0.9, DRAWN_EXACT), forecast.further(0.1, DRAWN_EXACT)))
    return bands


def _asking(
    slot: Slot,
    now: float,
    deadline: float,
    confidence: float,
    before: float,
    law: Shock,
    seen: Slot | None = None,
) -> Decision:
    forecast, by = slot.forecast(now, deadline, law), slot.spare_by(deadline - now)
    rows, enough = forecast.more(slot.told, confidence, slot.spare, by, slot.told_within)
    whole, real = (slot, forecast) if seen is None else (seen, seen.forecast(now, deadline, law))
    after = real.together(whole.told, whole.told_within, slot.spare[rows], by[rows], rows)
    first = tuple(rows.tolist()) if slot.within else ()
    return Decision(Verdict.ASK if enough else Verdict.SHORT, len(rows), before, after, first)


def _ahead(now: float, deadline: float, rules: Rules) -> float:
    return max(deadline, now + rules.horizon)
