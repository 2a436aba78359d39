"""What speaks for and against the hours of a duty: its checks, and the duties beside it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Final

from sqlalchemy import and_, func, text
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.core import bulk
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import flag_rules
from volunteer_hub.incentives.flag_rules import Flag, How, Mark, Standing, Stay
from volunteer_hub.incentives.policy import FlagLimits
from volunteer_hub.incentives.rules import Grade
from volunteer_hub.incidents.models import RoleSlot, Task
from volunteer_hub.mobilization import rules as checked
from volunteer_hub.mobilization.check_models import DutyCheck
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.rules import DutyState, Way
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status

_BESIDE: Final = timedelta(days=2)
_DESK: Final = timedelta(days=7)
_MOST: Final = 500
_BARRED: Final = frozenset({Status.SUSPENDED, Status.LEFT, Status.FORGOTTEN})
_GRADE: Final = {grade: Grade(grade.value) for grade in checked.Grade}
_HOW: Final = {evidence: How(evidence.value) for evidence in checked.Evidence}
_COLUMNS: Final[tuple[Any, ...]] = (
    col(Duty.id),
    col(Duty.volunteer_id),
    col(Duty.grade),
    col(Task.lat),
    col(Task.lon),
    func.lower(col(Offer.during)),
    func.upper(col(Offer.during)),
    col(Offer.held_since),
)
_CHECK: Final = ("at", "noted_at", "evidence", "noted_by", "device", "metres")

# Each finds duties that may speak against another, by an index of its own; the newest of them, so that a desk
# with a year of entries costs no more than one with some hundred.
_PERSON: Final = text("""
SELECT k.n, near.id FROM unnest(CAST(:a AS bigint[]), CAST(:b AS timestamptz[]), CAST(:c AS timestamptz[]))
  WITH ORDINALITY AS k(person, since, until, n)
CROSS JOIN LATERAL (SELECT id FROM duties WHERE volunteer_id = k.person AND state = 'done'
  AND checked_in_at BETWEEN k.since AND k.until ORDER BY id DESC LIMIT :most) AS near
""")
_AT_DESK: Final = text("""
SELECT k.n, near.duty_id FROM unnest(CAST(:a AS bigint[]), CAST(:b AS timestamptz[]))
  WITH ORDINALITY AS k(account, since, n)
CROSS JOIN LATERAL (SELECT duty_id FROM duty_checks WHERE noted_by = k.account AND noted_at > k.since
  AND way = 'out' AND evidence <> 'leader' ORDER BY duty_id DESC LIMIT :most) AS near
""")
_BY_DEVICE: Final = text("""
SELECT k.n, near.duty_id FROM unnest(CAST(:a AS bytea[]), CAST(:b AS timestamptz[]))
  WITH ORDINALITY AS k(device, since, n)
CROSS JOIN LATERAL (SELECT duty_id FROM duty_checks WHERE device = k.device AND noted_at > k.since
  AND way = 'in' ORDER BY duty_id DESC LIMIT :most) AS near
""")
_AT_TIMES: Final = text("""
SELECT k.n, near.duty_id FROM unnest(CAST(:a AS timestamptz[]), CAST(:b AS timestamptz[]))
  WITH ORDINALITY AS k(came, went, n)
CROSS JOIN LATERAL (SELECT i.duty_id FROM duty_checks i JOIN duty_checks o ON o.duty_id = i.duty_id
  WHERE i.at = k.came AND i.way = 'in' AND o.at = k.went AND o.way = 'out'
  ORDER BY i.duty_id DESC LIMIT :most) AS near
