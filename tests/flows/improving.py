"""Mei's flood, after which three of those asked wrote that it was dark; drills that may test what is done."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.world import World, world
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.drills.models import DrillPlan, DrillRun
from volunteer_hub.drills.rules import Kind as DrillKind
from volunteer_hub.drills.rules import Misfire, Notice, RunState
from volunteer_hub.feedback import surveys
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Form, Kind

DARK = ("No lamps at the gate.", "It went well.", "We need a torch each", "路口没有灯，太黑", "Thank you")


@dataclass(frozen=True)
class Asked:
    """``dark``: the volunteers who wrote of lamps, by id."""

    world: World
    dark: tuple[int, ...]


def asked(tx: Tx, form: Form = Form.VOLUNTEER) -> Asked:
    """Five answered, three of them about the dark; two have not."""
    w = world(tx, crowd=7)
    rules = policy.load("surveys", Surveys)
    ids = [person.id for person in w.crowd]
    opened = surveys.open_for(tx, w.incident.id, w.incident.area, ids, rules, kind=Kind.REAL, form=form)
    for survey, said in zip(opened, DARK, strict=False):
        mark = 2 if "lamps" in said else 4
        surveys.answer(tx, survey, {"overall": mark, "safe": "yes", "missing": said}, rules)
    return Asked(w, tuple(ids[n] for n in (0, 2, 3)))


def drill_plan(tx: Tx, area: str = "/1/2/") -> DrillPlan:
    """A drill on Mondays."""
    plan = DrillPlan(
        area=area,
        title="Monday check",
        hazard="flood",
        rule="0 10 * * 1",
        zone="Asia/Shanghai",
        notice=Notice.NONE,
        kind=DrillKind.REACHABILITY,
        share_percent=50,
        answer_minutes=30,
        misfire=Misfire.LATEST,
        since=tx.now,
    )
    tx.add(plan)
    tx.flush()
    return plan


def held(tx: Tx, plan: DrillPlan, hours: float, **figures: Any) -> DrillRun:
    """A drill held so many hours from now, with its figures; 20 asked and reached if not said."""
    at = tx.now + timedelta(hours=hours)
    shown = {"notified": 20, "delivered": 20, "acknowledged": 0, "accepted": 0, "assembled": 0, "within": {}}
    run = DrillRun(
        plan_id=plan.id,
        area=plan.area,
        occurrence=at,
        state=RunState.RUN,
        at=at,
        figures=shown | figures,
        recorded_at=at,
    )
    tx.add(run)
    tx.flush()
    return run
