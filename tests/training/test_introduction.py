"""Newcomers are led in: an interview, a mentor who agrees, a first easy duty; each sees what comes next."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select, update

from tests import people
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, at_ten, minutes_later
from tests.mobilization import rows
from tests.policies import read_anew
from tests.training.taught import me
from tests.world import person, world
from volunteer_hub.boards import newcomers
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.policy import SHIPPED
from volunteer_hub.drills.rules import Notice
from volunteer_hub.flows import duty, forget, introduce, join, merge, respond
from volunteer_hub.incidents.models import Task
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import Evidence
from volunteer_hub.notify.models import Message
from volunteer_hub.training import introductions
from volunteer_hub.training.introduction_rules import MentorState, Outcome
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def own_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """training.toml of a city's own, where one duty makes a mentor."""
    file = tmp_path / "training.toml"
    shipped = (SHIPPED / "training.toml").read_text(encoding="utf-8")
    file.write_text(shipped.replace("mentor_duties = 3", "mentor_duties = 1"), encoding="utf-8")
    monkeypatch.setenv("HUB_CONFIG", str(tmp_path))
    with read_anew():
        yield file
        monkeypatch.undo()


def applied(tx: Tx, name: str = "Ning", number: int = 90) -> Volunteer:
    """Somebody of Dongfeng has applied by themselves."""
    row = registry.register(tx, person(name, number))
    row.status = Status.APPLIED
    tx.flush()
    return row


def told(tx: Tx, who: Volunteer) -> list[str]:
    wanted = select(Message.purpose).where(col(Message.volunteer_id) == who.id).order_by(col(Message.id))
    return [purpose for purpose in tx.exec(wanted) if not purpose.startswith("offer")]


def served(tx: Tx, out: Sent, who: Volunteer) -> None:
    """An hour on site, confirmed by Mei."""
    made.answer(respond.accept, out.token(tx, who))
    row = made.duty_of(tx, out, who)
    with minutes_later(60) as moment, db.transaction(out.world.mei, "duty.check_in") as mei:
        duty.confirm_in(mei, mei.get_one(Duty, row.id), Evidence.LEADER, moment)
    with minutes_later(120) as moment, db.transaction(out.world.mei, "duty.check_out") as mei:
        duty.confirm_out(mei, mei.get_one(Duty, row.id), Evidence.LEADER, moment)


def drill(tx: Tx, notice: Notice) -> None:
    """An assembly of Sartu on Thursday."""
    on_thursday = NOW + timedelta(days=3)
    rows.insert(
        tx,
        "drill_plans",
        area="/1/2/",
        title=notice.value,
        rule="0 10 * * 4",
        zone="Asia/Shanghai",
        notice=notice.value,
        kind="assembly",
        share_percent=10,
        answer_minutes=30,
        misfire="skip",
        state="active",
        skills="[]",
        next_at=on_thursday,
        starts_at=on_thursday,
    )


def test_a_newcomer_is_led_in_step_by_step_and_sees_what_comes_next(tx: Tx, own_rules: Path) -> None:
    w = world(tx, crowd=0)
    new, bo = applied(tx), w.bo
    wen, hers, his = client(people.wen(tx)), client(me(new)), client(me(bo))
    at = f"/newcomers/{new.public_id}"
    assert "somebody of your community talks with you" in hers.get("/me").text
    no_reason = wen.post(f"{at}/interview", data={"on": "2031-01-20", "outcome": "not_yet"})
    assert (no_reason.status_code, "Say why: the person reads it." in no_reason.text) == (422, True)
    reason = {"on": "2031-01-20", "outcome": "not_yet", "words": "Please bring your guardian."}
    assert wen.post(f"{at}/interview", data=reason).headers["location"] == at
    assert "Please bring your guardian." in hers.get("/me").text
    listed = wen.get("/newcomers").text
    assert at in listed
    assert "Not yet" in listed
    wen.post(f"{at}/interview", data={"on": "2031-01-20", "outcome": "taken_in"})
    tx.refresh(new)
    assert (new.status, told(tx, new)) == (Status.ACTIVE, ["note", "welcome"])
    assert "Nobody in this community can be asked just now." in wen.get(at).text

    out = made.send(tx, w, [(w.slots[0], new), (w.slots[1], bo)])
    served(tx, out, bo)
    assert "1 duty" in wen.get(at).text
    assert wen.post(f"{at}/mentor", data={"mentor": str(w.lin.public_id)}).status_code == 409
    assert wen.post(f"{at}/mentor", data={"mentor": str(bo.public_id)}).status_code == 303
    assert "mentor_asked" in told(tx, bo)
    assert new.phone is not None
    asked = his.get("/me").text
    assert ("Will you be the mentor of a newcomer?" in asked, new.phone in asked) == (True, False)
    row = introductions.of(tx, new.id)
    assert row is not None
    assert hers.post(f"/me/mentoring/{row.public_id}", data={"agree": "yes"}).status_code == 404
    for _ in range(2):
        assert his.post(f"/me/mentoring/{row.public_id}", data={"agree": "yes"}).status_code == 303
    assert his.post(f"/me/mentoring/{row.public_id}").status_code == 409
    assert told(tx, new).count("mentor_agreed") == 1
    assert new.phone in his.get("/me").text
    assert f"Your mentor: {bo.name}" in hers.get("/me").text
    assert "Next: your first easy duty" in hers.get("/me").text

    served(tx, out, new)
    tx.refresh(row)
    assert row.finished_at == row.first_duty_at == NOW + timedelta(minutes=120)
    assert "Your way in" not in hers.get("/me").text
    assert at not in wen.get("/newcomers").text
    held = hers.get("/me/download").json()["training"]["introduction"]
    assert [(one["outcome"], one["mentor"]) for one in held] == [("taken_in", "agreed")]


