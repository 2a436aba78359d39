"""What is believed about the answers to one callout: how likely a yes, how soon, how much they go together.

The one place that turns people into chances. Until the answer model has a version the figures are those of
config/answers.toml, by channel, day or night and kind; then they are the newest version's, for each person.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.engine import overcall, shock, sizing
from volunteer_hub.engine.answer_model.data import KNOTS
from volunteer_hub.engine.law import Shock
from volunteer_hub.engine.waves import Curve
from volunteer_hub.flows import learning
from volunteer_hub.mobilization import answer_rules, answers
from volunteer_hub.mobilization.answer_rules import WHENS
from volunteer_hub.mobilization.rules import Kind
from volunteer_hub.notify import rules as notify


@dataclass(frozen=True)
class Belief:
    """``chance`` of a yes. What it has in common with others' is worth ``strength`` earlier asks: that one
    person's own is known less firmly makes no callout less sure, for people fail each for themselves.
    ``measured`` here, else assumed."""

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
    """The beliefs of one moment (now, or ``at``) about these people, each worked out once. One query without
    a version of the answer model, with one four."""

    def __init__(self, tx: Tx, people: Collection[int], at: datetime | None = None) -> None:
        self._now = tx.now if at is None else at
        self._policy = learning.assumed()
        version = answers.latest(tx)
        model = learning.model_of(version, tx.now) if version is not None else None
        self._model = model
        self._circle = learning.circle(tx, people, model) if model is not None else None
        self._known: dict[int, Belief] = {}
        self._persons: dict[int, dict[int, Belief]] = {}
        self._curves: dict[int, Curve] = {}

    def of(self, channel: notify.Channel | None, facts: SlotFacts, volunteer_id: int) -> Belief:
        """About a person reached so and asked now for this slot; a chance of 0 for whom nothing reaches."""
        if channel is None:
            return _NOBODY
        cell = self._cell(channel, facts, self._now)
        if self._circle is not None:
            if cell not in self._persons:
                self._persons[cell] = _persons(self._circle, cell)
            if volunteer_id in self._persons[cell]:
                return self._persons[cell][volunteer_id]
        if cell not in self._known:
            row = self._policy.prior(*answer_rules.CELLS[cell])
            self._known[cell] = Belief(row.accept, row.strength, row.measured)
        return self._known[cell]

    def law(self, facts: SlotFacts, beliefs: Iterable[Belief]) -> Shock:
        """How the answers to a callout vary together: by hour and hazard, and because chances are believed
        only as firmly as the least known of them. A hazard of its own is not taken for milder than stated."""
        at = learning.when(facts.zone, self._now)
        together = self._policy.together(at, facts.incident.hazard)
        if self._model is not None:
            learned = float(self._model.correlation[WHENS.index(at)])
            stated = together if together != self._policy.together(at, learning.ANYTHING) else 0.0
            together = max(learned, stated)
        return shock.shock(together, _weakest(beliefs).strength)

    def share_by(self, minutes: float, channel: notify.Channel | None, facts: SlotFacts) -> float:
        """The share of the yeses of people asked so and now that has come so many minutes later."""
        if channel is None:
            return 0.0
        curve = self.curve(channel, facts, self._now)
        return overcall.share_by(minutes, curve.minutes, curve.shares)

    def curve(self, channel: notify.Channel, facts: SlotFacts, asked_at: datetime) -> Curve:
        """How fast people answer who were asked so, then."""
        cell = self._cell(channel, facts, asked_at)
        if cell not in self._curves:
            self._curves[cell] = self._curve(cell)
        return self._curves[cell]

    def _curve(self, cell: int) -> Curve:
        if self._model is not None and self._model.fitted.delays[cell].any():
            return Curve(KNOTS, tuple(self._model.curve(cell).tolist()))
        channel, at, kind = answer_rules.CELLS[cell]
        delay = self._policy.delay_of(channel, kind)
        return Curve(delay.minutes(at), delay.shares)

    def _cell(self, channel: notify.Channel, facts: SlotFacts, moment: datetime) -> int:
        kind = Kind(facts.incident.kind.value)
        return answer_rules.cell(channel.value, learning.when(facts.zone, moment), kind.value)


def _persons(circle: learning.Circle, cell: int) -> dict[int, Belief]:
    figures = circle.chance(cell), circle.strength(cell), circle.measured(cell)
    rows = zip(circle.people.tolist(), *(each.tolist() for each in figures), strict=True)
    return {person: Belief(*told) for person, *told in rows}


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
