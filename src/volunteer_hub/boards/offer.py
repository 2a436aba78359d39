"""What the page behind a link shows one person: the question, and after a yes where, when and with whom."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from volunteer_hub.access.models import Account
from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import geo, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.mobilization import queries, rules
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.mobilization.queries import OfferPage
from volunteer_hub.mobilization.rules import OfferState, Outcome
from volunteer_hub.notify import notes
from volunteer_hub.notify.rules import Subject
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import InsuredBy, Precision, TravelMode

_ARRIVALS: Final = (15, 30, 60, 120)
_CJK: Final = range(0x3400, 0xA000)


@dataclass(frozen=True)
class Way:
    """How far it is from home. ``minutes`` is None for who does not travel then; ``rough``: a community's
    centre stands for the home."""

    km: float
    minutes: int | None
    rough: bool


@dataclass(frozen=True)
class OfferView:
    """One offer as its person may see it; the leader is named only once they have a place. ``notes``: words
    that were written to them about it, the newest first."""

    page: OfferPage
    facts: SlotFacts
    name: str
    way: Way | None
    insured: InsuredBy | None
    leader: Account | None
    arrivals: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def offer(self) -> Offer:
        return self.page.offer

    @property
    def callout(self) -> Callout:
        return self.page.callout

    @property
    def state(self) -> str:
        """What the page is about: ``ask``, ``ended`` (with ``reason``), or the offer's own state."""
        if self.offer.decline_reason is rules.DeclineReason.NOT_ME:
            return "ended"
        if self.offer.state is OfferState.ASKED:
            return "ask" if self.can_accept else "ended"
        if self.offer.state in (OfferState.EXPIRED, OfferState.RELEASED, OfferState.CANCELLED):
            return "ended"
        return self.offer.state.value

    @property
    def can_accept(self) -> bool:
        """Whether a yes would count now, also from somebody who had said no."""
        return self.page.would in (Outcome.ACCEPTED, Outcome.STANDING_BY)


def view(tx: Tx, token: str) -> OfferView:
    """What a link shows; reads only. Raises NotFound for a token that was never given out."""
    page = queries.offer_page(tx, token)
    facts = slots.of(tx, [page.offer.slot_id])[page.offer.slot_id]
    person = tx.get_one(Volunteer, page.offer.volunteer_id)
    commander = facts.incident.commander_id if page.offer.state in rules.HOLDING else None
    way = _way(person, facts)
    return OfferView(
        page=page,
        facts=facts,
        name=masked(person.name),
        way=way,
        insured=_insured(person, facts),
        leader=tx.get(Account, commander) if commander is not None else None,
        arrivals=_arrivals(tx, facts, way),
        notes=_notes(tx, page.offer),
    )


def _notes(tx: Tx, offer: Offer) -> tuple[str, ...]:
    """What was written to them about it, the newest first; nothing behind a link that reached another."""
    if offer.decline_reason is rules.DeclineReason.NOT_ME:
        return ()
    return tuple(words for _, words in notes.told(tx, Subject.OFFER, offer.id))


def masked(name: str | None) -> str:
    """Enough of a name to know oneself by, too little to learn another's: B*, 王**."""
    text = (name or "").strip()
    if not text:
        return ""
    rest = len(text) - 1 if ord(text[0]) in _CJK else 1
    return text[0] + "*" * max(1, min(rest, 3))


def _insured(person: Volunteer, facts: SlotFacts) -> InsuredBy | None:
    """By whom they are insured on the last day of the work, if at all."""
    last = facts.task.ends_at.astimezone(ZoneInfo(facts.zone)).date()
    covered = person.insured_until is not None and person.insured_until >= last
    return (person.insured_by or InsuredBy.NODE) if covered else None


def _way(person: Volunteer, facts: SlotFacts) -> Way | None:
    if person.lat is None or person.lon is None:
        return None
    km = geo.geodesic_km(person.lat, person.lon, *facts.position)
    travel: Callouts = policy.load("callouts", Callouts)
    slow = facts.hazard.slow_down if facts.hazard is not None else 1.0
    mode = _mode(person, facts)
    minutes = None if mode is None else math.ceil(travel.travel.minutes(km, mode, slow))
    return Way(km, minutes, person.precision is Precision.COMMUNITY)


def _mode(person: Volunteer, facts: SlotFacts) -> Literal["foot", "bicycle", "car"] | None:
    match person.travel_mode:
        case TravelMode.BICYCLE:
            return "bicycle"
        case TravelMode.CAR:
            return "car"
        case TravelMode.NONE_AT_NIGHT:
            site: Site = policy.load("hub", Site)
            local = facts.task.starts_at.astimezone(ZoneInfo(facts.zone)).time()
            return None if site.night.covers(local) else "foot"
        case _:
            return "foot"


def _arrivals(tx: Tx, facts: SlotFacts, way: Way | None) -> tuple[int, ...]:
    """Minutes from now to choose from, when asked "when can you be there": the first is the likeliest.

    Where the work begins later than the way takes, the first is its beginning.
    """
    needed = (way.minutes if way is not None else None) or 0
    left = math.ceil((facts.task.starts_at - tx.now) / timedelta(minutes=1))
    end = (facts.task.ends_at - tx.now) / timedelta(minutes=1)
    if left > needed:
        choices = [left, *(left + late for late in (15, 30, 60))]
    else:
        choices = [minutes for minutes in _ARRIVALS if minutes >= needed] or [needed]
    return tuple(minutes for minutes in choices if minutes < min(end, 24 * 60)) or tuple(choices[:1])
