"""An incident to be planned anew around the orders in force."""

from dataclasses import replace
from typing import Final

import numpy as np
from sqlmodel import col, select

from volunteer_hub.boards import orders, problem
from volunteer_hub.boards.orders import Standing
from volunteer_hub.boards.problem import Case, Pools
from volunteer_hub.core.db import Tx
from volunteer_hub.engine.feasible import why_not
from volunteer_hub.engine.problem import Pairs
from volunteer_hub.incidents.models import Incident
from volunteer_hub.volunteers.models import Volunteer

_UNFIT: Final = frozenset({"skill", "certification", "age", "insurance", "fitness"})
"""Rules of which a breach means that a person may serve there no longer; any other is theirs to judge, who
said that they come."""


def build(tx: Tx, incident: Incident, pool_area: str, pools: Pools) -> Case:
    """As `problem.build`; ``orders`` are all places taken, locked but for those of people who may be asked
    to move; ``lost`` are the places of people who may serve there no longer."""
    standing = orders.in_force(tx, incident)
    case = problem.build(tx, incident, pool_area, pools, again=standing)
    pinned = frozenset(standing.moving) - _fit(case, standing) - _unfit(tx, case, standing, pool_area)
    if pinned:
        standing = standing.pinned(pinned)
        case = problem.build(tx, incident, pool_area, pools, again=standing)
    lost = _unfit(tx, case, standing, pool_area)
    rows = [_at(case, *standing.moving[key]) for key in sorted(standing.moving)]
    known = [(person, slot) for person, slot in rows if person >= 0 and slot >= 0]
    pairs = np.array([*known, *case.problem.locked.rows()], dtype=np.int64).reshape(-1, 2)
    return replace(
        case,
        orders=Pairs(pairs[:, 0], pairs[:, 1]),
        lost=tuple(sorted(standing.moving[key] for key in lost)),
    )


def _at(case: Case, volunteer: int, slot: int) -> tuple[int, int]:
    """Rows of the two, -1 for what is not there: among people free to be planned, and slots wanted."""
    free = case.volunteers[: len(case.volunteers) - len(case.problem.locked)]
    v, s = int(np.searchsorted(free, volunteer)), int(np.searchsorted(case.slots, slot))
    return (
        v if v < len(free) and free[v] == volunteer else -1,
        s if s < len(case.slots) and case.slots[s] == slot else -1,
    )


def _fit(case: Case, standing: Standing) -> frozenset[int]:
    """Offers whose person could be sent there today."""
    rows = {key: _at(case, *at) for key, at in standing.moving.items()}
    return frozenset(
        key
        for key, (person, slot) in rows.items()
        if person >= 0 and slot >= 0 and not why_not(case.problem, person, slot)
    )


def _unfit(tx: Tx, case: Case, standing: Standing, pool_area: str) -> frozenset[int]:
    """Offers whose person may serve there no longer: a skill or certification lapsed, or they may not be
    called any more."""
    rows = {key: _at(case, *at) for key, at in standing.moving.items()}
    gone = {standing.moving[key][0] for key, (person, slot) in rows.items() if person < 0 <= slot}
    here = select(Volunteer.id).where(
        col(Volunteer.id).in_(gone), col(Volunteer.area).startswith(pool_area, autoescape=True)
    )
    absent = set(tx.exec(here))
    return frozenset(
        key
        for key, (person, slot) in rows.items()
        if slot >= 0
        and (
            standing.moving[key][0] in absent
            if person < 0
            else bool(_UNFIT & set(why_not(case.problem, person, slot)))
        )
    )
