"""The clock over improvement actions: owners reminded, those above told, re-tests judged by drills held."""

from datetime import datetime
from typing import Final

from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.drills.models import DrillRun
from volunteer_hub.feedback import actions
from volunteer_hub.feedback.actions_models import ImprovementAction
from volunteer_hub.feedback.actions_rules import ActionState, Nudge
from volunteer_hub.flows import improve, telling

_BATCH: Final = 100


def sweep() -> int:
    """Says what is due about actions, and lets drills held since judge those that are done; how many."""
    with db.transaction(SYSTEM, "action.remind") as tx:
        due = actions.due_nudges(tx, improve.rules(), _BATCH)
        for action, said in due:
            for moment, nudge in said:
                _say(tx, action, moment, nudge)
    with db.transaction(SYSTEM, "action.retest") as tx:
        judged = _retests(tx)
    return len(due) + judged


def _say(tx: Tx, action: ImprovementAction, moment: datetime, nudge: Nudge) -> None:
    improve.tell_staff(
        tx, action, f"action_{nudge}", _listeners(tx, action, nudge), f"{nudge}:{moment.isoformat()}"
    )


def _listeners(tx: Tx, action: ImprovementAction, nudge: Nudge) -> list[Account]:
    """The owner; of what nobody owns everybody who may take it up; above them whoever may one level up."""
    if nudge is Nudge.UNOWNED:
        return telling.holders(tx, "action.write", action.area)
    if nudge is Nudge.ESCALATED:
        return telling.holders(tx, "action.write", above(action.area), action.owner_id)
    owner = tx.get(Account, action.owner_id) if action.owner_id is not None else None
    return [owner] if owner is not None else []


def above(area: str) -> str:
    """The area one level up; a city has none above it."""
    parent = area.rstrip("/").rpartition("/")[0] + "/"
    return parent if parent != "/" else area


def _retests(tx: Tx) -> int:
    """The first drill held after an action was done, once it has figures; how many were looked at."""
    held = (
        select(ImprovementAction, DrillRun)
        .join(DrillRun, col(DrillRun.plan_id) == col(ImprovementAction.retest_plan_id))
        .where(
            col(ImprovementAction.state) == ActionState.DONE,
            col(DrillRun.at) > col(ImprovementAction.done_at),
            col(DrillRun.figures).is_not(None),
            col(ImprovementAction.retest_run_id).is_(None)
            | (col(DrillRun.id) > col(ImprovementAction.retest_run_id)),
        )
        .order_by(col(ImprovementAction.id), col(DrillRun.id))
        .limit(_BATCH)
        .with_for_update(skip_locked=True, of=ImprovementAction)
    )
    judged: set[int] = set()
    for action, run in tx.exec(held.execution_options(populate_existing=True)).all():
        if action.id not in judged and not improve.judged_by(tx, action, run):
            action.retest_run_id = run.id  # it has shown nothing: the next one is waited for
        judged.add(action.id)
    tx.flush()
    return len(judged)