""")
Key = tuple[Any, ...]


@dataclass(frozen=True)
class _Person:
    status: Status
    lat: float | None
    lon: float | None
    email: str | None


def flags(tx: Tx, duty_ids: Collection[int], limits: FlagLimits) -> dict[int, tuple[Flag, ...]]:
    """What makes the hours of duties that have ended doubtful, each seen beside all others that have. The
    number of queries is constant."""
    own = _stays(tx, duty_ids)
    beside = _beside(tx, [stay for stay, _ in own.values()])
    near = {duty: stay for duty, (stay, _) in own.items()}
    wanted = set(chain.from_iterable(beside.values())) - near.keys()
    near |= {duty: stay for duty, (stay, _) in _stays(tx, wanted).items()}
    people = _people(tx, {stay.person for stay, _ in own.values()})
    staff = _emails(tx, {mark.by for stay, _ in own.values() for mark in stay.marks if mark.by is not None})
    found: dict[int, tuple[Flag, ...]] = dict.fromkeys(duty_ids, ())  # some began before checks were kept
    for duty, (stay, grade) in own.items():
        person = people[stay.person]
        others = [near[other] for other in dict.fromkeys(beside[duty]) if other in near]
        found[duty] = flag_rules.flags(
            _from_home(stay, person), others, _standing(stay, person, staff), grade, limits
        )
    return found


def entered_by(tx: Tx, duty_id: int) -> set[int]:
    """The accounts that entered or confirmed a check of a duty."""
    wanted = select(DutyCheck.noted_by).where(col(DutyCheck.duty_id) == duty_id)
    return {account for account in tx.exec(wanted) if account is not None}


def is_own(tx: Tx, accounts: Collection[int], volunteer_id: int) -> bool:
    """Whether one of the accounts belongs to the person: staff who volunteer are known by their e-mail."""
    mine = tx.get_one(Volunteer, volunteer_id).email
    wanted = select(Account.email).where(col(Account.id).in_(accounts))
    return mine is not None and mine.lower() in tx.exec(wanted).all()


def _standing(stay: Stay, person: _Person, staff: Mapping[int, str]) -> Standing:
    mail = person.email.lower() if person.email is not None else None
    return Standing(
        barred=person.status.value if person.status in _BARRED else None,
        own_entry=mail is not None and any(staff.get(mark.by or 0) == mail for mark in stay.marks),
    )


def _from_home(stay: Stay, person: _Person) -> Stay:
    if person.lat is None or person.lon is None:
        return stay
    return replace(stay, home_km=flag_rules.distance_km(person.lat, person.lon, stay.lat, stay.lon))


def _people(tx: Tx, ids: Collection[int]) -> dict[int, _Person]:
    """Of two entries that became one, the one kept says how the person stands."""
    entry = aliased(Volunteer)
    kept = func.coalesce(col(entry.merged_into), col(entry.id))
    wanted: Any = (
        select(entry.id, Volunteer.status, Volunteer.lat, Volunteer.lon)
        .add_columns(col(Volunteer.email))
        .select_from(entry)
        .join(Volunteer, col(Volunteer.id) == kept)
    )
    rows = tx.execute(wanted.where(bulk.among(col(entry.id), ids)))
    return {key: _Person(*facts) for key, *facts in rows}


def _emails(tx: Tx, accounts: Collection[int]) -> dict[int, str]:
    if not accounts:
        return {}
    wanted = select(Account.id, Account.email).where(bulk.among(col(Account.id), accounts))
    return dict(tx.exec(wanted).all())


def _beside(tx: Tx, stays: Collection[Stay]) -> dict[int, list[int]]:
    """Duty -> the duties that may speak against it, those of the same person first."""
    found: dict[int, list[int]] = {stay.duty: [] for stay in stays}
    for statement, keys_of in (
        (_PERSON, _own_key),
        (_AT_DESK, _desk_keys),
        (_BY_DEVICE, _device_keys),
        (_AT_TIMES, _times_key),
    ):
        asked = {stay.duty: keys_of(stay) for stay in stays}
        keys = list(dict.fromkeys(chain.from_iterable(asked.values())))
        if not keys:
            continue
        columns = dict(zip("abc", map(bulk.written, zip(*keys, strict=True)), strict=False))
        duties: dict[Key, list[int]] = {key: [] for key in keys}
        for number, duty in tx.execute(statement, {**columns, "most": _MOST}):
            duties[keys[number - 1]].append(duty)
        for one, own in asked.items():
            found[one] += chain.from_iterable(duties[key] for key in own)
    return found


def _own_key(stay: Stay) -> list[Key]:
    return [(stay.person, stay.came.at - _BESIDE, stay.went.at + _BESIDE)]


def _desk_keys(stay: Stay) -> list[Key]:
    return [(mark.by, _day(mark.noted_at - _DESK)) for mark in stay.keyed]


def _device_keys(stay: Stay) -> list[Key]:
    return [
        (bytes.fromhex(mark.device), _day(mark.noted_at - _BESIDE))
        for mark in stay.marks
        if mark.device is not None
    ]


def _times_key(stay: Stay) -> list[Key]:
    return [(stay.came.at, stay.went.at)] if stay.keyed else []


def _day(moment: datetime) -> datetime:
    """By whole days (UTC), so that what was entered together is looked up together."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _stays(tx: Tx, duty_ids: Iterable[int]) -> dict[int, tuple[Stay, Grade]]:
    ids = list(duty_ids)
    if not ids:
        return {}
    came, went = aliased(DutyCheck), aliased(DutyCheck)
    checks = [getattr(check, name) for check in (came, went) for name in _CHECK]
    wanted = (
        select(Duty.id)
        .with_only_columns(*_COLUMNS, *checks)
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .join(RoleSlot, col(RoleSlot.id) == col(Offer.slot_id))
        .join(Task, col(Task.id) == col(RoleSlot.task_id))
        .join(came, and_(col(came.duty_id) == col(Duty.id), col(came.way) == Way.IN))
        .join(went, and_(col(went.duty_id) == col(Duty.id), col(went.way) == Way.OUT))
        .where(bulk.among(col(Duty.id), ids), col(Duty.state) == DutyState.DONE)
    )
    return {row[0]: _stay(row) for row in tx.execute(wanted)}


def _stay(row: Any) -> tuple[Stay, Grade]:
    duty, person, grade, lat, lon, begins, ends, ready, *checks = row
    came, went = _mark(*checks[: len(_CHECK)]), _mark(*checks[len(_CHECK) :])
    stay = Stay(duty, person, lat, lon, came, went, begins, ends, ready)
    return stay, _GRADE[grade]


def _mark(
    at: datetime, noted_at: datetime, how: Any, by: int | None, device: bytes | None, metres: int | None
) -> Mark:
    return Mark(at, noted_at, _HOW[how], by, device.hex() if device is not None else None, metres)
