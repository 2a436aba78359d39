"""Will enough come? The answers so far tell how this callout is going, and that tells of the silent.

What answers have in common (shock.py) is not known beforehand, but it shows: after ten refusals in ten
minutes the silent are less likely too. By Bayes' rule every yes, every no and every minute of silence weighs
the nodes of the common shock anew; given a node the people who are still silent answer independently, each
with the chance of a yes that has not come yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from volunteer_hub.engine.arrays import Bools, Floats
from volunteer_hub.engine.law import INDEPENDENT, Shock
from volunteer_hub.engine.overcall import counts

EXACT = 400  # silent people, up to whom their yeses are counted one by one for a band


@dataclass(frozen=True)
class Asked:
    """Everybody asked for one slot.

    chance: of a yes at all, as believed before. now, by: the share of all yeses that has come after the time
    that has passed since asking, and after the time until the deadline (0 <= now <= by <= 1).
    yes, no: who has answered; all others are silent.
    """

    chance: Floats  # [n]
    now: Floats
    by: Floats
    yes: Bools
    no: Bools

    def __post_init__(self) -> None:
        for name, kind in (("chance", float), ("now", float), ("by", float), ("yes", bool), ("no", bool)):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=kind))
        fine = (
            (self.chance >= 0) & (self.chance <= 1) & (self.now >= 0) & (self.now <= self.by) & (self.by <= 1)
        )
        if not fine.all() or (self.yes & self.no).any():
            raise ValueError("chances and shares must lie in [0, 1], now before by, and an answer be one")


@dataclass(frozen=True)
class Forecast:
    """What is believed of one slot now: `weight` [Q] of the nodes of the law, after the answers so far."""

    asked: Asked
    law: Shock = INDEPENDENT

    @cached_property
    def weight(self) -> Floats:
        """[Q] sums to 1."""
        node = np.clip(self.law.given(self.asked.chance), 1e-12, 1 - 1e-12)
        silent = ~(self.asked.yes | self.asked.no)
        likely = (
            np.log(node)[:, self.asked.yes].sum(axis=1)
            + np.log1p(-node)[:, self.asked.no].sum(axis=1)
            + np.log1p(-node * self.asked.now)[:, silent].sum(axis=1)
        )
        weight = self.law.weight * np.exp(likely - likely.max())
        told: Floats = weight / weight.sum()
        return told

    def at_least(self, need: int, more: Floats | None = None, more_by: Floats | None = None) -> float:
        """P(at least `need` yeses by the deadline): those there, the silent, and `more` people asked now, of
        whose yeses the shares `more_by` would come in time. A yes that is there counts as certain."""
        open_need = max(0, need - int(self.asked.yes.sum()))
        return float(self.weight @ counts(self._still(more, more_by), open_need)[:, open_need])

    def more(self, need: int, confidence: float, spare: Floats, spare_by: Floats) -> int | None:
        """The fewest of the spare people, in their order, to ask now so that the need is met by the deadline
        with this confidence; 0: nobody. None where even all of them are not enough."""
        low, high = -1, len(spare)
        if self.at_least(need, spare, spare_by) < confidence:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if self.at_least(need, spare[:middle], spare_by[:middle]) >= confidence:
                high = middle
            else:
                low = middle
        return high

    def further(self, share: float, exact: int = EXACT) -> int:
        """The most yeses that come from the silent by the deadline with at least this probability."""
        still = self._still(None, None)
        people = still.shape[1]
        if people <= exact:
            law = self.weight @ counts(still, people)
            tails = law[::-1].cumsum()[::-1]  # P(at least 0, 1, ... people)
            return int(np.flatnonzero(tails >= share - 1e-12)[-1])
        return _normal(self.weight, still, share)  # of so many the count is normal at each node

    def _still(self, more: Floats | None, more_by: Floats | None) -> Floats:
        """[Q, n] chances that a yes comes between now and the deadline."""
        silent = ~(self.asked.yes | self.asked.no)
        node, now = self.law.given(self.asked.chance[silent]), self.asked.now[silent]
        quiet = 1 - node * now
        late = node * (self.asked.by[silent] - now)
        still = np.divide(late, quiet, out=np.zeros_like(late), where=quiet > 0)
        if more is None or more_by is None or not len(more):
            return still
        return np.concatenate([still, self.law.given(more) * more_by], axis=1)


def _normal(weight: Floats, chances: Floats, share: float) -> int:
    """The most yeses that come with at least this probability, where many people are normal at each node."""
    mean = chances.sum(axis=1)
    spread = np.maximum(np.sqrt((chances * (1 - chances)).sum(axis=1)), 1e-9)
    low, high = 0, chances.shape[1] + 1
    while high - low > 1:
        middle = (low + high) // 2
        if weight @ ndtr((mean - middle + 0.5) / spread) >= share - 1e-12:
            low = middle
        else:
            high = middle
    return low
