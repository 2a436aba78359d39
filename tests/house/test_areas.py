"""Every route x role x {own area, another area, nothing there}: what is foreign looks like what is absent."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.flows.callouts import Sent, approved, at_ten, planned
from tests.house.test_doors import WORDS, routes
from tests.world import world
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST, SYSTEM, Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback.actions_rules import Priority, Source
from volunteer_hub.flows import duty, field, improve, mobilize, plan, respond, roll_call
from volunteer_hub.flows.findings import Found
from volunteer_hub.incidents.models import Incident, RoleSlot, Task
from volunteer_hub.mobilization.models import Offer

ROLES = ("mei", "kai", "wen", "an", "council")
GUARDED = [(m, p, who[0]) for m, p, who in routes() if len(who) == 1 and who[0] not in WORDS]
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


@pytest.fixture(autouse=True)
def ten_oclock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def filled(path: str, value: str) -> str:
    return _PARAMETER.sub(value, path)


def answered(browser: TestClient, method: str, path: str) -> tuple[int, str]:
    body: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": {}}
    answer = browser.request(method, path, **body)
    return answer.status_code, answer.text


def asked(actor: Actor, method: str, path: str) -> tuple[int, str]:
    return answered(client(actor), method, path)


def test_every_route_opens_to_exactly_the_roles_of_its_permission(tx: Tx) -> None:
    actors = {role: getattr(people, role)(tx) for role in ROLES}
    who = {role: client(actor) for role, actor in actors.items()} | {"nobody": client()}
    wrong: dict[tuple[str, ...], tuple[int, str]] = {}
    for method, path, permission in GUARDED:
        address = filled(path, str(uuid.uuid4()))
        shut = 401 if path.startswith("/api") or method != "GET" else 303
        for role, browser in who.items():
            with db.transaction(SYSTEM, "test") as own, own.begin_nested() as before:
                status, text = answered(browser, method, address)
                before.rollback()
            right = (
                status == shut
                if role == "nobody"
                else status < 500 and (status == 403) == (not actors[role].may(permission))
            )
            if not right:
                wrong[method, path, role] = (status, text[:300])
    assert wrong == {}
    assert len(GUARDED) > 200


def sent(tx: Tx) -> Sent:
    """Mei's flood in Sartu with a plan, a callout and offers."""
    w = world(tx, crowd=3)
    run = approved(w, planned(tx, w, [(w.slots[0], w.bo), (w.slots[1], w.lin)]))
    with db.transaction(w.mei, "callout.send") as as_mei:
        return Sent(w, run, mobilize.send(as_mei, run))


def identities(tx: Tx, s: Sent) -> dict[str, uuid.UUID]:
    """The outer id behind each first word of an address."""
    with db.transaction(s.world.mei, "plan.request") as as_mei:
        requested = plan.request(as_mei, as_mei.get_one(Incident, s.world.incident.id), seed=1)
    task = tx.exec(select(Task).where(col(Task.incident_id) == s.world.incident.id)).one()
    slot = tx.exec(select(RoleSlot).where(col(RoleSlot.task_id) == task.id)).first()
    offer = tx.exec(select(Offer).where(col(Offer.callout_id) == s.callout.id)).first()
    assert slot is not None
    assert offer is not None
    return {
        "incidents": s.world.incident.public_id,
        "tasks": task.public_id,
        "slots": slot.public_id,
        "plans": requested.public_id,
        "callouts": s.callout.public_id,
        "offers": offer.public_id,
        "volunteers": s.world.bo.public_id,
        "roll-calls": called(tx, s),
        "actions": improved(tx, s),
    }


def improved(tx: Tx, s: Sent) -> uuid.UUID:
    """An action of Mei's."""
    found = Found(Source.AFTER_ACTION, "It was dark.", incident=s.world.incident.public_id)
    with db.transaction(s.world.mei, "action.propose") as as_mei:
        return improve.propose(as_mei, found, "Lamps", "At every gate.", Priority.NORMAL).public_id


def called(tx: Tx, s: Sent) -> uuid.UUID:
    """A roll call of Mei's, with Bo on the way."""
    with db.transaction(GUEST, "offer.answer") as own:
        respond.accept(own, s.token(tx, s.world.bo))
        field.on_my_way(own, duty.by_link(own, s.token(tx, s.world.bo)), 20)
    with db.transaction(s.world.mei, "roll_call.start") as as_mei:
        return roll_call.start(as_mei, as_mei.get_one(Incident, s.world.incident.id)).public_id


def resource(path: str) -> str:
    return next((part for part in path.removeprefix("/api/v1").split("/") if part), "")


_BY_ID = re.compile(r"^(/api/v1)?/\w+/\{\w+(:uuid)?\}")
BY_ID = [(m, p, who) for m, p, who in GUARDED if _BY_ID.match(p) and len(_PARAMETER.findall(p)) == 1]
ENDLESS = ("/stream", "/events")
"""These end only with their reader; what they say first is read in tests/stories/test_live.py."""


def test_what_is_foreign_is_answered_like_what_is_absent(tx: Tx) -> None:
    s = sent(tx)
    known = identities(tx, s)
    kai = people.kai(tx)
    seen = 0
    for method, path, _ in BY_ID:
        if resource(path) not in known:
            continue
        foreign, absent = known[resource(path)], uuid.uuid4()
        answers = [asked(kai, method, filled(path, str(one))) for one in (foreign, absent)]
        plain = [
            (status, text.replace(str(one), "ID"))
            for (status, text), one in zip(answers, (foreign, absent), strict=True)
        ]
        assert plain[0] == plain[1], (method, path)
        assert plain[0][0] in (404, 422), (method, path, plain[0])
        seen += 1
    assert seen > 20


def test_what_is_ones_own_can_be_read(tx: Tx) -> None:
    s = sent(tx)
    known = identities(tx, s)
    pages = [p for m, p, _ in BY_ID if m == "GET" and not p.endswith(ENDLESS)]
    read = [(p, known[resource(p)]) for p in pages if resource(p) in known]
    answers = {path: asked(s.world.mei, "GET", filled(path, str(one)))[0] for path, one in read}
    assert {path for path, status in answers.items() if status != 200} == set()
    assert len(answers) > 8
