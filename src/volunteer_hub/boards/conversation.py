"""Everything said to one person and by them, on every channel: messages and calls, what they wrote, what they
answered and who wrote it down for them, and who rang them up.

Only what belongs to the reader's areas; the number of queries does not grow with it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_
from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import Said
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.hand_call_models import HandCall
from volunteer_hub.mobilization.models import AnswerEvent, Callout, Offer
from volunteer_hub.mobilization.rules import Rung
from volunteer_hub.notify import replies
from volunteer_hub.notify.models import InboundText, Message, Receipt
from volunteer_hub.notify.replies import RIGHT, Written
from volunteer_hub.notify.rules import Subject
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)
_JUDGED_WITHIN: Final = timedelta(minutes=1)
Place = tuple[int, int, int]
"""Where a line stands: microseconds since 1970, its kind, its id."""


class Via(StrEnum):
    """How an answer came to us. ``helper`` and ``clerk`` wrote down what they were told on the telephone, or
    read in a text."""

    LINK = "link"
    TEXT = "text"
    KEY = "key"
    HELPER = "helper"
    CLERK = "clerk"
    PAPER = "paper"


@dataclass(frozen=True)
class Line:
    """One thing said: one of ``message`` (to them, also a call), ``text`` (by them), ``answer`` and ``call``
    (a helper's) is there. ``task``: what it is about. ``written`` is None once it was taken away; ``theirs``:
    it is known that they wrote it, and nobody else at that number. ``by``: the name of whoever rang, or wrote
    down the answer."""

    place: Place
    offer_id: int | None = None
    task: Said | None = None
    message: Message | None = None
    text: InboundText | None = None
    written: Written | None = None
    theirs: bool = True
    answer: AnswerEvent | None = None
    via: Via | None = None
    call: HandCall | None = None
    by: str | None = None

    @property
    def at(self) -> datetime:
        """When it was said."""
        return _EPOCH + self.place[0] * _MICRO


@dataclass(frozen=True)
class Conversation:
    """A page of it, the newest last. ``name`` is None for a reader who may not know it; ``incidents`` are
    those that they were asked to; ``earlier``: the place before which the page before ends, None at the
    beginning."""

    person: Volunteer
    name: str | None
    incidents: tuple[Incident, ...]
    lines: tuple[Line, ...]
    earlier: Place | None


def of(
    tx: Tx, public_id: UUID, *, incident: UUID | None = None, before: Place | None = None, limit: int = 50
) -> Conversation:
    """The conversation with one person, of all incidents or one.

    Raises NotFound for somebody who is neither of the actor's areas nor was asked to work there, and for an
    incident to which they were not asked.
    """
    person = find(tx, RIGHT, public_id)
    asked = _asked(tx, person.id)
    known = select(Incident).where(col(Incident.id).in_({row.incident_id for row in asked}))
    incidents = {row.public_id: row for row in tx.scalars(known.order_by(col(Incident.id).desc()))}
    if incident is not None and incident not in incidents:
        raise NotFound("not_found")
    one = incidents[incident].id if incident is not None else None
    offers = {row.id: row.slot_id for row in asked if one in (None, row.incident_id)}
    found = sorted(
        [
            *_messages(tx, person.id, offers, one, before, limit + 1),
            *_texts(tx, person.id, offers, one, before, limit + 1),
            *_answers(tx, offers, before, limit + 1),
            *_calls(tx, offers, before, limit + 1),
        ],
        key=lambda line: line.place,
    )
    lines = found[-limit:]
    return Conversation(
        person=person,
        name=person.name if tx.actor.may("volunteer.read", person.area) else None,
        incidents=tuple(incidents.values()),
        lines=tuple(_told(tx, lines, offers)),
        earlier=lines[0].place if len(found) > limit else None,
    )


def find(tx: Tx, right: str, public_id: UUID) -> Volunteer:
    """Somebody of the actor's areas, or who was asked to work there. Raises NotFound, Forbidden."""
    tx.actor.must(right)
    here = (col(Offer.volunteer_id) == col(Volunteer.id)) & tx.actor.scope(right, Offer.area)
    asked_here = select(Offer.id).where(here, col(Offer.asked_at).is_not(None)).exists()
    row = tx.scalars(
        select(Volunteer).where(
            col(Volunteer.public_id) == public_id,
            tx.actor.scope(right, Volunteer.area) | asked_here,
            col(Volunteer.status) != Status.FORGOTTEN,
            col(Volunteer.merged_into).is_(None),
        )
    ).first()
    if row is None:
        raise NotFound("not_found")
    return row


def _asked(tx: Tx, person: int) -> Sequence[Any]:
    """(id, slot_id, incident_id) of their offers in the actor's areas."""
    return tx.execute(
        select(col(Offer.id), col(Offer.slot_id), col(Callout.incident_id))
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .where(col(Offer.volunteer_id) == person, tx.actor.scope(RIGHT, Offer.area))
    ).all()


def _messages(
    tx: Tx, person: int, offers: Collection[int], one: int | None, before: Place | None, limit: int
) -> Iterator[Line]:
    moment = func.coalesce(col(Message.sent_at), col(Message.created_at))
    wanted = select(Message).where(col(Message.volunteer_id) == person, tx.actor.scope(RIGHT, Message.area))
    if one is not None:
        about = (col(Message.subject_kind) == Subject.OFFER) & col(Message.subject_id).in_(offers)
        itself = (col(Message.subject_kind) == Subject.INCIDENT) & (col(Message.subject_id) == one)
        wanted = wanted.where(about | itself)
    for row in tx.scalars(_newest(wanted, moment, 0, col(Message.id), before, limit)):
        offer_id = row.subject_id if row.subject_kind is Subject.OFFER else None
        yield Line(_place(row.sent_at or row.created_at, 0, row.id), offer_id, message=row)


def _texts(
    tx: Tx, person: int, offers: Collection[int], one: int | None, before: Place | None, limit: int
) -> Iterator[Line]:
    """Theirs, and those of their numbers of which nobody knows who at that number wrote them."""
    here = tx.actor.scope(RIGHT, InboundText.area)
    numbers = addresses.number_hashes(tx, person)
    nobodys = col(InboundText.volunteer_id).is_(None) & col(InboundText.number_hash).in_(numbers)
    wanted = select(InboundText).where((col(InboundText.volunteer_id) == person) | nobodys, here)
    if one is not None:
        wanted = wanted.where(col(InboundText.offer_id).in_(offers))
    rows = tx.scalars(_newest(wanted, col(InboundText.at), 1, col(InboundText.id), before, limit)).all()
    written = replies.read(tx, rows)
    for row in rows:
        theirs = row.volunteer_id == person
        place = _place(row.at, 1, row.id)
        yield Line(place, row.offer_id, text=row, written=written.get(row.id), theirs=theirs)


def _answers(tx: Tx, offers: Collection[int], before: Place | None, limit: int) -> Iterator[Line]:
    wanted = select(AnswerEvent).where(col(AnswerEvent.offer_id).in_(offers))
    for row in tx.scalars(_newest(wanted, col(AnswerEvent.at), 2, col(AnswerEvent.id), before, limit)):
        yield Line(_place(row.at, 2, row.id), row.offer_id, answer=row)


def _calls(tx: Tx, offers: Collection[int], before: Place | None, limit: int) -> Iterator[Line]:
    """How helpers' calls ended in which nothing was answered; what was answered is an answer."""
    ended = (Rung.NO_ANSWER, Rung.WRONG_NUMBER, Rung.INACTIVE)
    wanted = select(HandCall).where(
        col(HandCall.offer_id).in_(offers),
        col(HandCall.outcome).in_(ended),
        col(HandCall.called_at).is_not(None),
    )
    moment, key = col(HandCall.called_at), col(HandCall.offer_id)
    for row in tx.scalars(_newest(wanted, moment, 3, key, before, limit)):
        assert row.called_at is not None
        yield Line(_place(row.called_at, 3, row.offer_id), row.offer_id, call=row)


def _newest(wanted: Any, moment: Any, kind: int, key: Any, before: Place | None, limit: int) -> Select[Any]:
    """The last of one kind before a place, at most so many."""
    if before is not None:
        then = _EPOCH + before[0] * _MICRO
        same: ColumnElement[bool] = (
            and_(moment == then, key < before[2]) if kind == before[1] else moment == then
        )
        wanted = wanted.where(moment < then if kind > before[1] else or_(moment < then, same))
    found: Select[Any] = wanted.order_by(moment.desc(), key.desc()).limit(limit)
    return found


def _place(at: datetime, kind: int, key: int) -> Place:
    return (at - _EPOCH) // _MICRO, kind, key


def _told(tx: Tx, lines: Sequence[Line], offers: Mapping[int, int]) -> Iterator[Line]:
    """The lines with what they are about, how the answers came and by whom they were written down."""
    about = {line.offer_id for line in lines if line.offer_id is not None}
    facts = slots.of(tx, {offers[key] for key in about if key in offers})
    ways = _Ways(tx, about)
    for line in lines:
        slot = facts.get(offers.get(line.offer_id or 0, 0))
        via, by = ways.of(line.answer) if line.answer is not None else (None, None)
        if line.call is not None:
            by = ways.name(line.call.called_by)
        yield replace(line, task=slot.title if slot is not None else None, via=via, by=by)


class _Ways:
    """How the answers to some offers came, told by what was written down in the same moment."""

    def __init__(self, tx: Tx, offers: Collection[int]) -> None:
        rung = select(HandCall).where(col(HandCall.offer_id).in_(offers))
        self._rung = {row.offer_id: row for row in tx.scalars(rung)}
        wrote = select(
            col(InboundText.offer_id),
            col(InboundText.at),
            col(InboundText.handled_at),
            col(InboundText.handled_by),
        )
        self._texts = tx.execute(wrote.where(col(InboundText.offer_id).in_(offers))).all()
        about = (col(Message.subject_kind) == Subject.OFFER) & col(Message.subject_id).in_(offers)
        keys = select(col(Message.subject_id), col(Receipt.at)).join(
            Message, col(Message.id) == col(Receipt.message_id)
        )
        self._keys = {tuple(row) for row in tx.execute(keys.where(about, col(Receipt.code) == "key"))}
        people = {row.called_by for row in self._rung.values()} | {row.handled_by for row in self._texts}
        names = select(Account.id, Account.name).where(col(Account.id).in_(people - {None}))
        self._names = {row.id: row.name for row in tx.execute(names)}

    def name(self, account_id: int | None) -> str | None:
        """Of an account that wrote something down."""
        return self._names.get(account_id or 0)

    def of(self, answer: AnswerEvent) -> tuple[Via, str | None]:
        """The way of one answer, and who wrote it down for them."""
        if answer.data.get("on_paper"):
            return Via.PAPER, None
        rung = self._rung.get(answer.offer_id)
        if rung is not None and rung.called_at == answer.at:
            return Via.HELPER, self.name(rung.called_by)
        for text in self._texts:
            if text.offer_id == answer.offer_id:
                if text.handled_at == answer.at:
                    return Via.CLERK, self.name(text.handled_by)
                if text.handled_at is None and timedelta() <= answer.at - text.at < _JUDGED_WITHIN:
                    return Via.TEXT, None
        return (Via.KEY if (answer.offer_id, answer.at) in self._keys else Via.LINK), None
