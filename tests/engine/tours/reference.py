"""The goal of tours once more, by enumeration: slow, short, sharing nothing with the engine but its input."""

from __future__ import annotations

import math
from functools import cache

from volunteer_hub.engine.tours.problem import PRIZE, Tours


def best(tours: Tours) -> tuple[int, int]:
    """(missed prize, travel) of the best plan: every order of every set of stops for everybody."""
    people, stops = len(tours.crew), len(tours.stops)
    prize = [PRIZE[int(each)] for each in tours.stops.priority]
    cheapest = [_cheapest(tours, p) for p in range(people)]

    @cache
    def rest(p: int, taken: int) -> tuple[int, int]:
        if p == people:
            return sum(prize[s] for s in range(stops) if not taken >> s & 1), 0
        options = []
        for chosen, travel in cheapest[p].items():
            if not chosen & taken:
                missed, further = rest(p + 1, taken | chosen)
                options.append((missed, travel + further))
        return min(options)

    return rest(0, 0)


def _cheapest(tours: Tours, p: int) -> dict[int, int]:
    """Least travel for each set of stops (as bits) the person can serve."""
    stops = range(len(tours.stops))
    found = {0: 0}
    chains = [()]
    while chains:  # every longer order begins with an allowed shorter one, the depot in it or not
        longer = []
        for chain in chains:
            for s in stops:
                if s in chain or not _orders(tours, p, (*chain, s)):
                    continue
                longer.append((*chain, s))
                bits = sum(1 << each for each in longer[-1])
                found[bits] = min(found.get(bits, 1 << 60), *_orders(tours, p, longer[-1]))
        chains = longer
    return found


def _orders(tours: Tours, p: int, chain: tuple[int, ...]) -> list[int]:
    """Travel of the chain as it is and with the depot at each position, where allowed."""
    rows = [chain]
    if tours.depot is not None:
        rows += [(*chain[:i], -1, *chain[i:]) for i in range(len(chain))]
    return [travel for row in rows if (travel := _travel(tours, p, row)) is not None]


def _travel(tours: Tours, p: int, row: tuple[int, ...]) -> int | None:
    crew, stops = tours.crew, tours.stops
    cut = row.index(-1) if -1 in row else len(row)
    before, after = row[:cut], row[cut + 1 :]
    for s in row:
        if s >= 0 and stops.skill[s] >= 0 and crew.levels[p, stops.skill[s]] < stops.level[s]:
            return None
    for t in range(stops.tools.shape[1]):
        if any(stops.tools[s, t] and not crew.tools[p, t] for s in before):
            return None
    for q in range(stops.parts.shape[1]):
        if sum(stops.parts[s, q] for s in before) > crew.parts[p, q]:
            return None
    if max(sum(stops.quantity[s] for s in part) for part in (before, after)) > crew.capacity[p]:
        return None
    places = [int(stops.place[s]) if s >= 0 else tours.depot.place for s in row]
    minutes = [int(stops.service[s]) if s >= 0 else tours.depot.minutes for s in row]
    legs = [ticks(tours, p, i, j) for i, j in zip([int(crew.start[p]), *places], places, strict=False)]
    home = ticks(tours, p, places[-1], int(crew.end[p])) if crew.end[p] >= 0 else 0
    back = _walk(tours, row, legs, minutes, int(crew.since[p]) * 10) + home
    if back > crew.until[p] * 10:
        return None
    # The shortest duty with this return: leave as late as still brings the person back then.
    low, high = int(crew.since[p]) * 10, back
    while low < high:
        middle = (low + high + 1) // 2
        if _walk(tours, row, legs, minutes, middle) + home <= back:
            low = middle
        else:
            high = middle - 1
    return sum(legs) + home if back - low <= crew.longest[p] * 10 else None


def _walk(tours: Tours, row: tuple[int, ...], legs: list[int], minutes: list[int], t: int) -> float:
    windows = tours.stops.windows
    for s, leg, stay in zip(row, legs, minutes, strict=True):
        t += leg
        if s >= 0:
            rows = range(windows.first[s], windows.first[s + 1])
            begins = [max(t, int(windows.start[w]) * 10) for w in rows if t <= windows.end[w] * 10]
            if not begins:
                return math.inf
            t = min(begins)
        t += stay * 10
    return t


def ticks(tours: Tours, p: int, i: int, j: int) -> int:
    km = abs(float(tours.places.lat[i] - tours.places.lat[j])) * 110.57 * tours.places.detour
    return math.floor(km / float(tours.crew.speed_kmh[p]) * 600 + 0.5)
