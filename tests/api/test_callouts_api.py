"""Callouts and answers for machines."""

from collections.abc import Iterator

import pytest

from tests.doors import client
from tests.flows.callouts import Sent, approved, at_ten, messages, planned, sent
from tests.people import kai, wen
from tests.world import world
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx

API = "/api/v1"


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def callout(out: Sent, rest: str = "") -> str:
    """Its address."""
    return f"{API}/callouts/{out.callout.public_id}{rest}"


def link(out: Sent, tx: Tx, deed: str = "") -> str:
    """The address of Lin's link."""
    return f"{API}/offers/link/{out.token(tx, out.world.lin)}{deed}"


def test_an_approved_plan_is_sent_and_its_callout_read(tx: Tx) -> None:
    w = world(tx)
    plan = approved(w, planned(tx, w, [(w.slots[0], w.lin), (w.slots[1], w.bo)]))
    mei = client(w.mei)
    made = mei.post(f"{API}/plans/{plan.public_id}/callout", json={"answer_minutes": 20})
    assert (made.status_code, made.json()["state"], made.json()["to_tell"]) == (201, "sending", 0)
    assert made.json()["answer_by"] == "2031-01-20T02:20:00Z"
    shown = mei.get(f"{API}/callouts/{made.json()['id']}").json()
    figures = [(slot["asked"], slot["minimum"], slot["filled"]) for slot in shown["slots"]]
    assert figures == [(1, 6, 0), (1, 1, 0)]
    assert shown["messages"] == {"queued": 2}


def test_sending_twice_under_one_key_sends_once(tx: Tx) -> None:
    w = world(tx)
    plan = approved(w, planned(tx, w, [(w.slots[0], w.lin)]))
    mei, key = client(w.mei), {"Idempotency-Key": "k1"}
    first = mei.post(f"{API}/plans/{plan.public_id}/callout", json={}, headers=key)
    again = mei.post(f"{API}/plans/{plan.public_id}/callout", json={}, headers=key)
    other = mei.post(f"{API}/plans/{plan.public_id}/callout", json={"answer_minutes": 5}, headers=key)
    assert (first.status_code, again.json(), other.status_code) == (201, first.json(), 422)
    assert len(messages(tx, "offer")) == 1


def test_a_plan_not_approved_is_refused_in_words(tx: Tx) -> None:
    w = world(tx)
    plan = planned(tx, w, [(w.slots[0], w.lin)])
    answer = client(w.mei).post(f"{API}/plans/{plan.public_id}/callout", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "plan.not_approved")


def test_offers_come_in_pages_with_the_state_of_their_message(tx: Tx) -> None:
    out = sent(tx, helpers=4)
    mei = client(out.world.mei)
    first = mei.get(callout(out, "/offers?limit=3")).json()
    second = mei.get(callout(out, f"/offers?limit=3&cursor={first['next']}")).json()
    assert [len(first["items"]), len(second["items"]), second["next"]] == [3, 2, None]
    assert {item["message"] for item in first["items"]} == {"queued"}
    assert mei.get(callout(out, "/offers?state=accepted")).json() == {"items": [], "next": None}


def test_answers_by_link_need_nothing_but_the_link(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    nobody = client()
    asked = nobody.get(link(out, tx)).json()
    assert (asked["state"], asked["can_accept"], asked["name"]) == ("asked", True, "L*")
    assert (asked["code"], asked["leader"]) == (None, None)
    accepted = nobody.post(link(out, tx, "/accept"), json={"minutes_there": 20}).json()
    assert (accepted["state"], accepted["minutes_there"]) == ("accepted", 20)
    assert accepted["leader"] == "Mei mei@example.org"
    gone = nobody.post(link(out, tx, "/withdraw"), json={"reason": "unwell"}).json()
    assert (gone["state"], gone["code"]) == ("withdrawn", None)
    later = nobody.post(link(out, tx, "/later"), json={"from": "2031-01-20T14:00:00+08:00"})
    assert later.json()["state"] == "withdrawn"
    assert nobody.post(link(out, tx, "/not-me")).json()["can_accept"] is False
    assert nobody.post(link(out, tx, "/accept"), json={}).status_code == 410


def test_an_answer_repeated_under_its_key_is_the_same_answer(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    nobody, key = client(), {"Idempotency-Key": "one"}
    first = nobody.post(link(out, tx, "/accept"), json={}, headers=key)
    nobody.post(link(out, tx, "/withdraw"), json={})
    again = nobody.post(link(out, tx, "/accept"), json={}, headers=key)
    assert again.json() == first.json()
    assert nobody.get(link(out, tx)).json()["state"] == "withdrawn"


def test_two_people_may_use_the_same_key(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    nobody, key = client(), {"Idempotency-Key": "one"}
    other = f"{API}/offers/link/{out.token(tx, out.world.crowd[0])}/decline"
    assert nobody.post(link(out, tx, "/accept"), json={}, headers=key).json()["state"] == "accepted"
    assert nobody.post(other, json={}, headers=key).json()["state"] == "declined"


@pytest.mark.parametrize(
    ("deed", "body"),
    [
        ("/accept", {"minutes_there": -1}),
        ("/accept", {"minutes_there": 2**63}),
        ("/accept", {"minutes_there": "NaN"}),
        ("/accept", {"more": 1}),
        ("/decline", {"reason": "\u0000"}),
        ("/decline", {"reason": "<script>"}),
        ("/later", {}),
        ("/later", {"from": "2031-01-20T14:00:00"}),
        ("/later", {"from": "2001-01-20T14:00:00Z"}),
    ],
)
def test_input_that_cannot_be_is_refused_whole(tx: Tx, deed: str, body: dict[str, object]) -> None:
    out = sent(tx, helpers=2)
    assert client().post(link(out, tx, deed), json=body).status_code == 422
    assert out.states(tx) == {"asked": 3}


def test_cancelling_and_closing_by_api(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    mei = client(out.world.mei)
    assert mei.post(callout(out, "/close")).json()["state"] == "closed"
    assert mei.post(callout(out, "/cancel")).json()["state"] == "cancelled"
    assert mei.post(callout(out, "/cancel")).status_code == 409


@pytest.mark.parametrize("rest", ["", "/offers"])
def test_a_foreign_callout_and_a_random_one_look_alike(tx: Tx, rest: str) -> None:
    out = sent(tx, helpers=1)
    foreign = client(kai(tx))
    one, other = foreign.get(callout(out, rest)), foreign.get(f"{API}/callouts/{uuid7()}{rest}")
    assert (one.status_code, one.json()) == (404, other.json())


def test_a_clerk_may_not_send_or_cancel(tx: Tx) -> None:
    out = sent(tx, helpers=1)
    clerk = client(wen(tx))
    assert clerk.post(callout(out, "/cancel")).status_code == 403
    assert clerk.post(f"{API}/plans/{out.plan.public_id}/callout", json={}).status_code == 403
    assert client().post(callout(out, "/cancel")).status_code == 401
