"""Mei coordinates Sartu, Kai coordinates Datong; Bo is a medic of Dongfeng, Lin a newcomer."""

from typing import Any

import pytest

from tests import areas
from volunteer_hub.core.actor import Actor, Grant
from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer

RIGHTS = frozenset(
    {
        "volunteer.read",
        "volunteer.write",
        "volunteer.approve",
        "volunteer.import",
        "volunteer.export",
        "volunteer.erase",
        "organisation.read",
        "organisation.write",
        "plan.request",
    }
)
MEI = Actor("account", None, "Mei", "en", (Grant("/1/2/", RIGHTS),))
KAI = Actor("account", None, "Kai", "en", (Grant("/1/4/", RIGHTS),))
CLERK = Actor("account", None, "Clerk", "en", (Grant("/1/", RIGHTS),))

BO: dict[str, Any] = {
    "name": "Bo Li",
    "birthday": "1990-04-01",
    "phone": "139 1234 5678",
    "email": "bo@example.org",
    "community": "DQ-ST-001",
    "address": "Dongfeng Road 1\nFlat 2",
    "skills": "nursing:2;driver.car:1",
    "certifications": "nursing|NURSE-N-1|Red Cross|2025-01-01|2030-01-01",
    "fit": "yes",
}
LIN: dict[str, Any] = {
    "name": "林小雨",
    "birthday": "2000-02-29",
    "phone": "13800000001",
    "community": "DQ-ST-001",
}


@pytest.fixture
def places(tx: Tx) -> dict[str, str]:
    return areas.plant(tx)


@pytest.fixture
def mei(tx: Tx, places: dict[str, str]) -> Tx:
    """A transaction in which Mei acts."""
    tx.actor = MEI
    return tx


@pytest.fixture
def bo(mei: Tx) -> Volunteer:
    return registry.register(mei, BO)


@pytest.fixture
def lin(mei: Tx) -> Volunteer:
    return registry.register(mei, LIN)
