"""Somebody writes to people in words of their own: to everybody coming to an incident, callout or slot and on
site there, or to one person, who may have written first.

REAL or DRILL comes first in it as in every text. Where text messages go by approved templates no free words
can be in them: the person reads the words behind the link.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlmodel import col, select

from volunteer_hub.boards import conversation
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import letters
from volunteer_hub.flows.letters import Reach
from volunteer_hub.incidents import logbook, queries
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import LogKind
from volunteer_hub.mobilization import callouts
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.notify import cost, dispatch, notes, outbox, replies, templates, texts
from volunteer_hub.notify.models import InboundText
from volunteer_hub.notify.note_models import Note
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.reply_rules import Handled
from volunteer_hub.notify.rules import Channel, Kind, Subject
from volunteer_hub.notify.templates import NoTemplate
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.models import Volunteer

TO_MANY: Final = "note.send"
TO_ONE: Final = "note.reply"
_TOKEN_LENGTH: Final = 22


class Who(StrEnum):
    """Which of the people: those who said yes and are not there yet, those on site, or both."""

    BOTH = "both"
    COMING = "coming"
    ON_SITE = "on_site"


_STATES: Final = {
    Who.BOTH: (OfferState.ACCEPTED, OfferState.ON_SITE),
    Who.COMING: (OfferState.ACCEPTED,),
    Who.ON_SITE: (OfferState.ON_SITE,),
}


@dataclass(frozen=True)
class Audience:
    """To whom: the people of an incident, of one of its callouts, or of one slot."""

    incident: Incident
    callout: Callout | None
    slot_id: int | None
    who: Who


@dataclass(frozen=True)
class Ahead:
    """What sending would do. ``people`` get it, ``by`` channel; ``unreachable`` have no address. ``parts`` of
    a text message at most, ``thousandths`` of ``currency`` in all. ``behind_link``: text messages go by
    template and say only that there is something to read, if the carrier has ``approved`` that."""

    people: int
    unreachable: int
    by: tuple[tuple[Channel, int], ...]
    parts: int
    thousandths: int
    currency: str
    behind_link: bool
    approved: bool
    read_as: Mapping[str, str]


def audience(tx: Tx, incident: UUID, callout: UUID | None, slot: UUID | None, who: Who) -> Audience:
    """Raises NotFound for what is not of the actor's areas, or not of the incident."""
    found = queries.find(tx, TO_MANY, incident)
    one = callouts.find(tx, TO_MANY, callout) if callout is not None else None
    task, place = queries.find_slot(tx, TO_MANY, slot) if slot is not None else (None, None)
    if any(row is not None and row.incident_id != found.id for row in (one, task)):
        raise NotFound("not_found")
    return Audience(found, one, place.id if place is not None else None, who)


def people(tx: Tx, to: Audience) -> list[Offer]:
    """One offer of each of them, the one that they are on site for before others, else the next to begin;
    nobody of a drill as if the network were down, in which nobody is written to."""
    own = select(Callout.id).where(col(Callout.incident_id) == to.incident.id, ~col(Callout.on_paper))
    if to.callout is not None:
        own = own.where(col(Callout.id) == to.callout.id)
    wanted = select(Offer).where(
        col(Offer.callout_id).in_(own),
        col(Offer.state).in_(_STATES[to.who]),
        tx.actor.scope(TO_MANY, Offer.area),
    )
    if to.slot_id is not None:
        wanted = wanted.where(col(Offer.slot_id) == to.slot_id)
    found: dict[int, Offer] = {}
    for offer in sorted(
        tx.exec(wanted), key=lambda o: (o.state is not OfferState.ON_SITE, o.starts_at, o.id)
    ):
        found.setdefault(offer.volunteer_id, offer)
    return list(found.values())


def ahead(tx: Tx, to: Audience, words: str) -> Ahead:
    """What `send` would do now. Raises Malformed for words that cannot be sent."""
    ways = letters.reach(tx, [offer.volunteer_id for offer in people(tx, to)], notes.PURPOSE)
    return _ahead(list(ways.values()), notes.check(words), Kind(to.incident.kind.value))


def send(tx: Tx, to: Audience, words: str) -> Note:
    """Writes to them; the note says to how many. Raises Malformed, Refused where nobody can be reached."""
    tx.actor.must_cover(TO_MANY, to.incident.area)
    note = Note(
        area=to.incident.area,
        kind=Kind(to.incident.kind.value),
        incident_id=to.incident.id,
        callout_id=to.callout.id if to.callout is not None else None,
        slot_id=to.slot_id,
        written_by=_author(tx),
        at=tx.now,
    )
    notes.write(tx, note, notes.check(words))
    note.people = letters.tell(tx, notes.PURPOSE, people(tx, to), **_of(note))
    if not note.people:
        raise Refused("note.nobody")
    logbook.record(tx, to.incident, LogKind.CALLOUT, "note_sent", n=note.people)
    tx.flush()
    return note


def _of(note: Note) -> dict[str, Any]:
    """What a message keeps of the note that it carries."""
    return {notes.IN_PARAMS: note.id}


def ahead_of_one(tx: Tx, person: UUID, words: str) -> Ahead:
    """What `to_person` would do now. Raises NotFound, Malformed."""
    row = conversation.find(tx, TO_ONE, person)
    ways = letters.reach(tx, [row.id], notes.PURPOSE)
    offer = _current(tx, row)
    return _ahead(list(ways.values()), notes.check(words), _kind(tx, offer))


