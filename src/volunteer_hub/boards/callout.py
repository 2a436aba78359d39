"""One callout as those who run it see it: coverage of each slot, what became of the messages, who said what.

The number of queries depends neither on the slots nor on the people.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.boards import by_skill, lines, replies, slots
from volunteer_hub.boards.by_skill import SkillNeed
from volunteer_hub.boards.lines import LineDown
from volunteer_hub.boards.slots import Said, SlotFacts
from volunteer_hub.core import geo
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import Incident, RoleSlot
from volunteer_hub.mobilization import queries, rules
from volunteer_hub.mobilization.models import Callout, Offer, SlotFill
from volunteer_hub.mobilization.queries import SlotFigures
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.notify import outbox
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import ASIDE, State, Subject
from volunteer_hub.volunteers.models import SkillClaim, Volunteer

UNREACHED = frozenset({State.FAILED, State.EXPIRED})


@dataclass(frozen=True)
class SlotLine:
    """One slot of the callout."""

    facts: SlotFacts
    figures: SlotFigures


@dataclass(frozen=True)
class PersonLine:
    """One person asked. ``name`` is None for a reader who may not know; ``message`` is the state of the
    question's last message, None where no address could be written to."""

    offer: Offer
    slot: UUID
    role: Said
    volunteer: UUID
    name: str | None
    skills: tuple[tuple[str, int], ...]
    km: float | None
    asked: int
    served_minutes: int
    message: State | None


@dataclass(frozen=True)
class LiveCallout:
    """A callout. ``messages`` counts its messages by state; ``to_tell`` is how many a cancelling tells. Of
    those coming ``changed`` were told of a change of place or time, and ``acknowledged`` the last one.
    ``lines_down``: gateways that were or are down while it runs."""

    callout: Callout
    incident: Incident
    zone: str
    slots: tuple[SlotLine, ...]
    skills: tuple[SkillNeed, ...]
    messages: Mapping[State, int]
    to_tell: int
    changed: int
    acknowledged: int
    lines_down: tuple[LineDown, ...]

    def count(self, name: str) -> int:
        """One of the figures, over all slots."""
        return sum(getattr(line.figures, name) for line in self.slots)

    @property
    def live(self) -> bool:
        """Whether it still takes people."""
        return self.callout.state in rules.LIVE

    @property
    def unreached(self) -> int:
        """Messages that failed or came too late."""
        return sum(self.messages.get(state, 0) for state in UNREACHED)


_NUMBERS = ("slot_id", "minimum", "target", "maximum")
COUNTED = tuple(f.name for f in fields(SlotFigures) if f.name not in _NUMBERS)
"""The figures of a slot that count people."""


def live(tx: Tx, callout: Callout) -> LiveCallout:
    """A callout that the actor may read, with the figures of every slot."""
    figures = {figure.slot_id: figure for figure in queries.board(tx, [callout.id]).get(callout.id, [])}
    facts = slots.of(tx, figures)
    of_slots = tuple(SlotLine(slot, figures[key]) for key, slot in facts.items())
    own = select(Offer.id).where(col(Offer.callout_id) == callout.id)
    told = (col(Offer.state) != OfferState.QUEUED) & (
        col(Offer.decline_reason).is_distinct_from(rules.DeclineReason.NOT_ME)
    )
    told &= (
        outbox.may_have_left(Subject.OFFER, col(Offer.id), "offer")
        | col(Offer.answered_at).is_not(None)
        | col(Offer.seen_at).is_not(None)
    )
    about = (col(Message.subject_kind) == Subject.OFFER) & col(Message.subject_id).in_(own)
    missed = ~col(Message.dedupe_key).contains(ASIDE, autoescape=True)
    messages = select(col(Message.state), func.count()).where(about, missed).group_by(col(Message.state))
    changed, acknowledged = replies.of_a_change(tx, callout)
    return LiveCallout(
        callout=callout,
        incident=tx.get_one(Incident, callout.incident_id),
        zone=of_slots[0].facts.zone if of_slots else "UTC",
        slots=of_slots,
        skills=by_skill.needs(tx, [(line.facts, line.figures) for line in of_slots]),
        messages={State(state): int(count) for state, count in tx.exec(messages)},
        to_tell=tx.exec(select(func.count()).where(col(Offer.callout_id) == callout.id, told)).one(),
        changed=changed,
        acknowledged=acknowledged,
        lines_down=lines.of_callout(tx, callout),
    )


