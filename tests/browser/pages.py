"""Every page of the program as its router lists them, in a world where each has something to show."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi.testclient import TestClient
from sqlmodel import select

from tests import databases
from tests.api.grown import Grown, plant
from tests.doors import client
from tests.flows import improving
from tests.flows.callouts import NOW, Sent
from tests.house.test_screens import pages
from tests.server import Server
from tests.training import taught
from tests.web.coordinator import declared
from volunteer_hub.access.models import Account
from volunteer_hub.boards import slots
from volunteer_hub.core import clock, db, gate, policy
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.feedback import actions, surveys
from volunteer_hub.feedback.actions_models import Voice
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Form, Kind
from volunteer_hub.flows import award, deduct, give, reply, screen, upward
from volunteer_hub.incentives import deductions
from volunteer_hub.incentives.rules import EntryKind
from volunteer_hub.incidents.models import Incident, RoleSlot, Task
from volunteer_hub.volunteers.models import Volunteer

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_STAFF = ("coordinator", "clerk", "admin")


@dataclass(frozen=True)
class Pages:
    """``at``: role -> the paths of the pages that it reads. ``cookies``: role -> those that it holds."""

    address: str
    at: Mapping[str, list[str]]
    cookies: Mapping[str, Mapping[str, str]]


@contextmanager
def planted(template: str) -> Iterator[tuple[str, Grown, dict[str, str]]]:
    """A database with Mei's flood under way at ten in the morning, and something for every page to show: its
    address, who there is, and a value for each word of an address. HUB_SMTP_URL must be set."""
    with databases.cloned(template) as database:
        databases.use(database)
        db.move_clock(NOW)
        with clock.fixed(NOW), databases.building():
            grown = plant()
            ids = {word: some[0] for word, some in grown.ids.items() if some} | _more(grown)
        yield database, grown, ids


@contextmanager
def served(template: str, folder: Path) -> Iterator[Pages]:
    """The program in that world."""
    with planted(template) as (database, grown, ids):
        with clock.fixed(NOW):
            cookies = {role: dict(who.cookies) for role, who in grown.who.items()} | {"guest": half_way()}
        with Server(database, folder, processes=1, workers=0) as server:
            server.wait_until_ready()
            yield Pages(server.address, listed(grown, ids), cookies)


def _more(grown: Grown) -> dict[str, str]:
    """A gate with somebody before it, a report sent upward, an injury, a drill, a file of people, a text."""
    s, mei = grown.sent, client(grown.sent.world.mei)
    here = f"/incidents/{s.world.incident.public_id}"
    opened = mei.post(f"{here}/gates", data={"task": grown.ids["tasks"][0]}).headers["location"]
    (way,) = re.findall(r"/g/([\w-]{22})", mei.get(f"{here}/gates").text)[:1]
    zhou = {"name": "Zhou Min", "phone": "13800001111", "birthday": "1988", "skills": ["first_aid"]}
    came = client().post(f"/g/{way}", data=zhou | {"fit": "yes", "consent": ["mobilization", "messages"]})
    with db.transaction(s.world.mei, "upward.send") as tx:
        incident = tx.get_one(Incident, s.world.incident.id)
        draft = upward.save(tx, incident, upward.prefilled(tx, incident, "en"), "en")
        upward.send(tx, incident, draft, "City duty office")
    hurt = mei.post(f"{here}/injuries", data={"kind": "injury", "words": "A cut.", "once": "b" * 32})
    asked = {"once": "a" * 32, "area": "DQ-ST-001", "hazard": "missing_person", "hour": "0"}
    imagined = mei.post("/what-if", data=asked)
    file = b"name,phone,community\nHua,13900007777,DQ-ST-001\nNobody,,DQ-DT-001\n"
    kept = mei.post("/volunteers/import", files={"file": ("people.csv", file)})
    assert [answer.status_code for answer in (came, hurt, imagined, kept)] == [303] * 4
    over = declared(mei, kind="drill", title="Monday check")
    assert mei.post(f"{over}/state", data={"state": "closed"}).headers["location"] == over
    with db.transaction(SYSTEM, "test.leader") as tx:
        closed = tx.exec(select(Incident).where(Incident.public_id == over.rpartition("/")[2])).one()
        tx.get_one(RoleSlot, s.aid).skill = slots.LEADER  # Bo leads, and has said that he comes
        task = tx.get_one(Task, s.task(tx))
        drill = improving.drill_plan(tx)
        run = improving.held(tx, drill, -24)
        run.incident_id = closed.id
        drills = {"drills": str(drill.public_id), "run": str(run.public_id)}
    with db.transaction(GUEST, "text.receive") as tx:
        text = {"MessageSid": "SM1", "From": "+8613900000002", "Body": "which gate?"}
        reply.judge(tx, reply.receive(tx, text))
        her_own = tx.get_one(Account, s.world.mei.id).public_id
    return {
        "accounts": str(her_own),
        "gates": opened.rpartition("#g-")[2],
        **drills,
        "what-if": imagined.headers["location"].rpartition("/")[2],
        "imports": kept.headers["location"].rpartition("/")[2],
        "call-downs": re.findall(r"/call-downs/([\w-]{36})", mei.get("/call-downs").text)[0],
        "c": grown.tokens["c"][0],
        "accepted": grown.tokens["c"][-1],
        "g": way,
        "here": screen.shown(task, NOW).address.rpartition("/")[2],
        **_raised(s, mei),
        **_learned_and_earned(grown),
        "s": grown.tokens["s"][0],
        "jobs": "deliver",
        "step": "asked",
        "number": "1",
        "newcomers": mei.get("/api/v1/newcomers").json()["items"][0]["volunteer"],  # who came to the gate
    }


def _learned_and_earned(grown: Grown) -> dict[str, str]:
    """A course of our own, a session, a reward that the volunteer of this world has taken, a certificate."""
    mei, me = client(grown.sent.world.mei), grown.who["volunteer"]
    volunteer = grown.actors["volunteer"]
    assert volunteer.id is not None
    course = {"area": "DQ-ST", "code": "dyke_watch", "name": "Dyke watch", "outline": "Seepage", "level": "1"}
    assert mei.post("/training/courses/new", data=course).status_code == 303
    text = {
        "title": {"en": "Seepage", "zh": "渗水"},
        "text": {"en": "# Look\n\n- clear", "zh": "# 看\n\n- 清"},
    }
    lessons = "/api/v1/training/courses/dyke_watch/lessons"
    body = {"lessons": [{"code": "l1"} | text, {"code": "l2"} | text], "read_first": True}
    assert mei.put(lessons, json=body, headers={"if-match": '"1"'}).status_code == 200
    assert mei.post(f"{lessons}/l1/files?name=dyke", content=b"%PDF-1.7").status_code == 201
    with db.transaction(SYSTEM, "test.points") as tx:
        award.deed(tx, EntryKind.TRAINING, "course:dyke_watch", volunteer.id, 50)
    with db.transaction(grown.sent.world.mei, "test.points") as tx:
        me_too, lin = tx.get_one(Volunteer, volunteer.id), grown.sent.world.lin
        deduct.adjust(tx, me_too.public_id, -5, "Counted twice.", "paid_twice")
        deduct.appeal(tx, me_too.id, deductions.of(tx, me_too.id)[0].public_id, "I was there twice.")
        give.name(tx, lin.public_id, "Somebody who can no longer do their shopping.")
    reward = {"area": "DQ-ST", "title": "Ten rides by bus", "cost": 20, "stock": 9}
    offered = mei.post("/api/v1/rewards", json=reward).json()["id"]
    taken = me.post(f"/api/v1/volunteers/me/rewards/{offered}/take").json()
    period = {"begins": "2031-01-01", "ends": "2031-01-20", "hours": True, "duties": True}
    paper = me.post("/api/v1/volunteers/me/certificates", json=period).json()["address"]
    session = taught.planned(grown.sent.world).public_id
    assert me.post(f"/learn/sessions/{session}/enrol").status_code == 303
    return {
        "course": "first_aid",
        "own_course": "dyke_watch",
        "lesson": "l1",
        "sessions": str(session),
        "rewards": taken["id"],
        "counter": taken["code"],
        "v": paper.rpartition("/")[2],
    }


def _raised(s: Sent, mei: TestClient) -> dict[str, str]:
    """Three wrote that it was dark; Mei proposes lamps because of them."""
    rules = policy.load("surveys", Surveys)
    where, ids = s.world.incident, [person.id for person in s.world.crowd[:3]]
    with db.transaction(SYSTEM, "test.surveys") as tx:
        for one in surveys.open_for(
            tx, where.id, where.area, ids, rules, kind=Kind.REAL, form=Form.VOLUNTEER
        ):
            surveys.answer(tx, one, {"overall": 2, "safe": "yes", "missing": "No lamps at the gate."}, rules)
    found = {"source": "theme", "code": "equipment", "incident": str(where.public_id)}
    said = {"finding": "It was dark.", "title": "Lamps", "words": "A lamp at every gate."}
    made = mei.post("/actions/new", data=found | said).headers["location"]
    with db.read(SYSTEM) as tx:
        voice = tx.exec(select(Voice)).first()
        assert voice is not None
        return {"actions": made.rpartition("/")[2], "h": actions.token(voice)}


def half_way() -> dict[str, str]:
    """What somebody holds who was sent a code, to join and to sign in."""
    guest = client()
    guest.post("/join", data={"phone": "13900007788", "email": "new@example.org", "community": "DQ-ST-001"})
    guest.post("/login/code", data={"phone": "13900000002"})
    joining = json.loads(base64.urlsafe_b64decode(guest.cookies["hub_join"])) | {"proof": "of the telephone"}
    return dict(guest.cookies) | {"hub_join": base64.urlsafe_b64encode(json.dumps(joining).encode()).decode()}


def listed(grown: Grown, ids: Mapping[str, str]) -> dict[str, list[str]]:
    """Role -> the paths of the pages that it reads."""
    found: dict[str, list[str]] = {}
    for path, right in pages():
        found.setdefault(_reader(grown, right), []).append(_filled(path, ids))
    return found


def _reader(grown: Grown, policy: str) -> str:
    if policy in (gate.PUBLIC, gate.LINK):
        return "guest"
    if policy == gate.SELF:
        return "volunteer"
    return next(role for role in _STAFF if grown.actors[role].may(policy))


def _filled(path: str, ids: Mapping[str, str]) -> str:
    """Raises KeyError for a page of something that the world does not hold: plant one."""
    parts = path.split("/")
    words = {"me": "rewards", "learn": "sessions", "training": "sessions"}
    of_accepted = parts[1] == "c" and parts[-1] in ("duty", "roll-call", "people", "screen")
    word = "accepted" if of_accepted else words.get(parts[1], parts[1])
    if "/courses/{code}" in path:
        path = path.replace(
            "{code}",
            ids["own_course" if path.endswith(("/edit", "/questions")) or "/lessons" in path else "course"],
        )
        word = "volunteers"
    return _PARAMETER.sub(
        lambda name: ids[name[1] if name[1] in ("step", "number", "run", "lesson") else word], path
    )
