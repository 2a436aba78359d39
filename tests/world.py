"""A small flood in Sartu: Mei's incident, its tasks and slots, and the people who may be called."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select

from tests import kept, people
from volunteer_hub.core import policy
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.db import Tx, read, transaction
from volunteer_hub.incidents import declaring, queries
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import IncidentSpec, Kind, MinimumSpec, Node, SlotSpec, TaskSpec
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.exchange import importing
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.policy import Skills

GATE = (46.600, 125.110)


@dataclass(frozen=True)
class World:
    """``slots`` are (task, slot) ids in order: sandbags (6 of target 8), first aid (1 of 2)."""

    mei: Actor
    incident: Incident
    slots: tuple[int, ...]
    bo: Volunteer
    lin: Volunteer
    crowd: tuple[Volunteer, ...]


Names = tuple[Actor, int, tuple[int, ...], tuple[int, ...]]


def person(name: str, number: int, **fields: object) -> dict[str, object]:
    """One row of a file of people, in Dongfeng, free at any hour, insured and fit."""
    row: dict[str, object] = {
        "external_id": f"P{number:05d}",
        "name": name,
        "birthday": "1990-05-01",
        "phone": f"139{number:08d}",
        "email": f"p{number}@example.org",
        "language": "en",
        "community": "DQ-ST-001",
        "lat": GATE[0] + number % 40 / 2000,
        "lon": GATE[1] + number % 7 / 1000,
        "precision": "building",
        "skills": "general:1",
        "availability": "1" * 14,
        "travel_mode": "car",
        "max_km": 30,
        "basis": "voluntary",
        "fit": "yes",
        "insured_by": "node",
        "insured_until": "2099-01-01",
        "status": "active",
    }
    return row | fields


def brought_in(tx: Tx, rows: Sequence[dict[str, object]]) -> tuple[Volunteer, ...]:
    """Many people at once, as a file brings them in, in its order: far quicker than one by one."""
    file = io.StringIO()
    table = csv.DictWriter(file, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    importing.apply(tx, io.BytesIO(file.getvalue().encode()))
    numbers = [row["external_id"] for row in rows]
    wanted = select(Volunteer).where(col(Volunteer.external_id).in_(numbers)).order_by(col(Volunteer.id))
    return tuple(tx.exec(wanted))


def sandbagging(starts: datetime, hours: int = 4) -> TaskSpec:
    """Sandbags at the gate: 6 to 10 helpers, of them a first-aider; and one to two first-aiders beside."""
    return TaskSpec(
        title="Sandbags at the east gate",
        place="East gate",
        lat=GATE[0],
        lon=GATE[1],
        starts_at=starts,
        ends_at=starts + timedelta(hours=hours),
        slots=(
            SlotSpec(minimum=6, target=8, maximum=10, minima=(MinimumSpec("first_aid", 1),)),
            SlotSpec(minimum=1, target=2, maximum=2, skill="first_aid", level=1),
        ),
        priority=5,
    )


def world(tx: Tx, *, crowd: int = 20, kind: Kind = Kind.REAL) -> World:
    """Builds it in the running transaction; ``tx`` is the system's."""
    return kept.once(
        tx, ("world", crowd, kind), lambda: _built(tx, crowd, kind), named, lambda names: found(tx, names)
    )


def _built(tx: Tx, crowd: int, kind: Kind) -> World:
    mei = people.mei(tx)
    bo = registry.register(tx, person("Bo", 1, skills="first_aid:2;general:1"))
    lin = registry.register(tx, person("Lin", 2))
    rows = [
        person(f"Helper {n}", n, skills="first_aid:1;general:1" if n % 5 == 0 else "general:1")
        for n in range(3, 3 + crowd)
    ]
    others = brought_in(tx, rows) if rows else ()
    for one in (bo, lin):
        tx.refresh(one)  # what the file wrote was not seen by this session
    with transaction(mei, "incident.declare") as as_mei:
        incident = declare(as_mei, kind=kind)
        view = queries.whole(as_mei, incident)
    slots = tuple(slot.slot.id for task in view.tasks for slot in task.slots)
    return World(mei, incident, slots, bo, lin, others)


def named(w: World) -> Names:
    """By what `found` finds it again."""
    return w.mei, w.incident.id, w.slots, tuple(one.id for one in (w.bo, w.lin, *w.crowd))


def found(tx: Tx, names: Names) -> World:
    """The world that is there already."""
    mei, incident, slots, ids = names
    bo, lin, *crowd = tx.exec(select(Volunteer).where(col(Volunteer.id).in_(ids)).order_by(col(Volunteer.id)))
    with read(SYSTEM) as apart:
        flood = apart.get_one(Incident, incident)
    return World(mei, flood, slots, bo, lin, tuple(crowd))


def declare(tx: Tx, *, kind: Kind = Kind.REAL, starts: datetime | None = None) -> Incident:
    """Mei's flood with the sandbagging task, starting in an hour."""
    spec = IncidentSpec(
        area="/1/2/", hazard="flood", lat=GATE[0], lon=GATE[1], title="Flood at the east gate", kind=kind
    )
    task = sandbagging(starts or tx.now + timedelta(hours=1))
    return declaring.declare(
        tx,
        policy.load("hazards", Hazards),
        spec,
        node=Node("/1/2/", "district"),
        skills=policy.load("skills", Skills).skills,
        tasks_wanted=(task,),
    )


__all__ = ["GATE", "SYSTEM", "World", "declare", "person", "sandbagging", "world"]
