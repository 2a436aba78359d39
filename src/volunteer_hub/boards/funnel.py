"""From everybody registered to those who could come: where each person of a plan's pool falls out, and why.

The counts are made with the plan, where its arrays are. The people behind a count are judged when somebody
asks for them, so many ids at a time, as they stand now.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlmodel import col, select

from volunteer_hub.boards import problem as board
from volunteer_hub.core.db import Tx
from volunteer_hub.engine import funnel
from volunteer_hub.engine.arrays import Bools, Ints
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.notify import dispatch
from volunteer_hub.volunteers import addresses, pool
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import ContactKind, Status

STEPS: Final = ("registered", "callable", "peace", "reachable", *funnel.STEPS)
"""In the order in which people fall out; whoever is left at the last could be asked."""
COULD: Final = "could"
MOST_REACHED: Final = 200_000
"""People of a pool, up to which it is counted who has an address: below a second."""
LOOKED_AT: Final = 200
"""People judged for one page of a list, whatever the size of the pool."""
_GONE: Final = (Status.LEFT, Status.FORGOTTEN)


@dataclass(frozen=True)
class Stand:
    """One person and where they fall out: at ``step``, by ``reason``, a rule or status; `COULD` for both of
    whom nothing stands in the way."""

    volunteer: Volunteer
    step: str
    reason: str


@dataclass(frozen=True)
class Listed:
    """Those of the people looked at who are in a count; ``further``: look on after this id, or None."""

    people: tuple[Stand, ...]
    looked_at: int
    further: int | None


def reachable(tx: Tx, ids: Ints) -> Bools | None:
    """[V] who has an address that a message could reach; None for a pool too large to be counted quickly."""
    if len(ids) > MOST_REACHED:
        return None
    return np.isin(ids, np.fromiter(_with_address(tx, ids.tolist()), dtype=np.int64))


def people(tx: Tx, run: PlanRun, step: str, after: int = 0) -> Listed:
    """A page of the people who are in the count of ``step``, each with what stops them further on.

    Raises Refused when the incident is closed.
    """
    wanted = (
        select(Volunteer)
        .where(
            col(Volunteer.id) > after,
            col(Volunteer.area).startswith(run.pool_area, autoescape=True),
            col(Volunteer.status).not_in(_GONE),
            tx.actor.scope("volunteer.read", Volunteer.area),
        )
        .order_by(col(Volunteer.id))
        .limit(LOOKED_AT + 1)
    )
    rows = list(tx.exec(wanted))
    page = rows[:LOOKED_AT]
    least = STEPS.index(step)
    stands = [one for one in _stands(tx, run, page) if one.step == COULD or STEPS.index(one.step) > least]
    return Listed(tuple(stands), len(page), page[-1].id if len(rows) > LOOKED_AT else None)


def _stands(tx: Tx, run: PlanRun, rows: list[Volunteer]) -> list[Stand]:
    if not rows:
        return []
    first, last = rows[0].id, rows[-1].id
    incident = tx.get_one(Incident, run.incident_id)
    case = board.build(tx, incident, run.pool_area, lambda tx, area: pool.within(tx, first, last + 1, area))
    far = funnel.passed(case.problem)
    judged = dict(zip(case.volunteers.tolist(), far.tolist() if far is not None else (), strict=False))
    reached = _with_address(tx, [row.id for row in rows])
    left = case.spared
    return [_stand(row, judged.get(row.id), row.id in reached, left.reason(row.id)) for row in rows]


def _stand(row: Volunteer, rules: int | None, reached: bool, peace: str | None) -> Stand:
    if peace is not None:
        return Stand(row, "peace", peace)
    if rules is None:  # paused, only applied ..., or asked already and not yet answered
        waits = row.status in (Status.ACTIVE, Status.PLEDGED)
        return Stand(row, "callable", "asked" if waits else f"status.{row.status.value}")
    if not reached:
        return Stand(row, "reachable", "address")
    if rules == funnel.ALL:
        return Stand(row, COULD, COULD)
    return Stand(row, funnel.step_of(rules), funnel.CODES[rules])


def _with_address(tx: Tx, ids: Collection[int]) -> set[int]:
    names = {channel.value for channel in dispatch.configured()}
    return addresses.reached(tx, ids, [kind for kind in ContactKind if kind.value in names])
