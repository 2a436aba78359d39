"""The time of duties: recorded with what pays it, held while somebody looks, struck when it is taken back."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from volunteer_hub.core import bulk
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import review, rules
from volunteer_hub.incentives.flag_rules import Flag
from volunteer_hub.incentives.models import ServiceHours
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.rules import Review, Service


@dataclass(frozen=True)
class DutyFacts:
    """A duty that has ended. ``area``: the home of the person, where the points are kept."""

    duty_id: int
    incident_id: int
    volunteer_id: int
    area: str
    service: Service


@dataclass(frozen=True)
class Kept:
    """The hours of a duty, as they are to be kept: paid by a transfer, or waiting with what is doubted."""

    facts: DutyFacts
    transfer_id: uuid.UUID | None = None
    flags: Sequence[Flag] = ()


def hold(tx: Tx, facts: DutyFacts, flags: Sequence[Flag]) -> ServiceHours:
    """Records the hours of a duty without paying them: somebody looks at them first. Held again, the same."""
    found = review.of_duty(tx, facts.duty_id)
    return found if found is not None else _added(tx, facts, Review.WAITING, flags)


def record(tx: Tx, facts: DutyFacts, policy: Rewards, transfer: uuid.UUID) -> None:
    """New hours, or those that waited; what was paid before is left alone."""
    hours = review.of_duty(tx, facts.duty_id) or _added(tx, facts)
    if hours.transfer_id is not None:
        return
    hours.transfer_id, hours.minutes = transfer, facts.service.minutes
    hours.counts = counts(facts.service, policy)
    tx.flush()


def keep_many(tx: Tx, kept: Sequence[Kept], policy: Rewards) -> None:
    """New hours of many duties in a statement a thousand rows."""
    rows = [_row(tx, one, counts(one.facts.service, policy)) for one in kept]
    for some in bulk.batches(rows):
        new = insert(ServiceHours).from_select(list(some[0]), bulk.select_rows(ServiceHours, some))
        tx.execute(new.returning(col(ServiceHours.id), col(ServiceHours.area))).all()


def known(tx: Tx, duty_ids: Collection[int]) -> set[int]:
    """Those of the duties whose hours are recorded."""
    wanted = select(ServiceHours.duty_id).where(bulk.among(col(ServiceHours.duty_id), duty_ids))
    return set(tx.exec(wanted))


def counts(service: Service, policy: Rewards) -> bool:
    """Whether the time of a duty that is paid is volunteer time."""
    return rules.counts_as_hours(service.grade, service.basis, policy, approved=service.approved)


def strike(tx: Tx, transfer: uuid.UUID) -> None:
    """The hours that a transfer paid count no more."""
    wanted = select(ServiceHours).where(col(ServiceHours.transfer_id) == transfer).with_for_update()
    for hours in tx.exec(wanted):
        hours.counts, hours.reversed_at = False, tx.now


def count_again(tx: Tx, transfer: uuid.UUID, policy: Rewards) -> None:
    """The hours that a transfer paid, and that were struck, count as they did."""
    wanted = select(ServiceHours).where(col(ServiceHours.transfer_id) == transfer).with_for_update()
    for hours in tx.exec(wanted):
        seen = hours.state is not Review.CLEAR
        counted = rules.counts_as_hours(hours.grade, hours.basis, policy, approved=seen)
        hours.counts = counted and hours.state is not Review.REFUSED
        hours.reversed_at = None


def _added(
    tx: Tx, facts: DutyFacts, state: Review = Review.CLEAR, flags: Sequence[Flag] = ()
) -> ServiceHours:
    row = _row(tx, Kept(facts, flags=flags), counted=False)
    hours = ServiceHours(**row | {"state": state})
    tx.add(hours)
    return hours


def _row(tx: Tx, kept: Kept, counted: bool) -> dict[str, Any]:
    facts, service = kept.facts, kept.facts.service
    waits = kept.transfer_id is None
    return {
        "public_id": uuid7(),
        "duty_id": facts.duty_id,
        "volunteer_id": facts.volunteer_id,
        "area": facts.area,
        "minutes": service.minutes,
        "served_minutes": service.minutes,
        "grade": service.grade,
        "basis": service.basis,
        "counts": counted and not waits,
        "at": tx.now,
        "transfer_id": kept.transfer_id,
        "state": Review.WAITING if waits else Review.CLEAR,
        "flags": [flag.stored() for flag in kept.flags],
    }
