"""Which units hang together: the source sides of the minimum cuts of many gaps at once.

A unit leads to another when somebody who could serve the first serves the second: moving that person opens a
head there instead. What a gap reaches so is its Hall violator. Gaps of a scarce city reach much the same
units, so the strongly connected components are found once (Tarjan 1972, by SciPy), and what each reaches is
the union of what its successors reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from volunteer_hub.engine.problem import Ints


class Reach:
    """Closures of units; `could(u)` lists the people who could serve u, `serves` [V] the unit they serve, -1
    for none. `starts` are the units that will be asked about.

    A closure is one integer of as many bits as there are people and units concerned: unions are then quick
    enough for thousands of gaps, at a bit a person and component.
    """

    def __init__(self, starts: Iterable[int], could: Callable[[int], Ints], serves: Ints) -> None:
        self._next = _graph(starts, could, serves)
        self._units = np.array(sorted(self._next), dtype=np.int64)
        self._could = could
        self._people = np.unique(np.concatenate([could(u) for u in self._next] or [self._units]))
        self._component = _components(self._units.tolist(), self._next)
        self._members: dict[int, list[int]] = {}
        for u, component in self._component.items():
            self._members.setdefault(component, []).append(u)
        self._reached: dict[int, int] = {}

    def __call__(self, u: int) -> tuple[tuple[int, ...], int]:
        """The units reached from u, itself included, ascending; how many people could serve any of them."""
        closure, people = self._closure(self._component[u]), len(self._people)
        units = self._units[_positions(closure >> people, len(self._units))]
        return tuple(units.tolist()), (closure & (1 << people) - 1).bit_count()

    def _closure(self, component: int) -> int:
        """Depth first with a stack of its own: a chain of components may be longer than Python's."""
        stack = [component]
        while component not in self._reached:
            top = stack[-1]
            after = self._successors(top)
            waiting = [c for c in after if c not in self._reached]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            closure = self._own(top)
            for c in after:
                closure |= self._reached[c]
            self._reached[top] = closure
        return self._reached[component]

    def _own(self, component: int) -> int:
        """Bits of a component's own units and of whoever could serve them."""
        members = self._members[component]
        people = np.searchsorted(self._people, np.concatenate([self._could(u) for u in members]))
        units = np.searchsorted(self._units, members)
        return _bits(people, len(self._people)) | _bits(units, len(self._units)) << len(self._people)

    def _successors(self, component: int) -> set[int]:
        return {self._component[v] for u in self._members[component] for v in self._next[u]} - {component}


def _bits(positions: Ints, count: int) -> int:
    marked = np.zeros(count, np.uint8)
    marked[positions] = 1
    return int.from_bytes(np.packbits(marked, bitorder="little").tobytes(), "little")


def _positions(bits: int, count: int) -> Ints:
    data = np.frombuffer(bits.to_bytes((count + 7) // 8, "little"), np.uint8)
    return np.flatnonzero(np.unpackbits(data, bitorder="little"))


def _graph(starts: Iterable[int], could: Callable[[int], Ints], serves: Ints) -> dict[int, list[int]]:
    """Every unit reached from the starts, with the units it leads to directly."""
    leads: dict[int, list[int]] = {}
    waiting = list(starts)
    while waiting:
        u = waiting.pop()
        if u not in leads:
            served = np.unique(serves[could(u)])
            leads[u] = served[served >= 0].tolist()
            waiting += leads[u]
    return leads


def _components(units: list[int], leads: dict[int, list[int]]) -> dict[int, int]:
    place = {u: n for n, u in enumerate(units)}
    tails = [place[u] for u in units for _ in leads[u]]
    heads = [place[v] for u in units for v in leads[u]]
    graph = csr_array((np.ones(len(tails)), (tails, heads)), shape=(len(units), len(units)))
    _, labels = connected_components(graph, directed=True, connection="strong")
    return dict(zip(units, labels.tolist(), strict=True))
