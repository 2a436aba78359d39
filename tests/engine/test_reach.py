"""Closures of units against a plain search, on random small worlds."""

import numpy as np
import pytest

from volunteer_hub.engine.reach import Reach


def search(u: int, could: list[np.ndarray], serves: np.ndarray) -> tuple[tuple[int, ...], int]:
    reached, queue, people = {u}, [u], set()
    while queue:
        for v in could[queue.pop()].tolist():
            people.add(v)
            other = int(serves[v])
            if other >= 0 and other not in reached:
                reached.add(other)
                queue.append(other)
    return tuple(sorted(reached)), len(people)


@pytest.mark.parametrize("seed", range(60))
def test_what_a_unit_reaches_is_what_a_search_from_it_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    units, people = int(random.integers(1, 30)), int(random.integers(0, 40))
    serves = random.integers(-1, units, people)
    share = random.random() * 0.2
    could = [np.flatnonzero(random.random(people) < share) for _ in range(units)]
    starts = np.flatnonzero(random.random(units) < 0.5).tolist()
    reach = Reach(starts, could.__getitem__, serves)
    assert [reach(u) for u in starts] == [search(u, could, serves) for u in starts]


def test_a_chain_longer_than_the_stack_of_python_is_walked() -> None:
    units = 3_000
    serves = np.arange(1, units)  # person v serves unit v + 1 and could serve unit v
    could = [np.array([u]) for u in range(units - 1)] + [np.zeros(0, np.int64)]
    reached, people = Reach([0], could.__getitem__, serves)(0)
    assert (len(reached), people) == (units, units - 1)
