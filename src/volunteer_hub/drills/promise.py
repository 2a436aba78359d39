"""The public promise, measured: how soon a callout goes out, how soon its need is met, and what the phone
tree that it replaces would have taken. Pure."""

import heapq
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import Final

from volunteer_hub.drills.policy import Promise

_SEED: Final = 20


@dataclass(frozen=True)
class Asked:
    """One person asked for a slot: the minute after declaring when asked, and when a yes came, if any."""

    minute: float
    yes_minute: float | None


@dataclass(frozen=True)
class Measured:
    """One callout. ``sent``: seconds from declaring to the first message, None where none was sent; ``met``:
    minutes until every minimum was met, None where it was not; ``tree``: the same by telephone."""

    sent: float | None
    met: float | None
    tree: float | None


@dataclass(frozen=True)
class Kept:
    """Over some callouts: ``in_time`` went out within the promised seconds, of ``sent`` that were sent by
    message. Minutes to meet the need in half of them and in nine of ten, by us and by the phone tree; None
    where the need was not met in as many."""

    callouts: int
    sent: int
    in_time: int
    p50: float | None
    p90: float | None
    tree_p50: float | None
    tree_p90: float | None


def met(slots: Iterable[tuple[int, Sequence[Asked]]]) -> float | None:
    """The minute at which the last of the (minimum, people) slots had its minimum of yeses; None if never."""
    last = 0.0
    for minimum, people in slots:
        yeses = sorted(one.yes_minute for one in people if one.yes_minute is not None)
        if len(yeses) < minimum:
            return None
        last = max(last, yeses[minimum - 1] if minimum else 0.0)
    return last


def by_phone(slots: Iterable[tuple[int, Sequence[Asked]]], tree: Promise) -> float | None:
    """The same, had one rung the next and whoever picked up rung on: the same people in the same order with
    the same answers, each call ``tree.call_minutes`` long and picked up by chance."""
    last = 0.0
    for minimum, people in slots:
        minute = _rung(minimum, people, tree)
        if minute is None:
            return None
        last = max(last, minute)
    return last


def _rung(minimum: int, people: Sequence[Asked], tree: Promise) -> float | None:
    """A minute for one slot's own tree. The chance is drawn alike each time, so that figures stay."""
    chance = random.Random(_SEED)
    callers, yeses, minute = [0.0], 0, 0.0
    for one in sorted(people, key=lambda one: one.minute):
        if yeses == minimum:
            break
        minute = heapq.heappop(callers) + tree.call_minutes
        heapq.heappush(callers, minute)
        if chance.random() * 100 < tree.picked_percent:
            heapq.heappush(callers, minute)
            yeses += one.yes_minute is not None
    return minute if yeses == minimum else None


def kept(rows: Sequence[Measured], promise: Promise) -> Kept:
    """What became of the promise over these callouts."""
    sent = [row.sent for row in rows if row.sent is not None]
    return Kept(
        callouts=len(rows),
        sent=len(sent),
        in_time=sum(seconds <= promise.sent_seconds for seconds in sent),
        p50=_share([row.met for row in rows], 0.5),
        p90=_share([row.met for row in rows], 0.9),
        tree_p50=_share([row.tree for row in rows], 0.5),
        tree_p90=_share([row.tree for row in rows], 0.9),
    )


def _share(minutes: Sequence[float | None], share: float) -> float | None:
    """The minutes within which that share of the callouts was filled."""
    rising = sorted(inf if minute is None else minute for minute in minutes)
    found = rising[ceil(share * len(rising)) - 1] if rising else inf
    return None if found == inf else found
