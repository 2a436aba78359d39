"""Rows of other columns that offers point at, by plain SQL, and a small world made of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlmodel import col, select, text

from tests import areas
from volunteer_hub.core import bulk
from volunteer_hub.core.actor import EVERYTHING, Actor, Grant
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.policy import load
from volunteer_hub.core.site import Site
from volunteer_hub.mobilization import callouts, plans
from volunteer_hub.mobilization.models import Callout, Offer, PlanRun
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.mobilization.rules import Kind

NOW = datetime(2031, 1, 20, 6, 0, tzinfo=UTC)
"""14:00 in Daqing."""
NOON = time(12, 0)
HOUR = timedelta(hours=1)
RULES = load("callouts", Callouts).callout
NIGHT = load("hub", Site).night

_FILLER = {
    "text": "''",
    "character varying": "''",
    "bigint": "0",
    "integer": "0",
    "smallint": "0",
    "double precision": "0",
    "boolean": "false",
    "jsonb": "'{}'",
    "timestamp with time zone": "'2031-01-01T00:00Z'",
    "uuid": "gen_random_uuid()",
    "bytea": "decode(md5(random()::text), 'hex')",
    "date": "'1990-01-01'",
    "ARRAY": "'{}'",
}


def raises(kind: type[HubError], code: str) -> Any:
    """Expects one error of the family by its exact code."""
    return pytest.raises(kind, check=lambda error: error.code == code)


def required(tx: Tx, table: str) -> dict[str, str]:
    """The columns of a table that must be given, and their types."""
    wanted = text(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' "
        "AND table_name = :table AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'"
    )
    return {name: kind for name, kind in tx.execute(wanted, {"table": table})}  # noqa: C416  (rows, not pairs)


def insert(tx: Tx, table: str, count: int = 1, **values: Any) -> list[int]:
    """Inserts ``count`` rows of another column's table and returns their ids; what is required and not given
    is filled by type, so that this survives new columns there."""
    filled = {name: _FILLER[kind] for name, kind in required(tx, table).items() if name not in values}
    names = ", ".join((*values, *filled))
    given = ", ".join((*(f":{name}" for name in values), *filled.values()))
    statement = f"INSERT INTO {table} ({names}) SELECT {given} FROM generate_series(1, :count) RETURNING id"
    return list(tx.execute(text(statement), {**values, "count": count}).scalars())


def people(tx: Tx, count: int) -> list[int]:
    """Volunteers of Dongfeng."""
    values = {"area": "/1/2/3/", "lat": 46.59, "lon": 125.10, "precision": "community", "status": "active"}
    return insert(
        tx, "volunteers", count, **values, travel_mode="foot", basis="voluntary", lang="zh", max_km=10
    )


def account(tx: Tx, name: str) -> int:
    """Somebody on the staff of Sartu."""
    made = insert(tx, "accounts", area="/1/2/", email=f"{name.lower()}@hub.test", name=name, state="active")
    return made[0]


def staff(account_id: int, area: str = "/1/2/") -> Actor:
    """An actor with every right in an area."""
    return Actor("account", account_id, grants=(Grant(area, frozenset({EVERYTHING})),))


def incident(tx: Tx) -> int:
    """A flood in Dongfeng."""
    values = {"kind": "drill", "hazard": "flood", "incident_class": "natural", "state": "declared"}
    place = {"area": "/1/2/3/", "lat": 46.6, "lon": 125.1}
    return insert(tx, "incidents", **values, **place, title="Flood at the bridge", source="page", level=4)[0]


def slots(tx: Tx, incident_id: int, maxima: list[int]) -> list[int]:
    """One role slot for each maximum, in one task from NOW + 1 h to NOW + 9 h."""
    window = {"starts_at": NOW + HOUR, "ends_at": NOW + 9 * HOUR}
    values = {"incident_id": incident_id, "area": "/1/2/3/", "lat": 46.6, "lon": 125.1, "priority": 1}
    task = insert(tx, "tasks", **window, **values, state="open", title="Sandbags")[0]
    return [
        insert(tx, "role_slots", task_id=task, minimum=1, target=1, maximum=maximum, level=1)[0]
        for maximum in maxima
    ]


@dataclass(frozen=True)
class World:
    """An approved plan sent out: every person asked for every slot."""

    incident: int
    slots: list[int]
    people: list[int]
    plan: PlanRun
    callout: Callout
    offers: list[Offer]

    def offer(self, person: int = 0, slot: int = 0) -> Offer:
        """The offer of the n-th person for the n-th slot."""
        key = (self.slots[slot], self.people[person])
        return next(offer for offer in self.offers if (offer.slot_id, offer.volunteer_id) == key)


def facts(slot_id: int, maximum: int, begin: int = 1, end: int = 9) -> callouts.Slot:
    """A slot from NOW + ``begin`` hours to NOW + ``end`` hours."""
    return callouts.Slot(
        slot_id, "/1/2/3/", NOW + begin * HOUR, NOW + end * HOUR, minimum=1, target=1, maximum=maximum
    )


def approved_plan(tx: Tx, incident_id: int, pairs: int = 1) -> PlanRun:
    """A plan with so many pairs, approved."""
    plan = plans.request(
        tx, incident_id, "/1/2/3/", deadline_seconds=20, seed=1, policy_version=policy_version(tx)
    )
    claimed = plans.claim(tx, 60)
    assert claimed is plan
    plans.finish(tx, plan.id, {"pairs": [{}] * pairs}, objective={}, problem_digest="d")
    return plans.approve(tx, plan.id, local=NOON, rules_of=RULES, night=NIGHT, reason="a test")


def policy_version(tx: Tx) -> int:
    """A policy version to name."""
    return insert(tx, "policy_versions", digest=str(uuid7()))[0]


def plant(
    tx: Tx,
    maxima: list[int],
    head_count: int,
    windows: list[tuple[int, int]] | None = None,
    expires_at: datetime = NOW + 24 * HOUR,
) -> World:
    """A world at NOW: slots with these maxima and windows in hours from NOW, everybody asked for each."""
    tx.now = NOW
    areas.plant(tx)
    return send(tx, maxima, people(tx, head_count), windows, expires_at)


def _offers(tx: Tx, made: list[callouts.New]) -> list[Offer]:
    ids = [new.id for new in made]
    return list(tx.exec(select(Offer).where(bulk.among(col(Offer.id), ids)).order_by(col(Offer.id))))


def send(
    tx: Tx,
    maxima: list[int],
    who: list[int],
    windows: list[tuple[int, int]] | None = None,
    expires_at: datetime = NOW + 24 * HOUR,
    kind: Kind = Kind.DRILL,
) -> World:
    """Another incident, plan and callout for people who are there already."""
    incident_id = incident(tx)
    slot_ids = slots(tx, incident_id, maxima)
    plan = approved_plan(tx, incident_id)
    spans = windows or [(1, 9)] * len(maxima)
    callout, made = callouts.open(
        tx,
        plan,
        kind=kind,
        slots=[facts(slot, most, *span) for slot, most, span in zip(slot_ids, maxima, spans, strict=True)],
        asks=[callouts.Ask(slot, person) for slot in slot_ids for person in who],
        answer_by=NOW + HOUR / 2,
        expires_at=expires_at,
    )
    return World(incident_id, slot_ids, who, plan, callout, _offers(tx, made))
