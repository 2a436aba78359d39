"""What speaks for a drill in one community rather than another: what has happened, what goes short, what is
planned there already."""

from collections import Counter
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlalchemy import select as columns  # SQLModel's select is typed for four at most
from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards.at_home import AT_HOME
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.rules import EVERYBODY, CellState, PlanState, WhatIfKind, WhatIfState
from volunteer_hub.drills.whatif_models import WhatIfCell, WhatIfRun
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import Kind

RIGHT: Final = "drill.read"


def places(tx: Tx) -> list[Jurisdiction]:
    """The communities of the actor's areas that have no drill of their own to come, ascending by id."""
    planned = select(DrillPlan.area).where(
        col(DrillPlan.state) == PlanState.ACTIVE,
        col(DrillPlan.next_at).is_not(None),
        tx.actor.scope(RIGHT, DrillPlan.area),
    )
    taken = set(tx.exec(planned).all())
    homes = (node for node in jurisdictions.listed(tx, RIGHT) if node.kind in AT_HOME)
    return sorted((node for node in homes if node.path not in taken), key=lambda node: node.id)


def happened(tx: Tx, years: int) -> Counter[tuple[str, bool]]:
    """(Hazard, at night) -> how many real incidents of the actor's areas began so in these years."""
    site: Site = policy.load("hub", Site)
    wanted = (
        columns(col(Incident.hazard), col(Incident.started_at), col(Jurisdiction.zone))
        .join(Jurisdiction, col(Jurisdiction.path) == col(Incident.area))
        .where(
            col(Incident.kind) == Kind.REAL,
            col(Incident.started_at) > tx.now - timedelta(days=365 * years),
            tx.actor.scope(RIGHT, Incident.area),
        )
    )
    return Counter(
        (hazard, site.night.covers(started.astimezone(ZoneInfo(zone)).time()))
        for hazard, started, zone in tx.execute(wanted)
    )


def short(tx: Tx) -> dict[tuple[str, str, bool], float]:
    """(Area, hazard, at night) -> the share of imagined callouts that were not covered, over the days or
    nights of a week, where the newest finished grid has played them."""
    newest = (
        select(func.max(col(WhatIfRun.id)))
        .where(col(WhatIfRun.kind) == WhatIfKind.GRID, col(WhatIfRun.state) == WhatIfState.DONE)
        .group_by(col(WhatIfRun.area))
    )
    night = col(WhatIfCell.hour) % 2
    wanted = (
        columns(col(WhatIfCell.area), col(WhatIfCell.hazard), night, 1 - func.avg(col(WhatIfCell.sure)))
        .where(
            col(WhatIfCell.run_id).in_(newest),
            col(WhatIfCell.state) == CellState.DONE,
            col(WhatIfCell.hazard) != EVERYBODY,
            tx.actor.scope(RIGHT, WhatIfCell.area),
        )
        .group_by(col(WhatIfCell.area), col(WhatIfCell.hazard), night)
    )
    return {(area, hazard, bool(at)): float(share) for area, hazard, at, share in tx.execute(wanted)}


def needs() -> dict[str, int]:
    """Hazard -> how many people its tasks want at least."""
    hazards: Hazards = policy.load("hazards", Hazards)
    return {
        code: sum(slot.minimum for task in hazard.tasks.values() for slot in task.slots)
        for code, hazard in hazards.hazards.items()
    }
