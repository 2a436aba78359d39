"""Reserve floors as one plan meets them: who counts for each, how many there are, how many may go."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards.free_times import Ints
from volunteer_hub.boards.problem import Case, Pools
from volunteer_hub.core.db import Tx
from volunteer_hub.engine.floors import Floors
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization import busy
from volunteer_hub.volunteers import floors as stored


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

    @property
    def limits(self) -> bool:
        """Whether a plan could send too many."""
        return not self.broken and len(self.members) > self.spare


def of_case(
    tx: Tx, incident: Incident, pool_area: str, case: Case, pools: Pools, broken: Collection[int] = ()
) -> tuple[Kept, ...]:
    """The floors that a case meets; see `kept`."""
    choosable = len(case.problem.people) - len(case.problem.locked)  # then come the places that are taken
    ends_at = case.epoch + timedelta(minutes=int(case.problem.slots.end.max(initial=0)))
    return kept(tx, incident, pool_area, pools, case.volunteers[:choosable], ends_at, broken)


def kept(
    tx: Tx,
    incident: Incident,
    pool_area: str,
    pools: Pools,
    people: Ints,
    ends_at: datetime,
    broken: Collection[int] = (),
) -> tuple[Kept, ...]:
    """The floors that people of ``pool_area`` count for, by id; none in a drill, from which anybody may be
    called away. ``people`` [n] are the ids that the plan may choose, ascending; ``broken`` ids of floors.

    Who is promised to any duty before ``ends_at``, or may not be chosen because they are asked already and
    may yet say yes, is not there and not kept. Where there are floors the pool is read, with three more
    queries at most.
    """
    if incident.kind is Kind.DRILL:
        return ()
    touching = stored.touching(tx, pool_area)
    if not touching:
        return ()
    pool = pools(tx, pool_area)
    promised = busy.held(tx, tx.now, ends_at).volunteer
    here = np.isin(pool.ids, people) & ~np.isin(pool.ids, promised)
    wide = [floor for floor in touching if not floor.area.startswith(pool_area)]
    away = np.union1d(promised, pool.ids[~here])
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
                members=np.searchsorted(people, pool.ids[counts]),
                broken=floor.id in broken,
            )
        )
    return tuple(found)


def for_engine(found: Sequence[Kept]) -> Floors | None:
    """Those floors that could limit a plan, in their order; None where there are none."""
    limiting = [one for one in found if one.limits]
    if not limiting:
        return None
    return Floors.keeping(
        [one.members for one in limiting], [len(one.members) - one.spare for one in limiting]
    )


def digest(of_problem: str, found: Sequence[Kept]) -> str:
    """The digest of a problem with its floors."""
    floors = for_engine(found)
    if floors is None:
        return of_problem
    parts = (floors.first, floors.person, floors.most)
    return hashlib.sha256(b"".join([of_problem.encode(), *(part.tobytes() for part in parts)])).hexdigest()


def _below(area: str, nodes: Mapping[int, str]) -> list[int]:
    return [node for node, path in nodes.items() if path.startswith(area)]
