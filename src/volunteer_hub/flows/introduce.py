"""A newcomer is led in: talked with, given a mentor who agrees, past a first easy duty."""

import uuid
from collections.abc import Collection
from datetime import date, timedelta
from typing import Final

from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from volunteer_hub.boards import newcomers
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.flows import join, note, settle, train
from volunteer_hub.incidents.models import Incident, RoleSlot, Task
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.training import introduction_rules as rules
from volunteer_hub.training import introductions
from volunteer_hub.training.introduction_models import IntroductionRow
from volunteer_hub.training.introduction_rules import Outcome
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status, words

_WORTH: Final = timedelta(days=7)


def interview(tx: Tx, public_id: uuid.UUID, on: date, outcome: Outcome, reason: str) -> Volunteer:
    """Notes an interview that the actor held: taken in and declined are the answer to the application, with
    "not yet" they stay an applicant. The person is written the reason and finds it among their data.

    Raises NotFound, Malformed, Refused for who is no applicant and where there are no interviews.
    """
    person = registry.find(tx, "volunteer.approve", public_id, lock=True)
    today = tx.now.astimezone(settle.zone_of(tx, person.area)).date()
    plain = rules.check_interview(on, outcome, reason, today, introductions.policy())
    if person.status is not Status.APPLIED:
        raise Refused("volunteer.state", state=words(person.status), wanted=words(Status.ACTIVE))
    row = introductions.ensured(tx, person.id, person.area, person.created_at)
    introductions.note_interview(tx, row, on, outcome, plain)
    if plain:
        note.add_words(tx, person, plain)
    if outcome is Outcome.TAKEN_IN:
        return join.approve(tx, public_id)
    return join.decline(tx, public_id, plain) if outcome is Outcome.DECLINED else person


def name_mentor(tx: Tx, public_id: uuid.UUID, mentor: uuid.UUID) -> IntroductionRow:
    """Asks somebody of the newcomer's community to be their mentor. Raises NotFound, Refused for who may not
    be one, and as `introductions.ask_mentor`."""
    person = registry.find(tx, "volunteer.approve", public_id, lock=True)
    if not introductions.policy().mentor:
        raise Refused("introduction.no_mentors")
    row = introductions.ensured(tx, person.id, person.area, person.created_at)
    wanted = registry.find(tx, "volunteer.read", mentor)
    if all(one.person.id != wanted.id for one in newcomers.candidates(tx, person)):
        raise Refused("introduction.no_mentor")
    if row.mentor_id is not None and tx.get_one(Volunteer, row.mentor_id).status in newcomers.GONE:
        introductions.lose_mentor(tx, row)
    introductions.ask_mentor(tx, row, wanted.id)
    _tell(tx, "mentor_asked", wanted.id, row)
    return row


def answer(tx: Tx, mentor_id: int, public_id: uuid.UUID, *, agrees: bool) -> IntroductionRow:
    """Somebody says whether they will be a mentor; a yes is told to the newcomer. Raises NotFound for what
    they were not asked, Refused once they have said otherwise."""
    row = introductions.asked_of(tx, mentor_id, public_id)
    introductions.answer(tx, row, agrees=agrees)
    if agrees:
        _tell(tx, "mentor_agreed", row.volunteer_id, row)
    return row


def ended(tx: Tx, duty_ids: Collection[int]) -> None:
    """Counts the first easy duty of whoever has checked out of one; a single query where nobody is new."""
    entry = aliased(Volunteer)
    wanted = (
        select(IntroductionRow, Task.hazardous, Incident.kind)
        .select_from(IntroductionRow)
        .join(entry, func.coalesce(entry.merged_into, entry.id) == col(IntroductionRow.volunteer_id))
        .join(Duty, col(Duty.volunteer_id) == col(entry.id))
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .join(RoleSlot, col(RoleSlot.id) == col(Offer.slot_id))
        .join(Task, col(Task.id) == col(RoleSlot.task_id))
        .join(Incident, col(Incident.id) == col(Duty.incident_id))
        .where(col(Duty.id).in_(duty_ids), col(IntroductionRow.first_duty_at).is_(None))
        .order_by(col(IntroductionRow.id))
    )
    for row, hazardous, kind in tx.exec(wanted):
        if rules.is_easy(drill=kind is Kind.DRILL, hazardous=hazardous):
            introductions.had_duty(tx, row)


def _tell(tx: Tx, purpose: str, who: int, row: IntroductionRow) -> None:
    deed = f"introduction:{row.id}:{tx.now.timestamp():.6f}"
    train.tell(tx, purpose, {who: deed}, {}, tx.now + _WORTH)
