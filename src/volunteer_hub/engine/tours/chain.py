"""Chains of the search, run beside each other until the deadline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.tours.network import Network
from volunteer_hub.engine.tours.problem import NO_LIMIT
from volunteer_hub.engine.tours.route import copy_route
from volunteer_hub.engine.tours.search import (
    BEST_MISSED,
    MISSED,
    OUT,
    STEPS,
    TRAVEL,
    VERSION,
    Search,
    steps,
)

# Temperatures at the start and at the end, in mean legs of travel.
TRAVEL_ONLY = (3.0, 0.01)  # while nothing more can be served
PRIZE_TOO = (10.0, 0.03)
PRIZE_LEGS = 24.0  # what a unit of prize weighs in the annealing, in mean legs
SLICE_S = 0.02  # between two looks at the clock
PORTION = 100  # steps between two looks when their number is given
ROUNDS = 10  # after each the chains go on from the best one


def anneal(net: Network, chains: Sequence[Search], clock: Clock, iterations: int, bound: int) -> None:
    """Search from where the chains are until time or iterations end; every chain keeps its own best. bound:
    prize that stays unserved in every plan."""
    leg = _mean_leg(chains[0])
    began, whole, counted = time.monotonic(), clock.left, iterations < NO_LIMIT
    with ThreadPoolExecutor(len(chains)) as pool:
        for turn in range(ROUNDS):
            until = began + whole * (1 if counted else (turn + 1) / ROUNDS)
            most = iterations * (turn + 1) // ROUNDS

            def run(chain: Search, until: float = until, most: int = most) -> None:
                count = 1
                while chain.totals[STEPS] < most and (now := time.monotonic()) < until:
                    so_far = int(chain.totals[STEPS])
                    # With a number of steps nothing but the seed decides: no look at the clock.
                    done = so_far / iterations if counted else (now - began) / whole
                    count = min(PORTION if counted else count, most - so_far)
                    hot, cold = TRAVEL_ONLY if chain.totals[BEST_MISSED] <= bound else PRIZE_TOO
                    steps(net, chain, count, leg * hot * (cold / hot) ** done, leg * PRIZE_LEGS)
                    pace = (time.monotonic() - now) / count
                    count = int(np.clip(SLICE_S / pace, 1, 4 * count))

            list(pool.map(run, chains))
            if len(chains) > 1:
                _share(chains)


def _mean_leg(chain: Search) -> float:
    served = (chain.owner >= 0).sum() + (chain.now.length > 0).sum()
    return max(1.0, float(chain.totals[TRAVEL]) / max(1, int(served)))


def _value(chain: Search) -> tuple[int, int]:
    return int(chain.totals[MISSED]), int(chain.totals[TRAVEL])


def _share(chains: Sequence[Search]) -> None:
    """The worst chain goes on from where the best one is."""
    source, target = min(chains, key=_value), max(chains, key=_value)
    if source is target:
        return
    for p in range(len(source.now.length)):
        copy_route(source.now, target.now, p)
    # Versions no tour of the target ever had: what it remembers of its own tours stays true.
    people = len(target.now.version)
    target.now.version[:] = target.totals[VERSION] + 1 + np.arange(people)
    target.totals[VERSION] += people
    target.owner[:] = source.owner
    target.out[:] = source.out
    target.totals[[OUT, MISSED, TRAVEL]] = source.totals[[OUT, MISSED, TRAVEL]]
