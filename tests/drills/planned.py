"""Drill plans of Dongfeng: a reachability check on Tuesdays at ten."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from volunteer_hub.core.db import Tx
from volunteer_hub.core.policy import SHIPPED, read
from volunteer_hub.drills import plans
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.rules import Kind, Misfire, Notice, PlanSpec

DAQING = ZoneInfo("Asia/Shanghai")
DONGFENG = "/1/2/3/"
POLICY = read(SHIPPED / "drills.toml", Drills)
CODES: dict[str, Any] = {"hazards": {"flood", "blizzard"}, "skills": {"first_aid", "driver"}}
TUESDAYS = PlanSpec(
    title="Tuesday check",
    hazard="flood",
    rule="0 10 * * TUE",
    zone="Asia/Shanghai",
    kind=Kind.REACHABILITY,
    notice=Notice.PARTIAL,
    share_percent=10,
    answer_minutes=60,
    misfire=Misfire.LATEST,
)


def at(local: str) -> datetime:
    """A time in Daqing as a moment."""
    return datetime.fromisoformat(local).replace(tzinfo=DAQING).astimezone(UTC)


def local(moment: datetime | None) -> str | None:
    """A moment as a time in Daqing."""
    return None if moment is None else f"{moment.astimezone(DAQING):%Y-%m-%d %H:%M}"


def plan(tx: Tx, made: str = "2031-01-20T14:00", **changes: Any) -> DrillPlan:
    """A plan made at a time; it is that time now."""
    tx.now = at(made)
    return plans.create(tx, DONGFENG, replace(TUESDAYS, **changes), **CODES)
