"""Duties, points and the end of an incident through the machines' door."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, minutes_later
from volunteer_hub.boards import slots
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.check_models import DutyCheck
from volunteer_hub.mobilization.rules import Grade

API = "/api/v1"


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    return made.coming(tx)


def link(tx: Tx, sent: Sent) -> dict[str, str]:
    """Bo's link and code."""
    offer = sent.offer(tx, sent.world.bo)
    return {"link": sent.token(tx, sent.world.bo), "code": places.duty_code(offer)}


def test_bo_comes_and_goes_by_his_link_and_reads_what_it_earned(tx: Tx, sent: Sent) -> None:
    guest, body = client(), link(tx, sent)
    with minutes_later(60):
        come = guest.post(f"{API}/duties/check-in", json=body)
    assert (come.status_code, come.json()["state"], come.json()["name"]) == (200, "on_site", "Bo")
    with minutes_later(190):
        gone = guest.post(f"{API}/duties/check-out", json=body).json()
        again = guest.post(f"{API}/duties/check-out", json=body).json()
    assert (gone["minutes"], gone["points"], gone["grade"]) == (130, 20, "A")
    assert (again["minutes"], again["points"]) == (130, None)
    bo = client(Actor("volunteer", sent.world.bo.id))
    with minutes_later(200):
        mine = bo.get(f"{API}/volunteers/me/points").json()
    assert (mine["balance"], mine["hours"]) == (20, {"counted": 130, "other": 0, "duties": 1})
    assert mine["items"][0]["why"] == ["Whole hours on duty: 2 × 10 = 20"]


def test_bo_comes_and_goes_by_position_once_there_is_a_signal(tx: Tx, sent: Sent) -> None:
    """At the place within the geofence, with the true times, which are kept beside those of the sending."""
    offer = sent.offer(tx, sent.world.bo)
    task = slots.of(tx, [offer.slot_id])[offer.slot_id].task
    here = {"lat": task.lat + 0.001, "lon": task.lon, "accuracy": 60}
    token = sent.token(tx, sent.world.bo)

    def post(way: str, **proof: object) -> tuple[int, str]:
        answer = client().post(f"{API}/duties/{way}", json={"link": token, **proof})
        return answer.status_code, answer.json().get("code") or answer.json()["state"]

    came, went = ((NOW + timedelta(minutes=minute)).isoformat() for minute in (60, 250))
    with minutes_later(300):
        assert post("check-in") == (422, "duty.proof")
        assert post("check-in", position=here | {"accuracy": 5000}) == (409, "duty.vague")
        assert post("check-in", position=here | {"lat": task.lat + 0.1}) == (409, "duty.far")
        assert post("check-in", position=here, at=(NOW - timedelta(hours=9)).isoformat()) == (
            409,
            "duty.too_late",
        )
        assert post("check-in", position=here, at=came) == (200, "on_site")
        assert post("check-out", position=here, at=went) == (200, "done")
    done = made.duty_of(tx, sent, sent.world.bo)
    assert (done.minutes, done.grade) == (190, Grade.A)
    checks = tx.exec(select(DutyCheck).order_by(col(DutyCheck.id))).all()
    assert [(c.evidence.value, c.metres, c.noted_at - c.at) for c in checks] == [
        ("position", 51, timedelta(minutes=240)),
        ("position", 51, timedelta(minutes=50)),
    ]


