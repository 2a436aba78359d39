"""Addresses that wait for a geocoder: claimed, its answers recorded and kept for the next of the household.

Whoever gave an address and no position of their own stands at their community's centre and is looked up once
for that address; a corrected one is looked up anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, literal_column
from sqlmodel import col, delete, select, update

from volunteer_hub.core import claims
from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers.geocode import Answer, Located
from volunteer_hub.volunteers.models import TO_LOCATE, AddressAnswer, Volunteer
from volunteer_hub.volunteers.registry import touched
from volunteer_hub.volunteers.rules import Precision

KEPT: Final = timedelta(days=180)


@dataclass(frozen=True)
class Due:
    """A person whose address is to be looked up, in the community ``area``."""

    volunteer_id: int
    address: str
    area: str


def claim(tx: Tx, *, limit: int, lease_seconds: int) -> list[Due]:
    """Takes up to ``limit`` people who wait, for ``lease_seconds``; none whom another worker has."""
    waiting: ColumnElement[bool] = literal_column(TO_LOCATE)
    ids = claims.claim(tx, Volunteer, waiting, lease_seconds=lease_seconds, limit=limit)
    wanted = select(Volunteer.id, Volunteer.address, Volunteer.area).where(col(Volunteer.id).in_(ids))
    return [
        Due(key, address or "", area) for key, address, area in tx.exec(wanted.order_by(col(Volunteer.id)))
    ]


def record(tx: Tx, due: Due, located: Located) -> bool:
    """Notes the answer for an address; at a community's centre nothing was found, and is not asked for again.

    False when the address was changed meanwhile, the person forgotten, or placed by hand: then it stands.
    """
    row = tx.exec(select(Volunteer).where(col(Volunteer.id) == due.volunteer_id).with_for_update()).first()
    if row is None or (row.address, row.area) != (due.address, due.area) or row.located_at is not None:
        return False
    row.located_at, row.lease_until = tx.now, None
    if row.precision is not Precision.COMMUNITY or located.precision is Precision.COMMUNITY:
        tx.flush()
        return False
    row.lat, row.lon, row.precision = located.lat, located.lon, located.precision
    touched(tx, row)
    return True


def put_off(tx: Tx, volunteer_ids: Iterable[int], seconds: int) -> None:
    """Leaves addresses that the geocoder cannot digest alone for a while."""
    later = update(Volunteer).where(col(Volunteer.id).in_(list(volunteer_ids)))
    tx.execute(later.values(lease_until=tx.now + timedelta(seconds=seconds)))


def known(tx: Tx, key: str) -> Answer | None:
    """What was answered for the address of this key before, if it is kept."""
    row = tx.get(AddressAnswer, key)
    if row is None:
        return None
    if row.lat is None or row.lon is None or row.precision is None:
        return Answer(None)
    return Answer(Located(row.lat, row.lon, row.precision, row.provider))


def keep(tx: Tx, answers: Sequence[tuple[str, int, Answer]]) -> None:
    """Keeps answers as (key, for whom it was asked, answer); none of who was forgotten meanwhile."""
    people = {volunteer_id for _, volunteer_id, _ in answers}
    there = select(Volunteer.id).where(col(Volunteer.id).in_(people), col(Volunteer.address).is_not(None))
    staying = set(tx.exec(there.with_for_update()).all())
    for key, volunteer_id, answer in answers:
        if volunteer_id not in staying:
            continue
        found = answer.found
        tx.merge(
            AddressAnswer(
                key=key,
                volunteer_id=volunteer_id,
                lat=found.lat if found else None,
                lon=found.lon if found else None,
                precision=found.precision if found else None,
                provider=found.provider if found else "",
                answered_at=tx.now,
            )
        )
    tx.flush()


def sweep(tx: Tx) -> int:
    """Removes answers kept for longer than half a year; the count removed."""
    old = delete(AddressAnswer).where(col(AddressAnswer.answered_at) <= tx.now - KEPT)
    return int(tx.exec(old).rowcount)
