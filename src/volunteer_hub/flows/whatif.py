"""What if: imagined callouts asked for, one or a whole area and week, and the grid played at night."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select as columns
from sqlmodel import col

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.access.rules import COMMAND_LEVEL, CommandLevel
from volunteer_hub.boards.at_home import AT_HOME
from volunteer_hub.core import db, policy, versions
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.drills import rules, whatifs
from volunteer_hub.drills.policy import Drills, WhatIf
from volunteer_hub.drills.rules import EVERYBODY, HOURS, CellSpec, WhatIfKind, WhatIfState
from volunteer_hub.drills.whatif_models import WhatIfRun
from volunteer_hub.incidents.policy import Hazards

_SINGLES_KEPT: Final = timedelta(days=90)
_LONGEST_SEED: Final = 2**31


def rules_of() -> WhatIf:
    """[what_if] of config/drills.toml."""
    drills: Drills = policy.load("drills", Drills)
    return drills.what_if


def request(tx: Tx, area_code: str, hazard: str, hour: int, draws: int | None = None) -> WhatIfRun:
    """Asks what would be if this happened in an area at an hour of the week (0 to 13), with the people whom a
    plan would draw on. Raises Malformed for what there is not, NotFound for a foreign area."""
    node = jurisdictions.by_code(tx, area_code)
    tx.actor.must_cover("drill.write", node.path)
    nodes = {one.path: one for one in jurisdictions.way_down(tx, node.path)}
    pool = next((path for path in _pools(node.path, nodes) if tx.actor.may("drill.write", path)), node.path)
    spec = rules.check_cell(CellSpec(node.path, pool, hazard, hour), policy.load("hazards", Hazards).hazards)
    return _request(tx, node.path, WhatIfKind.SINGLE, [spec], rules_of().draws if draws is None else draws)


def request_grid(tx: Tx, area_code: str) -> WhatIfRun:
    """Asks for every hazard in every community of an area at every hour of the week, and for readiness.

    The grid that is being played is answered for where one is. Raises NotFound, Malformed for an area without
    communities.
    """
    node = jurisdictions.by_code(tx, area_code)
    tx.actor.must_cover("drill.write", node.path)
    running = [run for run in whatifs.grids(tx, node.path) if run.area == node.path]
    if running and running[0].state is WhatIfState.RUNNING:
        return running[0]
    return _request(tx, node.path, WhatIfKind.GRID, cells(tx, node.path), rules_of().grid_draws)


def _request(tx: Tx, area: str, kind: WhatIfKind, specs: Sequence[CellSpec], draws: int) -> WhatIfRun:
    return whatifs.request(
        tx,
        area,
        kind,
        specs,
        draws=draws,
        seed=secrets.randbelow(_LONGEST_SEED),
        policy_version=versions.current(tx),
    )


def cells(tx: Tx, area: str) -> list[CellSpec]:
    """The grid of an area: readiness of each pool, then each hazard in each community, at each hour."""
    below = jurisdictions.subtree(tx, area)
    nodes = {one.path: one for one in below}
    homes = {node.path: _pools(node.path, nodes)[0] for node in below if node.kind in AT_HOME}
    pools = sorted(set(homes.values()))
    hazards = policy.load("hazards", Hazards).hazards
    ready = [CellSpec(pool, pool, EVERYBODY, hour) for pool in pools for hour in HOURS]
    happening = [
        CellSpec(home, pool, hazard, hour)
        for hour in HOURS
        for hazard in hazards
        for home, pool in homes.items()
    ]
    return ready + happening if homes else []


def _pools(path: str, nodes: dict[str, Jurisdiction]) -> list[str]:
    """Areas whose people a plan at this node may draw on, of those known: its district, then itself."""
    parts = path.strip("/").split("/")
    above = [f"/{'/'.join(parts[:n])}/" for n in range(len(parts), 0, -1)]
    wide = [
        one for one in above if one in nodes and COMMAND_LEVEL[nodes[one].kind] is not CommandLevel.COMMUNITY
    ]
    return [*wide[:1], path]


@dataclass(frozen=True)
class Progress:
    """How far a run is, in cells."""

    done: int
    failed: int
    of: int

    @property
    def percent(self) -> int:
        """Of all cells those that are settled."""
        return 100 * (self.done + self.failed) // self.of


def progress(tx: Tx, runs: Iterable[WhatIfRun]) -> dict[int, Progress]:
    """Run id -> how far it is, in one query."""
    known = {run.id: run for run in runs}
    counted = whatifs.counts(tx, list(known))
    return {
        key: Progress(
            counted[key].get(rules.CellState.DONE, 0), counted[key].get(rules.CellState.FAILED, 0), run.cells
        )
        for key, run in known.items()
    }


def sweep() -> int:
    """At night asks for the grid of every root where the last is old enough, and puts old ones away."""
    policies, site = rules_of(), policy.load("hub", Site)
    with db.transaction(SYSTEM, "whatif.sweep") as tx:
        made = whatifs.close(tx) + whatifs.prune(tx, policies.keep_grids, tx.now - _SINGLES_KEPT)
        roots = tx.execute(columns(Jurisdiction).where(col(Jurisdiction.parent_id).is_(None))).scalars()
        for root in list(roots):
            local = tx.now.astimezone(ZoneInfo(root.zone))
            if site.night.covers(local.time()) and _old(tx, root.path, tx.now, policies.grid_days):
                specs = cells(tx, root.path)
                if specs:
                    _request(tx, root.path, WhatIfKind.GRID, specs, policies.grid_draws)
                    made += 1
    return made


def _old(tx: Tx, area: str, now: datetime, days: int) -> bool:
    last = whatifs.grids(tx, area)
    if not last:
        return True
    since = last[0].finished_at
    return since is not None and since <= now - timedelta(days=days)
