"""Problems built from tests.world, and what is asked of them."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
from sqlmodel import col, select

from tests.world import World, sandbagging
from volunteer_hub.boards import problem
from volunteer_hub.boards.problem import Case
from volunteer_hub.core import policy, versions
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents import tasks
from volunteer_hub.incidents.models import Incident, RoleSlot
from volunteer_hub.incidents.rules import SlotSpec
from volunteer_hub.mobilization import callouts, plans
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.rules import Kind, OfferState
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.policy import Skills

HOUR = timedelta(hours=1)
SARTU = "/1/2/"


def row(case: Case, volunteer: Volunteer) -> int:
    """The row of a person who is not locked."""
    return int(np.flatnonzero(case.volunteers == volunteer.id)[0])


def build(tx: Tx, w: World, area: str = SARTU) -> Case:
    return problem.build(tx, w.incident, area)


def add_task(
    tx: Tx, w: World, *slots: SlotSpec, begin: float = 1, hours: float = 4, **changes: object
) -> list[int]:
    """Another task of Mei's incident; the ids of its slots."""
    spec = replace(
        sandbagging(tx.now + begin * HOUR), slots=slots, ends_at=tx.now + (begin + hours) * HOUR, **changes
    )
    incident = tx.get_one(Incident, w.incident.id)
    task = tasks.add(tx, incident, spec, policy.load("skills", Skills).skills)
    wanted = select(RoleSlot.id).where(col(RoleSlot.task_id) == task.id).order_by(col(RoleSlot.id))
    return list(tx.exec(wanted))


def anybody(heads: int = 1) -> SlotSpec:
    return SlotSpec(minimum=heads, target=heads, maximum=heads)


def held(tx: Tx, w: World, slot: int, who: Volunteer, state: OfferState) -> Offer:
    """An offer to a person as a callout leaves it, with its time that of the first task."""
    run = plans.request(
        tx, w.incident.id, w.incident.area, deadline_seconds=5, seed=1, policy_version=versions.current(tx)
    )
    plans.claim(tx, 60)
    plans.finish(tx, run.id, {"pairs": []}, objective={}, problem_digest="")
    run.state, run.approved_at = plans.PlanState.APPROVED, tx.now
    tx.flush()
    window = (tx.now + HOUR, tx.now + 5 * HOUR)
    facts = callouts.Slot(slot, w.incident.area, *window, minimum=1, target=8, maximum=10)
    _, (made,) = callouts.open(
        tx,
        run,
        kind=Kind.REAL,
        slots=[facts],
        asks=[callouts.Ask(slot, who.id)],
        answer_by=tx.now + HOUR,
        expires_at=tx.now + HOUR,
    )
    offer = tx.get_one(Offer, made.id)
    offer.state = state
    tx.flush()
    return offer
