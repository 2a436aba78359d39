"""Hostile words and numbers in every field, of every main resource and of every form: refused in words, or
kept and returned exactly, and escaped in every page."""

import copy
import html
import json
import math
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote_plus

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from tests.api.grown import Grown, grown
from volunteer_hub.api.errors import MEDIA_TYPE
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.simulation.forms import Form, forms

SCRIPT = "<script>alert(1)</script>"
WORDS = {
    "nul": "a\0b",
    "turned": "\u202egnp.exe",
    "emoji": "👩🏽‍🚒 救火",
    "megabyte": "长" * 350_000,
    "script": SCRIPT,
    "quoted": "\"'><img src=x onerror=alert(1)>",
    "template": "{{7*7}} ${7*7} {n}",
    "sql": "'; DROP TABLE volunteers; --",
    "surrogate": "\ud800",
}
NUMBERS = {
    "large": 2**63,
    "small": -(2**63) - 1,
    "nan": math.nan,
    "endless": math.inf,
    "ninety-one": 91,
    "below": -91,
    "half": 0.5,
    "huge": 1e308,
}
JSON = {"content-type": "application/json"}
FILLED_IN = {"content-type": "application/x-www-form-urlencoded"}
UNSEEN = frozenset(["insurer", "policy_no", "education", "emergency_contact", "minutes_there"])
"""Fields that no answer shows, and one that a repeated yes does not change."""
ALSO = {
    "coordinator POST /incidents": ("coordinator", "/incidents/{}/tasks"),
    "guest POST /complaints": ("admin", "/complaints/{}"),
}
"""Where somebody else reads what these answers do not show."""
pytestmark = pytest.mark.xdist_group("hostile")  # what is set up once, one worker sets up
TASK = {
    "title": "Pumps",
    "place": "East gate",
    "lat": 46.6,
    "lon": 125.1,
    "starts_at": "2036-07-14T03:00:00+08:00",
    "ends_at": "2036-07-14T07:00:00+08:00",
    "priority": 2,
    "hazards": ["water"],
    "pickup": "At the school",
    "slots": [
        {
            "name": "Crew",
            "skill": "first_aid",
            "level": 1,
            "minimum": 1,
            "target": 2,
            "maximum": 3,
            "minima": [{"skill": "first_aid", "heads": 1, "level": 1}],
        }
    ],
}
PERSON = {
    "name": "Hua",
    "birthday": "1990-04-01",
    "email": "hua@example.org",
    "language": "zh",
    "community": "DQ-ST-001",
    "street": "Sartu Street",
    "address": "1 East Lane",
    "lat": 46.6,
    "lon": 125.1,
    "availability": "1" * 14,
    "quiet_from": "22:30",
    "quiet_until": "06:00",
    "max_km": 10,
    "education": "middle school",
    "insurer": "PICC",
    "policy_no": "A-1",
    "emergency_contact": "Mother",
}
PLAIN: dict[str, dict[str, Any]] = {
    "admin POST /jurisdictions": {
        "code": "DQ-ST-009",
        "kind": "community",
        "name": {"en": "New", "zh": "新社区"},
        "parent": "DQ-ST",
        "street": "Sartu Street",
        "zone": "Asia/Shanghai",
        "lat": 46.6,
        "lon": 125.1,
        "residents": 100,
    },
    "admin POST /accounts": {"area": "DQ-ST", "email": "zhou@example.org", "name": "Zhou", "lang": "zh"},
    "coordinator POST /tokens": {"label": "Board", "scopes": ["incident.read"], "area": "DQ-ST"},
    "coordinator POST /volunteers": PERSON | {"phone": "13912340000", "skills": "first_aid:1"},
    "coordinator PATCH /volunteers/{volunteers}": PERSON,
    "volunteer PATCH /volunteers/me": PERSON,
    "coordinator POST /organisations": {
        "area": "DQ-ST-001",
        "name": "Rescue",
        "kind": "rescue_team",
        "contact_name": "Zhao",
        "contact_phone": "13900000078",
        "contact_email": "zhao@example.org",
        "activation_minutes": 30,
        "lat": 46.6,
        "lon": 125.1,
        "pledges": {"first_aid": 3},
    },
    "coordinator POST /incidents": {
        "area": "DQ-ST",
        "hazard": "flood",
        "title": "Flood",
        "level": 4,
        "lat": 46.6,
        "lon": 125.1,
        "tasks": [TASK],
    },
    "coordinator PATCH /incidents/{incidents}": {"title": "Flood", "lat": 46.6, "lon": 125.1},
    "coordinator POST /incidents/{incidents}/log": {"text": "The pump truck has come."},
    "coordinator POST /incidents/{incidents}/tasks": TASK,
    "coordinator PATCH /tasks/{tasks}": {"title": "Pumps", "place": "South gate", "pickup": "School"},
    "coordinator POST /incidents/{incidents}/plans": {"seed": 1, "deadline_seconds": 5},
    "guest POST /complaints": {"about": "DQ-ST-001", "body": "workstation", "text": "Nobody is there."},
    "guest POST /offers/link/{token}/accept": {"minutes_there": 20},
    "guest POST /offers/link/{token}/decline": {"reason": "busy"},
}