def to_person(tx: Tx, person: UUID, words: str, answering: UUID | None = None) -> Note:
    """Writes to one person, about what they are asked or expected at just now; ``answering`` names a text
    that waited to be read, which is dealt with by this.

    Raises NotFound, Malformed, Refused without an address, and as `replies.claim`.
    """
    row = conversation.find(tx, TO_ONE, person)
    text = _theirs(tx, answering, row) if answering is not None else None
    offer = _current(tx, row)
    note = Note(
        area=offer.area if offer is not None else row.area,
        kind=_kind(tx, offer),
        incident_id=tx.get_one(Callout, offer.callout_id).incident_id if offer is not None else None,
        callout_id=offer.callout_id if offer is not None else None,
        slot_id=offer.slot_id if offer is not None else None,
        volunteer_id=row.id,
        written_by=_author(tx),
        at=tx.now,
    )
    tx.actor.must_cover(TO_ONE, note.area)
    notes.write(tx, note, notes.check(words))
    if offer is not None:
        note.people = letters.tell(tx, notes.PURPOSE, [offer], **_of(note))
    else:
        note.people = outbox.enqueue(tx, _draft(tx, row, note))
    if not note.people:
        raise Refused("note.unreachable")
    if text is not None:
        text.volunteer_id = row.id
        replies.settle(tx, text, Handled.ANSWERED)
    tx.flush()
    return note


def add_words(tx: Tx, row: Volunteer, words: str) -> Note:
    """Writes to one person beside what else they are told of the deed: kept among their data, and sent where
    they can be reached. Whoever may do the deed may say why."""
    note = Note(area=row.area, kind=Kind.NONE, volunteer_id=row.id, written_by=_author(tx), at=tx.now)
    notes.write(tx, note, notes.check(words))
    note.people = outbox.enqueue(tx, _draft(tx, row, note))
    tx.flush()
    return note


def _theirs(tx: Tx, answering: UUID, row: Volunteer) -> InboundText:
    """The text of this person that is answered. Raises NotFound for one from another number."""
    text = replies.claim(tx, answering)
    if text.volunteer_id != row.id and text.number_hash not in addresses.number_hashes(tx, row.id):
        raise NotFound("not_found")
    return text


def _author(tx: Tx) -> int | None:
    return tx.actor.id if tx.actor.kind == "account" else None


def _current(tx: Tx, row: Volunteer) -> Offer | None:
    """What they were asked last of what is not over, in the actor's areas."""
    ended = (
        OfferState.QUEUED,
        OfferState.EXPIRED,
        OfferState.RELEASED,
        OfferState.CANCELLED,
        OfferState.DONE,
    )
    on_paper = select(Callout.id).where(col(Callout.on_paper))
    wanted = select(Offer).where(
        col(Offer.volunteer_id) == row.id,
        col(Offer.state).not_in(ended),
        col(Offer.callout_id).not_in(on_paper),
        tx.actor.scope(TO_ONE, Offer.area),
    )
    found = tx.exec(wanted.order_by(col(Offer.asked_at).desc().nulls_last(), col(Offer.id).desc()).limit(20))
    return next((offer for offer in found if offer.ends_at > tx.now), None)


def _kind(tx: Tx, offer: Offer | None) -> Kind:
    return Kind(tx.get_one(Callout, offer.callout_id).kind.value) if offer is not None else Kind.NONE


def _draft(tx: Tx, row: Volunteer, note: Note) -> list[Draft]:
    """To somebody who is asked nothing just now."""
    way = letters.reach(tx, [row.id], notes.PURPOSE)[row.id]
    if way.contact is None or way.channel is None:
        return []
    return [
        Draft(
            purpose=notes.PURPOSE,
            subject_kind=Subject.VOLUNTEER,
            subject_id=row.id,
            area=note.area,
            channel=way.channel,
            lang=way.lang,
            dedupe_key=f"note:{note.id}:{row.id}",
            expires_at=letters.worth(tx),
            volunteer_id=row.id,
            contact_id=way.contact.id,
            kind=note.kind,
            params={notes.IN_PARAMS: note.id},
        )
    ]


def _ahead(ways: Sequence[Reach], words: str, kind: Kind) -> Ahead:
    prices = policy.load("messages", Messages).prices
    reached = Counter((way.channel, way.lang) for way in ways if way.channel is not None)
    approved = dispatch.approved()
    by: Counter[Channel] = Counter()
    thousandths, parts, known = 0, 1, True
    for (channel, lang), count in reached.items():
        each = 1
        if channel is Channel.SMS:
            try:
                each = cost.parts(_text(words, kind, lang))
            except NoTemplate:
                known = False
        parts = max(parts, each)
        thousandths += cost.total(prices, {channel: count}, each)
        by[channel] += count
    languages = {lang for _, lang in reached} or {ways[0].lang if ways else "zh"}
    link = settings().base_url.rstrip("/")
    return Ahead(
        people=sum(by.values()),
        unreachable=len(ways) - sum(by.values()),
        by=tuple(by.most_common()),
        parts=parts,
        thousandths=thousandths,
        currency=prices.currency,
        behind_link=approved is not None and Channel.SMS in by,
        approved=known,
        read_as={
            lang: texts.render(
                notes.PURPOSE, Channel.CONSOLE, lang, kind, {}, {"text": words, "link": f"{link}/…"}
            ).body
            for lang in sorted(languages)
        },
    )


def _text(words: str, kind: Kind, lang: str) -> str:
    """As long as the text message will be. Raises NoTemplate."""
    path = f"c/{'x' * _TOKEN_LENGTH}" if kind is not Kind.NONE else "me"
    link = f"{settings().base_url.rstrip('/')}/{path}"
    approved = dispatch.approved()
    if approved is not None:
        return templates.fill(approved, notes.PURPOSE, kind, lang, {}, link).text
    return texts.render(notes.PURPOSE, Channel.SMS, lang, kind, {}, {"text": words, "link": link}).body
