"""Everything said to one person and by them, in one place, for whoever may read it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import people
from tests.areas import AREAS
from tests.doors import client
from tests.flows.callouts import Sent, answer, minutes_later, sent
from tests.flows.test_deliver import statements
from tests.flows.texting import LIN, by_text
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import deliver, hand_call, respond
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.rules import Rung
from volunteer_hub.simulation.gateway import Gateway
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.rules import ContactKind


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    yield from by_text(monkeypatch)


@pytest.fixture
def out(tx: Tx, gateway: Gateway) -> Sent:
    """Lin was asked, rung up in vain, wrote what nobody understood, then yes, and then withdrew by link."""
    made = sent(tx, helpers=1, crowd=0)
    deliver.sweep()
    with minutes_later(1):
        gateway.settle()
    with minutes_later(2), db.transaction(made.world.mei, "hand_call.outcome") as as_mei:
        hand_call.not_answered(as_mei, made.offer(tx, made.world.lin).public_id, Rung.NO_ANSWER)
    with minutes_later(3):
        gateway.phones[LIN].reply("Which <b>gate</b>?")
    with minutes_later(4):
        gateway.phones[LIN].reply("A1")
        deliver.sweep()
    with minutes_later(5):
        answer(respond.withdraw, made.token(tx, made.world.lin))
    return made


def read(out: Sent, actor: Actor | None = None, **asked: Any) -> dict[str, Any]:
    at = f"/api/v1/volunteers/{out.world.lin.public_id}/conversation"
    got = client(actor or out.world.mei).get(at, params=asked)
    assert got.status_code == 200, got.text
    found: dict[str, Any] = got.json()
    return found


def test_all_channels_stand_in_one_place_the_newest_last(tx: Tx, out: Sent) -> None:
    items = read(out)["items"]
    assert [
        (one["what"], one["answer"] or one["purpose"] or one["outcome"] or one["handled"]) for one in items
    ] == [
        ("message", "offer"),
        ("call", "no_answer"),
        ("text", "unclear"),
        ("message", "accepted"),
        ("text", "done"),
        ("answer", "accept"),
        ("answer", "withdraw"),
    ]
    asked, rung, wrote, placed, _, yes, no = items
    offer = out.offer(tx, out.world.lin)
    assert asked["words"].startswith("REAL CALLOUT: Sandbags at the east gate")
    assert (asked["channel"], asked["state"], asked["task"]) == (
        "sms",
        "delivered",
        "Sandbags at the east gate",
    )
    assert (rung["by"], wrote["words"], yes["via"], no["via"]) == (
        "Mei",
        "Which <b>gate</b>?",
        "text",
        "link",
    )
    assert "A1" in wrote["told"]
    assert "••••" in placed["words"]
    for secret in (out.token(tx, out.world.lin), places.duty_code(offer)):
        assert secret not in str(items)


def test_it_is_read_page_by_page_from_its_end(tx: Tx, out: Sent) -> None:
    every = read(out)["items"]
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        part = read(out, limit=2, **cursor)
        found = part["items"] + found
        if part["next"] is None:
            break
        cursor = {"cursor": part["next"]}
    assert found == every
    assert (
        client(out.world.mei)
        .get(f"/api/v1/volunteers/{out.world.lin.public_id}/conversation?cursor=MTIz")
        .status_code
        == 422
    )


def test_one_incident_is_told_apart_and_a_foreign_one_is_absent(tx: Tx, out: Sent) -> None:
    assert read(out, incident=str(out.world.incident.public_id)) == read(out)
    at = f"/api/v1/volunteers/{out.world.lin.public_id}/conversation"
    assert client(out.world.mei).get(f"{at}?incident={out.world.bo.public_id}").status_code == 404


def test_who_shares_the_number_is_not_taken_for_the_writer(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1, crowd=0)
    addresses.add(tx, out.world.bo, ContactKind.SMS, LIN)
    with minutes_later(6):
        gateway.phones[LIN].reply("is it cold there?")
    last = read(out)["items"][-1]
    assert (last["words"], last["theirs"]) == ("is it cold there?", False)


def test_only_their_own_areas_and_nobody_without_the_right(tx: Tx, out: Sent) -> None:
    at = f"/api/v1/volunteers/{out.world.lin.public_id}/conversation"
    assert client(people.kai(tx)).get(at).status_code == 404
    assert client(people.council(tx)).get(at).status_code == 403
    out.world.lin.area = AREAS["datong"][0]  # lent: Mei still reads what was said about her callout
    tx.flush()
    assert len(read(out)["items"]) == len(read(out, people.an(tx))["items"])
    page = client(out.world.mei).get(f"/volunteers/{out.world.lin.public_id}/conversation")
    assert (page.status_code, "Lin" in page.text) == (200, False)


def test_the_page_says_it_in_words_and_the_queries_do_not_grow(tx: Tx, gateway: Gateway, out: Sent) -> None:
    mei, at = client(out.world.mei), f"/volunteers/{out.world.lin.public_id}/conversation"
    page = mei.get(at).text
    assert "Which &lt;b&gt;gate&lt;/b&gt;?" in page
    assert "Mei rang them up" in page
    assert at in mei.get(f"/volunteers/{out.world.lin.public_id}").text
    assert at in mei.get(f"/callouts/{out.callout.public_id}").text
    assert at in mei.get("/unclear-replies").text
    few = statements(lambda: read(out))
    with minutes_later(7):
        for words in ("one more", "and another"):
            gateway.phones[LIN].reply(words)
    assert statements(lambda: read(out)) == few
