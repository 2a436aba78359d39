"""All that some answers can touch: locked and read before they are judged, written together afterwards.

It is locked always in one order: the offers by id (with the drills that would make way), their people, the
counts of their slots. The number of statements does not grow with the answers.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from sqlmodel import col, select

from volunteer_hub.core import bulk, together
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.together import Sheet
from volunteer_hub.mobilization import places, rules
from volunteer_hub.mobilization.models import AnswerEvent, Callout, Duty, Offer, SlotFill
from volunteer_hub.mobilization.places import Place
from volunteer_hub.mobilization.rules import Answer, OfferState

_OFFER: Final = (
    "state",
    "position",
    "held_since",
    "passed_over",
    "minutes_there",
    "decline_reason",
    "later_from",
    "answered_at",
    "seen_at",
    "ack_version",
)
_DUTY: Final = ("state", "en_route_at", "arrives_at")
"""Columns in which an answer changes an offer, and a duty."""


class Rows:
    """``yes``: the offers (ids) that somebody accepts. ``own``: the trail names each person for theirs."""

    def __init__(self, tx: Tx, ids: set[int], yes: Collection[int], *, own: bool) -> None:
        self._tx, self._own = tx, own
        touched = bulk.among(col(Offer.id), places.touched(tx, ids, yes))
        self.offers = {offer.id: offer for offer in places.locked_all(tx, touched)}
        # Read once the locks are held: cancelling locks every offer, so neither misses the other.
        self.callouts = self._read_callouts()
        self.promised = self._read_promises(yes)
        self.fills = self._lock_fills(yes)
        self._duties = self._read_duties(self._had_place())
        self._offer_sheet = Sheet(Offer, _OFFER, self.offers.values())
        self._fill_sheet = Sheet(SlotFill, ("filled", "line"), self.fills.values())
        self._duty_sheet = Sheet(Duty, _DUTY, self._duties.values())
        self._new_duties: dict[int, bulk.Row] = {}
        self._seated: set[int] = set()
        self._new_events: list[tuple[Offer, bulk.Row]] = []

    def seat(self, offer: Offer) -> None:
        """Puts an offer on the place taken for it, with the duty that goes with it."""
        duty = self._duty(offer)
        places.seat(offer, OfferState.ACCEPTED, duty, self._tx.now)
        if duty is None:
            incident_id = self.callouts[offer.callout_id].incident_id
            self._new_duties[offer.id] = places.new_duty(offer, incident_id)
            self._seated.add(offer.id)

    def unseat(self, offer: Offer) -> None:
        """Gives back the place that an offer had, whose state says already what has become of it."""
        duty = self._duty(offer)
        assert duty is not None
        places.bring(duty, offer.state)
        self.fills[place(offer)].filled -= 1

    def log(self, offer: Offer, kind: Answer, at: datetime | None, data: dict[str, Any]) -> None:
        """Appends to the log of answers what a person did, now or, on paper, ``at`` an earlier hour.

        ``data``: ids, numbers and codes only, never a personal value.
        """
        row = {"offer_id": offer.id, "at": at or self._tx.now, "kind": kind, "data": data}
        self._new_events.append((offer, row))

    def write(self) -> None:
        """Writes what has come about since the last time, and its lines of the trail: five statements."""
        tx, duties, events = self._tx, self._new_duties, self._new_events
        self._new_duties, self._new_events = {}, []
        seated = [self._person(self.offers[key]) for key in duties]
        said = [self._person(offer) for offer, _ in events]
        written = [
            *together.add(tx, Duty, list(duties.values()), seated),
            *together.add(tx, AnswerEvent, [row for _, row in events], said),
            *self._offer_sheet.write(tx, self._person),
            *self._fill_sheet.write(tx, lambda _: None),
            *self._duty_sheet.write(tx, self._person),
        ]
        together.note(tx, written)

    @contextmanager
    def by_row(self, offer: Offer) -> Iterator[None]:
        """Within the block rows are read and written one by one, under the name of this offer's person."""
        self.write()
        before = self._tx.actor
        self._tx.actor = self._person(offer) or before
        yield
        self._tx.actor = before
        self._tx.flush()
        for fill in self.fills.values():
            self._tx.refresh(fill)
        for sheet in (self._offer_sheet, self._fill_sheet, self._duty_sheet):
            sheet.take_again()

    def hold(self, moved: Iterable[Offer]) -> None:
        """These have been given a place by the row: they hold their people from now on."""
        for offer in moved:
            self.promised.setdefault(offer.volunteer_id, []).append(offer)
        self._keep_duties([offer.id for offer in moved])

    def _duty(self, offer: Offer) -> Duty | None:
        if offer.id in self._seated:  # a duty that was new here, and is to change already
            self._seated.remove(offer.id)
            self.write()
            self._keep_duties([offer.id])
        return self._duties.get(offer.id)

    def _keep_duties(self, offer_ids: list[int]) -> None:
        found = self._read_duties(offer_ids)
        self._duties |= found
        self._duty_sheet.take(found.values())

    def _person(self, row: Offer | Duty) -> Actor | None:
        return Actor("volunteer", row.volunteer_id) if self._own else None

    # -- what is read and locked ---------------------------------------------------------------------------

    def _read_callouts(self) -> dict[int, Callout]:
        ids = sorted({offer.callout_id for offer in self.offers.values()})
        wanted = select(Callout).where(bulk.among(col(Callout.id), ids))
        found = self._tx.exec(wanted.execution_options(populate_existing=True))
        return {callout.id: callout for callout in found}

    def _read_promises(self, yes: Collection[int]) -> dict[int, list[Offer]]:
        """Person -> the offers that hold them, with those of theirs answered now; the people are locked."""
        people = sorted({self.offers[key].volunteer_id for key in yes if key in self.offers})
        found: dict[int, list[Offer]] = {person: [] for person in people}
        if people:
            places.lock_people(self._tx, people)
            theirs = bulk.among(col(Offer.volunteer_id), people), col(Offer.state).in_(rules.HOLDING)
            wanted = select(Offer).where(*theirs).execution_options(populate_existing=True)
            held = {offer.id: offer for offer in self._tx.exec(wanted)}
            for offer in (held | self.offers).values():
                if offer.volunteer_id in found:
                    found[offer.volunteer_id].append(offer)
        return found

    def _lock_fills(self, yes: Collection[int]) -> dict[Place, SlotFill]:
        """The counts that can change: where somebody says yes, or has a place to give back."""
        changing = [offer for offer in self.offers.values() if offer.id in yes or offer.state in rules.PLACED]
        if not changing:
            return {}
        which = (
            bulk.among(col(SlotFill.slot_id), sorted({offer.slot_id for offer in changing})),
            bulk.among(col(SlotFill.callout_id), sorted({offer.callout_id for offer in changing})),
        )
        wanted = select(SlotFill).where(*which).order_by(col(SlotFill.slot_id), col(SlotFill.callout_id))
        locked = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
        return {(fill.callout_id, fill.slot_id): fill for fill in self._tx.exec(locked)}

    def _had_place(self) -> list[int]:
        """Those that may have a duty from before."""
        offers = self.offers.values()
        return [offer.id for offer in offers if offer.state is not OfferState.ASKED or offer.held_since]

    def _read_duties(self, offer_ids: list[int]) -> dict[int, Duty]:
        if not offer_ids:
            return {}
        wanted = select(Duty).where(bulk.among(col(Duty.offer_id), offer_ids))
        found = self._tx.exec(wanted.execution_options(populate_existing=True))
        return {duty.offer_id: duty for duty in found}


def place(offer: Offer) -> Place:
    """The slot, in its callout, that an offer is for."""
    return offer.callout_id, offer.slot_id