def people(
    tx: Tx,
    callout: Callout,
    *,
    states: Collection[OfferState] = tuple(OfferState),
    slot_id: int | None = None,
    after: int = 0,
    limit: int = 50,
) -> tuple[list[PersonLine], int | None]:
    """A page of the people asked, by offer, and the ``after`` of the next page or None at the end."""
    offers, further = queries.offers_of(
        tx, callout.id, states=states, slot_id=slot_id, after=after, limit=limit
    )
    ids = [offer.volunteer_id for offer in offers]
    known = {v.id: v for v in tx.exec(select(Volunteer).where(col(Volunteer.id).in_(ids)))}
    visible = _visible(tx, ids)
    facts = slots.of(tx, {offer.slot_id for offer in offers})
    skills = _skills(tx, ids)
    messages = _questions(tx, [offer.id for offer in offers])
    lines = [
        PersonLine(
            offer=offer,
            slot=facts[offer.slot_id].slot.public_id,
            role=facts[offer.slot_id].role,
            volunteer=known[offer.volunteer_id].public_id,
            name=known[offer.volunteer_id].name if offer.volunteer_id in visible else None,
            skills=tuple(skills.get(offer.volunteer_id, ())),
            km=_km(known[offer.volunteer_id], facts[offer.slot_id]),
            asked=known[offer.volunteer_id].asked_count,
            served_minutes=known[offer.volunteer_id].served_minutes,
            message=messages.get(offer.id),
        )
        for offer in offers
    ]
    return lines, further


def slot_ids(tx: Tx, callout: Callout) -> dict[int, UUID]:
    """The slots of a callout: id -> the id seen outside."""
    own = select(SlotFill.slot_id).where(col(SlotFill.callout_id) == callout.id)
    return dict(tx.exec(select(RoleSlot.id, RoleSlot.public_id).where(col(RoleSlot.id).in_(own))).all())


def last_contact(offer: Offer) -> datetime | None:
    """When the person was last heard of, else when they were asked."""
    return offer.answered_at or offer.seen_at or offer.asked_at


def _visible(tx: Tx, ids: Collection[int]) -> set[int]:
    wanted = select(Volunteer.id).where(
        col(Volunteer.id).in_(ids), tx.actor.scope("volunteer.read", Volunteer.area)
    )
    return set(tx.exec(wanted))


def _skills(tx: Tx, ids: Collection[int]) -> dict[int, list[tuple[str, int]]]:
    found: dict[int, list[tuple[str, int]]] = {}
    claims = select(SkillClaim).where(col(SkillClaim.volunteer_id).in_(ids))
    for claim in tx.exec(claims.order_by(col(SkillClaim.level).desc(), col(SkillClaim.skill))):
        found.setdefault(claim.volunteer_id, []).append((claim.skill, claim.level))
    return found


def _questions(tx: Tx, offer_ids: Collection[int]) -> dict[int, State]:
    """Offer id -> the state of the newest message that asked, or of one that arrived."""
    wanted = select(Message.subject_id, Message.state).where(
        col(Message.subject_kind) == Subject.OFFER,
        col(Message.subject_id).in_(offer_ids),
        col(Message.purpose) == "offer",
    )
    return {offer: State(state) for offer, state in tx.exec(wanted.order_by(*outbox.NEWEST))}


def _km(person: Volunteer, facts: SlotFacts) -> float | None:
    if person.lat is None or person.lon is None:
        return None
    return float(geo.haversine_km(person.lat, person.lon, *facts.position))
