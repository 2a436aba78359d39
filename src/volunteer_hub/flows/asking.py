"""Whom to ask: everybody the frozen plan chose, and so many more that the minimum is as sure as configured.

``PlanRun.result["pairs"]`` are the people chosen, {"slot", "volunteer", "wave"?, ...};
``result["reserves"]``, where the plan has them, further feasible people in the same form, the best first.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.boards import slots, spared
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.boards.within import Minima
from volunteer_hub.core import bulk, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.engine import sizing
from volunteer_hub.engine.law import INDEPENDENT, Shock
from volunteer_hub.flows import beliefs as beliefs_of
from volunteer_hub.flows import letters
from volunteer_hub.flows.beliefs import Basis, Belief, Beliefs
from volunteer_hub.mobilization import busy
from volunteer_hub.mobilization.callouts import Ask, Slot
from volunteer_hub.mobilization.models import PlanRun, SlotFill
from volunteer_hub.mobilization.policy import CalloutRules, Callouts
from volunteer_hub.notify.rules import Channel
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import may_be_called

_TENTHS: Final = 10  # a plan weighs in 0.1 minutes
_COSTS: Final = ("travel", "fatigue", "night")


@dataclass(frozen=True)
class SlotAsk:
    """Whom to ask for one slot, best first; ``sure`` is the chance that its minimum comes together so.

    ``naive``: how many the need divided by the chance would ask, ``naive_sure`` how often that is enough.
    """

    facts: SlotFacts
    slot: Slot
    asks: tuple[Ask, ...]
    sure: float
    naive: int = 0
    naive_sure: float = 1.0


@dataclass(frozen=True)
class Size:
    """Whom a callout asks. ``joint``: the chance that every minimum comes together, ``confidence`` that
    wanted of each."""

    slots: tuple[SlotAsk, ...]
    joint: float
    confidence: float
    basis: Basis


def as_slot(facts: SlotFacts, held: int = 0) -> Slot:
    """The slot as a callout needs it, without the places ``held`` through other callouts."""
    return Slot(
        slot_id=facts.slot.id,
        area=facts.task.area,
        starts_at=facts.task.starts_at,
        ends_at=facts.task.ends_at,
        minimum=max(0, facts.slot.minimum - held),
        target=max(0, facts.slot.target - held),
        maximum=max(0, facts.slot.maximum - held),
        useful_minutes=facts.useful_minutes,
    )


def of_plan(tx: Tx, plan: PlanRun) -> list[SlotAsk]:
    """Whom the plan's callout would ask now, slot by slot; see `sized`."""
    return list(sized(tx, plan).slots)


def sized(tx: Tx, plan: PlanRun, confidence: float | None = None, answer_minutes: int | None = None) -> Size:
    """Whom the plan's callout would ask now: shown before anything is sent, and what `mobilize.send` sends.

    Everybody whom the plan chose, and of its reserves those of the least burden, until each slot's minimum
    comes together within the time to answer with this ``confidence``; what is not given is as approved, else
    as configured.
    Slots that are over or called off are left out, and so is whoever has left, paused or been promised
    elsewhere since the plan was made. Nobody is asked beyond the plan for a second slot.
    """
    pairs, spare = chosen(plan), reserves(plan)
    facts = {
        key: f
        for key, f in slots.of(tx, pairs.keys() | spare.keys() | _empty(plan)).items()
        if f.open(tx.now)
    }
    everybody = {ask.volunteer_id for asks in (*pairs.values(), *spare.values()) for ask in asks}
    people = Candidates(tx, everybody, list(facts.values()))
    taken = {ask.volunteer_id for asks in pairs.values() for ask in asks}
    held = places_held(tx, facts)
    minutes = answer_minutes or _rules().answer_minutes
    found: list[Candidate] = []
    wanted: dict[int, Slot] = {}
    counts: list[int] = []
    for key, slot in facts.items():
        places = as_slot(slot, held.get(key, 0))
        if not places.maximum:
            continue
        first = [ask for ask in pairs.get(key, ()) if people.free(ask.volunteer_id, slot)]
        more = people.further(spare.get(key, ()), slot, taken)
        taken |= {ask.volunteer_id for ask in more}
        found += [people.candidate(ask, slot, minutes, chosen=True) for ask in first]
        found += [people.candidate(ask, slot, minutes, chosen=False) for ask in more]
        wanted[key], counts = places, [*counts, len(first) + len(more)]
    sure = confidence or plan.confidence or _rules().confidence
    law = people.law(next(iter(facts.values())), [one.belief for one in found]) if facts else INDEPENDENT
    return size(found, counts, wanted, facts, sure, law, Minima(tx, facts))


