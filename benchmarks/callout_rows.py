"""A callout of some thousand offers in the database, sent on the road that every callout takes."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta

from sqlmodel import col, select

from benchmarks.city_rows import SEED, city_of, incident_of
from volunteer_hub.access import accounts
from volunteer_hub.access.models import Account
from volunteer_hub.core import db, policy, versions
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.site import Site
from volunteer_hub.flows import mobilize
from volunteer_hub.incidents.models import Incident, RoleSlot, Task
from volunteer_hub.incidents.rules import SlotSpec, TaskSpec
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.models import Offer, PlanRun
from volunteer_hub.simulation.city import City
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status

ASKED, MAXIMUM = 22, 20  # a slot: so one answer in eleven goes to the stand-by line


def callout_of(count: int) -> int:
    """A callout whose ``count`` offers are out, on the road every callout takes; its id."""
    chief, plan_id = approved(count)
    with db.transaction(chief, "callout.send") as tx:
        return mobilize.send(tx, tx.get_one(PlanRun, plan_id)).id


def approved(count: int) -> tuple[Actor, int]:
    """An approved plan of ``count`` people, and who may send it."""
    area = city_of(count * 2)
    slots = -(-count // ASKED)
    incident_id = incident_of(area, lambda city, now: _tasks(city, slots, now))
    with db.read(SYSTEM) as tx:
        incident = tx.get_one(Incident, incident_id)
        assert incident.commander_id is not None
        chief = accounts.actor_for(tx, tx.get_one(Account, incident.commander_id))
        everybody = tx.exec(select(Volunteer.id).where(col(Volunteer.status) == Status.ACTIVE)).all()
        wanted = select(RoleSlot.id).join(Task, col(Task.id) == col(RoleSlot.task_id))
        slot_ids = tx.exec(wanted.where(col(Task.incident_id) == incident_id)).all()
    people = random.Random(SEED).sample(everybody, count)
    pairs = [
        {"slot": slot_ids[i // ASKED], "volunteer": person, "wave": 1} for i, person in enumerate(people)
    ]
    with db.transaction(chief, "plan.request") as tx:
        version = versions.current(tx)
        plan = plans.request(tx, incident_id, area, deadline_seconds=20, seed=SEED, policy_version=version)
    with db.transaction(SYSTEM, "plan.work") as tx:
        plans.claim(tx, 60)
        plans.finish(tx, plan.id, {"pairs": pairs, "reserves": []}, objective={}, problem_digest="bench")
    with db.transaction(chief, "plan.approve") as tx:
        rules, night = mobilize.rules_of(), policy.load("hub", Site).night
        plans.approve(tx, plan.id, local=time(12), rules_of=rules, night=night, reason="a benchmark")
    return chief, plan.id


def _tasks(city: City, slots: int, now: datetime) -> list[TaskSpec]:
    """A task in each of many communities, an hour from now, ten slots each."""
    starts = now + timedelta(hours=1)
    slot = SlotSpec(MAXIMUM // 2, MAXIMUM, MAXIMUM)
    return [
        TaskSpec(
            title=f"Task {number + 1}",
            lat=(node := city.communities[number % len(city.communities)]).lat,
            lon=node.lon,
            starts_at=starts,
            ends_at=starts + timedelta(hours=4),
            slots=(slot,) * min(10, slots - number * 10),
        )
        for number in range(-(-slots // 10))
    ]


def due(callout_id: int) -> list[Offer]:
    """The offers that wait for an answer, in a seeded random order."""
    with db.read(SYSTEM) as tx:
        found = list(
            tx.exec(select(Offer).where(col(Offer.callout_id) == callout_id).order_by(col(Offer.id)))
        )
    random.Random(SEED).shuffle(found)
    return found
