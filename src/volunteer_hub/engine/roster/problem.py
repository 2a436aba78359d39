"""What a roster asks: duties in time, a crew, who may serve where, and the rules between them.

Notation: S slots, P people (or organisations), N allowed pairs, L sites, H hazards. Times are whole minutes
since the plan's epoch, costs 0.1 minutes. A slot that ends as it starts has no place in time: it conflicts
with nothing and only its load counts.

Every rule but the target is hard where somebody serves, so that a slot may always stay empty: the empty plan
is allowed, and what cannot be staffed shows up as open heads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import numpy as np

from volunteer_hub.engine.problem import MAX_PRIORITY, Bools, Floats, Ints, ProblemError

MAX_HEADS = 10**5
MAX_COST = 10**9
MANY_DUTIES = 10**6
UNLIMITED = 1 << 40  # above any sum of minutes, loads or costs


# Column defaults: one value for every row.
_ZERO, _ONE, _NONE = cast("Ints", 0), cast("Ints", 1), cast("Ints", -1)
_MANY, _UNLIMITED = cast("Ints", MANY_DUTIES), cast("Ints", UNLIMITED)


def _fill(owner: object, names: tuple[str, ...], count: int) -> None:
    """Convert the fields to read-only integer arrays of `count` rows; one value stands for all rows."""
    for name in names:
        raw = np.asarray(getattr(owner, name))
        where = f"{type(owner).__name__.lower()}.{name}"
        if raw.dtype.kind == "f" and not np.isfinite(raw).all():
            raise ProblemError("not_a_number", where)
        if raw.shape not in ((), (count,)):
            raise ProblemError("shape", where)
        column = np.array(np.broadcast_to(raw, (count,)), dtype=np.int64)
        column.flags.writeable = False
        object.__setattr__(owner, name, column)


def _refuse(bad: Bools, code: str, where: str) -> None:
    if bad.any():
        raise ProblemError(code, where, int(np.flatnonzero(bad)[0]))


@dataclass(frozen=True)
class Duties:
    """What is wanted, one row per slot. Heads are filled up to the target, never above."""

    start: Ints  # [S]
    end: Ints  # [S]
    minimum: Ints  # [S] heads without which the task cannot work
    target: Ints  # [S]
    priority: Ints = _ONE  # 1..5
    site: Ints = _ZERO  # row of Roster.travel
    hazard: Ints = _NONE  # row of Roster.turn_limit, -1 for none
    period: Ints = _NONE  # operational period, -1 for none
    post: Ints = _NONE  # the lasting place that crews of successive periods hand over, -1 for none
    pair_up: Ints = _ZERO  # 1: nobody serves here alone

    def __post_init__(self) -> None:
        count = len(np.atleast_1d(self.start))
        names = tuple(self.__dataclass_fields__)
        _fill(self, names, count)
        _refuse(self.end < self.start, "window", "duties.end")
        _refuse((self.minimum < 0) | (self.target > MAX_HEADS), "out_of_range", "duties.minimum")
        _refuse(self.minimum > self.target, "minimum_above_target", "duties.minimum")
        _refuse((self.priority < 1) | (self.priority > MAX_PRIORITY), "priority", "duties.priority")

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True)
class Crew:
    """Who may serve, one row per person; an organisation's offer of several people is one row too, and fills
    between `least` and `most` heads of one slot by one decision."""

    capacity: Ints  # [P] load in all, in the unit of Pairs.load (minutes)
    minutes_24h: Ints = _UNLIMITED  # most minutes of duty in any 24 hours
    rest: Ints = _ZERO  # minutes between two duties
    max_duties: Ints = _MANY
    call_cost: Ints = _ZERO  # 0.1 minutes for calling the person at all
    least: Ints = _ONE
    most: Ints = _ONE

    def __post_init__(self) -> None:
        count = len(np.atleast_1d(self.capacity))
        names = tuple(self.__dataclass_fields__)
        _fill(self, names, count)
        for name in names:
            _refuse(getattr(self, name) < 0, "negative", f"crew.{name}")
        _refuse(self.call_cost > MAX_COST, "out_of_range", "crew.call_cost")
        _refuse((self.least < 1) | (self.least > self.most), "least_above_most", "crew.least")

    def __len__(self) -> int:
        return len(self.capacity)


@dataclass(frozen=True)
class Allowed:
    """Pairs that may meet. A Roster keeps them sorted by person, then by start."""

    person: Ints  # [N]
    slot: Ints  # [N]
    cost: Ints = _ZERO  # 0.1 minutes, of the decision as a whole for an organisation
    load: Ints = _NONE  # of the person's capacity; -1: the duration of the slot

    def __post_init__(self) -> None:
        _fill(self, tuple(self.__dataclass_fields__), len(np.atleast_1d(self.person)))
        _refuse((self.cost < 0) | (self.cost > MAX_COST), "out_of_range", "allowed.cost")
        _refuse(self.load < -1, "negative", "allowed.load")

    def __len__(self) -> int:
        return len(self.person)

    def only(self, rows: Ints | Bools) -> Allowed:
        return Allowed(self.person[rows], self.slot[rows], self.cost[rows], self.load[rows])


@dataclass(frozen=True)
class Need:
    """Of those who serve in the slot at least `heads` are from `people`. As a leader: nobody serves without.
    As a skill minimum: what is missing counts as open heads below the minimum."""

    slot: int
    people: frozenset[int]
    heads: int = 1


@dataclass(frozen=True)
class Roster:
    """One incident to plan: anybody may serve several duties."""

    duties: Duties
    crew: Crew
    pairs: Allowed
    travel: Ints = field(default_factory=lambda: np.zeros((1, 1), np.int64))  # [L, L] minutes between sites
    turn_limit: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # [H] minutes in one turn
    turn_pause: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # [H] a shorter break is no break
    leaders: tuple[Need, ...] = ()
    skills: tuple[Need, ...] = ()  # one person may count for several
    teams: tuple[tuple[int, ...], ...] = ()  # all or none of them, and in the same slot
    relief_rest: int = 0  # minutes between duties of one person in successive periods
    handover: int = 0  # minutes a relieving slot starts before its stated start
    beyond: Ints = _UNLIMITED  # [S] no pair left out of `pairs` is cheaper; UNLIMITED: none was left out

    def __post_init__(self) -> None:
        slots, people = len(self.duties), len(self.crew)
        _fill(self, ("beyond",), slots)
        for name in ("travel", "turn_limit", "turn_pause"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        _refuse((self.pairs.person < 0) | (self.pairs.person >= people), "unknown_person", "allowed.person")
        _refuse((self.pairs.slot < 0) | (self.pairs.slot >= slots), "unknown_slot", "allowed.slot")
        self._check_places()
        self._check_needs()
        object.__setattr__(self, "pairs", self._sorted_pairs())

    def _check_places(self) -> None:
        sites, hazards = len(self.travel), len(self.turn_limit)
        if self.travel.shape != (sites, sites) or self.turn_pause.shape != (hazards,):
            raise ProblemError("shape", "roster.travel" if self.travel.ndim != 2 else "roster.turn_pause")
        if (self.travel < 0).any() or (self.turn_limit < 0).any() or (self.turn_pause < 0).any():
            raise ProblemError("negative", "roster")
        if self.relief_rest < 0 or self.handover < 0:
            raise ProblemError("negative", "roster.relief_rest")
        _refuse((self.duties.site < 0) | (self.duties.site >= sites), "unknown_site", "duties.site")
        _refuse(
            (self.duties.hazard < -1) | (self.duties.hazard >= hazards), "unknown_hazard", "duties.hazard"
        )

    def _check_needs(self) -> None:
        everybody = frozenset(range(len(self.crew)))
        for where, needs in (("leaders", self.leaders), ("skills", self.skills)):
            for row, need in enumerate(needs):
                if not 0 <= need.slot < len(self.duties):
                    raise ProblemError("unknown_slot", f"roster.{where}", row)
                if not need.people <= everybody:
                    raise ProblemError("unknown_person", f"roster.{where}", row)
                if need.heads < 1:
                    raise ProblemError("out_of_range", f"roster.{where}", row)
        members = [person for team in self.teams for person in team]
        if not everybody.issuperset(members):
            raise ProblemError("unknown_person", "roster.teams")
        if len(set(members)) != len(members):
            raise ProblemError("in_two_teams", "roster.teams")

    def _sorted_pairs(self) -> Allowed:
        pairs = self.pairs
        order = np.lexsort((pairs.slot, self.begin[pairs.slot], pairs.person))
        pairs = pairs.only(order)
        twice = (pairs.person[1:] == pairs.person[:-1]) & (pairs.slot[1:] == pairs.slot[:-1])
        _refuse(twice, "pair_twice", "allowed")
        duration = self.duties.end - self.begin
        load = np.where(pairs.load < 0, duration[pairs.slot], pairs.load)
        return Allowed(pairs.person, pairs.slot, pairs.cost, load)

    @cached_property
    def begin(self) -> Ints:
        """[S] when people must be there: relieving crews come `handover` minutes before the stated start."""
        duties = self.duties
        posts = set(zip(duties.post.tolist(), duties.period.tolist(), strict=True))
        relieves = [
            post >= 0 and period > 0 and (post, period - 1) in posts
            for post, period in zip(duties.post.tolist(), duties.period.tolist(), strict=True)
        ]
        return duties.start - np.where(relieves, self.handover, 0)

    @cached_property
    def first(self) -> Ints:
        """[P + 1] person p has the pairs first[p]:first[p + 1]."""
        return np.searchsorted(self.pairs.person, np.arange(len(self.crew) + 1)).astype(np.int64)

    @cached_property
    def team_of(self) -> Ints:
        """[P] the team of each person, -1 for none."""
        team = np.full(len(self.crew), -1)
        for t, members in enumerate(self.teams):
            team[list(members)] = t
        return team


def travel_by_speed(x_km: Floats, y_km: Floats, speed_kmh: float, detour: float = 1.3) -> Ints:
    """[L, L] minutes between sites in a plane, rounded up. Raises ProblemError("speed")."""
    if not speed_kmh > 0:
        raise ProblemError("speed", "travel")
    x, y = np.asarray(x_km, dtype=np.float64), np.asarray(y_km, dtype=np.float64)
    km = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    return np.ceil(km * detour / speed_kmh * 60).astype(np.int64)
