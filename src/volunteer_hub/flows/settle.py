"""Paying deeds into the ledger, in the transaction of the deed: duties, standing by, drills, surveys.

Each is paid once, whoever asks again. Points are kept where the person's home is.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import evidence, level, slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import bulk, policy, versions
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback.models import Survey
from volunteer_hub.incentives import ledger, settlement, time_served
from volunteer_hub.incentives.entries import InForce
from volunteer_hub.incentives.levels_policy import Ladder
from volunteer_hub.incentives.models import LedgerEntry, ServiceHours
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.rules import Basis, Grade, Kind, Review, Service
from volunteer_hub.incentives.settlement import Due, Settled
from volunteer_hub.incentives.time_served import DutyFacts
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer


def in_force(tx: Tx) -> InForce:
    """The rules that pay today, under the version of the policy that holds them."""
    return InForce(policy.load("rewards", Rewards), versions.current(tx))


def duty(tx: Tx, done: Duty) -> int | None:
    """Pays a duty that has just ended and counts its minutes for the person's load; the points paid, None
    when somebody looks at the hours first."""
    by = in_force(tx)
    facts = facts_of(tx, done, by)
    registry.add_served(tx, {facts.volunteer_id: done.minutes or 0})
    doubts = evidence.flags(tx, [done.id], by.rewards.flags)[done.id]
    if doubts:
        time_served.hold(tx, facts, doubts)
        return None
    return _points(ledger.settle_duty(tx, facts, by))


def duties(tx: Tx, done: Mapping[int, int]) -> Settled:
    """Pays duties that have ended, in the order of their ids, as `duty` one after the other: duty -> points.
    ``done``: duty -> the person whose it is. The number of statements does not grow with them but by the
    thousand; those settled before are left out."""
    by, due = in_force(tx), sorted(done)
    registry.hold(tx, set(done.values()))
    known = {facts.duty_id: facts for facts in _facts(tx, due)}
    doubts = evidence.flags(tx, due, by.rewards.flags)
    ladders: Mapping[str, Ladder] = {}
    if by.rewards.levels.multiply:
        homes = {facts.area for facts in known.values()}
        ladders = {area: level.ladder(tx, area, by.rewards) for area in homes}
    settled = settlement.settle(
        tx, [Due(facts, doubts[key], ladders.get(facts.area)) for key, facts in known.items()], by
    )
    served: Counter[int] = Counter()
    for key in settled:
        served[known[key].volunteer_id] += known[key].service.minutes
    registry.add_served(tx, served)
    return settled


def looked_at(tx: Tx, done: Duty, hours: ServiceHours) -> int:
    """Pays what a decision has made of a duty's hours; the points in all. After an appeal it pays or takes
    the difference to the first decision."""
    by = in_force(tx)
    facts = facts_of(tx, done, by)
    minutes = 0 if hours.state is Review.REFUSED else hours.minutes
    ends = facts.service.begins + timedelta(minutes=minutes)
    seen = replace(facts, service=replace(facts.service, ends=ends, approved=True))
    if hours.transfer_id is not None:
        return ledger.resettle_duty(tx, seen, hours, by)
    return 0 if hours.state is Review.REFUSED else _points(ledger.settle_duty(tx, seen, by))


def facts_of(tx: Tx, done: Duty, by: InForce) -> DutyFacts:
    """What the ledger is told of a duty that has ended."""
    [facts] = _facts(tx, [done.id])
    percent = level.percent(tx, facts.volunteer_id, facts.area, by.rewards)
    return replace(facts, service=replace(facts.service, level_percent=percent))


def _facts(tx: Tx, duty_ids: Collection[int]) -> list[DutyFacts]:
    """The same of many, by id, as if no level multiplied. Of two entries that became one, the one kept is
    paid."""
    entry = aliased(Volunteer)
    wanted: Any = (
        select(Duty.id, Duty.incident_id, Duty.checked_in_at, Duty.checked_out_at)
        .add_columns(col(Duty.grade), col(Offer.slot_id))
        .add_columns(col(Volunteer.id), col(Volunteer.area), col(Volunteer.basis))
        .select_from(Duty)
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .join(entry, col(entry.id) == col(Duty.volunteer_id))
        .join(Volunteer, col(Volunteer.id) == func.coalesce(col(entry.merged_into), col(entry.id)))
        .where(bulk.among(col(Duty.id), duty_ids))
        .order_by(col(Duty.id))
    )
    rows = tx.execute(wanted).all()
    places = slots.of(tx, {row.slot_id for row in rows})
    return [
        DutyFacts(
            duty_id=key,
            incident_id=incident,
            volunteer_id=person,
            area=area,
            service=_service(begins, ends, Grade(grade.value), Basis(basis.value), places[slot]),
        )
        for key, incident, begins, ends, grade, slot, person, area, basis in rows
    ]


def _service(begins: datetime, ends: datetime, grade: Grade, basis: Basis, place: SlotFacts) -> Service:
    return Service(
        begins=begins,
        ends=ends,
        zone=ZoneInfo(place.zone),
        kind=Kind(place.incident.kind.value),
        grade=grade,
        basis=basis,
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
    """Adds to a person's points by hand; `flows.deduct` takes. Raises as `ledger.adjust`, and NotFound."""
    person = registry.find(tx, "points.write", volunteer)
    return ledger.adjust(tx, person.id, person.area, points, reason, in_force(tx))[0]
