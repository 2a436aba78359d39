"""The page of texts that wait for a person, in both languages."""

from collections.abc import Iterator

import pytest

from tests import people
from tests.doors import client
from tests.flows.callouts import Sent, sent
from tests.flows.texting import LIN, STRANGER, by_text
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import deliver
from volunteer_hub.notify import replies
from volunteer_hub.simulation.gateway import Gateway


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    yield from by_text(monkeypatch)


@pytest.fixture
def out(tx: Tx, gateway: Gateway) -> Sent:
    made = sent(tx, helpers=1, crowd=0)
    deliver.sweep()
    gateway.settle()
    gateway.phones[LIN].reply("<b>which gate?</b>")
    return made


def test_words_are_shown_as_written_and_an_answer_takes_them_off_the_list(tx: Tx, out: Sent) -> None:
    mei = client(out.world.mei)
    text = mei.get("/unclear-replies").text
    assert "&lt;b&gt;which gate?&lt;/b&gt;" in text
    assert "A: REAL CALLOUT: Sandbags at the east gate · Lin · " in text
    assert "1 reply waits for a person" in mei.get(f"/callouts/{out.callout.public_id}").text
    (row,) = replies_of(out)
    form = {"do": "yes", "offer": str(out.offer(tx, out.world.lin).public_id), "minutes": "25"}
    assert mei.post(f"/unclear-replies/{row}", data=form).status_code == 303
    offer = out.offer(tx, out.world.lin)
    assert (offer.state.value, offer.minutes_there) == ("accepted", 25)
    assert "Nothing waits" in mei.get("/unclear-replies").text
    again = mei.post(f"/unclear-replies/{row}", data=form)
    assert (again.status_code, "Somebody has dealt with this message already" in again.text) == (410, True)


def replies_of(out: Sent) -> list[str]:
    items = client(out.world.mei).get("/api/v1/unclear-replies").json()["items"]
    return [item["id"] for item in items]


def test_a_stranger_s_text_is_read_where_the_tree_begins(tx: Tx, out: Sent, gateway: Gateway) -> None:
    gateway.phones[STRANGER].reply("yes")
    text = client(people.an(tx), lang="zh").get("/unclear-replies").text
    assert "未知号码" in text
    assert "此号码没有待答复的召集" in text
    assert len(replies_of(out)) == 1


def test_somebody_is_named_for_an_unknown_number_and_answered_for(
    tx: Tx, out: Sent, gateway: Gateway
) -> None:
    gateway.phones[STRANGER].reply("it is Lin, my old phone is wet: I can come")
    an, lin = client(people.an(tx)), out.world.lin
    (text,) = [one for one in an.get("/api/v1/unclear-replies").json()["items"] if not one["questions"]]
    place, of = "/unclear-replies", {"of": text["id"]}
    assert "Nobody of that name" in an.get(place, params={**of, "search": "Nobodyhere"}).text
    assert f'<option value="{lin.public_id}"' in an.get(place, params={**of, "search": "Lin"}).text
    named = {"do": "attach", "person": str(lin.public_id)}
    assert an.post(f"{place}/{text['id']}", data=named).status_code == 303
    assert (
        an.post(f"/api/v1{place}/{text['id']}/attach", json={"volunteer": str(lin.public_id)}).json()["code"]
        == "reply.known"
    )
    assert "my old phone is wet" in an.get(f"/volunteers/{lin.public_id}/conversation").text
    form = {"do": "yes", "offer": str(out.offer(tx, lin).public_id), "minutes": "30"}
    assert an.post(f"{place}/{text['id']}", data=form).status_code == 303
    assert out.offer(tx, lin).state.value == "accepted"


def test_whoever_may_not_read_them_is_not_told_of_any(tx: Tx, out: Sent) -> None:
    council = people.council(tx)
    assert client(council).get("/unclear-replies").status_code == 403
    tx.actor = council
    assert replies.count_waiting(tx) == 0
