"""Paying deeds into the ledger, in the transaction of the deed: duties, standing by, drills, surveys.

Each is paid once, whoever asks again. Points are kept where the person's home is.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import evidence, level, slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import policy, versions
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback.models import Survey
from volunteer_hub.incentives import ledger
from volunteer_hub.incentives.ledger import DutyFacts, InForce
from volunteer_hub.incentives.models import LedgerEntry, ServiceHours
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.rules import Basis, Grade, Kind, Review, Service
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer


def in_force(tx: Tx) -> InForce:
    """The rules that pay today, under the version of the policy that holds them."""
    return InForce(policy.load("rewards", Rewards), versions.current(tx))


def duty(tx: Tx, done: Duty, offer: Offer) -> int | None:
    """Pays a duty that has just ended and counts its minutes for the person's load; the points paid, None
    when somebody looks at the hours first."""
    by = in_force(tx)
    facts = facts_of(tx, done, offer, by)
    registry.add_served(tx, done.volunteer_id, done.minutes or 0)
    doubts = evidence.flags(tx, done, by.rewards.flags)
    if doubts:
        ledger.hold_duty(tx, facts, doubts)
        return None
    return _points(ledger.settle_duty(tx, facts, by))


def looked_at(tx: Tx, done: Duty, hours: ServiceHours) -> int:
    """Pays what a decision has made of a duty's hours; the points in all. After an appeal it pays or takes
    the difference to the first decision."""
    by = in_force(tx)
    facts = facts_of(tx, done, tx.get_one(Offer, done.offer_id), by)
    minutes = 0 if hours.state is Review.REFUSED else hours.minutes
    ends = facts.service.begins + timedelta(minutes=minutes)
    seen = replace(facts, service=replace(facts.service, ends=ends, approved=True))
    if hours.transfer_id is not None:
        return ledger.resettle_duty(tx, seen, hours, by)
    return 0 if hours.state is Review.REFUSED else _points(ledger.settle_duty(tx, seen, by))


def facts_of(tx: Tx, done: Duty, offer: Offer, by: InForce) -> DutyFacts:
    """What the ledger is told of a duty that has ended."""
    person = tx.get_one(Volunteer, done.volunteer_id)
    place = slots.of(tx, [offer.slot_id])[offer.slot_id]
    percent = level.percent(tx, person.id, person.area, by.rewards)
    return DutyFacts(
        duty_id=done.id,
        incident_id=done.incident_id,
        volunteer_id=person.id,
        area=person.area,
        service=replace(_service(done, person, place), level_percent=percent),
    )


def _service(done: Duty, person: Volunteer, place: SlotFacts) -> Service:
    assert done.checked_in_at is not None
    assert done.checked_out_at is not None
    assert done.grade is not None
    return Service(
        begins=done.checked_in_at,
        ends=done.checked_out_at,
        zone=ZoneInfo(place.zone),
        kind=Kind(place.incident.kind.value),
        grade=Grade(done.grade.value),
        basis=Basis(person.basis.value),
        hazardous=place.task.hazardous,
        leader=place.leads,
    )


def standby(tx: Tx, offers: Sequence[Offer]) -> int:
    """Pays people who stood by, from their yes until now or the end of the work; how many were paid any."""
    if not offers:
        return 0
    by = in_force(tx)
    if not by.rewards.points.standby_hour:
        return 0
    homes = _homes(tx, (offer.volunteer_id for offer in offers))
    places = slots.of(tx, {offer.slot_id for offer in offers})
    paid = 0
    for offer in offers:
        since = offer.answered_at or tx.now
        minutes = int((min(tx.now, offer.ends_at) - since).total_seconds() // 60)
        zone = ZoneInfo(places[offer.slot_id].zone)
        home = homes[offer.volunteer_id]
        paid += _points(ledger.settle_standby(tx, offer.id, offer.volunteer_id, home, minutes, zone, by)) > 0
    return paid


def drill(tx: Tx, incident: Incident, volunteer_ids: Iterable[int]) -> int:
    """Pays these people for answering a drill in which nobody had to come; how many."""
    by, zone = in_force(tx), zone_of(tx, incident.area)
    homes = _homes(tx, volunteer_ids)
    for person, home in sorted(homes.items()):
        ledger.settle_drill(tx, incident.id, person, home, zone, by)
    return len(homes)


def survey(tx: Tx, answered: Survey) -> int:
    """Pays an answered survey; the points paid."""
    home = tx.get_one(Volunteer, answered.volunteer_id).area
    zone = zone_of(tx, answered.area)
    return _points(ledger.settle_survey(tx, answered.id, answered.volunteer_id, home, zone, in_force(tx)))


def zone_of(tx: Tx, area: str) -> ZoneInfo:
    """The clocks of an area."""
    return ZoneInfo(tx.exec(select(Jurisdiction.zone).where(col(Jurisdiction.path) == area)).one())


def _homes(tx: Tx, volunteer_ids: Iterable[int]) -> dict[int, str]:
    wanted = select(Volunteer.id, Volunteer.area).where(col(Volunteer.id).in_(set(volunteer_ids)))
    return dict(tx.exec(wanted).all())


def _points(entries: Sequence[LedgerEntry]) -> int:
    """What a deed has paid its person: their side comes first."""
    return entries[0].points


def adjust(tx: Tx, volunteer: uuid.UUID, points: int, reason: str) -> LedgerEntry:
    """Adds or takes a person's points by hand. Raises as `ledger.adjust`, and NotFound."""
    person = registry.find(tx, "points.write", volunteer)
    return ledger.adjust(tx, person.id, person.area, points, reason, in_force(tx))[0]
