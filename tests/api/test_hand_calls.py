"""Whom nothing reached is rung up by one helper at a time, and answered for."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.flows.callouts import NOW, Sent, messages, minutes_later, sent
from tests.flows.texting import LIN, by_text
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import deliver
from volunteer_hub.flows import hand_call as flow
from volunteer_hub.mobilization.hand_call_models import HandCall
from volunteer_hub.simulation.gateway import Gateway
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.rules import ContactKind, Delivers


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    yield from by_text(monkeypatch)


@pytest.fixture
def out(tx: Tx, gateway: Gateway) -> Sent:
    """Lin's telephone is dead, Bo's is well; no other way is set up."""
    gateway.phones[LIN].dead = True
    made = sent(tx, helpers=1, crowd=0)
    deliver.sweep()
    gateway.settle()
    return made


def listed(out: Sent, actor: Actor | None = None) -> list[dict[str, Any]]:
    at = f"/api/v1/callouts/{out.callout.public_id}/hand-calls"
    answer = client(actor or out.world.mei).get(at)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def post(actor: Actor, row: dict[str, Any], what: str, **body: Any) -> int:
    return client(actor).post(f"/api/v1/offers/{row['offer']}/hand-call/{what}", json=body).status_code


def test_only_whom_nothing_reached_is_rung_up(tx: Tx, out: Sent) -> None:
    assert [(row["name"], row["phone"], row["tries"]) for row in listed(out)] == [("Lin", LIN, 0)]


def test_a_text_without_its_receipt_in_time_has_not_arrived(tx: Tx, gateway: Gateway) -> None:
    gateway.phones[LIN].off = True
    made = sent(tx, helpers=1, crowd=0)
    deliver.sweep()
    gateway.settle()
    assert listed(made) == []
    with minutes_later(30):
        assert [row["name"] for row in listed(made)] == ["Lin"]


def test_what_they_say_is_their_answer_given_on_behalf(tx: Tx, out: Sent) -> None:
    (row,) = listed(out)
    assert post(out.world.mei, row, "answer", answer="accept", minutes_there=30) == 204
    offer = out.offer(tx, out.world.lin)
    assert (offer.state.value, offer.minutes_there, listed(out)) == ("accepted", 30, [])
    call = tx.exec(select(HandCall).where(col(HandCall.offer_id) == offer.id)).one()
    assert (call.outcome, call.called_by) == ("answered", out.world.mei.id)
    assert len(messages(tx, "accepted")) == 1
    assert post(out.world.mei, row, "answer", answer="decline") == 410


def test_one_helper_at_a_time_until_the_lease_ends(tx: Tx, out: Sent) -> None:
    (row,) = listed(out)
    an = people.an(tx)
    assert [post(out.world.mei, row, "claim"), post(out.world.mei, row, "claim")] == [204, 204]
    assert listed(out, an)[0]["claimed_by"] == "Mei"
    assert post(an, row, "outcome", outcome="no_answer") == 409
    with minutes_later(11):
        assert post(an, row, "claim") == 204


def test_no_answer_is_rung_again_in_a_quarter_of_an_hour(tx: Tx, out: Sent) -> None:
    (row,) = listed(out)
    assert post(out.world.mei, row, "outcome", outcome="no_answer") == 204
    assert listed(out) == []
    with minutes_later(16):
        assert [again["tries"] for again in listed(out)] == [1]


def test_a_wrong_number_is_marked_and_never_tried_again(tx: Tx, out: Sent) -> None:
    (row,) = listed(out)
    assert post(out.world.mei, row, "outcome", outcome="wrong_number") == 204
    tx.expire_all()
    known = [c for c in addresses.of(tx, [out.world.lin.id])[out.world.lin.id] if c.address == LIN]
    assert {(c.delivers, c.stopped_at is None) for c in known} == {(Delivers.NO, False)}
    assert addresses.ways(tx, [out.world.lin.id], [ContactKind.SMS, ContactKind.VOICE]) == {
        out.world.lin.id: []
    }
    assert listed(out) == []


def test_whoever_wants_no_more_calls_is_out_of_this_one(tx: Tx, out: Sent) -> None:
    (row,) = listed(out)
    assert post(out.world.mei, row, "outcome", outcome="inactive") == 204
    assert out.offer(tx, out.world.lin).state.value == "declined"


def test_another_district_rings_nobody_of_ours(tx: Tx, out: Sent) -> None:
    (row,) = listed(out)
    assert post(people.kai(tx), row, "claim") == 404


def test_one_telephone_is_rung_by_one_helper_who_asks_everybody_at_it(
    tx: Tx, gateway: Gateway, out: Sent
) -> None:
    son, an = out.world.bo, people.an(tx)
    addresses.add(tx, son, ContactKind.SMS, LIN)
    with db.transaction(out.world.mei, "hand_call.claim") as as_mei:
        flow.claim(as_mei, out.offer(tx, son).public_id)
    (row,) = listed(out, an)
    assert (row["claimed_by"], row["for_another"]) == ("Mei", True)
    assert [(also["name"], also["task"]) for also in row["same_number"]] == [
        ("Bo", "Sandbags at the east gate")
    ]
    assert post(an, row, "claim") == 409
    page = client(an).get(f"/callouts/{out.callout.public_id}/hand-calls").text
    assert "Mei is ringing a telephone that this person shares, for somebody else." in page
    assert post(out.world.mei, row, "answer", answer="accept") == 204


def test_the_page_takes_a_no_with_its_reason_and_an_hour_from_which_they_can(tx: Tx, out: Sent) -> None:
    mei, at = client(out.world.mei), f"/callouts/{out.callout.public_id}/hand-calls"
    offer = out.offer(tx, out.world.lin)
    form = {"offer": str(offer.public_id), "minutes": "15", "reason": "away", "from": "2031-01-20T13:30"}
    assert mei.post(at, data=form | {"do": "later", "from": ""}).status_code == 422
    assert mei.post(at, data=form | {"do": "later"}).status_code == 303
    said = out.offer(tx, out.world.lin)
    assert (said.decline_reason, said.later_from) == ("later", NOW + timedelta(hours=3, minutes=30))
    gone = out.offer(tx, out.world.bo)
    assert mei.post(at, data=form | {"do": "decline", "offer": str(gone.public_id)}).status_code == 303
    said = out.offer(tx, out.world.bo)
    assert (said.state.value, said.decline_reason, said.later_from) == ("declined", "away", None)


def test_the_page_shows_whom_to_ring_and_takes_what_they_say(tx: Tx, out: Sent) -> None:
    mei, at = client(out.world.mei), f"/callouts/{out.callout.public_id}/hand-calls"
    assert f'href="tel:{LIN}"' in mei.get(at).text
    form = {"offer": str(out.offer(tx, out.world.lin).public_id), "minutes": "15"}
    assert mei.post(at, data=form | {"do": "claim"}).status_code == 303
    assert "Mei正在拨打。" in client(people.an(tx), lang="zh").get(at).text
    assert mei.post(at, data=form | {"do": "accept"}).status_code == 303
    assert out.offer(tx, out.world.lin).minutes_there == 15
    assert "Nobody to ring" in mei.get(at).text
    assert "was rung up already" in mei.post(at, data=form | {"do": "decline"}).text
