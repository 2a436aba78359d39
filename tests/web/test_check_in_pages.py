"""Coming and going by the code on a screen, by position and by the leader's list, each as a page."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import Sent, minutes_later
from tests.web.test_duty_pages import action, primary, text
from volunteer_hub.boards import slots
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import RoleSlot, Task
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.check_models import DutyCheck
from volunteer_hub.mobilization.rules import DutyState, Grade
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.web import qr


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    return made.coming(tx)


def screen(tx: Tx, sent: Sent) -> str:
    """What a telephone reads from the screen that Mei shows at this moment."""
    task = tx.get_one(Task, sent.task(tx)).public_id
    mei = client(sent.world.mei)
    address = str(mei.get(f"/api/v1/tasks/{task}/screen").json()["address"])
    assert (
        qr.picture(address).replace("&", "&amp;").replace("'", "&#39;")
        in mei.get(f"/tasks/{task}/screen").text
    )
    return "/here/" + address.rpartition("/here/")[2]


def telephone(tx: Tx, sent: Sent, person: Volunteer) -> TestClient:
    """One on which this person has looked at the page of their duty."""
    browser = client()
    browser.get(f"/c/{sent.token(tx, person)}/duty")
    return browser


def evidence(tx: Tx) -> list[str]:
    """By what people came and went, in that order."""
    return [check.evidence.value for check in tx.exec(select(DutyCheck).order_by(col(DutyCheck.id)))]


def test_bo_scans_the_screen_when_he_comes_and_when_he_goes(tx: Tx, sent: Sent) -> None:
    browser, who = telephone(tx, sent, sent.world.bo), sent.world.bo
    with minutes_later(60):
        scanned = screen(tx, sent)
        page = browser.get(scanned).text
        assert primary(page) == ["I'm here: check in"]
        assert made.duty_of(tx, sent, who).state is DutyState.EXPECTED  # looking checks nobody in
        duty = str(made.duty_of(tx, sent, who).public_id)
        onward = browser.post(scanned, data={"who": duty, "way": "in"}).headers["location"]
        assert onward == f"/c/{sent.token(tx, who)}/duty"
    with minutes_later(250):
        old = browser.post(scanned, data={"who": duty, "way": "out"})
        assert (old.status_code, "This code is too old" in text(old.text)) == (409, True)
        browser.post(screen(tx, sent), data={"who": duty, "way": "out"})
    done = made.duty_of(tx, sent, who)
    assert (done.minutes, done.grade, evidence(tx)) == (190, Grade.A, ["qr", "qr"])


def test_a_picture_of_the_code_sent_on_is_of_no_use_after_its_minute(tx: Tx, sent: Sent) -> None:
    browser, duty = telephone(tx, sent, sent.world.lin), made.duty_of(tx, sent, sent.world.lin)
    with minutes_later(60):
        photographed = screen(tx, sent)
    with minutes_later(61):
        assert primary(browser.get(photographed).text) == ["I'm here: check in"]  # it was there just now
    with minutes_later(62):
        page = browser.get(photographed)
        assert "Scan the one that is there now" in text(page.text)
        assert "<form" in page.text
        assert primary(page.text) == []
        posts = ({"who": str(duty.public_id), "way": "in"}, {"digits": code_of(tx, sent, sent.world.lin)})
        assert [browser.post(photographed, data=data).status_code for data in posts] == [409, 409]
    assert made.duty_of(tx, sent, sent.world.lin).state is DutyState.EXPECTED
    assert client().get("/here/" + "A" * 44).status_code == 404
    assert client().get("/here/nothing").status_code == 404


def code_of(tx: Tx, sent: Sent, person: Volunteer) -> str:
    """Their six digits."""
    return places.duty_code(sent.offer(tx, person))


def test_a_telephone_that_knows_nobody_asks_for_the_six_digits(tx: Tx, sent: Sent) -> None:
    browser, lin = client(), sent.world.lin
    with minutes_later(60):
        scanned = screen(tx, sent)
        assert "This telephone does not know you yet." in text(browser.get(scanned).text)
        assert browser.post(scanned, data={"digits": "not it"}).status_code == 409
        stranger = {"who": str(made.duty_of(tx, sent, lin).public_id), "way": "in"}
        assert browser.post(scanned, data=stranger).status_code == 404
        came = text(browser.post(scanned, data={"digits": code_of(tx, sent, lin)}).text)
        assert "Checked in at 11:00." in came
        tries = [browser.post(scanned, data={"digits": "000000"}).status_code for _ in range(60)]
        assert (tries[0], tries[-1]) == (409, 429)
    signed_in = client(Actor("volunteer", lin.id))
    with minutes_later(130):
        assert primary(signed_in.get(screen(tx, sent)).text) == ["I'm leaving: check out"]
        gone = text(browser.post(screen(tx, sent), data={"digits": code_of(tx, sent, lin)}).text)
        assert "Checked out at 12:10: 1 h 10 min on duty." in gone
    assert evidence(tx) == ["qr", "qr"]


def test_the_page_checks_in_by_position_and_says_how_far_off_it_was(tx: Tx, sent: Sent) -> None:
    browser, bo = client(), sent.world.bo
    task = slots.of(tx, [sent.aid])[sent.aid].task
    card = f"/c/{sent.token(tx, bo)}/duty"
    here = {"lat": f"{task.lat + 0.001}", "lon": f"{task.lon}", "accuracy": "60"}
    with minutes_later(60):
        assert "data-position hidden" in browser.get(card).text  # until the script shows it
        far = browser.post(f"{card}/check-in", data=here | {"lat": f"{task.lat + 0.1}"})
        assert (far.status_code, "m from the place; up to 300 m count" in text(far.text)) == (409, True)
        assert browser.post(f"{card}/check-in", data=here).status_code == 303
    assert evidence(tx) == ["position"]
    assert made.duty_of(tx, sent, bo).grade is Grade.A


def test_the_leader_keeps_the_list_and_vouches_for_nobody_but_their_people(tx: Tx, sent: Sent) -> None:
    bo, lin = sent.world.bo, sent.world.lin
    tx.get_one(RoleSlot, sent.aid).skill = slots.LEADER
    tx.flush()
    browser, card = client(), f"/c/{sent.token(tx, bo)}"
    duties = {who.id: {"duty": str(made.duty_of(tx, sent, who).public_id)} for who in (bo, lin)}
    with minutes_later(60):
        assert f"{card}/people" in browser.get(f"{card}/duty").text
        page = browser.get(f"{card}/people").text
        assert duties[lin.id]["duty"] in page
        assert duties[bo.id]["duty"] not in page
        assert browser.post(action(page, "came"), data=duties[lin.id]).status_code == 303
        assert browser.post(f"{card}/people/came", data=duties[bo.id]).status_code == 404
        assert "QR code" in browser.get(f"{card}/screen").text
        foreign = client().get(f"/c/{sent.token(tx, lin)}/people")
        assert foreign.status_code == 404
    with minutes_later(130):
        page = browser.get(f"{card}/people").text
        assert browser.post(action(page, "went"), data=duties[lin.id]).status_code == 303
    done = made.duty_of(tx, sent, lin)
    assert (done.minutes, done.grade, evidence(tx)) == (70, Grade.B, ["leader", "leader"])


def test_mei_checks_somebody_in_from_the_list_of_the_field(tx: Tx, sent: Sent) -> None:
    mei, lin = client(sent.world.mei), sent.world.lin
    field = f"/incidents/{sent.world.incident.public_id}/field"
    with minutes_later(60):
        assert f"{field}/came" in mei.get(field).text
        mei.post(f"{field}/came", data={"duty": str(made.duty_of(tx, sent, lin).public_id)})
    assert made.duty_of(tx, sent, lin).grade is Grade.B
