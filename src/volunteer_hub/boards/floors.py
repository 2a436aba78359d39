"""Reserve floors as one plan meets them: who counts for each, how many there are, how many may go."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards.free_times import Ints
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization import busy
from volunteer_hub.volunteers import floors as stored
from volunteer_hub.volunteers.pool import Pool


@dataclass(frozen=True)
class Kept:
    """A floor and the people whom it keeps.

    ``members`` are rows of the plan's people, ascending; ``there`` counts everybody of the floor's area, also
    where the plan does not reach. ``broken``: the plan may go below it.
    """

    id: int
    area: str
    skill: str
    level: int
    keep: int
    there: int
    members: Ints
    broken: bool = False

    @property
    def spare(self) -> int:
        """How many may be sent."""
        return max(0, self.there - self.keep)


def kept(
    tx: Tx,
    incident: Incident,
    pool_area: str,
    pool: Pool,
    rows: Ints,
    ends_at: datetime,
    waiting: Ints,
    broken: Collection[int] = (),
) -> tuple[Kept, ...]:
    """The floors that people of the pool count for, by id; none in a drill, from which anybody may be called
    away. ``rows`` [n] are the positions in the pool of the plan's people, ``broken`` ids of floors.

    Who is promised to any duty before ``ends_at``, or asked (``waiting``, ids) and may yet say yes, is not
    there and not kept. Four queries at most, however many floors there are.
    """
    if incident.kind is Kind.DRILL:
        return ()
    touching = stored.touching(tx, pool_area)
    if not touching:
        return ()
    away = np.union1d(busy.held(tx, tx.now, ends_at).volunteer, waiting)
    here = ~np.isin(pool.ids, away)
    wide = [floor for floor in touching if not floor.area.startswith(pool_area)]
    beyond = stored.present(tx, wide, away.tolist()) if wide else {}
    homes = {node.id: node.path for node in jurisdictions.subtree(tx, pool_area)}
    found = []
    for floor in touching:
        counts = here & (pool.counts_until(floor.skill, floor.level) > 0)
        if floor.id not in beyond:
            counts &= np.isin(pool.area_ids, _below(floor.area, homes))
        found.append(
            Kept(
                id=floor.id,
                area=floor.area,
                skill=floor.skill,
                level=floor.level,
                keep=floor.keep,
                there=beyond.get(floor.id, int(counts.sum())),
                members=np.flatnonzero(counts[rows]),
                broken=floor.id in broken,
            )
        )
    return tuple(found)


def _below(area: str, nodes: Mapping[int, str]) -> list[int]:
    return [node for node, path in nodes.items() if path.startswith(area)]
