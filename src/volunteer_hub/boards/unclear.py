"""Texts that wait for a person: what was written, by whom, and which questions it may be about."""

from collections.abc import Mapping, Sequence
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
    """One text. ``written`` is None once its sender was forgotten; ``claimed_by``: the name of whoever else
    is working on it just now."""

    text: InboundText
    written: Written | None
    asked: tuple[Asked, ...]
    claimed_by: str | None


def waiting(tx: Tx, *, after: int | None = None, limit: int = 50) -> list[UnclearLine]:
    """The oldest first; the number of queries does not grow with them."""
    rows = replies.waiting(tx, after=after, limit=limit)
    written = replies.read(tx, rows)
    found = _questions_of(tx, rows, written)
    every = [question for some in found.values() for question in some]
    facts = slots.of(tx, {question.offer.slot_id for question in every})
    people = {question.offer.volunteer_id for question in every}
    names = dict(tx.exec(select(Volunteer.id, Volunteer.name).where(col(Volunteer.id).in_(people))).all())
    busy = {row.claimed_by for row in rows if row.lease_until is not None and row.lease_until > tx.now}
    others = select(Account.id, Account.name).where(col(Account.id).in_(busy - {None, tx.actor.id}))
    accounts = dict(tx.exec(others).all())
    return [
        UnclearLine(
            row,
            written.get(row.id),
            tuple(Asked(q, names.get(q.offer.volunteer_id), facts[q.offer.slot_id]) for q in found[row.id]),
            accounts.get(row.claimed_by or 0),
        )
        for row in rows
    ]


def questions_of(tx: Tx, text: InboundText) -> list[Question]:
    """What the number of a text was asked in the actor's areas and can still answer, the newest first."""
    return _questions_of(tx, [text], replies.read(tx, [text]))[text.id]


def _questions_of(
    tx: Tx, rows: Sequence[InboundText], written: Mapping[int, Written]
) -> dict[int, list[Question]]:
    numbers = {one.number for one in written.values()}
    wanted = select(Contact.address, Contact.volunteer_id).where(
        col(Contact.address).in_(numbers), col(Contact.kind).in_((ContactKind.SMS, ContactKind.VOICE))
    )
    pairs = set(tx.exec(wanted).all()) if numbers else set()
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
