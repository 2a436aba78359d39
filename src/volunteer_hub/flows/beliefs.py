"""What is believed about the answers to one callout: how likely a yes, how soon, how much they go together.

The one place that turns people into chances. Until a model has learned better the figures are those of
config/answers.toml, by channel, day or night and kind; a fitted one fills the same `Belief`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import policy
from volunteer_hub.core.site import Site
from volunteer_hub.engine import overcall, shock, sizing
from volunteer_hub.engine.law import Shock
from volunteer_hub.engine.waves import Curve
from volunteer_hub.mobilization.policy import Answers, Channel, When
from volunteer_hub.mobilization.rules import Kind
from volunteer_hub.notify import rules as notify


@dataclass(frozen=True)
class Belief:
    """``chance`` of a yes, worth ``strength`` earlier asks; ``measured`` here, else assumed."""

    chance: float
    strength: float
    measured: bool = False


@dataclass(frozen=True)
class Basis:
    """What figures about several people rest on: the weakest belief among them, between ``low`` and ``high``
    with 90 %."""

    asks: int
    measured: bool
    low: float
    high: float


_NOBODY: Final = Belief(0.0, 1.0)


class Beliefs:
    """The beliefs of one moment, each looked up once."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._policy = policy.load("answers", Answers)
        self._night = policy.load("hub", Site).night
        self._known: dict[tuple[str, str, Kind], Belief] = {}
        self._curves: dict[tuple[str, Kind, When], Curve] = {}

    def of(self, channel: notify.Channel | None, facts: SlotFacts) -> Belief:
        """About a person reached so and asked now for this slot; a chance of 0 for whom nothing reaches."""
        if channel is None:
            return _NOBODY
        key = (channel.value, facts.zone, Kind(facts.incident.kind.value))
        if key not in self._known:
            row = self._policy.prior(_named(channel), self.when(facts.zone, self._now), key[2].value)
            self._known[key] = Belief(row.accept, row.strength, row.measured)
        return self._known[key]

    def law(self, facts: SlotFacts, beliefs: Iterable[Belief]) -> Shock:
        """How the answers to a callout vary together: by hour and hazard, and because chances are believed
        only as firmly as the least known of them."""
        together = self._policy.together(self.when(facts.zone, self._now), facts.incident.hazard)
        return shock.shock(together, _weakest(beliefs).strength)

    def share_by(self, minutes: float, channel: notify.Channel | None, facts: SlotFacts) -> float:
        """The share of the yeses of people asked so and now that has come so many minutes later."""
        if channel is None:
            return 0.0
        curve = self.curve(channel, facts, self._now)
        return overcall.share_by(minutes, curve.minutes, curve.shares)

    def curve(self, channel: notify.Channel, facts: SlotFacts, asked_at: datetime) -> Curve:
        """How fast people answer who were asked so, then."""
        key = (channel.value, Kind(facts.incident.kind.value), self.when(facts.zone, asked_at))
        if key not in self._curves:
            delay = self._policy.delay_of(_named(channel), key[1].value)
            self._curves[key] = Curve(delay.minutes(key[2]), delay.shares)
        return self._curves[key]

    def when(self, zone: str, moment: datetime) -> When:
        """Day or night, where the people are."""
        return "night" if self._night.covers(moment.astimezone(ZoneInfo(zone)).time()) else "day"


def basis(beliefs: Iterable[Belief]) -> Basis:
    """What a figure about these people rests on, and between what their mean chance may lie."""
    known = [belief for belief in beliefs if belief.chance > 0]
    weakest = _weakest(known)
    mean = float(np.mean([belief.chance for belief in known])) if known else 0.0
    low, high = sizing.credible(mean, weakest.strength) if known else (0.0, 0.0)
    return Basis(round(weakest.strength), bool(known) and all(b.measured for b in known), low, high)


def _weakest(beliefs: Iterable[Belief]) -> Belief:
    known = [belief for belief in beliefs if belief.chance > 0]
    return min(known, key=lambda belief: belief.strength, default=_NOBODY)


def _named(channel: notify.Channel) -> Channel:
    name: Channel = channel.value
    return name
