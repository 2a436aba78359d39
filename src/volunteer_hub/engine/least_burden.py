"""Whom to ask in ten thousand slots at once, at the least burden; and how sure each of them then is.

The law is that of overcall.py. The least burden is a knapsack: take people in the order of burden per unit of
-log(1 - p), what each adds to the log of nobody coming, until it is enough; then drop whom that no longer
needs, and exchange the dearest.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.law import GRID, INDEPENDENT, Shock
from volunteer_hub.engine.overcall import check_confidence, checked

EXCHANGED = 6  # of the dearest people asked for a slot, those who may be exchanged for cheaper ones
ROUNDS = 3


def evaluate(
    first: Ints, ps: Floats, needs: Ints, law: Shock = INDEPENDENT, threads: int = 1
) -> tuple[Floats, float]:
    """[S] the chance of each slot's need, and that of all of them at once (one shock for the whole callout).

    Slot s asks the people with chances ps[first[s]:first[s + 1]].
    """
    chances = checked(ps, 0)
    given = np.empty((len(law.weight), len(needs)))
    _chunks(lambda a, b: _given(first, chances, needs, law.chance, given, a, b), len(needs), threads)
    return law.weight @ given, float(law.weight @ given.prod(axis=1))


def least_burden(
    first: Ints, ps: Floats, burden: Floats, needs: Ints, confidence: float, law: Shock = INDEPENDENT,
    threads: int = 1,
) -> Bools:  # fmt: skip
    """Who of each slot's candidates is asked, so that its need is met with `confidence` at little burden.

    Slot s has the candidates first[s]:first[s + 1] with chances ps and burdens > 0. All of them are asked
    where even that is not enough. Not always the least possible: 1 % above it on enumerated cases.
    Raises ValueError for a chance outside [0, 1], a burden that is not positive, a confidence outside (0, 1).
    """
    check_confidence(confidence)
    if not (np.asarray(burden) > 0).all():
        raise ValueError("every burden must be positive")
    chances = checked(ps, 0)
    asked = np.zeros(len(ps), np.bool_)
    _chunks(
        lambda a, b: _choose(first, chances, burden, needs, confidence, law.chance, law.weight, asked, a, b),
        len(needs),
        threads,
    )
    return asked


def _chunks(work: object, count: int, threads: int) -> None:
    """Slots are independent of each other: as many stretches as threads, the compiled loops run beside."""
    assert callable(work)
    bounds = np.linspace(0, count, threads * 4 + 1 if threads > 1 else 2).astype(int).tolist()
    with ThreadPoolExecutor(threads) as workers:
        list(workers.map(work, bounds[:-1], bounds[1:]))


@inner
def _count_in(state: Floats, chance: Floats, mean: float) -> None:
    """One person more: state[q, k] is P(k yes) at node q, k = need standing for "or more"."""
    last = state.shape[1] - 1
    if last == 0:
        return
    g = min(int(mean * GRID), GRID - 1)
    share = mean * GRID - g
    for q in range(state.shape[0]):
        p = chance[g, q] * (1 - share) + chance[g + 1, q] * share
        state[q, last] += state[q, last - 1] * p
        for k in range(last - 1, 0, -1):
            state[q, k] += (state[q, k - 1] - state[q, k]) * p
        state[q, 0] *= 1 - p


@inner
def _nobody(nodes: int, need: int) -> Floats:
    state = np.zeros((nodes, need + 1))
    state[:, 0] = 1.0
    return state


@inner
def _sure(state: Floats, weight: Floats) -> float:
    total = 0.0
    for q in range(len(weight)):
        total += weight[q] * state[q, -1]
    return total


@compiled
def _given(
    first: Ints, ps: Floats, needs: Ints, chance: Floats, given: Floats, start: int, stop: int
) -> None:
    """P(enough) per node and slot."""
    for s in range(start, stop):
        state = _nobody(chance.shape[1], needs[s])
        for i in range(first[s], first[s + 1]):
            _count_in(state, chance, ps[i])
        given[:, s] = state[:, needs[s]]


@inner
def _without(chosen: Bools, order: Ints, ps: Floats, chance: Floats, need: int, left_out: int) -> Floats:
    """The state of all chosen but one."""
    state = _nobody(chance.shape[1], need)
    for at in range(len(order)):
        if chosen[at] and at != left_out:
            _count_in(state, chance, ps[order[at]])
    return state


@compiled
def _choose(
    first: Ints, ps: Floats, burden: Floats, needs: Ints, confidence: float, chance: Floats, weight: Floats,
    asked: Bools, start: int, stop: int,
) -> None:  # fmt: skip
    for s in range(start, stop):
        candidates = np.arange(first[s], first[s + 1])
        worth = np.empty(len(candidates))
        for at in range(len(candidates)):
            worth[at] = burden[candidates[at]] / -np.log1p(-min(ps[candidates[at]], 1 - 1e-12) - 1e-300)
        order = candidates[np.argsort(worth, kind="mergesort")]
        chosen = np.zeros(len(order), np.bool_)
        state = _nobody(len(weight), needs[s])
        enough = _sure(state, weight) >= confidence
        for at in range(len(order)):
            if enough:
                break
            chosen[at] = True
            _count_in(state, chance, ps[order[at]])
            enough = _sure(state, weight) >= confidence
        if enough:
            for _ in range(ROUNDS):
                dropped = _drop(chosen, order, ps, burden, chance, weight, needs[s], confidence)
                if not (
                    _exchange(chosen, order, ps, burden, chance, weight, needs[s], confidence) or dropped
                ):
                    break
        for at in range(len(order)):
            asked[order[at]] = chosen[at]


@inner
def _drop(
    chosen: Bools, order: Ints, ps: Floats, burden: Floats, chance: Floats, weight: Floats, need: int,
    confidence: float,
) -> bool:  # fmt: skip
    """Leave out the dearest person the rest can do without, again and again; whether anybody was.

    Who can be spared is a matter of the chance alone: when one can, so can everybody less likely to come.
    """
    any_dropped = False
    while True:
        spared = -1.0  # the largest chance known to be dispensable
        needed = 2.0
        while True:
            trial = int(np.int64(-1))
            for at in range(len(order)):  # the dearest of those not yet decided
                p = ps[order[at]]
                if chosen[at] and spared < p < needed and (trial < 0 or p < ps[order[trial]]):
                    trial = at
            if trial < 0:
                break
            state = _without(chosen, order, ps, chance, need, trial)
            if _sure(state, weight) < confidence:
                needed = ps[order[trial]]
                break
            spared = ps[order[trial]]
        dearest = -1
        for at in range(len(order)):
            dispensable = chosen[at] and ps[order[at]] <= spared
            if dispensable and (dearest < 0 or burden[order[at]] > burden[order[dearest]]):
                dearest = at
        if dearest < 0:
            return any_dropped
        chosen[dearest] = False
        any_dropped = True


@inner
def _exchange(
    chosen: Bools, order: Ints, ps: Floats, burden: Floats, chance: Floats, weight: Floats, need: int,
    confidence: float,
) -> bool:  # fmt: skip
    """For each of the dearest people asked the cheapest other who would do; whether any was found."""
    found_any = False
    tried = np.zeros(len(order), np.bool_)
    for _ in range(EXCHANGED):
        dear = int(np.int64(-1))
        for at in range(len(order)):
            if chosen[at] and not tried[at] and (dear < 0 or burden[order[at]] > burden[order[dear]]):
                dear = at
        if dear < 0:
            return found_any
        tried[dear] = True
        state = _without(chosen, order, ps, chance, need, dear)
        best = -1
        for at in range(len(order)):
            i = order[at]
            limit = burden[order[dear]] if best < 0 else burden[order[best]]
            if chosen[at] or burden[i] >= limit:
                continue
            g = min(int(ps[i] * GRID), GRID - 1)
            share = ps[i] * GRID - g
            sure = 0.0
            for q in range(len(weight)):
                p = chance[g, q] * (1 - share) + chance[g + 1, q] * share
                sure += weight[q] * (state[q, need] + state[q, need - 1] * p)
            if sure >= confidence:
                best = at
        if best >= 0:
            chosen[dear], chosen[best] = False, True
            tried[best] = True
            found_any = True
    return found_any
