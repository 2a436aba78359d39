"""What a telephone kept without signal, as its worker sends it: how long ago it was, under a key."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, minutes_later
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import field
from volunteer_hub.incidents.models import Task
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.check_models import DutyCheck
from volunteer_hub.mobilization.rules import DutyState, OfferState


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    return made.coming(tx)


def test_a_check_sent_later_keeps_its_time_and_counts_once(tx: Tx, sent: Sent) -> None:
    bo = sent.world.bo
    door, code = f"/c/{sent.token(tx, bo)}/late", places.duty_code(sent.offer(tx, bo))

    def send(what: str, ago: float, key: str, **more: str) -> tuple[int, str]:
        body = {"what": what, "ago": str(round(ago * 60)), "once": key, **more}
        answer = client().post(door, data=body)
        return answer.status_code, answer.json()["words"]

    with transaction(sent.world.mei, "field.timer") as mei:
        field.set_timer(mei, mei.get_one(Task, sent.task(mei)), 60)
    with minutes_later(180):
        assert send("on-my-way", 150, "w", minutes="30") == (200, "")
        assert send("on-my-way", 160, "x", minutes="90") == (200, "")  # overtaken by what is known since
        assert send("on-my-way", 150, "y", minutes="-1")[0] == 422
        way = made.duty_of(tx, sent, bo)
        assert (way.en_route_at, way.arrives_at) == (NOW + timedelta(minutes=30), NOW + timedelta(hours=1))
        assert send("check-in", 120, "a", code=code) == (200, "")
        assert send("check-in", 120, "a", code=code) == (200, "")  # the answer was lost on the way
        assert send("check-in", 30, "b", code=code) == (200, "")  # pressed twice: the first time stands
        assert send("ok", 20, "c") == (200, "")
        assert send("ok", 90, "d") == (200, "")  # overtaken by what is known since
        duty = made.duty_of(tx, sent, bo)
        assert (duty.checked_in_at, duty.ok_at) == (NOW + timedelta(hours=1), NOW + timedelta(minutes=160))
        assert duty.ok_due_at == NOW + timedelta(minutes=220)
        refused = send("check-out", 10, "e", code="not it")
        assert (refused[0], "does not belong to this duty" in refused[1]) == (409, True)
        assert send("check-out", -10, "f", code=code)[0] == 422  # a clock that runs ahead
        assert send("check-out", 60 * 24, "g", code=code)[0] == 409  # too long ago to be believed
        assert send("erase", 1, "h")[0] == 422
        assert send("check-out", 10, "i", code=code) == (200, "")
    done = made.duty_of(tx, sent, bo)
    assert (done.state, done.minutes) == (DutyState.DONE, 110)
    came, went = tx.exec(select(DutyCheck).order_by(col(DutyCheck.id)))
    assert [check.noted_at - check.at for check in (came, went)] == [
        timedelta(hours=2),
        timedelta(minutes=10),
    ]


def test_an_answer_sent_later_counts_from_when_it_was_given(tx: Tx, sent: Sent) -> None:
    person = sent.world.crowd[0]
    door = f"/c/{sent.token(tx, person)}/late"
    with minutes_later(30):
        said = client().post(door, data={"what": "accept", "ago": "900", "once": "k", "arrival": "30"})
    offer = sent.offer(tx, person)
    assert (said.status_code, offer.state) == (200, OfferState.ACCEPTED)
    assert (offer.answered_at, offer.minutes_there) == (NOW + timedelta(minutes=15), 30)
    assert client().post("/c/nobodys/late", data={"what": "accept", "once": "k"}).status_code == 404


def test_two_deeds_within_a_second_are_not_turned_round_by_whole_seconds(tx: Tx, sent: Sent) -> None:
    lin = sent.world.lin
    door, code = f"/c/{sent.token(tx, lin)}/late", places.duty_code(sent.offer(tx, lin))
    with minutes_later(180):
        for what, ago in (("check-in", 7200), ("check-out", 7201)):
            body = {"what": what, "ago": str(ago), "once": what, "code": code}
            assert client().post(door, data=body).status_code == 200
    done = made.duty_of(tx, sent, lin)
    assert (done.state, done.checked_out_at) == (DutyState.DONE, done.checked_in_at)
