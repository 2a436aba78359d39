"""A person's statement: hours, points, level, and every entry with the sum behind it."""

from dataclasses import dataclass

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import level
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import queries as points
from volunteer_hub.incentives.levels_rules import Reached
from volunteer_hub.incentives.queries import Hours, StatementLine
from volunteer_hub.volunteers import registry


@dataclass(frozen=True)
class Statement:
    """``lines`` are entries, the newest first; ``next`` is the id before which the following ones lie."""

    zone: str
    balance: int
    hours: Hours
    level: Reached
    lines: tuple[StatementLine, ...]
    next: int | None


def of(tx: Tx, volunteer_id: int, *, before: int | None = None, limit: int = 30) -> Statement:
    """The statement of a person; the door has checked that it is the actor. Raises NotFound once they are
    gone."""
    person = registry.one(tx, volunteer_id)
    found = points.statement(tx, volunteer_id, before=before, limit=limit)
    lines = tuple(found[:limit])
    return Statement(
        zone=jurisdictions.by_path(tx, person.area).zone,
        balance=points.balance(tx, volunteer_id),
        hours=points.hours(tx, volunteer_id),
        level=level.of(tx, volunteer_id, person.area),
        lines=lines,
        next=lines[-1].entry.id if len(found) > limit else None,
    )
