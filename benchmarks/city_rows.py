"""The made-up city in the database: its tree, its people by the usual import, an incident with its tasks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from volunteer_hub.access import accounts, jurisdictions
from volunteer_hub.access.models import Account, RoleGrant
from volunteer_hub.access.rules import Role
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.incidents import declaring
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import IncidentSpec, MinimumSpec, Node, SlotSpec, TaskSpec
from volunteer_hub.simulation import around
from volunteer_hub.simulation.city import City, build_city
from volunteer_hub.simulation.people import COLUMNS, POPULARITY, people
from volunteer_hub.volunteers.exchange import importing
from volunteer_hub.volunteers.policy import Skills

SEED = 1


def city_of(count: int) -> str:
    """The made-up city with its people; the path of its root."""
    city = build_city(SEED)
    file = io.StringIO()
    table = csv.DictWriter(file, COLUMNS)
    table.writeheader()
    table.writerows(people(city, count, SEED))
    with db.transaction(SYSTEM, "bench.city") as tx:
        paths = jurisdictions.load_tree(tx, around.tree(city, "Asia/Shanghai"))
        importing.apply(tx, io.BytesIO(file.getvalue().encode()))
    return paths[city.root.code]


def commander(area: str) -> Actor:
    """An administrator of the city, who may do all that a callout takes."""
    with db.transaction(SYSTEM, "bench.commander") as tx:
        account = Account(area=area, email="bench@example.org", name="Bench", lang="en", created_at=tx.now)
        tx.add(account)
        tx.flush()
        tx.add(RoleGrant(account_id=account.id, role=Role.CITY_ADMIN, area=area, granted_at=tx.now))
        tx.flush()
        return accounts.actor_for(tx, account)


def incident_of(area: str, tasks: Callable[[City, datetime], list[TaskSpec]]) -> int:
    """A flood over the city with these tasks, commanded by somebody; its id."""
    city = build_city(SEED)
    chief = commander(area)
    with db.transaction(SYSTEM, "bench.incident") as tx:
        incident = declaring.declare(
            tx,
            policy.load("hazards", Hazards),
            IncidentSpec(area=area, hazard="flood", lat=city.root.lat, lon=city.root.lon, title="Flood"),
            node=Node(area, "city"),
            skills=policy.load("skills", Skills).skills,
            tasks_wanted=tasks(city, tx.now),
            commander_id=chief.id,
        )
        return incident.id


def mixed_tasks(city: City, heads: int, now: datetime) -> list[TaskSpec]:
    """Tasks near its communities in three periods of a day, ``heads`` wanted in all."""
    random = np.random.default_rng(SEED)
    weights = np.array([float(node.residents) for node in city.communities])
    popularity = 1 / np.arange(1, len(POPULARITY) + 1)
    tasks: list[TaskSpec] = []
    left = heads
    while left:
        node = city.communities[int(random.choice(len(weights), p=weights / weights.sum()))]
        slots: list[SlotSpec] = []
        for _ in range(int(random.integers(1, 4))):
            target = min(left, int(random.geometric(0.2)))
            if target:
                skill = POPULARITY[int(random.choice(len(POPULARITY), p=popularity / popularity.sum()))]
                minimum = max(1, round(0.6 * target))
                nested = (MinimumSpec("first_aid", 1),) if target >= 5 else ()
                slots.append(SlotSpec(minimum, target, target + 2, skill=skill, minima=nested))
                left -= target
        starts = now + timedelta(hours=float(random.choice([1, 5, 9])))
        if slots:
            tasks.append(
                TaskSpec(
                    title=f"Task {len(tasks) + 1}",
                    lat=node.lat,
                    lon=node.lon,
                    starts_at=starts,
                    ends_at=starts + timedelta(hours=4),
                    slots=tuple(slots),
                    priority=int(random.integers(1, 6)),
                )
            )
    return tasks
