"""Which two duties one person cannot both serve, and the same said by cliques."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from volunteer_hub.engine.compiled import compiled
from volunteer_hub.engine.problem import Bools, Ints
from volunteer_hub.engine.roster.problem import Roster

# Minutes that must lie between the end of one slot and the start of another: pause(roster, person, earlier,
# later), the slots as arrays of one shape.
Pause = Callable[[Roster, int, Ints, Ints], Ints]


def rest(roster: Roster, person: int, earlier: Ints, later: Ints) -> Ints:
    """The person's own rest."""
    return np.broadcast_to(roster.crew.rest[person], np.broadcast_shapes(earlier.shape, later.shape))


def journey(roster: Roster, _person: int, earlier: Ints, later: Ints) -> Ints:
    """Travel from one site to the other."""
    minutes: Ints = roster.travel[roster.duties.site[earlier], roster.duties.site[later]]
    return minutes


def relief(roster: Roster, _person: int, earlier: Ints, later: Ints) -> Ints:
    """The relief rest between duties in successive operational periods."""
    one, other = roster.duties.period[earlier], roster.duties.period[later]
    successive = (one >= 0) & (other >= 0) & (np.abs(other - one) == 1)
    return np.where(successive, roster.relief_rest, 0)


PAUSES: tuple[Pause, ...] = (rest, journey, relief)


def clashes(roster: Roster, person: int, one: Ints, other: Ints, pauses: tuple[Pause, ...] = PAUSES) -> Bools:
    """May the person not serve both slots, for lack of these pauses? Arrays that broadcast. The pause holds
    in the order in which the duties start. Slots without time clash with nothing."""
    begin, end = roster.begin, roster.duties.end
    in_order = (begin[one] < begin[other]) | ((begin[one] == begin[other]) & (end[one] <= end[other]))
    earlier, later = np.where(in_order, one, other), np.where(in_order, other, one)
    timed = (begin[one] < end[one]) & (begin[other] < end[other])
    longest = np.max([pause(roster, person, earlier, later) for pause in pauses], axis=0)
    together: Bools = timed & (one != other) & (begin[later] < end[earlier] + longest)
    return together


def cliques_beyond_rest(roster: Roster, person: int, mine: Ints, pause: Pause) -> list[Ints]:
    """Groups of the person's pairs (rows `mine`) of which at most one may be chosen, such that every clash by
    `pause` that the rest alone does not cause lies in some group."""
    slot = roster.pairs.slot[mine]
    uncovered = clashes(roster, person, slot[:, None], slot[None, :], (pause,))
    uncovered &= ~clashes(roster, person, slot[:, None], slot[None, :], (rest,))
    if not uncovered.any():
        return []
    return [
        mine[group]
        for group in cover_by_cliques(clashes(roster, person, slot[:, None], slot[None, :]), uncovered)
    ]


@compiled
def time_cliques(begin: Ints, until: Ints) -> tuple[Ints, Ints]:
    """Maximal sets of two or more intervals [begin, until) that share a moment, for intervals that are sorted
    by begin and last: as CSR (first, member). Two intervals overlap exactly when some set holds both."""
    n = len(begin)
    first, member = [0], [0][:0]
    for i in range(n):
        if i + 1 < n and begin[i + 1] == begin[i]:
            continue
        # The set at this start is contained in the next start's unless somebody leaves in between.
        following = begin[i + 1] if i + 1 < n else 1 << 62
        leaves = False
        for j in range(i + 1):
            leaves = leaves or begin[i] < until[j] <= following
        if not leaves:
            continue
        size = len(member)
        for j in range(i + 1):
            if until[j] > begin[i]:
                member.append(j)
        if len(member) - size > 1:
            first.append(len(member))
        else:
            del member[size:]
    return np.array(first), np.array(member)


def cover_by_cliques(clash: Bools, uncovered: Bools) -> list[Ints]:
    """Few sets of mutually clashing rows that hold every `uncovered` clash between them (both symmetric
    [n, n]): greedily, each clash grown to a maximal set."""
    uncovered = np.triu(uncovered, 1)
    cliques = []
    while uncovered.any():
        i, j = divmod(int(np.argmax(uncovered)), len(clash))
        group = [i, j]
        common = clash[i] & clash[j]
        while common.any():
            # Whoever covers most that is still uncovered joins first.
            gain = uncovered[:, group].sum(axis=1) + uncovered[group].sum(axis=0)
            k = int(np.argmax(np.where(common, gain, -1)))
            group.append(k)
            common = common & clash[k]
        rows = np.array(sorted(group), dtype=np.int64)
        uncovered[np.ix_(rows, rows)] = False
        cliques.append(rows)
    return cliques
