"""What speaks for and against the hours of a duty: its checks, and the duties beside it."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.core.db import Tx
from volunteer_hub.core.geo import geodesic_km
from volunteer_hub.incentives import flag_rules
from volunteer_hub.incentives.flag_rules import Flag, How, Mark, Standing, Stay
from volunteer_hub.incentives.policy import FlagLimits
from volunteer_hub.incentives.rules import Grade
from volunteer_hub.incidents.models import RoleSlot, Task
from volunteer_hub.mobilization.check_models import DutyCheck
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.rules import DutyState, Way
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status

_BESIDE: Final = timedelta(days=2)
_DESK: Final = timedelta(days=7)
_MOST: Final = 500
_BARRED: Final = frozenset({Status.SUSPENDED, Status.LEFT, Status.FORGOTTEN})
_IN, _OUT = aliased(DutyCheck), aliased(DutyCheck)


def flags(tx: Tx, duty: Duty, limits: FlagLimits) -> tuple[Flag, ...]:
    """What makes the hours of a duty that has just ended doubtful. The number of queries is constant."""
    found = _stays(tx, col(Duty.id) == duty.id)
    if not found:  # it began before checks were kept
        return ()
    assert duty.grade is not None
    stay, person = found[0], tx.get_one(Volunteer, duty.volunteer_id)
    if person.lat is not None and person.lon is not None:
        stay = replace(stay, home_km=geodesic_km(person.lat, person.lon, stay.lat, stay.lon))
    near = [other for clause in _beside(stay) for other in _stays(tx, clause)]
    unlike = {other.duty: other for other in near}
    return flag_rules.flags(
        stay, list(unlike.values()), _standing(tx, stay, person), Grade(duty.grade.value), limits
    )


def entered_by(tx: Tx, duty_id: int) -> set[int]:
    """The accounts that entered or confirmed a check of a duty."""
    wanted = select(DutyCheck.noted_by).where(col(DutyCheck.duty_id) == duty_id)
    return {account for account in tx.exec(wanted) if account is not None}


def is_own(tx: Tx, accounts: Collection[int], volunteer_id: int) -> bool:
    """Whether one of the accounts belongs to the person: staff who volunteer are known by their e-mail."""
    mine = tx.get_one(Volunteer, volunteer_id).email
    wanted = select(Account.email).where(col(Account.id).in_(accounts))
    return mine is not None and mine.lower() in tx.exec(wanted).all()


def _standing(tx: Tx, stay: Stay, person: Volunteer) -> Standing:
    accounts = {mark.by for mark in stay.marks if mark.by is not None}
    return Standing(
        barred=person.status.value if person.status in _BARRED else None,
        own_entry=bool(accounts) and is_own(tx, accounts, person.id),
    )


def _beside(stay: Stay) -> list[ColumnElement[bool]]:
    """Each finds duties that may speak against this one, by an index of its own."""
    window = (stay.came.at - _BESIDE, stay.went.at + _BESIDE)
    clauses: list[ColumnElement[bool]] = [
        and_(col(Duty.volunteer_id) == stay.person, col(Duty.checked_in_at).between(*window))
    ]
    for mark in stay.marks:
        if mark.keyed:
            clauses.append(and_(col(_OUT.noted_by) == mark.by, col(_OUT.noted_at) > mark.noted_at - _DESK))
        if mark.device is not None:
            same = col(_IN.device) == bytes.fromhex(mark.device)
            clauses.append(and_(same, col(_IN.noted_at) > mark.noted_at - _BESIDE))
    if any(mark.keyed for mark in stay.marks):
        clauses.append(and_(col(_IN.at) == stay.came.at, col(_OUT.at) == stay.went.at))
    return clauses


def _stays(tx: Tx, clause: ColumnElement[bool]) -> list[Stay]:
    wanted: Any = (
        select(Duty, Offer, _IN, _OUT)
        .add_columns(col(Task.lat), col(Task.lon))
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .join(RoleSlot, col(RoleSlot.id) == col(Offer.slot_id))
        .join(Task, col(Task.id) == col(RoleSlot.task_id))
        .join(_IN, and_(col(_IN.duty_id) == col(Duty.id), col(_IN.way) == Way.IN))
        .join(_OUT, and_(col(_OUT.duty_id) == col(Duty.id), col(_OUT.way) == Way.OUT))
        .where(col(Duty.state) == DutyState.DONE, clause)
        .order_by(col(Duty.id).desc())
        .limit(_MOST)
    )
    return [_stay(*row) for row in tx.exec(wanted)]


def _stay(duty: Duty, offer: Offer, came: DutyCheck, went: DutyCheck, lat: float, lon: float) -> Stay:
    return Stay(
        duty=duty.id,
        person=duty.volunteer_id,
        lat=lat,
        lon=lon,
        came=_mark(came),
        went=_mark(went),
        planned_begins=offer.starts_at,
        planned_ends=offer.ends_at,
        ready_at=offer.held_since,
    )


def _mark(check: DutyCheck) -> Mark:
    return Mark(
        at=check.at,
        noted_at=check.noted_at,
        how=How(check.evidence.value),
        by=check.noted_by,
        device=check.device.hex() if check.device is not None else None,
        metres=check.metres,
    )
