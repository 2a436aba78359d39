"""What a certificate is made of, gathered once and then frozen: in JSON's types and in no one language."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import command, level, slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives.models import ServiceHours
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.rules import PLACED, DutyState
from volunteer_hub.volunteers import queries, skills
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.queries import Person
from volunteer_hub.volunteers.rules import ClaimState


def hours(tx: Tx, row: Volunteer, begins: date, ends: date) -> dict[str, Any]:
    """The record of a person's service between two local days, both included, complete: with the time that
    does not count as volunteer time, and why not by its grade."""
    node = jurisdictions.by_path(tx, row.area)
    person, reached = queries.person(tx, row), level.of(tx, row.id, row.area)
    return {
        "paper": "hours",
        "zone": node.zone,
        "period": [begins.isoformat(), ends.isoformat()],
        "person": _person(person, node),
        "issuer": _issuer(tx, row.area),
        "figures": figures(tx, row.id, begins, ends, node.zone),
        "training": list(_training(person, ends)),
        "awards": [reached.stored()] if reached.level is not None else [],
    }


def figures(tx: Tx, volunteer_id: int, begins: date, ends: date, zone: str) -> dict[str, Any]:
    """What is counted, and may be corrected later: the duties of the period and their sums, in minutes."""
    rows = _served(tx, volunteer_id, begins, ends, ZoneInfo(zone))
    facts = slots.of(tx, {offer.slot_id for _, _, offer in rows})
    counted = sum(spent.minutes for spent, _, _ in rows if spent.counts)
    grades: Counter[str] = Counter()
    for spent, _, _ in rows:
        grades[spent.grade.value] += spent.minutes
    return {
        "counted": counted,
        "other": sum(spent.minutes for spent, _, _ in rows) - counted,
        "grades": dict(grades),
        "duties": [_duty(spent, duty, facts[offer.slot_id]) for spent, duty, offer in rows],
    }


def absence(tx: Tx, row: Volunteer, offer: Offer) -> dict[str, Any]:
    """That a person is called out, from when to when; once they have gone, when they really were there."""
    facts = slots.of(tx, [offer.slot_id])[offer.slot_id]
    return {
        "paper": "absence",
        "zone": facts.zone,
        "kind": facts.incident.kind.value,
        "person": {"name": row.name or ""},
        "issuer": _issuer(tx, facts.task.area),
        "title": facts.title,
        "role": facts.role,
        "place": facts.place,
        "figures": absence_figures(tx, offer, served=True),
    }


def absence_figures(tx: Tx, offer: Offer, *, served: bool) -> dict[str, Any]:
    """What may change after a letter was written: the hours asked for, whether they are still wanted, and
    with ``served`` when the person really was there."""
    duty = tx.exec(select(Duty).where(col(Duty.offer_id) == offer.id)).first()
    return {
        "begins": _told(offer.starts_at),
        "ends": _told(offer.ends_at),
        "called": offer.state in PLACED,
        "served": _attended(duty) if served else None,
    }


def _attended(duty: Duty | None) -> list[str] | None:
    if duty is None or duty.state is not DutyState.DONE:
        return None
    assert duty.checked_in_at is not None
    assert duty.checked_out_at is not None
    return [_told(duty.checked_in_at), _told(duty.checked_out_at)]


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _person(person: Person, node: Jurisdiction) -> dict[str, Any]:
    row, taxonomy = person.row, skills.taxonomy().skills
    return {
        "name": row.name or "",
        "number": row.external_id or "",
        "born": f"{row.birthday:%Y-%m}" if row.birthday else "",
        "since": row.created_at.astimezone(ZoneInfo(node.zone)).date().isoformat(),
        "area": dict(node.name),
        "skills": [
            {"name": taxonomy[claim.skill].name.model_dump(), "level": claim.level}
            for claim in person.skills
            if claim.skill in taxonomy and claim.state is ClaimState.VERIFIED
        ],
    }


def _issuer(tx: Tx, area: str) -> list[dict[str, str]]:
    """The names of the areas that stand behind it, the widest first."""
    return [dict(node.name) for node in command.way(tx, area)]


def _training(person: Person, until: date) -> Iterator[dict[str, Any]]:
    """The papers that a person had by the end of the period."""
    taxonomy = skills.taxonomy().skills
    for paper in person.certifications:
        if paper.issued_on is not None and paper.issued_on > until:
            continue
        known = taxonomy.get(paper.skill)
        yield {
            "skill": known.name.model_dump() if known else {"en": paper.skill, "zh": paper.skill},
            "issuer": paper.issuer or "",
            "issued": paper.issued_on.isoformat() if paper.issued_on else "",
            "expires": paper.expires_on.isoformat() if paper.expires_on else "",
        }


def _served(
    tx: Tx, volunteer_id: int, begins: date, ends: date, zone: ZoneInfo
) -> Sequence[tuple[ServiceHours, Duty, Offer]]:
    since, until = (
        datetime.combine(day, time(), zone).astimezone(UTC) for day in (begins, ends + timedelta(days=1))
    )
    wanted = select(ServiceHours, Duty, Offer).where(
        col(Duty.id) == col(ServiceHours.duty_id),
        col(Offer.id) == col(Duty.offer_id),
        col(ServiceHours.volunteer_id) == volunteer_id,
        col(ServiceHours.reversed_at).is_(None),
        col(Duty.checked_in_at) >= since,
        col(Duty.checked_in_at) < until,
    )
    return tx.exec(wanted.order_by(col(Duty.checked_in_at), col(Duty.id))).all()


def _duty(spent: ServiceHours, duty: Duty, facts: SlotFacts) -> dict[str, Any]:
    assert duty.checked_in_at is not None
    assert duty.checked_out_at is not None
    return {
        "kind": facts.incident.kind.value,
        "title": facts.title,
        "role": facts.role,
        "place": dict(facts.area.name),
        "begins": _told(duty.checked_in_at),
        "ends": _told(duty.checked_out_at),
        "minutes": spent.minutes,
        "grade": spent.grade.value,
        "counts": spent.counts,
    }