def size(
    found: Sequence["Candidate"],
    counts: Sequence[int],
    wanted: Mapping[int, Slot],
    facts: Mapping[int, SlotFacts],
    confidence: float,
    law: Shock,
    minima: Minima,
) -> Size:
    """Whom to ask of these candidates, of which each slot has the next of ``counts``, in the order of
    ``wanted``."""
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    asking = policy.load("callouts", Callouts).goal.asking
    candidates = sizing.People(
        first=starts,
        chance=np.array([one.chance for one in found], dtype=np.float64),
        burden=np.array([_TENTHS * asking + one.ask.cost for one in found], dtype=np.float64),
        chosen=np.array([one.chosen for one in found], dtype=np.bool_),
    )
    needs = np.array([slot.minimum for slot in wanted.values()], dtype=np.int64)
    made = sizing.size(candidates, needs, confidence, law, _within(minima, wanted, found, starts))
    told = []
    for at, (key, slot) in enumerate(wanted.items()):
        own = range(int(starts[at]), int(starts[at + 1]))
        asks = tuple(found[n].ask for n in own if made.asked[n])
        naive = int(made.naive[at]), float(made.naive_sure[at])
        told.append(SlotAsk(facts[key], slot, asks, float(made.sure[at]), *naive))
    return Size(tuple(told), made.joint, confidence, beliefs_of.basis(one.belief for one in found))


def _within(
    minima: Minima, wanted: Iterable[int], found: Sequence["Candidate"], starts: NDArray[np.int64]
) -> list[tuple[int, NDArray[np.bool_]]]:
    """Minima within the slots: heads, and which of the candidates count for them."""
    told = []
    for at, key in enumerate(wanted):
        own = range(int(starts[at]), int(starts[at + 1]))
        for one in minima.of(key):
            able = minima.count_for(one, [found[n].ask.volunteer_id for n in own])
            mask = np.zeros(len(found), dtype=np.bool_)
            mask[[n for n in own if found[n].ask.volunteer_id in able]] = True
            told.append((one.heads, mask))
    return told


def places_held(tx: Tx, slot_ids: Collection[int]) -> dict[int, int]:
    """Slot id -> places taken through earlier callouts."""
    filled = func.sum(col(SlotFill.filled))
    wanted = select(col(SlotFill.slot_id), filled).where(col(SlotFill.slot_id).in_(slot_ids))
    return {slot: int(count) for slot, count in tx.exec(wanted.group_by(col(SlotFill.slot_id)))}


def chosen(plan: PlanRun) -> dict[int, list[Ask]]:
    """Slot id -> the people the plan chose for it."""
    return _asks(plan, "pairs")


def reserves(plan: PlanRun) -> dict[int, list[Ask]]:
    """Slot id -> further people who could serve there, the best first."""
    return _asks(plan, "reserves")


def _empty(plan: PlanRun) -> set[int]:
    """Slots below their minimum: some have nobody at all, and are part of the callout all the same."""
    return {gap["slot"] for gap in (plan.result or {}).get("gaps", ()) if gap["tier"] == "minimum"}


def _asks(plan: PlanRun, key: str) -> dict[int, list[Ask]]:
    found: dict[int, list[Ask]] = defaultdict(list)
    for pair in (plan.result or {}).get(key, ()):
        cost = pair["cost"] if "cost" in pair else sum(pair.get(part, 0) for part in _COSTS)
        found[pair["slot"]].append(Ask(pair["slot"], pair["volunteer"], pair.get("wave", 1), cost=cost))
    return dict(found)


def confidence() -> float:
    """How sure a minimum must be where nobody says otherwise (config/callouts.toml)."""
    return _rules().confidence


def _rules() -> CalloutRules:
    policies: Callouts = policy.load("callouts", Callouts)
    return policies.callout


@dataclass(frozen=True)
class Candidate:
    """Somebody who might be asked; ``chosen``: in any case. ``chance``: of a yes in time."""

    ask: Ask
    chosen: bool
    chance: float
    belief: Belief


