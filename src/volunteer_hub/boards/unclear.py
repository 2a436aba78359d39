"""Texts that wait for a person: what was written, by whom, and which questions it may be about."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.boards import questions, slots
from volunteer_hub.boards.questions import Question
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.notify import replies
from volunteer_hub.notify.models import InboundText
from volunteer_hub.notify.replies import Written
from volunteer_hub.volunteers.models import Contact, Volunteer
from volunteer_hub.volunteers.rules import ContactKind


@dataclass(frozen=True)
class Asked:
    """A question that a text may be about: who was asked what, and the letter for it."""

    question: Question
    name: str | None
    facts: SlotFacts


@dataclass(frozen=True)
class UnclearLine:
    """One text. ``written`` is None once its sender was forgotten; ``people``: who is reached at that number,
    as far as the reader may know; ``claimed_by``: the name of whoever else is working on it just now."""

    text: InboundText
    written: Written | None
    people: tuple[Volunteer, ...]
    asked: tuple[Asked, ...]
    claimed_by: str | None


def waiting(tx: Tx, *, after: int | None = None, limit: int = 50) -> list[UnclearLine]:
    """The oldest first; the number of queries does not grow with them."""
    rows = replies.waiting(tx, after=after, limit=limit)
    written = replies.read(tx, rows)
    pairs = _pairs(tx, rows, written)
    found = _questions_of(tx, rows, written, pairs)
    every = [question for some in found.values() for question in some]
    facts = slots.of(tx, {question.offer.slot_id for question in every})
    known = _people(tx, {person for _, person in pairs}, {q.offer.volunteer_id for q in every})
    busy = {row.claimed_by for row in rows if row.lease_until is not None and row.lease_until > tx.now}
    others = select(Account.id, Account.name).where(col(Account.id).in_(busy - {None, tx.actor.id}))
    accounts = dict(tx.exec(others).all())
    return [
        UnclearLine(
            row,
            written.get(row.id),
            tuple(
                known[person]
                for number, person in sorted(pairs)
                if person in known and row.id in written and written[row.id].number == number
            ),
            tuple(Asked(q, known[q.offer.volunteer_id].name, facts[q.offer.slot_id]) for q in found[row.id]),
            accounts.get(row.claimed_by or 0),
        )
        for row in rows
    ]


def questions_of(tx: Tx, text: InboundText) -> list[Question]:
    """What the number of a text was asked in the actor's areas and can still answer, the newest first."""
    written = replies.read(tx, [text])
    return _questions_of(tx, [text], written, _pairs(tx, [text], written))[text.id]


def writers(tx: Tx, text: InboundText) -> set[int]:
    """Who may have written a text: everybody reached at its number, and whom somebody has named."""
    return {person for _, person in _pairs(tx, [text], replies.read(tx, [text]))}


def _pairs(
    tx: Tx, rows: Sequence[InboundText], written: Mapping[int, Written]
) -> set[tuple[str | None, int]]:
    """(number, person) of everybody who may have written some texts."""
    numbers = {one.number for one in written.values()}
    wanted = select(Contact.address, Contact.volunteer_id).where(
        col(Contact.address).in_(numbers), col(Contact.kind).in_((ContactKind.SMS, ContactKind.VOICE))
    )
    reached = set(tx.exec(wanted).all()) if numbers else set()
    named = {
        (written[row.id].number, row.volunteer_id)
        for row in rows
        if row.volunteer_id is not None and row.id in written
    }
    return reached | named


def _people(tx: Tx, people: Collection[int], asked: Collection[int]) -> dict[int, Volunteer]:
    """Those of the people who are of the actor's areas, or were asked to work there."""
    here = tx.actor.scope(replies.RIGHT, Volunteer.area) | col(Volunteer.id).in_(asked)
    wanted = select(Volunteer).where(col(Volunteer.id).in_({*people, *asked}), here)
    return {row.id: row for row in tx.exec(wanted)}


def _questions_of(
    tx: Tx,
    rows: Sequence[InboundText],
    written: Mapping[int, Written],
    pairs: Collection[tuple[str | None, int]],
) -> dict[int, list[Question]]:
    asked = [
        question
        for question in questions.of(tx, {person for _, person in pairs})
        if tx.actor.may(replies.RIGHT, question.offer.area)
        and (question.open(tx.now) or question.held(tx.now))
    ]
    return {
        row.id: [
            q for q in asked if row.id in written and (written[row.id].number, q.offer.volunteer_id) in pairs
        ]
        for row in rows
    }
