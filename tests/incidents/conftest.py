"""Mei coordinates Sartu, Wang keeps its community Dongfeng, Zhao coordinates the city, Kai Datong."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from tests.areas import plant
from volunteer_hub.access.models import Account
from volunteer_hub.access.rules import PERMISSIONS, Role
from volunteer_hub.core.actor import SYSTEM, Actor, Grant
from volunteer_hub.core.db import Tx
from volunteer_hub.core.policy import SHIPPED, read
from volunteer_hub.incidents import declaring
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.policy import Hazards, NodeKind
from volunteer_hub.incidents.rules import IncidentSpec, MinimumSpec, Node, SlotSpec, TaskSpec
from volunteer_hub.volunteers.policy import Skills

SKILLS = frozenset(read(SHIPPED / "skills.toml", Skills).skills)
POLICY = read(SHIPPED / "hazards.toml", Hazards)
CREW = SlotSpec(
    minimum=12,
    target=16,
    maximum=20,
    skill="sandbagging",
    name="Sandbag crew",
    minima=(MinimumSpec("driver.truck", 1), MinimumSpec("first_aid", 2)),
)


def flood(area: str, **changes: object) -> IncidentSpec:
    spec = IncidentSpec(area=area, hazard="flood", lat=46.6, lon=125.0, title="Water in Dongfeng", level=4)
    return replace(spec, **changes)


@dataclass
class World:
    """The people, their nodes, and one transaction in which they act in turn."""

    tx: Tx
    areas: dict[str, str]
    mei: Actor
    wang: Actor
    zhao: Actor
    kai: Actor

    def node(self, area: str) -> Node:
        kinds: dict[str, NodeKind] = {"city": "city", "sartu": "district", "datong": "district"}
        return Node(self.areas[area], kinds.get(area, "community"))

    def act(self, actor: Actor) -> Tx:
        self.tx.actor = actor
        return self.tx

    def declared(self, area: str = "sartu", by: Actor | None = None, **changes: object) -> Incident:
        tx = self.act(by or self.mei)
        spec = flood(self.areas[area], **changes)
        return declaring.declare(tx, POLICY, spec, node=self.node("sartu"), skills=SKILLS)

    def task(self, **changes: object) -> TaskSpec:
        starts = self.tx.now + timedelta(hours=1)
        spec = TaskSpec(
            title="Sandbag the dyke",
            lat=46.61,
            lon=125.02,
            starts_at=starts,
            ends_at=starts + timedelta(hours=4),
            slots=(CREW,),
        )
        return replace(spec, **changes)


def person(tx: Session, name: str, area: str, role: Role) -> Actor:
    account = Account(
        area=area,
        email=f"{name.lower()}@example.org",
        name=name,
        created_at=tx.now,
    )
    tx.add(account)
    tx.flush()
    return Actor("account", account.id, name, "en", (Grant(area, PERMISSIONS[role]),))


def people(tx: Tx) -> World:
    areas = plant(tx)
    return World(
        tx,
        areas,
        mei=person(tx, "Mei", areas["sartu"], Role.COORDINATOR),
        wang=person(tx, "Wang", areas["dongfeng"], Role.WORKSTATION),
        zhao=person(tx, "Zhao", areas["city"], Role.COORDINATOR),
        kai=person(tx, "Kai", areas["datong"], Role.COORDINATOR),
    )


@pytest.fixture
def world(tx: Tx) -> World:
    tx.actor = SYSTEM
    return people(tx)