class Candidates:
    """People who might be asked: who is free, and how likely each says yes. Eleven queries for any number."""

    def __init__(self, tx: Tx, people: Iterable[int], facts: Sequence[SlotFacts]) -> None:
        self._ways = letters.reach(tx, people)
        self._callable = _callable(tx, self._ways)
        if facts:  # the slots of one plan are all of one incident
            left = spared.of(tx, facts[0].incident, facts[0].zone, np.array(sorted(self._callable)))
            self._callable -= left.ids()
        self._held = _held(tx, self._callable, facts)
        self._beliefs = Beliefs(tx, self._ways)
        self._shares: dict[tuple[Channel | None, int, float], float] = {}

    def free(self, volunteer_id: int, facts: SlotFacts) -> bool:
        """Whether they may be called now, were not asked enough this week, and hold no promise within the
        slot's hours."""
        start, end = facts.task.starts_at.timestamp() / 60, facts.task.ends_at.timestamp() / 60
        held = self._held.get(volunteer_id, ())
        return volunteer_id in self._callable and all(end <= s or e <= start for s, e in held)

    def further(self, asks: Iterable[Ask], facts: SlotFacts, but: Collection[int]) -> list[Ask]:
        """Those of the reserves who are free and can be reached, without ``but``."""
        return [
            ask
            for ask in asks
            if ask.volunteer_id not in but
            and self.free(ask.volunteer_id, facts)
            and self.chance(ask.volunteer_id, facts) > 0
        ]

    def likely(self, asks: Iterable[Ask], facts: SlotFacts) -> list[Ask]:
        """The same, each with the chance of a yes."""
        free = self.further(asks, facts, ())
        return [replace(ask, chance=self.chance(ask.volunteer_id, facts)) for ask in free]

    def chance(self, volunteer_id: int, facts: SlotFacts) -> float:
        """That they say yes when asked now: by the channel that reaches them, the hour there, real or drill.

        0 for whom no message can reach.
        """
        return self.belief(volunteer_id, facts).chance

    def belief(self, volunteer_id: int, facts: SlotFacts) -> Belief:
        """The same, with what it rests on."""
        return self._beliefs.of(self.channel(volunteer_id), facts, volunteer_id)

    def channel(self, volunteer_id: int) -> Channel | None:
        """By what they are written to; None where nothing reaches them."""
        way = self._ways.get(volunteer_id)
        return way.channel if way is not None else None

    def in_time(self, volunteer_id: int, facts: SlotFacts, minutes: float) -> float:
        """The share of their yeses, were they asked now, that comes within so many minutes."""
        return self._beliefs.share_by(minutes, self.channel(volunteer_id), facts)

    def candidate(self, ask: Ask, facts: SlotFacts, minutes: float, *, chosen: bool) -> Candidate:
        """Somebody of a plan with all that a choice among them needs."""
        belief = self.belief(ask.volunteer_id, facts)
        alike = (
            self.channel(ask.volunteer_id),
            facts.slot.id,
            minutes,
        )  # a city's people are asked in few ways
        if alike not in self._shares:
            self._shares[alike] = self.in_time(ask.volunteer_id, facts, minutes)
        in_time = self._shares[alike]
        return Candidate(replace(ask, chance=belief.chance), chosen, belief.chance * in_time, belief)

    def law(self, facts: SlotFacts, beliefs: Sequence[Belief]) -> Shock:
        """How the answers of these people vary together."""
        return self._beliefs.law(facts, beliefs)


def _callable(tx: Tx, ids: Collection[int]) -> set[int]:
    today = tx.now.astimezone(policy.load("hub", Site).timezone).date()
    standing = select(col(Volunteer.id), col(Volunteer.status), col(Volunteer.paused_until))
    rows = tx.exec(standing.where(bulk.among(col(Volunteer.id), list(ids)))).all()
    return {key for key, status, until in rows if may_be_called(status, until, today)}


def _held(tx: Tx, ids: Collection[int], facts: Sequence[SlotFacts]) -> dict[int, list[tuple[int, int]]]:
    """Volunteer -> the minutes promised around these slots."""
    if not facts:
        return {}
    first, last = min(f.task.starts_at for f in facts), max(f.task.ends_at for f in facts)
    held = busy.held(tx, first, last, list(ids))
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for volunteer, start, end in zip(
        held.volunteer.tolist(), held.starts.tolist(), held.ends.tolist(), strict=True
    ):
        found[volunteer].append((start, end))
    return found


def people(asks: Sequence[SlotAsk]) -> int:
    """How many people would be asked, and woken if it is night."""
    return len({ask.volunteer_id for slot in asks for ask in slot.asks})
