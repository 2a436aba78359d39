"""A place in a session: taken on the phone, waited for, moved up to exactly once, given back, proved."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlmodel import col, select

from tests import areas, people
from tests.doors import client
from tests.flows.callouts import NOW, at_ten
from tests.mobilization import rows
from tests.training import taught
from tests.training.taught import STARTS
from tests.world import World, world
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.flows import train
from volunteer_hub.notify.models import Message
from volunteer_hub.training import courses, sessions
from volunteer_hub.training.models import Enrolment, TrainingSession
from volunteer_hub.training.rules import EnrolmentState


@pytest.fixture
def w(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    clock_at_ten = at_ten(monkeypatch)
    next(clock_at_ten)
    yield world(tx, crowd=3)
    next(clock_at_ten, None)


def states(tx: Tx, session: TrainingSession) -> dict[int, str]:
    wanted = select(Enrolment).where(col(Enrolment.session_id) == session.id)
    found = tx.exec(wanted.execution_options(populate_existing=True))
    return {row.volunteer_id: row.state.value for row in found}


def told(tx: Tx) -> list[tuple[str, int | None]]:
    wanted = select(Message).where(col(Message.purpose).startswith("training_")).order_by(col(Message.id))
    return [(one.purpose, one.volunteer_id) for one in tx.exec(wanted)]


def test_who_waits_moves_up_when_a_place_is_given_back_and_is_told(tx: Tx, w: World) -> None:
    session = taught.planned(w, places=1)
    at = f"/learn/sessions/{session.public_id}"
    bo, lin = client(taught.me(w.bo)), client(taught.me(w.lin))
    assert "Take a place" in bo.get("/learn/courses/first_aid").text
    for browser in (bo, bo, lin):
        assert browser.post(f"{at}/enrol").status_code == 303
    assert states(tx, session) == {w.bo.id: "enrolled", w.lin.id: "waiting"}
    assert "Waiting for a place" in lin.get("/learn").text
    assert bo.post(f"{at}/withdraw").status_code == 303
    assert states(tx, session) == {w.bo.id: "withdrawn", w.lin.id: "enrolled"}
    assert told(tx) == [("training_promoted", w.lin.id)]
    assert tx.exec(select(TrainingSession.taken)).one() == 1


def test_the_code_in_the_room_proves_that_one_came(tx: Tx, w: World) -> None:
    session = taught.planned(w)
    at = f"/learn/sessions/{session.public_id}"
    lin, mei = client(taught.me(w.lin)), client(w.mei)
    lin.post(f"{at}/enrol")
    rules = courses.shipped().attendance
    early = lin.post(f"{at}/here", data={"code": sessions.code(session, NOW, rules)})
    assert (early.status_code, "opens 45 minutes before" in early.text) == (409, True)
    with clock.fixed(STARTS):
        digits = sessions.code(session, STARTS, rules)
        shown = mei.get(f"/training/sessions/{session.public_id}/code").text
        assert f"{digits[:3]} {digits[3:]}" in shown
        assert mei.get(f"/training/sessions/{session.public_id}/qr.svg").text.startswith("<svg")
        assert f'value="{digits}"' in lin.get(at, params={"code": digits}).text
        wrong = lin.post(f"{at}/here", data={"code": f"{(int(digits) + 1) % 10**6:06d}"})
        assert "not the digits shown now" in wrong.text
        assert states(tx, session) == {w.lin.id: "enrolled"}
        assert lin.post(f"{at}/here", data={"code": digits}).status_code == 303
        assert "Noted at" in lin.get(at).text
    assert states(tx, session) == {w.lin.id: "attended"}


def test_the_trainer_keeps_the_list_and_closes_it(tx: Tx, w: World) -> None:
    session = taught.planned(w, places=3)
    at = f"/training/sessions/{session.public_id}"
    mei = client(w.mei)
    found = mei.get(at, params={"search": w.crowd[0].name or ""}).text
    for person in re.findall(r'name="volunteer" value="([^"]+)"', found)[:1]:
        assert mei.post(f"{at}/enrol", data={"volunteer": person}).status_code == 303
    for person in (w.bo, w.lin):
        client(taught.me(person)).post(f"/learn/sessions/{session.public_id}/enrol")
    assert len(states(tx, session)) == 3
    with clock.fixed(STARTS + timedelta(minutes=5)):
        entry = tx.exec(select(Enrolment).where(col(Enrolment.volunteer_id) == w.bo.id)).one()
        mei.post(f"{at}/mark", data={"enrolment": str(entry.public_id), "there": "yes"})
        assert mei.post(f"{at}/close", data={"version": session.version}).status_code == 303
        late = mei.post(f"{at}/mark", data={"enrolment": str(entry.public_id)})
        assert (late.status_code, "This session is over" in late.text) == (409, True)
    known = states(tx, session)
    assert (known.pop(w.bo.id), *known.values()) == ("attended", "missed", "missed")


def test_a_change_or_an_end_is_told_to_everybody_on_the_list(tx: Tx, w: World) -> None:
    session = taught.planned(w, places=1)
    for person in (w.bo, w.lin):
        client(taught.me(person)).post(f"/learn/sessions/{session.public_id}/enrol")
    mei, at = client(w.mei), f"/training/sessions/{session.public_id}"
    typed = {
        "place": "School gym",
        "starts_at": "2031-01-23T09:00",
        "ends_at": "2031-01-23T12:00",
        "places": "2",
        "version": "1",
    }
    assert mei.post(f"{at}/edit", data=typed).status_code == 303
    assert told(tx) == [
        ("training_changed", w.bo.id),
        ("training_changed", w.lin.id),
        ("training_promoted", w.lin.id),
    ]
    assert mei.post(f"{at}/cancel", data={"version": "1"}).status_code == 412
    assert mei.post(f"{at}/cancel", data={"version": "2"}).status_code == 303
    assert told(tx)[3:] == [("training_cancelled", w.bo.id), ("training_cancelled", w.lin.id)]


def test_what_belongs_to_another_area_is_not_there(tx: Tx, w: World) -> None:
    session = taught.planned(w)
    kai = client(people.kai(tx))
    assert kai.get(f"/training/sessions/{session.public_id}").status_code == 404
    assert kai.get(f"/api/v1/training/sessions/{session.public_id}").status_code in (401, 404)
    with db.transaction(SYSTEM, "test") as own:
        elsewhere = own.merge(w.lin)
        elsewhere.area = areas.AREAS["datong"][0]
    assert client(taught.me(w.lin)).post(f"/learn/sessions/{session.public_id}/enrol").status_code == 404


def test_a_course_of_our_own_is_offered_below_its_area(tx: Tx, w: World) -> None:
    mei = client(w.mei)
    typed = {
        "name": "Dyke watch",
        "code": "dyke_watch",
        "area": "DQ-ST",
        "outline": "Seepage\nBoils",
        "skill": "search",
        "level": "1",
        "valid_months": "12",
        "points": "10",
        "url": "https://example.org/dyke",
    }
    assert "small letters" in mei.post("/training/courses/new", data=typed | {"code": "Dyke!"}).text
    made = mei.post("/training/courses/new", data=typed)
    assert made.headers["location"] == "/training/courses/dyke_watch"
    assert "Boils" in client(taught.me(w.lin)).get("/learn/courses/dyke_watch").text
    changed = mei.post("/training/courses/dyke_watch/edit", data=typed | {"version": "1", "outline": "Sand"})
    assert changed.status_code == 303
    assert "Sand" in mei.get("/training/courses/dyke_watch").text
    assert mei.post("/training/courses/dyke_watch/end", data={"version": "2"}).status_code == 303
    assert client(taught.me(w.lin)).get("/learn/courses/dyke_watch").status_code == 404


def test_one_free_place_moves_up_one_person_however_many_leave_at_once(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        tx.now = NOW
        areas.plant(tx)
        who = rows.people(tx, 12)
        session = sessions.plan(tx, areas.AREAS["city"][0], taught.spec(places=4), {"first_aid"})
        for person in who:
            train.enrol(tx, person, session.public_id)
    start = Barrier(4)

    def leave(person: int) -> None:
        start.wait()
        with clock.fixed(NOW), db.transaction(SYSTEM, "training.withdraw") as own:
            train.withdraw(own, person, session.public_id)

    def again(person: int) -> bool:
        try:
            leave(person)
        except HubError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(again, [who[0], who[1], who[0], who[1]]))
    with db.transaction(SYSTEM, "test") as tx:
        found = tx.exec(select(Enrolment).order_by(col(Enrolment.id))).all()
        assert [row.volunteer_id for row in found if row.state is EnrolmentState.ENROLLED] == who[2:6]
        assert tx.exec(select(TrainingSession.taken)).one() == 4
    db.engine().dispose()
