"""Texts that were not understood: read by one clerk at a time, and answered on behalf of whoever wrote."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.flows.callouts import NOW, Sent, messages, minutes_later, sent
from tests.flows.texting import LIN, by_text
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import deliver
from volunteer_hub.mobilization.models import AnswerEvent
from volunteer_hub.notify.models import InboundText
from volunteer_hub.simulation.gateway import Gateway

AT = "/api/v1/unclear-replies"


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    yield from by_text(monkeypatch)


@pytest.fixture
def out(tx: Tx, gateway: Gateway) -> Sent:
    """Lin was asked, and wrote something that nobody but a person understands."""
    made = sent(tx, helpers=1, crowd=0)
    deliver.sweep()
    gateway.settle()
    gateway.phones[LIN].reply("I bring my brother too, which gate?")
    return made


def listed(actor: Actor) -> list[dict[str, Any]]:
    answer = client(actor).get(AT)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def post(actor: Actor, what: str, **body: Any) -> int:
    """What becomes of the one text that waits, as Mei's list has it; the status."""
    return client(actor).post(f"{AT}/{what}", json=body).status_code


def stored(tx: Tx) -> InboundText:
    return tx.exec(select(InboundText).execution_options(populate_existing=True)).one()


def test_a_text_is_shown_with_who_wrote_it_and_what_they_were_asked(tx: Tx, out: Sent) -> None:
    (row,) = listed(out.world.mei)
    assert (row["words"], row["number"]) == ("I bring my brother too, which gate?", LIN)
    (question,) = row["questions"]
    assert (question["name"], question["letter"], question["state"]) == ("Lin", "A", "asked")
    assert (question["task"], question["kind"]) == ("Sandbags at the east gate", "real")


def test_nobody_of_another_district_sees_or_answers_it(tx: Tx, out: Sent) -> None:
    (row,) = listed(out.world.mei)
    kai = people.kai(tx)
    assert listed(kai) == []
    offer = row["questions"][0]["offer"]
    assert post(kai, f"{row['id']}/answer", offer=offer, choice="yes") == 404


def test_a_yes_on_behalf_is_an_answer_with_its_consequences_and_who_gave_it(tx: Tx, out: Sent) -> None:
    (row,) = listed(out.world.mei)
    offer = row["questions"][0]["offer"]
    assert post(out.world.mei, f"{row['id']}/answer", offer=offer, choice="yes", minutes_there=40) == 200
    known = out.offer(tx, out.world.lin)
    assert (known.state.value, known.minutes_there) == ("accepted", 40)
    assert [m.volunteer_id for m in messages(tx, "accepted")] == [out.world.lin.id]
    assert (stored(tx).state.value, stored(tx).handled_by) == ("answered", out.world.mei.id)
    kinds = tx.exec(select(AnswerEvent.kind).where(col(AnswerEvent.offer_id) == known.id)).all()
    assert [kind.value for kind in kinds] == ["accept"]
    assert listed(out.world.mei) == []
    assert post(out.world.mei, f"{row['id']}/answer", offer=offer, choice="no") == 410


def test_later_on_behalf_keeps_the_hour(tx: Tx, out: Sent) -> None:
    (row,) = listed(out.world.mei)
    then = NOW + timedelta(hours=5)
    body = {"offer": row["questions"][0]["offer"], "choice": "later", "from": then.isoformat()}
    assert post(out.world.mei, f"{row['id']}/answer", **body) == 200
    assert out.offer(tx, out.world.lin).later_from == then


def test_two_clerks_do_not_work_on_one_text_until_the_claim_runs_out(tx: Tx, out: Sent) -> None:
    (row,) = listed(out.world.mei)
    other = people.an(tx)
    assert post(out.world.mei, f"{row['id']}/claim") == 204
    assert post(out.world.mei, f"{row['id']}/claim") == 204
    assert listed(other)[0]["claimed_by"] == out.world.mei.name
    assert post(other, f"{row['id']}/ignore") == 409
    with minutes_later(6):
        assert post(other, f"{row['id']}/ignore") == 204
    assert stored(tx).state.value == "ignored"


def test_a_question_that_the_number_was_not_asked_cannot_be_answered_through_it(tx: Tx, out: Sent) -> None:
    (row,) = listed(out.world.mei)
    bo = out.offer(tx, out.world.bo).public_id
    assert post(out.world.mei, f"{row['id']}/answer", offer=str(bo), choice="yes") == 404
    assert stored(tx).state.value == "unclear"
