"""What was said after duties: to whoever is rated in full, to the staff whether; and what rules suggest."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from volunteer_hub.access.models import Account
from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import LEADER, SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback import evaluation_rules as rules
from volunteer_hub.feedback import evaluations
from volunteer_hub.feedback.evaluation_models import EvaluationRow
from volunteer_hub.feedback.evaluation_rules import Mark, Side
from volunteer_hub.incidents.models import Incident, RoleSlot
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.rules import DutyState
from volunteer_hub.training import courses
from volunteer_hub.volunteers.models import Volunteer

Said = dict[str, str]
"""One text in both languages."""


@dataclass(frozen=True)
class Told:
    """One evaluation as whoever is rated reads it. ``marks``: criterion in words and mark; ``by``: the name
    of whoever wrote it, empty once they are forgotten."""

    row: EvaluationRow
    facts: SlotFacts
    by: str
    marks: tuple[tuple[Said, Mark], ...]


@dataclass(frozen=True)
class Suggestion:
    """What a rule suggests: its text, how often and within how many days, and the course where one helps."""

    text: Said
    criterion: Said
    times: int
    days: int
    course: str
    course_name: Said


@dataclass(frozen=True)
class DutyLine:
    """A duty that has ended, for who may rate it; ``row``: what was written, None for nothing yet."""

    duty: Duty
    name: str | None
    facts: SlotFacts
    row: EvaluationRow | None
    open: bool


def told(tx: Tx, rows: Sequence[EvaluationRow]) -> list[Told]:
    """These evaluations with what they are about, in a fixed number of queries."""
    duties = select(Duty.id, Offer.slot_id).join(Offer, col(Offer.id) == col(Duty.offer_id))
    places = dict(tx.exec(duties.where(col(Duty.id).in_([row.duty_id for row in rows]))).all())
    facts = slots.of(tx, set(places.values()))
    people = select(Volunteer.id, Volunteer.name).where(
        col(Volunteer.id).in_([row.by_volunteer for row in rows])
    )
    staff = select(Account.id, Account.name).where(col(Account.id).in_([row.by_account for row in rows]))
    named, accounts = dict(tx.exec(people).all()), dict(tx.exec(staff).all())
    return [
        Told(
            row,
            facts[places[row.duty_id]],
            named.get(row.by_volunteer or 0) or accounts.get(row.by_account or 0) or "",
            _marks(row),
        )
        for row in rows
    ]


def _marks(row: EvaluationRow) -> tuple[tuple[Said, Mark], ...]:
    """In the order of the configuration; a criterion that was taken out since is shown by its code."""
    asked = {one.code: one.text for one in rules.criteria(evaluations.in_force(), row.side)}
    order = [code for code in asked if code in row.marks] + [c for c in row.marks if c not in asked]
    return tuple(
        (asked[c].model_dump() if c in asked else {"en": c, "zh": c}, Mark(row.marks[c])) for c in order
    )


def suggestions(tx: Tx, volunteer_id: int) -> list[Suggestion]:
    """What the rules suggest to somebody, with what it rests on."""
    policy, known = evaluations.in_force(), courses.every(tx)
    words = {one.code: one.text.model_dump() for one in policy.of_volunteer}
    return [
        Suggestion(
            due.rule.text.model_dump(),
            words[due.rule.criterion],
            due.times,
            due.rule.within_days,
            due.rule.course if due.rule.course in known else "",
            known[due.rule.course].name if due.rule.course in known else {},
        )
        for due in evaluations.advice(tx, volunteer_id)
    ]


def of_incident(tx: Tx, incident: Incident) -> list[DutyLine]:
    """The duties of an incident that have ended, those not written of first; names for who may see them."""
    entry = aliased(Volunteer)
    wanted = (
        select(Duty, Offer.slot_id, Volunteer)
        .select_from(Duty)
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .join(entry, col(entry.id) == col(Duty.volunteer_id))
        .join(Volunteer, col(Volunteer.id) == func.coalesce(entry.merged_into, entry.id))
        .where(
            col(Duty.incident_id) == incident.id,
            col(Duty.state) == DutyState.DONE,
            tx.actor.scope("duty.read", Duty.area),
        )
        .order_by(col(Duty.checked_out_at), col(Duty.id))
    )
    found = tx.exec(wanted).all()
    facts = slots.of(tx, {slot for _, slot, _ in found})
    rows = evaluations.written(tx, [duty.id for duty, _, _ in found], Side.VOLUNTEER)
    policy = evaluations.in_force()
    lines = [
        DutyLine(
            duty,
            person.name if tx.actor.may("volunteer.read", person.area) else None,
            facts[slot],
            rows.get(duty.id),
            rules.is_open(duty.checked_out_at, tx.now, policy),
        )
        for duty, slot, person in found
    ]
    return sorted(lines, key=lambda line: line.row is not None)


def leader_of(tx: Tx, duty: Duty) -> int | None:
    """The volunteer who led the task of a duty: has, or had, its place of a leader; None where nobody did."""
    slot = tx.get_one(RoleSlot, tx.get_one(Offer, duty.offer_id).slot_id)
    entry = aliased(Volunteer)
    wanted = (
        select(func.coalesce(entry.merged_into, entry.id))
        .join(Duty, col(Duty.volunteer_id) == col(entry.id))
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .join(RoleSlot, col(RoleSlot.id) == col(Offer.slot_id))
        .where(
            col(RoleSlot.task_id) == slot.task_id,
            col(RoleSlot.skill) == LEADER,
            col(Duty.checked_in_at).is_not(None),
            col(Duty.id) != duty.id,
        )
        .order_by(col(Duty.id))
    )
    return tx.exec(wanted).first()