def test_a_wrong_code_is_told_in_words(tx: Tx, sent: Sent) -> None:
    body = link(tx, sent) | {"code": "not it"}
    answer = client().post(f"{API}/duties/check-in", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "duty.code")
    unknown = client().post(f"{API}/duties/check-in", json=body | {"link": "nobodys"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "offer.link_unknown")


def test_signed_in_people_reach_nothing_but_their_own_duty(tx: Tx, sent: Sent) -> None:
    bo, lin = (client(Actor("volunteer", who.id)) for who in (sent.world.bo, sent.world.lin))
    [mine] = bo.get(f"{API}/duties/mine").json()["items"]
    code = {"code": link(tx, sent)["code"]}
    with minutes_later(60):
        foreign = lin.post(f"{API}/duties/mine/{mine['id']}/check-in", json=code)
        own = bo.post(f"{API}/duties/mine/{mine['id']}/check-in", json=code)
    assert (foreign.status_code, own.status_code) == (404, 200)


def test_the_staff_checks_in_and_out_and_another_district_sees_nothing(tx: Tx, sent: Sent) -> None:
    mei, kai = client(sent.world.mei), client(people.kai(tx))
    listed = mei.get(f"{API}/duties", params={"incident": str(sent.world.incident.public_id)}).json()["items"]
    assert [(duty["name"], duty["state"]) for duty in listed] == [("Bo", "expected"), ("Lin", "expected")]
    where = f"{API}/duties/{listed[1]['id']}"
    assert kai.get(f"{API}/duties").json()["items"] == []
    foreign, nobody = (
        kai.post(f"{API}/duties/{key}/check-in", json={}) for key in (listed[1]["id"], uuid.uuid4())
    )
    assert (foreign.status_code, foreign.json()) == (nobody.status_code, nobody.json())
    with minutes_later(65):
        assert mei.post(f"{where}/check-in", json={}).json()["grade"] == "B"
    with minutes_later(130):
        key = {"Idempotency-Key": "once"}
        first = mei.post(f"{where}/check-out", json={}, headers=key).json()
        second = mei.post(f"{where}/check-out", json={}, headers=key).json()
    assert first == second
    assert (first["minutes"], first["points"], first["grade"]) == (65, 10, "B")
    with minutes_later(131):
        no = mei.post(f"{API}/duties/{listed[0]['id']}/no-show")
    assert (no.status_code, no.json()["state"]) == (200, "no_show")


def test_an_incident_is_released_and_closed_and_who_served_is_asked(tx: Tx, sent: Sent) -> None:
    mei, where = client(sent.world.mei), f"{API}/incidents/{sent.world.incident.public_id}"
    with minutes_later(60):
        client().post(f"{API}/duties/check-in", json=link(tx, sent))
    with minutes_later(180):
        released = mei.post(f"{where}/release", json={"everybody": False}).json()
    assert released == {
        "state": "demobilizing",
        "stood_down": 0,
        "released": 1,
        "checked_out": 0,
        "on_site": 1,
    }
    with minutes_later(190):
        closed = mei.post(f"{where}/close")
        again = mei.post(f"{where}/close")
    assert (closed.json(), again.status_code) == ({"state": "closed", "surveys": 1}, 409)
    with minutes_later(191):
        forms = {form: mei.get(f"{where}/surveys/{form}").json()["asked"] for form in ("volunteer", "drill")}
    assert forms == {"volunteer": 1, "drill": 0}


def test_points_are_corrected_with_a_reason_and_taken_back_once(tx: Tx, sent: Sent) -> None:
    mei, kai, bo = client(sent.world.mei), client(people.kai(tx)), str(sent.world.bo.public_id)
    body = {"volunteer": bo, "points": 20, "reason": "Two hours that were not checked in."}
    assert kai.post(f"{API}/points", json=body).status_code == 404
    given = mei.post(f"{API}/points", json=body).json()
    assert (given["points"], given["reason"]) == (20, body["reason"])
    mistake = {"reason": "A mistake.", "kind": "paid_twice"}
    back = mei.post(f"{API}/points/{given['id']}/reverse", json=mistake).json()
    again = mei.post(f"{API}/points/{given['id']}/reverse", json=mistake).json()
    assert (back["points"], back["id"]) == (-20, again["id"])
    assert mei.get(f"{API}/volunteers/{bo}/points").json()["balance"] == 0
    assert kai.get(f"{API}/volunteers/{bo}/points").status_code == 404
    assert mei.get(f"{API}/points").json() == {"people": 1, "points": 0}
