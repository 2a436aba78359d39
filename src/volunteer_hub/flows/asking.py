"""Whom to ask: everybody the frozen plan chose, and so many more that the minimum is as sure as configured.

``PlanRun.result["pairs"]`` are the people chosen, {"slot", "volunteer", "wave"?}; ``result["reserves"]``,
where the plan has them, further feasible people in the same form, the best first.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import bulk, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.engine import overcall
from volunteer_hub.flows import letters
from volunteer_hub.mobilization import answers, busy
from volunteer_hub.mobilization.callouts import Ask, Slot
from volunteer_hub.mobilization.models import PlanRun, SlotFill
from volunteer_hub.mobilization.policy import Answers, Callouts, Channel
from volunteer_hub.mobilization.rules import Kind
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import may_be_called


@dataclass(frozen=True)
class SlotAsk:
    """Whom to ask for one slot, best first; ``sure`` is the chance that its minimum comes together so."""

    facts: SlotFacts
    slot: Slot
    asks: tuple[Ask, ...]
    sure: float


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
    )


def of_plan(tx: Tx, plan: PlanRun) -> list[SlotAsk]:
    """Whom the plan's callout would ask now: shown before anything is sent, and what `mobilize.send` sends.

    Slots that are over or called off are left out, and so is whoever has left, paused or been promised
    elsewhere since the plan was made. Nobody is asked beyond the plan for a second slot.
    """
    pairs, spare = chosen(plan), reserves(plan)
    facts = {key: f for key, f in slots.of(tx, pairs.keys() | spare.keys()).items() if f.open(tx.now)}
    everybody = {ask.volunteer_id for asks in (*pairs.values(), *spare.values()) for ask in asks}
    people = Candidates(tx, everybody, list(facts.values()))
    taken = {ask.volunteer_id for asks in pairs.values() for ask in asks}
    held = _places_held(tx, facts)
    result = []
    for key, slot in facts.items():
        wanted = as_slot(slot, held.get(key, 0))
        if not wanted.maximum:
            continue
        first = [ask for ask in pairs.get(key, ()) if people.free(ask.volunteer_id, slot)]
        more = people.further(spare.get(key, ()), slot, taken)
        ps = [people.chance(ask.volunteer_id, slot) for ask in (*first, *more)]
        enough = overcall.smallest_ask(ps, wanted.minimum, confidence())
        count = max(len(first), len(ps) if enough is None else enough)
        asks = (*first, *more)[:count]
        taken |= {ask.volunteer_id for ask in asks}
        result.append(SlotAsk(slot, wanted, asks, overcall.at_least(ps[:count], wanted.minimum)))
    return result


def _places_held(tx: Tx, slot_ids: Collection[int]) -> dict[int, int]:
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


def _asks(plan: PlanRun, key: str) -> dict[int, list[Ask]]:
    found: dict[int, list[Ask]] = defaultdict(list)
    for pair in (plan.result or {}).get(key, ()):
        found[pair["slot"]].append(Ask(pair["slot"], pair["volunteer"], pair.get("wave", 1)))
    return dict(found)


def confidence() -> float:
    """How sure a minimum must be (config/callouts.toml)."""
    policies: Callouts = policy.load("callouts", Callouts)
    return policies.callout.confidence


class Candidates:
    """People who might be asked: who is free, and how likely each says yes. Five queries for any number."""

    def __init__(self, tx: Tx, people: Iterable[int], facts: Sequence[SlotFacts]) -> None:
        self._now = tx.now
        self._ways = letters.reach(tx, people)
        self._callable = _callable(tx, self._ways)
        self._held = _held(tx, self._callable, facts)
        self._policy = policy.load("answers", Answers)
        self._night = policy.load("hub", Site).night
        self._known: dict[tuple[str, str, Kind], float] = {}

    def free(self, volunteer_id: int, facts: SlotFacts) -> bool:
        """Whether they may be called today and hold no promise within the slot's hours."""
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

    def chance(self, volunteer_id: int, facts: SlotFacts) -> float:
        """That they say yes when asked now: by the channel that reaches them, the hour there, real or drill.

        0 for whom no message can reach.
        """
        way = self._ways.get(volunteer_id)
        if way is None or way.channel is None:
            return 0.0
        key = (way.channel.value, facts.zone, Kind(facts.incident.kind.value))
        if key not in self._known:
            channel: Channel = way.channel.value
            local = self._now.astimezone(ZoneInfo(facts.zone)).time()
            belief = answers.probability(self._policy, channel, local, key[2], self._night)
            self._known[key] = belief[0]
        return self._known[key]

    def still(self, volunteer_id: int, facts: SlotFacts, asked_at: datetime) -> float:
        """The same for somebody who was asked at that moment and has been silent since."""
        delay = self._policy.delay
        night = self._night.covers(asked_at.astimezone(ZoneInfo(facts.zone)).time())
        minutes = (self._now - asked_at).total_seconds() / 60
        share = overcall.share_by(minutes, delay.night if night else delay.day, delay.shares)
        return overcall.still_to_come(self.chance(volunteer_id, facts), share)


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
