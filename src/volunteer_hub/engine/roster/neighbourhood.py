"""Which pairs to set free around a plan: those of a few people who share slots, or of a few slots."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.problem import Bools, Floats, Ints
from volunteer_hub.engine.roster.problem import Roster

SMALLEST, LARGEST = 60, 50_000  # free pairs


class Neighbourhoods:
    """Draws neighbourhoods of a size that adapts: larger while they are solved quickly, smaller when not."""

    def __init__(self, roster: Roster, wanted: Bools, seed: int) -> None:
        """wanted: [N] pairs that may be part of a better plan."""
        self.roster, self.wanted = roster, wanted
        self.size = 200.0
        self.rng = np.random.default_rng(seed)
        order = np.argsort(roster.pairs.slot, kind="stable")
        self._of_slot = order
        self._first_of_slot = np.searchsorted(roster.pairs.slot[order], np.arange(len(roster.duties) + 1))

    def draw(self, chosen: Bools, pain: Floats) -> Bools:
        """[N] the pairs set free. chosen: [N] the plan; pain: [S] >= 0, where it falls short:
        neighbourhoods rather begin there."""
        by_people = self.rng.random() < 0.7
        return self._people(chosen, pain) if by_people else self._slots(chosen, pain)

    def solved(self, optimal: bool, seconds: float, limit: float) -> None:
        """How the last one went."""
        if not optimal:
            self.size = max(SMALLEST, self.size * 0.8)
        elif seconds < limit / 3:
            self.size = min(LARGEST, len(self.wanted), self.size * 1.1)

    def _seed_slot(self, pain: Floats) -> int:
        if pain.any() and self.rng.random() < 0.8:
            return int(self.rng.choice(len(pain), p=pain / pain.sum()))
        return int(self.rng.integers(len(pain)))

    def _people(self, chosen: Bools, pain: Floats) -> Bools:
        """People met by walking from slot to people who may serve it to the slots they serve."""
        roster = self.roster
        free = np.zeros(len(chosen), np.bool_)
        queue = [self._seed_slot(pain)]
        seen: set[int] = set()
        people: set[int] = set()
        total = 0
        while total < self.size:
            if not queue:
                queue.append(int(self.rng.integers(len(roster.duties))))
                if len(seen) >= len(roster.duties):
                    break
            slot = queue.pop(int(self.rng.integers(len(queue))))
            if slot in seen:
                continue
            seen.add(slot)
            offers = self._offers(slot)
            serving = offers[chosen[offers]]
            others = offers[self.wanted[offers]]
            some = self.rng.choice(others, min(len(others), 3), replace=False) if len(others) else others
            for person in roster.pairs.person[np.concatenate([serving, some])].tolist():
                if person in people or total >= self.size:
                    continue
                for member in self._team(person):
                    people.add(member)
                    mine = np.arange(roster.first[member], roster.first[member + 1])
                    mine = mine[self.wanted[mine] | chosen[mine]]
                    free[mine] = True
                    total += len(mine)
                    queue += roster.pairs.slot[mine[chosen[mine]]].tolist()
        return free

    def _slots(self, chosen: Bools, pain: Floats) -> Bools:
        """Everybody who may serve in one of a few slots."""
        free = np.zeros(len(chosen), np.bool_)
        total = 0
        first = self._seed_slot(pain)
        for slot in [first, *self.rng.permutation(len(pain)).tolist()]:
            if total >= self.size:
                break
            offers = self._offers(slot)
            offers = offers[self.wanted[offers] | chosen[offers]]
            total += int((~free[offers]).sum())
            free[offers] = True
        return free

    def _offers(self, slot: int) -> Ints:
        rows: Ints = self._of_slot[self._first_of_slot[slot] : self._first_of_slot[slot + 1]]
        return rows

    def _team(self, person: int) -> tuple[int, ...]:
        team = int(self.roster.team_of[person])
        return (person,) if team < 0 else self.roster.teams[team]
