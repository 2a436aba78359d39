"""Ways of asking: from what is known at a minute to the minute at which each person is asked (inf: never)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.callout_worlds import DEADLINE, Case
from volunteer_hub.engine import sizing, waves
from volunteer_hub.engine.arrays import Floats
from volunteer_hub.engine.shock import shock

CONFIDENCE = 0.95
RULES = waves.Rules(CONFIDENCE, horizon=10.0, gap=3.0)
TREE_CALL, TREE_ANSWERS = 3.0, 0.5  # minutes a call takes; so many pick up
FIXED_WAVE = 10.0


@dataclass(frozen=True)
class Asking:
    """at [n]: minute of asking. stated [S]: the chance told when the callout was sent, last [S]: the one told
    when the slot's last wave went; NaN of ways that state none."""

    at: Floats
    stated: Floats
    last: Floats


def everybody(case: Case) -> Asking:
    """All at once."""
    return _silent(case, np.zeros(case.first[-1]))


def nearest(case: Case) -> Asking:
    """As many as are needed, the nearest, and nobody after them."""
    return _silent(
        case, np.concatenate([np.where(np.arange(n) < need, 0.0, np.inf) for n, need in _slots(case)])
    )


def divided(case: Case) -> Asking:
    """The need divided by the mean chance, the nearest."""
    parts = [
        np.where(np.arange(n) < np.ceil(need / mean), 0.0, np.inf)
        for (n, need), mean in zip(_slots(case), _means(case), strict=True)
    ]
    return _silent(case, np.concatenate(parts))


def fixed_waves(case: Case) -> Asking:
    """What is missing divided by the mean chance, every ten minutes, the nearest not yet asked."""
    at = np.full(case.first[-1], np.inf)
    for slot, mean in enumerate(_means(case)):
        mine = slice(case.first[slot], case.first[slot + 1])
        for minute in np.arange(0.0, DEADLINE, FIXED_WAVE):
            there = int((case.yes[mine] & (at[mine] + case.delay[mine] <= minute)).sum())
            more = int(np.ceil(max(0, case.need[slot] - there) / mean))
            open_ = np.flatnonzero(np.isinf(at[mine]))[:more]
            at[mine][open_] = minute
    return _silent(case, at)


def phone_tree(case: Case) -> Asking:
    """One rings the next; whoever picks up rings on. Each call takes three minutes, half are not picked up.
    A person's answer is known at once; the tree stops when enough have said yes."""
    at = np.full(case.first[-1], np.inf)
    for slot, (people, need) in enumerate(_slots(case)):
        start = case.first[slot]
        callers = np.zeros(1)
        yes = 0
        for person in range(start, start + people):
            caller = int(callers.argmin())
            minute = callers[caller] + TREE_CALL
            if minute > DEADLINE or yes >= need:
                break
            callers[caller] = minute
            at[person] = minute
            # Who would have answered a message at all within the shares of a call picks up.
            picked = case.delay[person] <= _within(case, TREE_ANSWERS)
            yes += int(picked and case.yes[person])
            callers = np.append(callers, minute) if picked else callers
    return _silent(case, at)


def ours(case: Case) -> Asking:
    """The first wave of the least burden, then a look a minute: as the service decides."""
    law = shock(case.correlation, case.strength)
    in_time = case.believed * np.interp(DEADLINE, (0.0, *case.curve.minutes), (0.0, *case.curve.shares))
    chosen = np.concatenate([np.arange(n) < need for n, need in _slots(case)])
    made = sizing.size(
        sizing.People(case.first, in_time, 30 + case.travel, chosen), case.need, CONFIDENCE, law
    )
    at = np.where(made.asked, 0.0, np.inf)
    last = made.sure.copy()
    wave = 0.0
    for minute in np.arange(1.0, DEADLINE):
        went = False
        for slot in range(len(case.need)):
            seen, spare = _seen(case, at, slot, minute)
            decision = waves.decide(seen, minute, DEADLINE, RULES, law, wave)
            if decision.more:
                at[spare[: decision.more]] = minute
                last[slot], went = decision.after, True
        wave = minute if went else wave
    return Asking(at, made.sure, last)


def _seen(case: Case, at: Floats, slot: int, now: float) -> tuple[waves.Slot, np.ndarray]:
    mine = np.arange(case.first[slot], case.first[slot + 1])
    asked, spare = mine[np.isfinite(at[mine])], mine[np.isinf(at[mine])]
    answered = at[asked] + case.delay[asked] <= now
    return (
        waves.Slot(
            need=int(case.need[slot]),
            chance=case.believed[asked],
            asked=at[asked],
            curve=np.zeros(len(asked), dtype=np.int64),
            yes=answered & case.yes[asked],
            no=answered & case.no[asked],
            too_late=np.zeros(len(asked), dtype=np.bool_),
            curves=(case.curve,),
            spare=case.believed[spare],
            spare_curve=np.zeros(len(spare), dtype=np.int64),
        ),
        spare,
    )


def _within(case: Case, share: float) -> float:
    return float(np.interp(share, (0.0, *case.curve.shares), (0.0, *case.curve.minutes)))


def _slots(case: Case) -> list[tuple[int, int]]:
    return [(int(n), int(need)) for n, need in zip(np.diff(case.first), case.need, strict=True)]


def _means(case: Case) -> list[float]:
    return [float(case.believed[a:b].mean()) for a, b in zip(case.first, case.first[1:], strict=False)]


def _silent(case: Case, at: Floats) -> Asking:
    nothing = np.full(len(case.need), np.nan)
    return Asking(at, nothing, nothing)


WAYS = {
    "everybody": everybody,
    "nearest N": nearest,
    "N / p": divided,
    "N / p, every 10 min": fixed_waves,
    "phone tree": phone_tree,
    "ours": ours,
}