def test_where_a_mentor_has_gone_another_may_be_asked(tx: Tx, own_rules: Path) -> None:
    w = world(tx, crowd=0)
    new, wen = applied(tx), client(people.wen(tx))
    with db.transaction(people.wen(tx), "volunteer.approve") as as_wen:
        join.approve(as_wen, new.public_id)
    out = made.send(tx, w, [(w.slots[0], w.lin), (w.slots[1], w.bo)])
    for who in (w.lin, w.bo):
        served(tx, out, who)
    at = f"/newcomers/{new.public_id}"
    assert wen.post(f"{at}/mentor", data={"mentor": str(w.bo.public_id)}).status_code == 303
    row = introductions.of(tx, new.id)
    assert row is not None
    client(me(w.bo)).post(f"/me/mentoring/{row.public_id}", data={"agree": "yes"})
    assert wen.post(f"{at}/mentor", data={"mentor": str(w.lin.public_id)}).status_code == 409
    assert str(w.lin.public_id) not in wen.get(at).text
    w.bo.status = Status.LEFT
    tx.flush()
    assert str(w.lin.public_id) in wen.get(at).text
    assert wen.post(f"{at}/mentor", data={"mentor": str(w.lin.public_id)}).status_code == 303
    tx.refresh(row)
    assert (row.mentor_id, row.mentor) == (w.lin.id, MentorState.ASKED)


def test_work_with_hazards_is_no_first_duty_and_drills_are_suggested_no_earlier_than_told(tx: Tx) -> None:
    w = world(tx, crowd=0)
    new = applied(tx)
    with db.transaction(people.wen(tx), "introduction.interview") as wen:
        introduce.interview(wen, new.public_id, NOW.date(), Outcome.TAKEN_IN, "")
    out = made.send(tx, w, [(w.slots[0], new), (w.slots[1], w.bo)])
    assert [(one.title, one.drill) for one in newcomers.suggested(tx, new)] == [
        ("Sandbags at the east gate", False)
    ]
    tx.execute(update(Task).values(hazardous=True))
    for notice in Notice:
        drill(tx, notice)
    assert [(one.title, one.at, one.week_only) for one in newcomers.suggested(tx, new)] == [
        ("partial", NOW, True),
        ("full", NOW + timedelta(days=3), False),
    ]
    served(tx, out, new)
    row = introductions.of(tx, new.id)
    assert row is not None
    assert row.first_duty_at is None


def test_declining_answers_the_application_and_interviews_can_be_switched_off(
    tx: Tx, own_rules: Path
) -> None:
    people.mei(tx)
    new, other = applied(tx), applied(tx, "Yu", 91)
    wen = client(people.wen(tx))
    at = "/api/v1/newcomers"
    body = {"on": "2031-01-20", "outcome": "declined", "words": "We have no work at night."}
    answer = wen.put(f"{at}/{new.public_id}/interview", json=body)
    assert (answer.status_code, answer.json()["words"]) == (200, "We have no work at night.")
    tx.refresh(new)
    assert (new.status, told(tx, new)) == (Status.LEFT, ["note", "application_declined"])
    own_rules.write_text(
        own_rules.read_text(encoding="utf-8").replace("interview = true", "interview = false"),
        encoding="utf-8",
    )
    with read_anew():
        [line] = wen.get(at).json()["items"]
        assert (line["volunteer"], line["step"]) == (str(other.public_id), "application")
        refused = wen.put(f"{at}/{other.public_id}/interview", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "introduction.no_interviews")
        assert "Yu" in wen.get("/newcomers/table.csv").text
        assert wen.post(f"/volunteers/{other.public_id}/approve").status_code == 303
        assert wen.get(at).json()["items"][0]["step"] == "mentor"


def test_a_way_in_goes_along_when_two_entries_are_one_and_ends_with_who_is_forgotten(tx: Tx) -> None:
    w = world(tx, crowd=0)
    new = applied(tx)
    with db.transaction(people.wen(tx), "volunteer.approve") as wen:
        join.approve(wen, new.public_id)
    row = introductions.of(tx, new.id)
    assert row is not None
    with db.transaction(SYSTEM, "introduction.mentor") as own:
        introductions.ask_mentor(own, own.get_one(type(row), row.id), w.bo.id)
    with db.transaction(w.mei, "volunteer.merge") as mei:
        merge.merge(mei, w.lin.public_id, new.public_id)
        merge.merge(mei, w.lin.public_id, w.bo.public_id)
    tx.refresh(row)
    assert (row.volunteer_id, row.mentor_id, row.mentor) == (w.lin.id, None, None)
    with db.transaction(SYSTEM, "forget") as own:
        forget.erase(own, registry.one(own, w.lin.id, lock=True))
        assert introductions.of(own, w.lin.id) is None
