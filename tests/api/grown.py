"""A world in which every resource of the API has a row: what tests that knock at every door start from."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Connection, text

from tests import databases, people
from tests.doors import client
from tests.flows.callouts import Sent, sent
from tests.incidents.cap_documents import document, info
from volunteer_hub.access import bodies, jurisdictions, tokens
from volunteer_hub.access.models import Account
from volunteer_hub.access.rules import Body
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import GUEST, SYSTEM, Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import settings
from volunteer_hub.feedback import surveys
from volunteer_hub.feedback.actions_rules import Priority, Source
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Form
from volunteer_hub.feedback.rules import Kind as SurveyKind
from volunteer_hub.flows import duty, field, improve, planner, respond, roll_call, solving
from volunteer_hub.flows.findings import Found
from volunteer_hub.flows.insight import Setting
from volunteer_hub.incidents import levels
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import Node
from volunteer_hub.mobilization import plans
from volunteer_hub.volunteers import floors, organisations
from volunteer_hub.volunteers.floors import FloorIn
from volunteer_hub.volunteers.organisations import OrganisationIn
from volunteer_hub.volunteers.rules import OrganisationKind

# word of an address: the table whose public_id it takes
TABLES = {
    "actions": "improvement_actions",
    "accounts": "accounts",
    "alerts": "alerts",
    "callouts": "callouts",
    "complaints": "complaints",
    "drills": "drill_plans",
    "duties": "duties",
    "floors": "reserve_floors",
    "incidents": "incidents",
    "jurisdictions": "jurisdictions",
    "messages": "messages",
    "offers": "offers",
    "organisations": "organisations",
    "plans": "plan_runs",
    "raises": "raise_requests",
    "roll-calls": "roll_calls",
    "slots": "role_slots",
    "surveys": "surveys",
    "tasks": "tasks",
    "tokens": "api_tokens",
    "volunteers": "volunteers",
}
_WORD = re.compile(r"^/(?:api/v1/)?([a-z-]+)")


@dataclass(frozen=True)
class Grown:
    """``who``: role -> a signed-in client. ``ids``: word of an address -> outer ids. ``tokens``: by word."""

    sent: Sent
    who: Mapping[str, TestClient]
    actors: Mapping[str, Actor]
    ids: Mapping[str, list[str]]
    tokens: Mapping[str, list[str]]

    def parameters(self, path: str, names: Iterable[str], choice: int) -> dict[str, str]:
        """Values for the parameters of an address that lead to rows of this world."""
        found = _WORD.match(path)
        word = found.group(1) if found else ""
        known = {"token": self.tokens.get(word, []), "skill": ["first_aid"], "purpose": ["messages"]}
        values = {name: known.get(name, self.ids.get(word, [])) for name in names}
        return {name: some[choice % len(some)] for name, some in values.items() if some}


@contextmanager
def grown(template: str) -> Iterator[tuple[Grown, Connection]]:
    """The world in a database of its own, in a transaction that is never committed."""
    with databases.cloned(template) as address:
        os.environ["HUB_SMTP_URL"] = "smtp://127.0.0.1:9"  # named, so that people can be reached
        databases.use(address)
        settings.cache_clear()
        with db.engine().connect() as connection, connection.begin() as outer, db.bound(connection):
            yield plant(), connection
            outer.rollback()
    del os.environ["HUB_SMTP_URL"]
    settings.cache_clear()


def plant() -> Grown:
    """Mei's flood with a callout out, Bo's yes, and one row of everything else."""
    with db.transaction(SYSTEM, "test.grow") as tx:
        s = sent(tx, helpers=4, crowd=6)
        asked = [s.token(tx, person) for person in (s.world.lin, *s.world.crowd[:3], s.world.bo)]
        told = _more(tx, s)
        actors = {
            "coordinator": s.world.mei,
            "clerk": people.wen(tx),
            "council": people.council(tx),
            "admin": people.an(tx),
            "volunteer": Actor("volunteer", s.world.bo.id, lang="en"),
        }
    with db.transaction(GUEST, "offer.answer") as tx:
        respond.accept(tx, asked[-1], 20)
        field.on_my_way(tx, duty.by_link(tx, asked[-1]), 20)
    with db.transaction(s.world.mei, "roll_call.start") as tx:
        roll_call.start(tx, tx.get_one(Incident, s.world.incident.id))
    client(s.world.mei).post(f"/api/v1/incidents/{s.world.incident.public_id}/plans", json={})
    solve()
    with db.read(SYSTEM) as tx:
        ids = {word: _ids(tx, table) for word, table in TABLES.items()}
    ids["plans"] = ids["plans"][:1]  # the one that was solved; the other was written by hand
    who = {"guest": client()} | {role: client(actor) for role, actor in actors.items()}
    return Grown(s, who, actors, ids, {"offers": asked, "surveys": told, "c": asked, "s": told})


def solve() -> None:
    """What a worker does with the oldest request for a plan, in this process."""
    with db.transaction(SYSTEM, "plan.claim") as tx:
        run = plans.claim(tx, 60)
        assert run is not None
    case = planner.read(run)
    setting = Setting(reachable=case.reachable)
    answer = solving.explained(case.problem, solving.solve(case.problem), 0.0, setting)
    planner.store(run.id, case, answer, lost=False, seconds={"read": 0.1, "answer": 0.2})


def _more(tx: Tx, s: Sent) -> list[str]:
    """One of each: organisation, floor, complaint, alert, question to the city, action, token, survey."""
    unit = OrganisationIn(
        area="/1/2/3/",
        name="Rescue team",
        kind=OrganisationKind.RESCUE_TEAM,
        contact_name="Zhao",
        contact_phone="13900000077",
        contact_email=None,
        activation_minutes=30,
        lat=46.6,
        lon=125.1,
        pledges={"first_aid": 3},
    )
    organisations.create(tx, unit)
    floors.create(tx, FloorIn(area="/1/2/3/", skill="nursing", keep=1))
    with db.transaction(GUEST, "complaint") as as_guest:
        about = jurisdictions.by_code(tx, "DQ-ST-001")
        bodies.complain(as_guest, about, Body.WORKSTATION, "Nobody answers the telephone.")
    answer = client(s.world.mei).post(
        "/api/v1/alerts?area=DQ-ST", content=document(info()), headers={"content-type": "application/xml"}
    )
    assert answer.is_success, answer.text
    with db.transaction(s.world.mei, "raise.ask") as as_mei:
        levels.ask(as_mei, s.world.incident, 1, Node("/1/2/", "district"), reason="The dyke gives way.")
        mine = as_mei.get_one(Account, s.world.mei.id)
        found = Found(Source.AFTER_ACTION, "It was dark.", incident=s.world.incident.public_id)
        improve.propose(as_mei, found, "Lamps", "A lamp at every gate.", Priority.NORMAL)
        tokens.create(as_mei, mine, label="Command", scopes=["incident.read"], area="/1/2/", expires_at=None)
    rules = policy.load("surveys", Surveys)
    asked: list[Any] = surveys.open_for(
        tx, s.world.incident.id, "/1/2/", [s.world.lin.id], rules, kind=SurveyKind.REAL, form=Form.VOLUNTEER
    )
    return [surveys.token(one.public_id) for one in asked]


def _ids(tx: Tx, table: str) -> list[str]:
    newest = text(f"SELECT public_id FROM {table} ORDER BY id DESC LIMIT 4")
    return [str(value) for value in tx.execute(newest).scalars()]