@pytest.fixture(scope="module")
def whole(template: str) -> Iterator[tuple[Grown, Connection]]:
    with grown(template) as found:
        yield found


@pytest.fixture
def world(whole: tuple[Grown, Connection]) -> Iterator[Grown]:
    found, connection = whole
    with connection.begin_nested() as before:
        yield found
        before.rollback()


def leaves(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every text and number of a body."""
    pairs = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else None
    if pairs is None:
        yield path
        return
    for key, below in pairs:
        yield from leaves(below, (*path, key))


def replaced(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(body)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def texts(answer: Any) -> set[Any]:
    """Every text and number of an answer."""
    found: set[Any] = set()
    for path in leaves(answer):
        place = answer
        for key in path:
            place = place[key]
        found.add(place)
    return found


def version(who: TestClient, path: str) -> dict[str, str]:
    tag = who.get(path).headers.get("etag")
    return {"if-match": tag} if tag else {}


@pytest.mark.parametrize("label", PLAIN)
def test_hostile_values_are_refused_in_words_or_returned_exactly(label: str, world: Grown) -> None:
    role, method, address = label.split()
    ids = {word: some[0] for word, some in world.ids.items() if some} | {"token": world.tokens["offers"][0]}
    path = "/api/v1" + address.format(**ids)
    who, body = world.who[role], PLAIN[label]
    plain = who.request(method, path, json=body, headers=version(who, path))
    assert plain.is_success, plain.text
    seen = version(who, path)
    for way in leaves(body):
        for value in (*WORDS.values(), *NUMBERS.values()):
            sent = json.dumps(replaced(body, way, value)).encode()
            answer = who.request(method, path, content=sent, headers=JSON | seen)
            if answer.is_success:
                seen = version(who, path)
            where = (label, way, str(value)[:40], answer.status_code)
            assert answer.status_code < 500, where
            assert len(answer.content) < 200_000, where
            if not answer.is_success:
                assert answer.headers["content-type"] == MEDIA_TYPE, where
                assert answer.json()["title"], where
            elif UNSEEN.isdisjoint(way):
                shown = texts(answer.json())
                if label in ALSO:
                    reader, there = ALSO[label]
                    shown |= texts(
                        world.who[reader].get("/api/v1" + there.format(answer.json()["id"])).json()
                    )
                assert value in shown, where


def test_hostile_keys_are_refused(world: Grown) -> None:
    for label, body in PLAIN.items():
        role, method, address = label.split()
        ids = {word: some[0] for word, some in world.ids.items() if some} | {"token": "x" * 22}
        for key in WORDS.values():
            sent = json.dumps(body | {key: 1}).encode()
            answer = world.who[role].request(
                method,
                "/api/v1" + address.format(**ids),
                content=sent,
                headers=JSON | {"if-match": '"1"'},
            )
            assert answer.status_code == 422, (label, key[:40])
            assert len(answer.content) < 200_000


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{" * 100_000, b'{"title": 1' + b"0" * 10_000 + b"}"],
)
def test_a_body_that_is_no_object_is_refused(world: Grown, content: bytes) -> None:
    answer = world.who["coordinator"].post("/api/v1/incidents", content=content, headers=JSON)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == MEDIA_TYPE


def test_a_reason_may_have_two_lines_but_no_control_signs(world: Grown) -> None:
    address, mei = f"/api/v1/volunteers/{world.ids['volunteers'][0]}/suspend", world.who["coordinator"]
    refused = mei.post(address, json={"reason": "rang\x1b the wrong bell"})
    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "reason")
    taken = mei.post(address, json={"reason": "rang the wrong bell\ntwice"})
    assert (taken.status_code, taken.json()["reason"]) == (200, "rang the wrong bell\ntwice")


SHOWN = {name: WORDS[name] for name in ("turned", "emoji", "script", "quoted", "template", "sql")}


@pytest.mark.parametrize("name", SHOWN)
def test_hostile_texts_are_escaped_in_every_page_that_shows_them(name: str, world: Grown) -> None:
    value, mei = SHOWN[name], world.who["coordinator"]
    incident = PLAIN["coordinator POST /incidents"] | {"title": value}
    incident["tasks"] = [TASK | {"title": value, "place": value, "pickup": value}]
    made = mei.post("/api/v1/incidents", json=incident).json()
    mei.post(f"/api/v1/incidents/{made['id']}/log", json={"text": value})
    task = mei.get(f"/api/v1/incidents/{made['id']}/tasks").json()["items"][0]["id"]
    person = mei.post("/api/v1/volunteers", json=PERSON | {"name": value, "phone": "13912349999"}).json()
    pages = ["/incidents", f"/incidents/{made['id']}", f"/tasks/{task}", "/volunteers"]
    pages += [f"/volunteers/{person['id']}", "/audit"]
    for page in pages:
        answer = mei.get(page)
        assert answer.status_code == 200, page
        assert SCRIPT not in answer.text, page
        assert "<img src=x" not in answer.text, page
        if page != "/audit":
            assert value in html.unescape(answer.text), page


PAGES = {
    "guest": ("/login", "/login/code", "/login/code/check", "/join", "/join/check", "/join/details",
              "/c/{token}", "/c/{token}/decline", "/c/{token}/later", "/c/{token}/duty", "/s/{survey}"),
    "coordinator": ("/incidents/new", "/incidents/{incidents}", "/incidents/{incidents}/tasks/new",
                    "/tasks/{tasks}", "/plans/{plans}", "/callouts/{callouts}", "/drills", "/drills/new",
                    "/volunteers", "/volunteers/{volunteers}", "/volunteers/import", "/audit"),
    "volunteer": ("/me", "/me/correct", "/me/availability", "/me/erase", "/today"),
}  # fmt: skip


@pytest.mark.parametrize(("role", "page"), [(role, page) for role, pages in PAGES.items() for page in pages])
def test_hostile_values_in_forms_are_never_a_fault_of_ours(role: str, page: str, world: Grown) -> None:
    ids = {word: some[0] for word, some in world.ids.items() if some}
    ids |= {"token": world.tokens["offers"][0], "survey": world.tokens["surveys"][0]}
    address = page.format(**ids)
    answer = world.who[role].get(address)
    assert answer.status_code in (200, 303), answer.status_code
    every = (*WORDS.values(), *map(str, NUMBERS.values()))
    for form in forms(answer.text):
        typed = [(field, value) for field in form.texts for value in every]
        chosen = [
            (field, WORDS[name]) for field in (*form.choices, *form.fields) for name in ("nul", "script")
        ]
        for field, value in typed + chosen:
            _post(world, role, form, field, value)


@cache
def _quoted(text: str) -> str:
    """As a browser sends it; one that is no text at all, as a program might."""
    return quote_plus(text.encode("utf-8", "surrogatepass"))


def _post(world: Grown, role: str, form: Form, field: str, value: str) -> None:
    data = {name: some[0] for name, some in form.choices.items() if some} | form.fields | {field: value}
    content = "&".join(f"{_quoted(name)}={_quoted(text)}" for name, text in data.items())
    with db.transaction(SYSTEM, "test") as tx, tx.begin_nested() as before:
        answer = world.who[role].post(form.action, content=content, headers=FILLED_IN)
        where = (form.action, field, value[:40], answer.status_code)
        assert answer.status_code < 500, where
        assert SCRIPT not in answer.text, where
        assert "<img src=x" not in answer.text, where
        assert len(answer.content) < 6_000_000, where
        before.rollback()
