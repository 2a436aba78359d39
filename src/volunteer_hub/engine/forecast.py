"""Will enough come? The answers so far tell how this callout is going, and that tells of the silent.

What answers have in common (shock.py) is not known beforehand, but it shows: after ten refusals in ten
minutes the silent are less likely too. By Bayes' rule every yes, every no and every minute of silence weighs
the nodes of the common shock anew; given a node the people who are still silent answer independently, each
with the chance of a yes that has not come yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from volunteer_hub.engine.arrays import Bools, Floats, Ints
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
class Within:
    """A minimum within the need: at least `heads` yeses of the people marked, among those `asked` [n] and
    those who could be asked, the `spare` [m]."""

    heads: int
    asked: Bools
    spare: Bools

    def there(self, yes: Bools) -> int:
        """How many of them are among these people asked."""
        return int((yes & self.asked).sum())


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

    def together(
        self,
        need: int,
        within: Sequence[Within],
        more: Floats | None = None,
        more_by: Floats | None = None,
        asking: Ints | None = None,
    ) -> float:
        """The same with every minimum within the need met as well; `asking` [k]: which of the spare people
        `more` are. Exact for one minimum, else what is at least so."""
        whole = self.at_least(need, more, more_by)
        if not within:
            return whole
        still = self._still(more, more_by)
        silent = ~(self.asked.yes | self.asked.no)
        lost = 0.0
        for one in within:
            spare = one.spare[asking] if asking is not None else one.spare[:0]
            lost += whole - self._both(need, one, still, np.concatenate([one.asked[silent], spare]))
        return max(0.0, whole - lost)

    def _both(self, need: int, one: Within, still: Floats, marked: Bools) -> float:
        """P(the need and one minimum): over how many of those marked come, enough of all others."""
        open_need = max(0, need - int(self.asked.yes.sum()))
        open_heads = max(0, one.heads - one.there(self.asked.yes))
        most = max(open_need, open_heads)
        of_them = counts(still[:, marked], most)
        tails = counts(still[:, ~marked], open_need)[:, ::-1].cumsum(axis=1)[:, ::-1]  # P(at least 0, 1 ...)
        come = np.arange(open_heads, most + 1)
        both = (of_them[:, come] * tails[:, np.maximum(open_need - come, 0)]).sum(axis=1)
        return float(self.weight @ both)

    def more(
        self,
        need: int,
        confidence: float,
        spare: Floats,
        spare_by: Floats,
        within: Sequence[Within] = (),
    ) -> tuple[Ints, bool]:
        """Which of the spare people (rows) to ask now so that the need is met by the deadline with this
        confidence, as few as that takes and in their order; and whether they are enough.

        Those whom a minimum within the need asks for, as many as it takes alone, come before the others.
        Where not even everybody is enough, nobody is asked who would not help.
        """
        first: dict[int, None] = {}
        for one in within:
            rows = np.flatnonzero(one.spare)
            taken = self._fewest_of(one, confidence, rows, spare, spare_by)
            first |= dict.fromkeys(rows[:taken].tolist())
        rest = [row for row in range(len(spare)) if row not in first]
        order = np.array([*sorted(first), *rest], dtype=np.int64)

        def whole(count: int) -> bool:
            now = order[:count]
            return self.at_least(need, spare[now], spare_by[now]) >= confidence

        def all_of_it(count: int) -> bool:
            now = order[:count]
            return self.together(need, within, spare[now], spare_by[now], now) >= confidence

        enough = _fewest(len(spare), all_of_it)
        if enough is not None:
            return order[:enough], True
        some = _fewest(len(spare), whole)
        return order if some is None else order[: max(some, len(first))], False

    def _fewest_of(
        self, one: Within, confidence: float, rows: Ints, spare: Floats, spare_by: Floats
    ) -> int | None:
        """How many of the rows a minimum takes, on its own; None for all."""
        silent = ~(self.asked.yes | self.asked.no)
        open_heads = max(0, one.heads - one.there(self.asked.yes))

        def sure(count: int) -> bool:
            now = rows[:count]
            still = self._still(spare[now], spare_by[now])
            marked = np.concatenate([one.asked[silent], np.ones(len(now), dtype=np.bool_)])
            return float(self.weight @ counts(still[:, marked], open_heads)[:, open_heads]) >= confidence

        return _fewest(len(rows), sure)

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


def _fewest(most: int, sure: Callable[[int], bool]) -> int | None:
    """The smallest number up to `most` that is enough; None when not even that is."""
    low, high = -1, most
    if not sure(most):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if sure(middle):
            high = middle
        else:
            low = middle
    return high


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
