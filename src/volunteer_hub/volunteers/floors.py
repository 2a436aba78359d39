"""Reserve floors: how many people with a skill an area keeps, whatever a plan would do with them."""

import uuid
from collections.abc import Collection, Sequence
from typing import Final

from psycopg.errors import UniqueViolation
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, or_, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound, Refused
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers.models import ReserveFloor
from volunteer_hub.volunteers.registry import must_be_version
from volunteer_hub.volunteers.rules import CALLABLE, Status
from volunteer_hub.volunteers.skills import taxonomy

MOST_KEPT: Final = 100_000
_PRESENT: Final = text("""
WITH floors AS (
  SELECT id, area, left(area, -1) || '0' AS beyond, skill, level  -- "0" follows "/": what lies below
  FROM reserve_floors WHERE id = ANY(CAST(:floors AS bigint[]))
), ways AS (
  SELECT * FROM unnest(CAST(:wanted AS text[]), CAST(:held AS text[]), CAST(:paper AS text[]))
    AS way (wanted, held, paper)
), holders AS (
  SELECT f.id, c.volunteer_id
  FROM floors f
  JOIN ways w ON w.wanted = f.skill
  JOIN skill_claims c ON c.skill = w.held AND c.level >= f.level AND c.suspended_at IS NULL
  WHERE w.paper IS NULL OR EXISTS (
    SELECT FROM certifications p
    WHERE p.volunteer_id = c.volunteer_id AND p.skill = w.paper
      AND (p.expires_on IS NULL OR p.expires_on >= :today))
  UNION ALL
  SELECT f.id, v.id FROM floors f JOIN volunteers v ON v.area >= f.area AND v.area < f.beyond
  WHERE f.level = 1 AND f.skill = ANY(CAST(:everyone AS text[]))
)
SELECT f.id, count(DISTINCT v.id) AS present
FROM floors f
JOIN holders h ON h.id = f.id
JOIN volunteers v ON v.id = h.volunteer_id AND v.area >= f.area AND v.area < f.beyond
WHERE (v.status = ANY(CAST(:callable AS text[])) OR (v.status = :paused AND v.paused_until < :today))
  AND (v.pledge_for = '[]' OR EXISTS (
    SELECT FROM ways w WHERE w.wanted = f.skill AND v.pledge_for ? w.held))
  AND v.id <> ALL(CAST(:away AS bigint[]))
GROUP BY f.id
""")


class FloorIn(BaseModel):
    """What is told of a floor: of the people of ``area`` with the skill at the level, ``keep`` stay."""

    model_config = ConfigDict(extra="forbid")
    area: str
    skill: str
    level: int = 1
    keep: int


def create(tx: Tx, given: FloorIn) -> ReserveFloor:
    """A new floor. Raises Malformed, and Refused where the area has one for the skill at this level."""
    _check(given.skill, given.level, given.keep)
    tx.actor.must_cover("floor.write", given.area)
    row = ReserveFloor(**given.model_dump(), set_by=_person(tx), set_at=tx.now)
    try:
        with tx.begin_nested():
            tx.add(row)
            tx.flush()
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise Refused("floor.there") from None
        raise
    return row


def change(tx: Tx, public_id: uuid.UUID, version: int, keep: int) -> ReserveFloor:
    """Keeps more or fewer. Raises PreconditionFailed when somebody else was first."""
    row = find(tx, "floor.write", public_id, lock=True)
    must_be_version(row, version)
    _check(row.skill, row.level, keep)
    row.keep, row.set_by, row.set_at = keep, _person(tx), tx.now
    row.version += 1
    tx.flush()
    return row


def remove(tx: Tx, public_id: uuid.UUID, version: int) -> None:
    """Keeps nobody any more. Raises PreconditionFailed when somebody else was first."""
    row = find(tx, "floor.write", public_id, lock=True)
    must_be_version(row, version)
    tx.delete(row)
    tx.flush()


def find(tx: Tx, permission: str, public_id: uuid.UUID, *, lock: bool = False) -> ReserveFloor:
    """The floor inside the actor's areas. Raises NotFound."""
    tx.actor.must(permission)
    query = select(ReserveFloor).where(
        col(ReserveFloor.public_id) == public_id, tx.actor.scope(permission, ReserveFloor.area)
    )
    row = tx.exec(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound("not_found")
    return row


def floors(tx: Tx, *, after: int | None = None, limit: int = 50) -> list[ReserveFloor]:
    """The actor's floors behind an id, by id."""
    query = select(ReserveFloor).where(tx.actor.scope("floor.read", ReserveFloor.area))
    if after is not None:
        query = query.where(col(ReserveFloor.id) > after)
    return list(tx.exec(query.order_by(col(ReserveFloor.id)).limit(limit)))


def touching(tx: Tx, area: str) -> list[ReserveFloor]:
    """The floors that people of an area count for: its own, those below it and those above it, by id."""
    above = [area[: at + 1] for at, sign in enumerate(area) if sign == "/"]
    query = select(ReserveFloor).where(
        tx.actor.scope("floor.read", ReserveFloor.area),
        or_(col(ReserveFloor.area).in_(above), col(ReserveFloor.area).startswith(area, autoescape=True)),
    )
    return list(tx.exec(query.order_by(col(ReserveFloor.id))))


def present(tx: Tx, rows: Sequence[ReserveFloor], away: Collection[int] = ()) -> dict[int, int]:
    """How many people each floor (by id) could be met by today: of its area, holding the skill at the level
    with proof, who may be called; ``away`` are people who count nowhere. One query."""
    skills = taxonomy()
    known = {row.skill for row in rows} & skills.skills.keys()
    ways = [
        (wanted, held, next((one for one in (held, wanted) if skills.skills[one].certified), None))
        for wanted in sorted(known)
        for held in sorted(skills.stands_in(wanted))
    ]
    given = {
        "floors": [row.id for row in rows],
        "wanted": [wanted for wanted, _, _ in ways],
        "held": [held for _, held, _ in ways],
        "paper": [paper for _, _, paper in ways],
        "everyone": [code for code in known if skills.skills[code].everyone],
        "callable": [str(status) for status in CALLABLE],
        "paused": str(Status.PAUSED),
        "today": tx.now.astimezone(policy.load("hub", Site).timezone).date(),
        "away": list(away),
    }
    found = {row.id: row.present for row in tx.execute(_PRESENT, given)}
    return {row.id: found.get(row.id, 0) for row in rows}


def _check(skill: str, level: int, keep: int) -> None:
    wrong: list[FieldError] = []
    if skill not in taxonomy().skills:
        wrong.append(FieldError("skill", "volunteer.skill", {"value": skill[:40]}))
    if level not in (1, 2, 3):
        wrong.append(FieldError("level", "volunteer.level", {"value": level}))
    if not 0 < keep <= MOST_KEPT:
        wrong.append(FieldError("keep", "floor.keep", {"most": MOST_KEPT}))
    if wrong:
        raise Malformed("form", fields=wrong)


def _person(tx: Tx) -> int | None:
    return tx.actor.id if tx.actor.kind == "account" else None
