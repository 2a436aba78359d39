"""Plans built person by person in plain Python: may this person take this duty as well?"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from volunteer_hub.engine.problem import Bools, Ints
from volunteer_hub.engine.roster.clash import clashes
from volunteer_hub.engine.roster.problem import Roster
from volunteer_hub.engine.roster.rules.hours import DAY
from volunteer_hub.engine.roster.rules.turns import long_turns


class Schedule:
    """The pairs chosen so far, and the heads each fills. Keeps every rule that concerns one person."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self.of_person: dict[int, list[int]] = defaultdict(list)
        self.of_slot: dict[int, list[int]] = defaultdict(list)
        self.heads: dict[int, int] = {}
        self.filled = np.zeros(len(roster.duties), np.int64)

    def fits(self, pair: int) -> bool:
        """May the person take the duty besides those already taken?"""
        roster = self.roster
        person, slot = int(roster.pairs.person[pair]), int(roster.pairs.slot[pair])
        mine = self.of_person[person]
        crew = roster.crew
        load = int(roster.pairs.load[[*mine, pair]].sum())
        if pair in mine or len(mine) >= crew.max_duties[person] or load > crew.capacity[person]:
            return False
        others = roster.pairs.slot[mine]
        if mine and clashes(roster, person, others, np.array(slot)).any():
            return False
        return self._within_hours(person, pair) and self._within_turns(pair, mine)

    def _within_hours(self, person: int, pair: int) -> bool:
        # In plain Python: the first plan must not wait for a compiler.
        slots = self.roster.pairs.slot[[*self.of_person[person], pair]]
        times = list(
            zip(self.roster.begin[slots].tolist(), self.roster.duties.end[slots].tolist(), strict=True)
        )
        windows = {since for begin, end in times for since in (begin, end - DAY)}  # see hours.day_windows
        return all(
            sum(max(0, min(end, since + DAY) - max(begin, since)) for begin, end in times)
            <= self.roster.crew.minutes_24h[person]
            for since in windows
        )

    def _within_turns(self, pair: int, mine: list[int]) -> bool:
        roster = self.roster
        hazard = int(roster.duties.hazard[roster.pairs.slot[pair]])
        if hazard < 0:
            return True
        rows = np.array(sorted([*mine, pair]))
        return not long_turns(roster, hazard, rows[roster.duties.hazard[roster.pairs.slot[rows]] == hazard])

    def take(self, pair: int, heads: int = 1) -> None:
        person, slot = int(self.roster.pairs.person[pair]), int(self.roster.pairs.slot[pair])
        self.of_person[person].append(pair)
        self.of_slot[slot].append(pair)
        self.heads[pair] = heads
        self.filled[slot] += heads

    def drop(self, pair: int) -> None:
        person, slot = int(self.roster.pairs.person[pair]), int(self.roster.pairs.slot[pair])
        self.of_person[person].remove(pair)
        self.of_slot[slot].remove(pair)
        self.filled[slot] -= self.heads.pop(pair)

    def chosen(self) -> tuple[Ints, Ints]:
        """Rows of pairs, ascending, and the heads each fills."""
        rows = sorted(self.heads)
        return np.array(rows, dtype=np.int64), np.array([self.heads[row] for row in rows], dtype=np.int64)


def plain(roster: Roster) -> bool:
    """Do only overlap, rest, travel, relief, capacity and the number of duties bind?"""
    pairs, crew = roster.pairs, roster.crew
    duration = roster.duties.end - roster.begin
    # Where every load is at least the duration, the capacity in all may be the stricter limit.
    loaded = bool((pairs.load >= duration[pairs.slot]).all())
    hourly: Bools = (crew.minutes_24h < DAY) & ~(loaded & (crew.capacity <= crew.minutes_24h))
    timed = (duration > 0).any()
    return not (
        roster.leaders
        or roster.skills
        or roster.teams
        or roster.duties.pair_up.any()
        or (roster.duties.hazard >= 0).any()
        or (roster.crew.most > 1).any()
        or (timed and hourly.any())
    )
