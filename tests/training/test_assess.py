"""From a course to a callout: attended, tested, signed, certified; suspended when it lapses or is failed."""

import csv
import html
import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from tests import people
from tests.boards.cases import build, row
from tests.doors import client
from tests.flows.callouts import NOW, at_ten
from tests.training import taught
from tests.training.taught import STARTS
from tests.world import World, world
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.engine.feasible import why_not
from volunteer_hub.flows import assess
from volunteer_hub.incentives import queries as points
from volunteer_hub.notify.models import Message
from volunteer_hub.training import courses, rules, sessions
from volunteer_hub.training.models import Attempt, Completion
from volunteer_hub.training.rules import AttemptState
from volunteer_hub.volunteers import skills
from volunteer_hub.volunteers.models import Certification, SkillClaim, Volunteer

AID = 1  # the slot of tests.world that needs first aid
ITEMS = ["scene", "compressions", "aed", "recovery"]


@pytest.fixture
def w(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    standing = at_ten(monkeypatch)
    next(standing)
    yield world(tx, crowd=0)
    next(standing, None)


def told(tx: Tx) -> list[str]:
    wanted = select(Message.purpose).where(col(Message.purpose).startswith("training_"))
    return list(tx.exec(wanted.order_by(col(Message.id))))


def unfit(tx: Tx, w: World, person: Volunteer) -> tuple[str, ...]:
    """Why a plan made now would not send somebody to the slot that needs first aid."""
    case = build(tx, w)
    return why_not(case.problem, row(case, person), AID)


def latest(tx: Tx, person: Volunteer) -> Attempt:
    wanted = select(Attempt).where(col(Attempt.volunteer_id) == person.id).order_by(col(Attempt.id).desc())
    found = tx.exec(wanted.execution_options(populate_existing=True)).first()
    assert found is not None
    return found


def tried(tx: Tx, person: Volunteer, code: str, *, right: bool) -> str:
    """One test through the doors of the phone; the words of the page that follows."""
    browser, at = client(taught.me(person)), f"/learn/courses/{code}/test"
    assert browser.post(f"{at}/begin").status_code == 303
    paper = latest(tx, person).paper
    page = html.unescape(browser.get(at).text)
    assert all(question["text"]["en"] in page for question in paper)
    answers = {q["code"]: str(q["right"] if right else (q["right"] + 1) % 3) for q in paper}
    assert browser.post(at, data=answers).status_code == 303
    return browser.get(at).text


def certified(tx: Tx, person: Volunteer) -> None:
    """The first-aid course passed in the past, its certificate ending with this January."""
    with db.transaction(SYSTEM, "test") as own:
        who = own.get_one(Volunteer, person.id)
        offered = courses.one(own, "first_aid")
        done = Completion(
            volunteer_id=who.id,
            course="first_aid",
            area=who.area,
            passed_at=NOW - timedelta(days=700),
            valid_until=NOW.date() + timedelta(days=2),
        )
        own.add(done)
        own.flush()
        assess._certify(own, who, offered, done, NOW.date())
        paper = own.exec(select(Certification).where(col(Certification.volunteer_id) == who.id)).one()
        paper.expires_on = NOW.date() + timedelta(days=4000)  # a paper from elsewhere lasts longer


def test_a_course_passed_makes_somebody_fit_for_what_needs_it(tx: Tx, w: World) -> None:
    session = taught.planned(w)
    lin, mei = client(taught.me(w.lin)), client(w.mei)
    assert "skill" in unfit(tx, w, w.lin)
    lin.post(f"/learn/sessions/{session.public_id}/enrol")
    early = lin.post("/learn/courses/first_aid/test/begin")
    assert (early.status_code, "Attend a session first" in early.text) == (409, True)
    with clock.fixed(STARTS):
        digits = sessions.code(session, STARTS, courses.shipped().attendance)
        lin.post(f"/learn/sessions/{session.public_id}/here", data={"code": digits})
        assert "Passed with 100 % right" in tried(tx, w.lin, "first_aid", right=True)
        assert "skill" in unfit(tx, w, w.lin)
        sheet = f"/training/courses/first_aid/people/{w.lin.public_id}"
        assert "Recovery position" in mei.get(sheet).text
        assert mei.post(sheet, data={"done": ITEMS, "words": "steady"}).status_code == 303
    assert unfit(tx, w, w.lin) == ()
    paper = tx.exec(select(Certification).where(col(Certification.volunteer_id) == w.lin.id)).one()
    assert str(paper.expires_on) == "2033-01-20"
    assert points.balance(tx, w.lin.id) == 60
    assert told(tx) == ["training_passed"]
    again = lin.post("/learn/courses/first_aid/test/begin")
    assert (again.status_code, "You have passed this already" in again.text) == (409, True)


def test_nobody_signs_for_themselves_and_what_was_left_out_is_not_passed(tx: Tx, w: World) -> None:
    mei, sheet = client(w.mei), f"/training/courses/first_aid/people/{w.bo.public_id}"
    w.bo.email = "mei@example.org"
    tx.add(tx.merge(w.bo))
    tx.flush()
    refused = mei.post(sheet, data={"done": ITEMS})
    assert (refused.status_code, "Nobody signs for themselves" in refused.text) == (409, True)
    other = f"/training/courses/first_aid/people/{w.lin.public_id}"
    assert mei.post(other, data={"done": ITEMS[:3]}).status_code == 303
    assert "1 failure since the last pass" in mei.get(other).text
    assert "not on the checklist" in mei.post(other, data={"done": ["juggling"]}).text


def test_a_lapsed_mandatory_course_takes_the_skill_out_of_callouts_until_it_is_passed(
    tx: Tx, w: World
) -> None:
    certified(tx, w.bo)
    assert unfit(tx, w, w.bo) == ()
    with clock.fixed(NOW + timedelta(days=3)):
        assert assess.sweep() == 1
        assert assess.sweep() == 0
    assert "skill" in unfit(tx, w, w.bo)
    assert skills.level_on(tx, w.bo.id, "first_aid", NOW.date()) == 0
    assert told(tx) == ["training_suspended"]
    bo = client(taught.me(w.bo))
    assert "You are not called out for First aid" in bo.get("/learn/courses/first_aid").text
    typed = {"name": "Bo", "version": str(w.bo.version), "language": "en", "skills": []}
    bo.post("/me/correct", data=typed)
    claim = tx.get(SkillClaim, (w.bo.id, "first_aid"))
    assert claim is not None
    assert claim.suspended_at is not None
    session = taught.planned(w)
    bo.post(f"/learn/sessions/{session.public_id}/enrol")
    with clock.fixed(STARTS):
        digits = sessions.code(session, STARTS, courses.shipped().attendance)
        bo.post(f"/learn/sessions/{session.public_id}/here", data={"code": digits})
        tried(tx, w.bo, "first_aid", right=True)
        client(w.mei).post(f"/training/courses/first_aid/people/{w.bo.public_id}", data={"done": ITEMS})
    assert unfit(tx, w, w.bo) == ()
    assert told(tx) == ["training_suspended", "training_restored"]


def test_failing_twice_suggests_a_refresher_and_for_good_suspends(tx: Tx, w: World) -> None:
    session = taught.planned(w)
    certified(tx, w.bo)
    client(taught.me(w.bo)).post(f"/learn/sessions/{session.public_id}/enrol")
    seen = []
    with clock.fixed(STARTS):
        digits = sessions.code(session, STARTS, courses.shipped().attendance)
        client(taught.me(w.bo)).post(f"/learn/sessions/{session.public_id}/here", data={"code": digits})
        for _ in range(3):
            assert "Not passed: 0 % right" in tried(tx, w.bo, "first_aid", right=False)
            seen.append((told(tx), unfit(tx, w, w.bo) == ()))
        fourth = client(taught.me(w.bo)).post("/learn/courses/first_aid/test/begin")
        assert (fourth.status_code, "No try is left" in fourth.text) == (409, True)
    assert seen == [
        ([], True),
        (["training_refresher"], True),
        (["training_refresher", "training_suspended"], False),
    ]


def test_the_servers_clock_ends_a_test(tx: Tx, w: World) -> None:
    lin, at = client(taught.me(w.lin)), "/learn/courses/legal_literacy/test"
    lin.post(f"{at}/begin")
    first = latest(tx, w.lin)
    assert first.paper == rules.paper(first.seed, courses.shipped().courses["legal_literacy"].test)  # type: ignore[arg-type]  # it has one
    right = {q["code"]: str(q["right"]) for q in first.paper}
    with clock.fixed(first.ends_at + timedelta(seconds=31)):
        lin.post(at, data=right)
        late = latest(tx, w.lin)
    assert (late.state, late.score) == (AttemptState.FAILED, 0)
    lin.post(f"{at}/begin")
    with clock.fixed(NOW + timedelta(hours=1)):
        assert assess.sweep() == 1
    assert latest(tx, w.lin).state is AttemptState.FAILED
    assert "Passed with 100 % right" in tried(tx, w.lin, "legal_literacy", right=True)
    assert points.balance(tx, w.lin.id) == 20


def test_a_bank_of_our_own_questions_makes_a_test(tx: Tx, w: World) -> None:
    mei = client(w.mei)
    mei.post(
        "/training/courses/new",
        data={
            "name": "Dyke watch",
            "code": "dyke_watch",
            "area": "DQ-ST",
            "outline": "Seepage",
            "level": "1",
        },
    )
    at = "/training/courses/dyke_watch/questions"
    asked = {"do": "add", "version": "1", "text": "Muddy water?", "answers": "Dig\n*Report it\nWait"}
    assert "exactly one of them" in mei.post(at, data=asked | {"answers": "*a\n*b"}).text
    assert mei.post(at, data=asked).status_code == 303
    assert "Report it</strong> (right)" in mei.get(at).text
    offered = courses.one(tx, "dyke_watch")
    assert offered.course.test is not None
    assert (offered.course.test.draw, offered.course.test.questions[0].right) == (1, 2)
    assert mei.post(at, data={"do": "remove", "question": "q1", "version": "2"}).status_code == 303
    tx.expire_all()
    assert courses.one(tx, "dyke_watch").course.test is None


def test_results_are_counted_by_course_community_level_and_age(tx: Tx, w: World) -> None:
    tried(tx, w.lin, "legal_literacy", right=True)
    tried(tx, w.bo, "legal_literacy", right=False)
    mei = client(w.mei)
    rows = list(csv.DictReader(io.StringIO(mei.get("/training/results/table.csv").text.lstrip("\ufeff"))))
    assert [(one["by"], one["name"], one["taken"], one["passed"]) for one in rows] == [
        ("course", "Legal literacy for volunteers", "2", "1"),
        ("community", "Dongfeng", "2", "1"),
        ("level", "Excellent", "1", "1"),
        ("level", "Weak", "1", "0"),
        ("age", "15 to 59", "2", "1"),
    ]
    assert "Excellent" in mei.get("/training/results").text
    assert "Excellent" not in client(people.kai(tx)).get("/training/results").text
    assert "Excellent" not in mei.get("/training/results", params={"until": "2030-12-31"}).text
