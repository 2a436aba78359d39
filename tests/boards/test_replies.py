"""Everybody whom a callout asked is in one count, which opens its list; only what arrived teaches."""

from collections.abc import Iterator

import pytest
from sqlmodel import col, select

from tests.doors import client
from tests.flows import callouts
from tests.flows.callouts import Sent, answer, minutes_later, sent
from volunteer_hub.boards import replies
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import change, respond
from volunteer_hub.incidents.models import Task
from volunteer_hub.mobilization.reply_rules import Became
from volunteer_hub.mobilization.rules import DeclineReason
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Channel, State
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status


@pytest.fixture(autouse=True)
def ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from callouts.at_ten(monkeypatch)


def message(tx: Tx, out: Sent, person: Volunteer, state: State) -> None:
    offer = out.offer(tx, person)
    tx.exec(select(Message).where(col(Message.subject_id) == offer.id)).one().state = state
    tx.flush()


@pytest.fixture
def out(tx: Tx) -> Sent:
    """Lin came, one declined, one is gone, three messages ended differently; Bo's and two more wait."""
    out = sent(tx, helpers=8)
    crowd = out.world.crowd
    message(tx, out, out.world.lin, State.SENT)  # e-mail gives no receipts: handed over is all there is
    for person, state in zip(crowd[:3], (State.SENT, State.FAILED, State.DELIVERED), strict=True):
        message(tx, out, person, state)
    message(tx, out, crowd[3], State.DELIVERED)
    answer(respond.accept, out.token(tx, out.world.lin))
    answer(respond.decline, out.token(tx, crowd[3]), DeclineReason.BUSY)
    tx.get_one(Volunteer, crowd[4].id).status = Status.SUSPENDED
    tx.flush()
    return out


def test_everybody_asked_is_counted_once_and_found_in_the_list_behind(tx: Tx, out: Sent) -> None:
    mei, at = client(out.world.mei), f"/api/v1/callouts/{out.callout.public_id}/replies"
    told = mei.get(at).json()
    assert told["counts"] == {
        "accepted": 1,
        "declined": 1,
        "delivered": 1,
        "inactive": 1,
        "not_delivered": 1,
        "not_sent": 3,
        "sent": 1,
    }
    assert told["declined"] == {"busy": 1}
    listed = {which: mei.get(f"{at}/{which}").json()["items"] for which in told["counts"]}
    assert {which: len(found) for which, found in listed.items()} == told["counts"]
    assert listed["accepted"][0]["volunteer"] == str(out.world.lin.public_id)


def test_the_page_counts_them_and_opens_each_list(tx: Tx, out: Sent) -> None:
    mei, at = client(out.world.mei), f"/callouts/{out.callout.public_id}"
    assert f'href="{at}/replies"' in mei.get(at).text
    page = mei.get(f"{at}/replies?which=declined").text
    assert "Not sent yet" in page
    assert '>Helper 6</a> <span class="muted">' in page
    assert "谢绝" in client(out.world.mei, lang="zh").get(f"{at}/replies").text


def test_who_has_confirmed_a_change_is_counted_among_those_told_of_it(tx: Tx, out: Sent) -> None:
    answer(respond.accept, out.token(tx, out.world.crowd[5]))
    with db.transaction(out.world.mei, "task.change") as as_mei:
        task = as_mei.get_one(Task, out.task(tx))
        change.change_task(as_mei, task, task.version, place="West gate")
    answer(respond.ack, out.token(tx, out.world.lin))
    mei, at = client(out.world.mei), f"/callouts/{out.callout.public_id}/replies"
    told = mei.get(f"/api/v1{at}").json()
    assert (told["acknowledged"], told["changed"]) == (1, 2)
    assert "1 of 2 people have confirmed the change" in mei.get(at).text


def test_a_list_is_read_page_by_page(tx: Tx, out: Sent) -> None:
    with db.read(out.world.mei) as read:
        first, further = replies.listed(read, out.callout, Became.NOT_SENT, limit=2)
        rest, end = replies.listed(read, out.callout, Became.NOT_SENT, further or 0, limit=2)
    assert (len(first), len(rest), end) == (2, 1, None)


def test_only_questions_that_arrived_teach_and_silence_only_once_it_is_final(tx: Tx, out: Sent) -> None:
    with db.read(SYSTEM) as read:
        early = {one.outcome for one in replies.teaching(read, [out.callout.id])}
    with minutes_later(60 * 12), db.read(SYSTEM) as read:
        later = sorted((one.outcome, one.channel) for one in replies.teaching(read, [out.callout.id]))
    assert early == {Became.ACCEPTED, Became.DECLINED}
    assert later == [(what, "email") for what in ("accepted", "declined", "delivered", "sent")]


def test_where_receipts_are_given_nothing_without_one_teaches_not_even_a_yes(tx: Tx, out: Sent) -> None:
    for row in tx.exec(select(Message)):
        row.channel = Channel.SMS
    tx.flush()
    with minutes_later(60 * 12), db.read(SYSTEM) as read:
        outcomes = sorted(one.outcome for one in replies.teaching(read, [out.callout.id]))
    assert outcomes == ["declined", "delivered"]
