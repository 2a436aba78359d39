"""Whom the areas next door could lend a plan: people of the same skills, beside the pool it draws on."""

from typing import Final

import numpy as np

from volunteer_hub.boards import problem as board
from volunteer_hub.boards.problem import Case
from volunteer_hub.core.db import Tx
from volunteer_hub.engine.changes import some
from volunteer_hub.engine.problem import People
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.volunteers import pool
from volunteer_hub.volunteers.skills import taxonomy

MOST: Final = 50_000  # people; where more next door have the skills, a wider pool is the answer


def groups(tx: Tx, incident: Incident, pool_area: str, case: Case) -> dict[str, People]:
    """Path of an area -> its people who hold a skill that the case asks for, as they stand at the case's
    epoch. Areas are those beside the pool's, below the same node; none for a drill, nor for a pool that is
    everything. People who need no skill are left to each area itself."""
    around = pool_area.rstrip("/").rpartition("/")[0] + "/"
    asked = {code for need in case.needs for code, _ in need}
    if around == "/" or not asked or incident.kind is Kind.DRILL:
        return {}
    known = taxonomy()
    skills = sorted({held for code in asked if code in known.skills for held in known.stands_in(code)})
    found = board.build(
        tx, incident, around, lambda tx, area: pool.holders(tx, area, pool_area, skills, MOST)
    )
    assert found.areas is not None
    return {
        path: some(found.problem.people, np.flatnonzero(found.areas == number))
        for number, path in enumerate(found.parts)
        if (found.areas == number).any() and path != around
    }
