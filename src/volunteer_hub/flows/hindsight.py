"""What the engine would say today with what was known then.

Known then are the people of the frozen plan, whom it chose and whom it held in reserve at which cost, what
each slot wanted and what had been promised for it, the hour, the time to answer and the confidence wanted.
What is of today is what has been learned since of how people answer. People are taken to have been free then,
as the plan took them to be.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import col, select

from volunteer_hub.boards.replay import Called
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.boards.within import Minima
from volunteer_hub.core.db import Tx
from volunteer_hub.engine.law import INDEPENDENT
from volunteer_hub.flows import asking, letters
from volunteer_hub.flows.asking import Candidate, Size
from volunteer_hub.flows.beliefs import Basis, Beliefs
from volunteer_hub.mobilization import answers
from volunteer_hub.mobilization.callouts import Ask
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Channel, Subject


@dataclass(frozen=True)
class SlotToday:
    """One slot of the first wave. ``asked``, ``sure``: how many were asked then and the chance of the need as
    told then; ``sure_today``: what that chance is taken for today; ``asked_today``: how many it would take
    today, of whom ``same`` were asked then."""

    facts: SlotFacts
    need: int
    asked: int
    sure: float
    sure_today: float
    asked_today: int
    same: int


@dataclass(frozen=True)
class Hindsight:
    """One callout. ``model_at``: when the answer model of today was made, None while all is assumed."""

    confidence: float
    slots: tuple[SlotToday, ...]
    basis: Basis
    model_at: datetime | None

    @property
    def asked(self) -> int:
        """How many were asked first."""
        return sum(slot.asked for slot in self.slots)

    @property
    def asked_today(self) -> int:
        """How many would be."""
        return sum(slot.asked_today for slot in self.slots)


def today(tx: Tx, called: Called) -> Hindsight | None:
    """What would be asked today; None where the callout has no first wave, as when it was only recorded."""
    shares = {share["slot"]: share for share in called.waves[0].slots} if called.waves else {}
    facts = {role.facts.slot.id: role.facts for role in called.roles if role.facts.slot.id in shares}
    if not facts:
        return None
    first = _asked(tx, called)
    listed = _listed(called, facts)
    pool = _Then(tx, called, facts, {one.volunteer_id for asks in listed.values() for one in asks}, first)
    chosen = {(key, ask.volunteer_id) for key, asks in asking.chosen(called.plan).items() for ask in asks}
    anew = pool.size(listed, shares, chosen)
    same = pool.size(_again(listed, first), shares, first.keys())
    version = answers.latest(tx)
    sure = {one.facts.slot.id: one.sure for one in same.slots}
    told = [
        SlotToday(
            facts=one.facts,
            need=one.slot.minimum,
            asked=shares[one.facts.slot.id]["people"],
            sure=shares[one.facts.slot.id]["after"],
            sure_today=sure[one.facts.slot.id],
            asked_today=len(one.asks),
            same=sum((one.facts.slot.id, ask.volunteer_id) in first for ask in one.asks),
        )
        for one in anew.slots
    ]
    return Hindsight(anew.confidence, tuple(told), anew.basis, version.made_at if version else None)


Place = tuple[int, int]
"""A slot and a person."""


class _Then:
    """The people of a plan as they would be believed to answer, asked at the hour the callout was sent."""

    def __init__(
        self,
        tx: Tx,
        called: Called,
        facts: Mapping[int, SlotFacts],
        listed: Collection[int],
        first: Mapping[Place, Channel | None],
    ) -> None:
        self._tx, self._called, self._facts = tx, called, facts
        people = {*listed, *(person for _, person in first)}
        self._ways = {key: way.channel for key, way in letters.reach(tx, people).items()}
        self._ways |= {person: way for (_, person), way in first.items() if way is not None}
        self._beliefs = Beliefs(tx, people, called.callout.created_at)
        wait = called.callout.answer_by - called.callout.created_at
        self._minutes = wait.total_seconds() / 60

    def size(
        self,
        listed: Mapping[int, Sequence[Ask]],
        shares: Mapping[int, Mapping[str, int]],
        chosen: Collection[Place],
    ) -> Size:
        """Whom to ask of those listed for each slot, the chosen in any case."""
        found = [
            self._candidate(ask, self._facts[key], (key, ask.volunteer_id) in chosen)
            for key, asks in listed.items()
            for ask in asks
        ]
        wanted = {
            key: replace(asking.as_slot(self._facts[key]), minimum=shares[key]["need"]) for key in listed
        }
        beliefs = [one.belief for one in found]
        law = self._beliefs.law(next(iter(self._facts.values())), beliefs) if found else INDEPENDENT
        counts = [len(asks) for asks in listed.values()]
        minima = Minima(self._tx, self._facts)
        return asking.size(found, counts, wanted, self._facts, self._called.callout.confidence, law, minima)

    def _candidate(self, ask: Ask, facts: SlotFacts, chosen: bool) -> Candidate:
        way = self._ways.get(ask.volunteer_id)
        belief = self._beliefs.of(way, facts, ask.volunteer_id)
        in_time = self._beliefs.share_by(self._minutes, way, facts)
        return Candidate(replace(ask, chance=belief.chance), chosen, belief.chance * in_time, belief)


def _listed(called: Called, slot_ids: Collection[int]) -> dict[int, list[Ask]]:
    """Whom the plan chose for each slot, then its reserves, each person once."""
    chosen, further = asking.chosen(called.plan), asking.reserves(called.plan)
    taken = {ask.volunteer_id for asks in chosen.values() for ask in asks}
    found = {}
    for key in slot_ids:
        more = [ask for ask in further.get(key, ()) if ask.volunteer_id not in taken]
        taken |= {ask.volunteer_id for ask in more}
        found[key] = [*chosen.get(key, ()), *more]
    return found


def _again(
    listed: Mapping[int, Sequence[Ask]], first: Mapping[Place, Channel | None]
) -> dict[int, list[Ask]]:
    """Those asked for each slot in the first wave."""
    known = {(key, ask.volunteer_id): ask for key, asks in listed.items() for ask in asks}
    return {
        key: [known.get((key, person), Ask(key, person, 1)) for slot, person in first if slot == key]
        for key in listed
    }


def _asked(tx: Tx, called: Called) -> dict[Place, Channel | None]:
    """Who was asked for what in the first wave, and by what channel, None where nothing was sent."""
    about = (
        (col(Message.subject_id) == col(Offer.id))
        & (col(Message.subject_kind) == Subject.OFFER)
        & (col(Message.purpose) == "offer")
    )
    wanted = (
        select(Offer.slot_id, Offer.volunteer_id, Message.channel)
        .select_from(Offer)
        .outerjoin(Message, about)
        .where(
            col(Offer.callout_id) == called.callout.id,
            col(Offer.wave) == 1,
            col(Offer.asked_at).is_not(None),
        )
        .order_by(col(Offer.id), col(Message.id).desc())
    )
    return {(slot, person): Channel(way) if way else None for slot, person, way in tx.exec(wanted)}
