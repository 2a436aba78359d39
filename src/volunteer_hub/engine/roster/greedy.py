"""The first plan: slot by slot, the most urgent first, the cheapest people who fit. Always allowed."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.problem import Ints
from volunteer_hub.engine.roster.problem import Need, Roster
from volunteer_hub.engine.roster.schedule import Schedule

GRACE_S = 1.0  # past the deadline; slots not reached by then stay open


def greedy(roster: Roster, clock: Clock) -> tuple[Ints, Ints]:
    """Rows of pairs and the heads each fills: minima first, then targets."""
    builder = _Builder(roster)
    for to_target in (False, True):
        for slot in builder.order():
            if clock.left < -GRACE_S:
                break
            builder.fill(slot, to_target)
    return builder.schedule.chosen()


class _Builder:
    def __init__(self, roster: Roster) -> None:
        self.roster, self.schedule = roster, Schedule(roster)
        order = np.lexsort((roster.pairs.cost, roster.pairs.slot))
        first = np.searchsorted(roster.pairs.slot[order], np.arange(len(roster.duties) + 1))
        self._queue = [order[first[s] : first[s + 1]] for s in range(len(roster.duties))]
        pairs = zip(roster.pairs.person.tolist(), roster.pairs.slot.tolist(), strict=True)
        self._row = {pair: row for row, pair in enumerate(pairs)}
        self._needs: dict[int, list[Need]] = {}
        self._strict: dict[int, list[Need]] = {}
        for need in (*roster.leaders, *roster.skills):
            self._needs.setdefault(need.slot, []).append(need)
        for need in roster.leaders:
            self._strict.setdefault(need.slot, []).append(need)

    def order(self) -> list[int]:
        """Most urgent first, then the slots with the fewest people, then by start."""
        duties = self.roster.duties
        offered = np.array([len(queue) for queue in self._queue])
        return np.lexsort((self.roster.begin, offered, -duties.priority)).tolist()  # type: ignore[no-any-return]  # numpy

    def fill(self, slot: int, to_target: bool) -> None:
        """People the slot's needs ask for, then anybody; nobody at all if a hard rule stays broken."""
        duties = self.roster.duties
        goal = int(duties.target[slot] if to_target else duties.minimum[slot])
        if goal and duties.pair_up[slot]:
            goal = min(max(goal, 2), int(duties.target[slot]))
        before = list(self.schedule.of_slot[slot])
        for need in self._needs.get(slot, ()) if goal else ():
            for pair in self._queue[slot].tolist():
                if self._lacks(need) <= 0:
                    break
                if int(self.roster.pairs.person[pair]) in need.people:
                    self._try(pair, int(duties.target[slot]))
        for pair in self._queue[slot].tolist():
            if self.schedule.filled[slot] >= goal:
                break
            self._try(pair, goal)
        if not self._allowed(slot):
            for pair in [pair for pair in self.schedule.of_slot[slot] if pair not in before]:
                self.schedule.drop(pair)

    def _lacks(self, need: Need) -> int:
        people = self.roster.pairs.person[self.schedule.of_slot[need.slot]].tolist()
        return need.heads - sum(person in need.people for person in people)

    def _allowed(self, slot: int) -> bool:
        filled = int(self.schedule.filled[slot])
        led = all(self._lacks(need) <= 0 for need in self._strict.get(slot, ()))
        return filled == 0 or (led and not (self.roster.duties.pair_up[slot] and filled < 2))

    def _try(self, pair: int, goal: int) -> None:
        """Take the pair, with the person's whole team, if everybody fits and no head is too many."""
        crew, person = self.roster.crew, int(self.roster.pairs.person[pair])
        slot = int(self.roster.pairs.slot[pair])
        room = int(self.roster.duties.target[slot] - self.schedule.filled[slot])
        team = int(self.roster.team_of[person])
        if team < 0:
            wanted = min(int(crew.most[person]), room, max(goal - int(self.schedule.filled[slot]), 0))
            heads = max(wanted, int(crew.least[person]))
            if heads <= room and self.schedule.fits(pair):
                self.schedule.take(pair, heads)
            return
        rows = [self._row.get((member, slot), -1) for member in self.roster.teams[team]]
        heads = int(crew.least[list(self.roster.teams[team])].sum())
        if min(rows) >= 0 and heads <= room and all(self.schedule.fits(row) for row in rows):
            for member, row in zip(self.roster.teams[team], rows, strict=True):
                self.schedule.take(row, int(crew.least[member]))
