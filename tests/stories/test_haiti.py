"""The reports of the 2010 Haiti earthquake become tasks, and a proven plan for 5,000 people round them.

Needs HUB_DATA, a folder with ``haiti_2010/reports.csv``; run with -s to read the figures.
"""

import csv
import io
import os
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from volunteer_hub.access import accounts, jurisdictions
from volunteer_hub.access.models import Account, RoleGrant
from volunteer_hub.access.rules import NodeKind, Role
from volunteer_hub.core import clock, db, policy
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.flows import plan, reports
from volunteer_hub.flows.plan import PlanView
from volunteer_hub.flows.planner import Planner
from volunteer_hub.flows.reports import Taken
from volunteer_hub.incidents import declaring
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import IncidentSpec, Node
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.simulation import around
from volunteer_hub.simulation.city import Label
from volunteer_hub.simulation.people import COLUMNS, people
from volunteer_hub.volunteers.exchange import importing
from volunteer_hub.volunteers.policy import Skills

DATA = os.environ.get("HUB_DATA")
REPORTS = Path(DATA or "") / "haiti_2010" / "reports.csv"
HAITI = Label("Haiti (sample)", "海地（样例）")
ZONE = "America/Port-au-Prince"
MORNING = datetime(2026, 1, 14, 13, 0, tzinfo=UTC)  # a Wednesday, eight o'clock there
PEOPLE, SEED, DEADLINE = 5_000, 2010, 60.0

pytestmark = [
    pytest.mark.skipif(DATA is None or not REPORTS.is_file(), reason="HUB_DATA names no folder with it"),
    pytest.mark.slow,
]


@pytest.fixture
def morning(rollback: None) -> Iterator[None]:
    with clock.fixed(MORNING):
        yield


def coordinator() -> tuple[Actor, str]:
    """Somebody who runs the sample's one city, and its area."""
    with db.transaction(SYSTEM, "test.city") as tx:
        node = jurisdictions.Node(
            "HT", NodeKind.CITY, {"en": HAITI.en, "zh": HAITI.zh}, 18.54, -72.34, zone=ZONE
        )
        area = jurisdictions.add(tx, node).path
        account = Account(area=area, email="rose@example.org", name="Rose", lang="en", created_at=tx.now)
        tx.add(account)
        tx.flush()
        tx.add(RoleGrant(account_id=account.id, role=Role.CITY_ADMIN, area=area, granted_at=tx.now))
        tx.flush()
        return accounts.actor_for(tx, account), area


def declare(rose: Actor, area: str) -> int:
    spec = IncidentSpec(area=area, hazard="earthquake", lat=18.54, lon=-72.34, title="Earthquake, Haiti 2010")
    with db.transaction(rose, "incident.declare") as tx:
        return declaring.declare(
            tx,
            policy.load("hazards", Hazards),
            spec,
            node=Node(area, "city"),
            skills=policy.load("skills", Skills).skills,
        ).id


def take_in(rose: Actor, incident_id: int) -> Taken:
    source = reports.column_map("ushahidi_haiti")
    with db.transaction(rose, "report.import") as tx:
        return reports.take_in(tx, tx.get_one(Incident, incident_id), REPORTS.read_bytes(), source)


def settle(places: list[tuple[float, float]]) -> int:
    """A pool round the tasks, by the same import as any file of people."""
    city = around.communities(places, "HT", HAITI)
    file = io.StringIO()
    table = csv.DictWriter(file, COLUMNS)
    table.writeheader()
    table.writerows(people(city, PEOPLE, SEED, today=MORNING.date()))
    with db.transaction(SYSTEM, "volunteer.import") as tx:
        jurisdictions.load_tree(tx, [node for node in around.tree(city, ZONE) if node.parent is not None])
        return importing.apply(tx, io.BytesIO(file.getvalue().encode())).added


def planned(rose: Actor, incident_id: int) -> PlanRun:
    with db.transaction(rose, "plan.request") as tx:
        incident = tx.get_one(Incident, incident_id)
        plan_id = plan.request(tx, incident, seed=SEED, deadline_seconds=DEADLINE).id
    with Planner() as planner:
        assert planner.work_one(threading.Event())
    with db.read(rose) as tx:
        return tx.get_one(PlanRun, plan_id)


def test_the_reports_become_tasks_and_a_proven_plan_with_its_gaps_explained(morning: None) -> None:
    rose, area = coordinator()
    incident_id = declare(rose, area)

    taken = take_in(rose, incident_id)
    assert (taken.rows, len(taken.tasks), len(taken.refused), taken.repeated) == (1788, 1781, 7, ())
    assert [error.params["report"] for error in taken.refused] == [
        "4050", "1852", "1206", "736", "386", "270", "164",
    ]  # fmt: skip
    assert take_in(rose, incident_id).tasks == ()  # read again, every report is a task already

    assert settle([(task.lat, task.lon) for task in taken.tasks]) == PEOPLE

    run = planned(rose, incident_id)
    assert run.result is not None
    figures, proof = run.result["figures"], run.result["proof"]
    assert run.result["state"] == "proven"
    assert (proof["primal"] - proof["dual"], proof["violated"]) == (0, 0)
    assert figures["target"] == 5015
    assert len(run.result["pairs"]) + figures["short_minimum"] + figures["short_target"] == 5015
    assert sum(gap["short"] for gap in run.result["gaps"]) == 5015 - len(run.result["pairs"])
    assert all(run.result["groups"][gap["group"]]["short"] >= gap["short"] for gap in run.result["gaps"])
    tell(taken, run, plan.view(run.result, "en"))


def tell(taken: Taken, run: PlanRun, words: PlanView) -> None:
    """The figures of docs/tutorial-haiti.md."""
    assert run.result is not None
    print(f"\n{taken.rows} reports, {len(taken.tasks)} tasks, {len(taken.refused)} refused:")
    for error in taken.refused:
        print(f"  line {error.params['line']}: report {error.params['report']} at {error.params['value']}")
    print(words.state, words.figures, sep="\n")
    print("funnel:", ", ".join(f"{n} {step}" for step, n in words.funnel))
    print("proof:", run.result["proof"])
    print("seconds:", {k: v for k, v in run.result["seconds"].items() if v >= 0.005})
    print("why chosen:", dict(Counter(pair["why"] for pair in run.result["pairs"]).most_common()))
    short: Counter[str] = Counter()
    binding: Counter[str] = Counter()
    for gap in run.result["gaps"]:
        short["/".join(skill for skill, _ in gap["skills"])] += gap["short"]
        binding[gap["why"]] += gap["short"]
    print("heads open by skill:", dict(short.most_common()))
    print("heads open by what binds:", dict(binding.most_common()))
    print(f"{len(words.gaps)} gaps, {len(run.result['groups'])} groups; the first gaps:")
    for view in words.gaps[:6]:
        print(f"  {view.what}. {view.why} {view.together}")
        print("    " + " > ".join(f"{people} {step}" for step, people in view.left))
    for pair in words.pairs[:5]:
        print(f"  chosen: {pair.why}")
