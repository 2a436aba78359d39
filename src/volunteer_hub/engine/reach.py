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
    for none. `starts` are the units that will be asked about."""

    def __init__(self, starts: Iterable[int], could: Callable[[int], Ints], serves: Ints) -> None:
        self._could = could
        self._next = _graph(starts, could, serves)
        self._units = sorted(self._next)
        self._component = _components(self._units, self._next)
        self._members: dict[int, list[int]] = {}
        for u in self._units:
            self._members.setdefault(self._component[u], []).append(u)
        self._reached: dict[int, int] = {}  # component -> bits over positions in _units
        self._answers: dict[int, tuple[tuple[int, ...], int]] = {}

    def __call__(self, u: int) -> tuple[tuple[int, ...], int]:
        """The units reached from u, itself included, ascending; how many people could serve any of them."""
        component = self._component[u]
        if component not in self._answers:
            bits = self._closure(component)
            units = tuple(v for n, v in enumerate(self._units) if bits >> n & 1)
            people = np.unique(np.concatenate([self._could(v) for v in units]))
            self._answers[component] = units, len(people)
        return self._answers[component]

    def _closure(self, component: int) -> int:
        """Depth first with a stack of its own: a chain of components may be longer than Python's."""
        stack = [component]
        while stack:
            top = stack[-1]
            after = self._successors(top)
            open_ones = [c for c in after if c not in self._reached]
            if open_ones:
                stack += open_ones
                continue
            stack.pop()
            bits = sum(1 << int(np.searchsorted(self._units, u)) for u in self._members[top])
            for c in after:
                bits |= self._reached[c]
            self._reached[top] = bits
        return self._reached[component]

    def _successors(self, component: int) -> set[int]:
        return {self._component[v] for u in self._members[component] for v in self._next[u]} - {component}


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
