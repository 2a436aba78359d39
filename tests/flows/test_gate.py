"""People come by themselves: through the gate's own form, past a leader's eyes, to a place or home."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.flows.callouts import NOW, Sent, answer, at_ten, minutes_later, sent
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import forget, gate, respond
from volunteer_hub.incidents.models import RoleSlot, Task
from volunteer_hub.mobilization import attendance
from volunteer_hub.mobilization.gate_models import GateEntry
from volunteer_hub.mobilization.models import Offer, SlotFill
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.volunteers import consents, registry, skills
from volunteer_hub.volunteers.models import SkillClaim, Volunteer
from volunteer_hub.volunteers.rules import InsuredBy, Status

ZHOU = {"name": "Zhou Min", "phone": "13800001111", "birthday": "1988", "skills": ["first_aid"], "fit": "yes"}
CONSENT = {"consent": ["mobilization", "messages"]}


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


class Gate:
    """A gate of the sandbagging task, opened by Mei, as its link and its leader see it."""

    def __init__(self, tx: Tx, out: Sent) -> None:
        self.tx, self.out, self.mei = tx, out, client(out.world.mei)
        self.page = f"/incidents/{out.world.incident.public_id}/gates"
        task = tx.get_one(Task, out.task(tx))
        self.opened = self.mei.post(self.page, data={"task": str(task.public_id)})
        html = self.mei.get(self.page).text
        self.link = re.findall(r'href="http://127.0.0.1:8000(/g/[\w-]{22})"', html)[0]

    def come(self, **typed: Any) -> int:
        return client().post(self.link, data=ZHOU | CONSENT | typed).status_code

    def entry(self, phone: str = "+8613800001111") -> GateEntry:
        row = registry.by_phone(self.tx, phone)
        assert row is not None
        wanted = (
            select(GateEntry).where(col(GateEntry.volunteer_id) == row.id).order_by(col(GateEntry.id).desc())
        )
        found = self.tx.exec(wanted.execution_options(populate_existing=True)).first()
        assert found is not None
        return found

    def slot(self, slot_id: int) -> str:
        return str(self.tx.get_one(RoleSlot, slot_id).public_id)

    def admit(self, entry: GateEntry, slot_id: int, **more: str) -> str:
        """What the page says; empty when they were let in."""
        form = {"identity": "yes", "slot": self.slot(slot_id)} | more
        told = self.mei.post(f"/gate-entries/{entry.public_id}/admit", data=form)
        self.tx.expire_all()
        if told.status_code == 303:
            return ""
        return " ".join(re.sub(r"<[^>]+>", " ", told.text).split())


@pytest.fixture
def out(tx: Tx) -> Sent:
    return sent(tx, helpers=2, crowd=1)


@pytest.fixture
def at(tx: Tx, out: Sent) -> Gate:
    return Gate(tx, out)


def test_a_newcomer_is_at_work_a_minute_after_scanning_the_code(tx: Tx, out: Sent, at: Gate) -> None:
    form = client(lang="zh").get(at.link).text
    assert "REAL CALLOUT" in form
    boxes = re.findall(r'<input[^>]* name="(\w+)"', form)
    assert [box for box in boxes if box not in ("skills", "consent")] == [
        "name",
        "phone",
        "birthday",
        "fit",
        "guardian_name",
        "guardian_phone",
        "guardian_consent",
    ]
    assert "<script" not in form
    told = client().post(at.link, data=ZHOU | CONSENT)
    assert told.headers["location"] == f"{at.link}/here"
    assert "Please wait here" in client().get(told.headers["location"]).text

    entry = at.entry()
    page = at.mei.get(at.page).text
    assert "Zhou Min" in page
    assert "Say they can do, not verified:" in page
    with minutes_later(61):
        assert at.admit(entry, out.helpers) == ""
    entry = at.entry()
    row = tx.get_one(Volunteer, entry.volunteer_id)
    assert (row.status, row.name, row.area) == (Status.APPLIED, "Zhou Min", "/1/2/3/")
    assert (row.birthday and row.birthday.isoformat(), row.fit) == ("1988-12-31", True)
    assert (entry.state.value, entry.identity_by) == ("admitted", out.world.mei.id)
    offer = tx.get_one(Offer, entry.offer_id)
    duty = attendance.of_offer(tx, offer)
    assert duty is not None
    assert (duty.state.value, duty.grade and duty.grade.value) == ("on_site", "B")
    assert duty.checked_in_at == NOW + timedelta(minutes=61)
    assert (offer.state.value, offer.asked_at) == ("on_site", None)
    assert {one.purpose.value for one in consents.in_force(tx, row.id)} == {"mobilization", "messages"}
    assert tx.get_one(SkillClaim, (row.id, "first_aid")).state.value == "claimed"
    assert skills.level_on(tx, row.id, "first_aid", NOW.date(), vouched=True) == 0
    assert "let in by Mei" in at.mei.get(at.page).text


def test_whoever_types_a_known_number_learns_nothing_and_changes_nothing(tx: Tx, out: Sent, at: Gate) -> None:
    lin = out.world.lin
    before = (lin.name, lin.birthday, lin.version, lin.fit)
    known = client().post(at.link, data=ZHOU | CONSENT | {"phone": str(lin.phone), "birthday": "1950"})
    fresh = client().post(at.link, data=ZHOU | CONSENT)
    assert (known.status_code, known.headers["location"]) == (fresh.status_code, fresh.headers["location"])
    tx.refresh(lin)
    assert (lin.name, lin.birthday, lin.version, lin.fit) == before
    assert tx.get(SkillClaim, (lin.id, "first_aid")) is None
    page = at.mei.get(at.page).text
    assert "In the pool already." in page
    assert "At the gate they gave the name Zhou Min." in page
    assert at.admit(at.entry(str(lin.phone)), out.helpers) == ""
    assert out.offer(tx, lin).state.value == "on_site"
    assert tx.get_one(SkillClaim, (lin.id, "first_aid")).state.value == "claimed"
    assert at.come() == 303
    waiting = select(GateEntry).where(col(GateEntry.state) == "waiting")
    assert len(tx.exec(waiting).all()) == 1


def test_what_stands_in_the_way_is_said_beside_the_person(tx: Tx, out: Sent, at: Gate) -> None:
    assert at.come() == 303
    entry = at.entry()
    assert "tick that you have seen it" in at.admit(entry, out.helpers, identity="")
    assert "a skill that nobody has verified" in at.admit(entry, out.aid)
    tx.get_one(Task, out.task(tx)).hazardous = True
    tx.get_one(RoleSlot, out.helpers).adult_only = True
    tx.get_one(RoleSlot, out.helpers).insured_only = True
    tx.flush()
    assert "not insured that day" in at.admit(entry, out.helpers)
    young = {"phone": "13800002222", "birthday": "20140510", "name": "Xiao Xi", "fit": ""}
    assert at.come(**young) == 422
    guardian = {"guardian_consent": "yes", "guardian_name": "Xi", "guardian_phone": "13800003333"}
    assert at.come(**young, **guardian) == 303
    minor = at.entry("+8613800002222")
    assert "adults only" in at.admit(minor, out.helpers)
    assert "do not say that they are fit" in at.admit(minor, out.helpers, birthday="1999-05-10")
    assert "fill in" not in at.mei.get(at.page).text


def test_the_node_insures_whoever_is_let_in_where_the_operator_says_so(
    tx: Tx, out: Sent, at: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = policy.load("callouts", Callouts).gate
    monkeypatch.setattr(gate, "rules_of", lambda: rules.model_copy(update={"insures": True}))
    tx.get_one(RoleSlot, out.helpers).insured_only = True
    tx.flush()
    at.come()
    assert at.admit(at.entry(), out.helpers) == ""
    row = tx.get_one(Volunteer, at.entry().volunteer_id)
    assert (row.insured_by, row.insured_until and row.insured_until.isoformat()) == (
        InsuredBy.NODE,
        "2031-01-20",
    )


def test_no_place_beyond_the_maximum_and_nobody_in_two_places(tx: Tx, out: Sent, at: Gate) -> None:
    fill = tx.get_one(SlotFill, (out.helpers, out.callout.id))
    fill.filled, fill.maximum = fill.maximum, fill.maximum
    tx.flush()
    at.come()
    assert "All places of this role are taken." in at.admit(at.entry(), out.helpers)
    assert at.entry().state.value == "waiting"
    fill.filled = 0
    tx.flush()
    bo = out.world.bo
    answer(respond.accept, out.token(tx, bo))
    at.come(phone=str(bo.phone))
    assert "promised elsewhere" in at.admit(at.entry(str(bo.phone)), out.helpers).lower()
    assert at.admit(at.entry(str(bo.phone)), out.aid) == ""


def test_sent_home_with_a_reason_and_forgotten_on_request(tx: Tx, out: Sent, at: Gate) -> None:
    at.come()
    where = f"/gate-entries/{at.entry().public_id}/refuse"
    assert "Say why they are sent home." in at.mei.post(where, data={"reason": ""}).text
    assert at.mei.post(where, data={"reason": "smells of drink"}).status_code == 303
    assert "smells of drink" in at.mei.get(at.page).text
    assert "Somebody has decided" in at.mei.post(where, data={"reason": "again"}).text
    entry = at.entry()
    with transaction(people.an(tx), "volunteer.erase") as as_an:
        forget.by_staff(as_an, tx.get_one(Volunteer, entry.volunteer_id).public_id)
    tx.refresh(entry)
    assert (entry.name, entry.skills, entry.reason) == (None, [], None)


def test_a_gate_is_printed_closed_and_ends_with_its_time(tx: Tx, out: Sent, at: Gate) -> None:
    assert (
        at.mei.post(at.page, data={"task": str(tx.get_one(Task, out.task(tx)).public_id)}).headers["location"]
        == at.opened.headers["location"]
    )
    gate_id = at.opened.headers["location"].rpartition("#g-")[2]
    sheet = at.mei.get(f"/gates/{gate_id}/sheet").text
    assert "想帮忙？请在这里登记" in sheet
    assert at.mei.get(f"/gates/{gate_id}/qr.svg").headers["content-type"] == "image/svg+xml"
    for path in (f"/gates/{gate_id}/sheet", at.page):
        assert client(people.kai(tx)).get(path).status_code == 404
    with minutes_later(301):
        assert client().get(at.link).status_code == 410
    assert client().get("/g/" + "x" * 22).status_code == 404
    assert at.mei.post(f"/gates/{gate_id}/close").status_code == 303
    assert at.come() == 410
    assert "Nobody new is taken in here any more." in client().get(at.link).text


def test_one_address_is_limited_and_mistakes_are_named(
    tx: Tx, out: Sent, at: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at.come(name="", phone="12", birthday="1890", consent=[]) == 422
    told = client().post(at.link, data={"phone": "12", "birthday": "soon"}).text
    assert all(f'id="e-{name}"' in told for name in ("name", "phone", "birthday"))
    rules = policy.load("callouts", Callouts).gate
    monkeypatch.setattr(gate, "rules_of", lambda: rules.model_copy(update={"forms_per_address": 1}))
    assert at.come() == 303
    assert at.come(phone="13800002222") == 429


def test_a_gate_is_run_by_another_program_too(tx: Tx) -> None:
    out = sent(tx)
    gate_ = Gate(tx, out)
    assert gate_.come() == 303
    mei = client(out.world.mei)
    where = f"/api/v1/incidents/{out.world.incident.public_id}/gates"
    shown = mei.get(where).json()["items"][0]
    assert shown["link"].endswith(gate_.link)
    assert [(one["name"], one["state"], one["claims"]) for one in shown["entries"]] == [
        ("Zhou Min", "waiting", ["first_aid"])
    ]
    entry, role = shown["entries"][0]["id"], next(role for role in shown["roles"] if role["free"])
    unseen = mei.post(f"/api/v1/gate-entries/{entry}/admit", json={"slot": role["slot"], "identity": False})
    assert unseen.status_code == 422
    seen = {"slot": role["slot"], "identity": True, "birthday": "1988-04-02"}
    assert mei.post(f"/api/v1/gate-entries/{entry}/admit", json=seen).status_code == 204
    again = mei.post(f"/api/v1/gate-entries/{entry}/refuse", json={"reason": "too late"})
    assert again.status_code == 409
    closed = mei.post(f"/api/v1/gates/{shown['id']}/close").json()
    assert (closed["open"], closed["entries"][0]["state"]) == (False, "admitted")
    assert mei.post(where, json={"task": shown["task"]}).json()["open"] is True
