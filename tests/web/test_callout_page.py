"""The page behind a callout's link: looking changes nothing, every answer is a plain form."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.doors import client
from tests.flows.callouts import NOW, Sent, at_ten, minutes_later, send, sent
from tests.world import world
from volunteer_hub.boards.offer import masked
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import change, mobilize
from volunteer_hub.incidents.models import RoleSlot, Task
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.models import AnswerEvent, Callout
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def page(out: Sent, tx: Tx, person: Volunteer | None = None, lang: str = "en") -> str:
    """What the person's link shows."""
    answer = client(lang=lang).get(f"/c/{out.token(tx, person or out.world.lin)}")
    assert answer.status_code == 200
    return answer.text


def post(out: Sent, tx: Tx, deed: str, person: Volunteer | None = None, **form: str) -> int:
    """Sends one of the page's forms; the status."""
    token = out.token(tx, person or out.world.lin)
    return client().post(f"/c/{token}/{deed}", data=form).status_code


def test_the_question_says_real_what_where_when_and_hides_the_name(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    html = page(out, tx)
    for words in ("REAL CALLOUT", "真实召集", "Sandbags at the east gate", "Today 11:00–15:00", "L*"):
        assert words in html
    assert "East gate · " in html
    for secret in ("Lin", "p2@example.org", "mei@example.org", "<script>"):
        assert secret not in html


def test_a_drill_says_so(tx: Tx) -> None:
    html = page(sent(tx, helpers=2, kind=Kind.DRILL), tx, lang="zh")
    assert "演练" in html
    assert "真实召集" not in html


def test_looking_changes_nothing(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    for path in ("", "/decline", "/later"):
        client().get(f"/c/{out.token(tx, out.world.lin)}{path}")
    assert out.states(tx) == {"asked": 3}
    assert out.offer(tx, out.world.lin).seen_at is None
    assert tx.get(AnswerEvent, 1) is None


def test_accepting_by_the_form_shows_code_place_and_leader(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    form = re.search(r'<option value="(\d+)"[^>]*>on time, today 11:00', page(out, tx))
    assert form is not None
    assert post(out, tx, "accept", arrival=form[1]) == 303
    html = page(out, tx)
    assert places.duty_code(out.offer(tx, out.world.lin)) in html
    assert "mei@example.org" in html
    assert "Thank you. You have a place." in html
    assert out.offer(tx, out.world.lin).minutes_there == 60


def test_who_is_far_when_work_has_begun_says_when_they_can_be_there(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    with minutes_later(90):
        html = page(out, tx)
    choices = re.findall(r'<option value="(\d+)"[^>]*>([^<]+)<', html)
    assert choices == [
        ("15", "by today 11:45"),
        ("30", "by today 12:00"),
        ("60", "by today 12:30"),
        ("120", "by today 13:30"),
    ]


def test_declining_asks_why_and_costs_nothing(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    assert post(out, tx, "decline", reason="unwell") == 303
    html = page(out, tx)
    assert "Saying no costs you nothing" in html
    assert "I&#39;m coming after all" in html
    assert out.offer(tx, out.world.lin).decline_reason == "unwell"


@pytest.mark.parametrize("reason", ["later", "not_me", "<script>", "x" * 20])
def test_a_reason_that_is_none_is_refused_in_words(tx: Tx, reason: str) -> None:
    out = sent(tx, helpers=2)
    answer = client().post(f"/c/{out.token(tx, out.world.lin)}/decline", data={"reason": reason})
    assert answer.status_code == 422
    assert "Choose one of the reasons." in answer.text
    assert "<script>" not in answer.text
    assert out.states(tx) == {"asked": 3}


def test_later_is_an_answer_with_its_hour(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    choices = client().get(f"/c/{out.token(tx, out.world.lin)}/later").text
    first = re.search(r'value="(2031[^"]+)"', choices)
    assert first is not None
    assert post(out, tx, "later", from_when=first[1]) == 303
    assert out.offer(tx, out.world.lin).later_from == NOW + timedelta(hours=1)
    assert "You said that you can come from today 11:00." in page(out, tx)


@pytest.mark.parametrize("moment", ["", "soon", "2031-01-19T00:00:00+00:00", "2031-01-21T00:00:00", "NaN"])
def test_an_hour_that_cannot_be_is_refused(tx: Tx, moment: str) -> None:
    out = sent(tx, helpers=2)
    answer = client().post(f"/c/{out.token(tx, out.world.lin)}/later", data={"from_when": moment})
    assert (answer.status_code, "Choose an hour in the future." in answer.text) == (422, True)


@pytest.mark.parametrize("arrival", ["-1", "1.5", "nan", "９９", "99999"])
def test_minutes_that_cannot_be_are_refused_and_nothing_is_lost(tx: Tx, arrival: str) -> None:
    out = sent(tx, helpers=2)
    answer = client().post(f"/c/{out.token(tx, out.world.lin)}/accept", data={"arrival": arrival})
    assert answer.status_code == 422
    assert "Your answer was not changed." in answer.text
    assert out.states(tx) == {"asked": 3}


def test_withdrawing_gives_the_place_to_whoever_stands_by(tx: Tx) -> None:
    out = sent(tx, helpers=11)
    people = [out.world.lin, *out.world.crowd[:10]]
    for person in people:
        post(out, tx, "accept", person)
    assert "You are standing by" in page(out, tx, people[-1])
    assert "Your check-in code" not in page(out, tx, people[-1])
    assert post(out, tx, "withdraw", reason="busy") == 303
    assert "You have a place." in page(out, tx, people[-1])
    assert "You have given your place back" in page(out, tx)


def test_this_is_not_me_closes_the_link(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    assert post(out, tx, "not-me") == 303
    assert "had reached the wrong person" in page(out, tx)
    assert post(out, tx, "accept") == 410


def test_a_change_is_shown_and_confirmed(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    post(out, tx, "accept")
    later = NOW + timedelta(hours=5)
    with transaction(out.world.mei, "task.change") as as_mei:
        task = as_mei.get_one(Task, out.task(tx))
        change.change_task(as_mei, task, task.version, starts_at=later, ends_at=later + timedelta(hours=1))
    assert "Place or time has changed" in page(out, tx)
    assert "Today 15:00–16:00" in page(out, tx)
    assert post(out, tx, "ack") == 303
    assert "Place or time has changed" not in page(out, tx)


def test_a_callout_called_off_says_that_nobody_need_come(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    with transaction(out.world.mei, "callout.cancel") as as_mei:
        mobilize.cancel(as_mei, as_mei.get_one(Callout, out.callout.id))
    assert "was called off" in page(out, tx)
    answer = client().post(f"/c/{out.token(tx, out.world.lin)}/accept")
    assert (answer.status_code, "was called off" in answer.text) == (410, True)


def test_a_link_that_has_expired_says_so(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    with minutes_later(26 * 60):
        answer = client().get(f"/c/{out.token(tx, out.world.lin)}")
        assert (answer.status_code, "Nothing to answer any more" in answer.text) == (200, True)


@pytest.mark.parametrize("token", ["x", "A" * 22, "🚨" * 5, "a" * 5000])
def test_a_foreign_link_is_told_in_words_what_to_do(tx: Tx, token: str) -> None:
    sent(tx, helpers=1)
    for answer in (client().get(f"/c/{token}"), client().post(f"/c/{token}/accept")):
        assert (answer.status_code, "call your community" in answer.text) == (404, True)


def test_two_promises_at_one_time_are_refused_with_the_reason(tx: Tx) -> None:
    w = world(tx)
    first = send(tx, w, [(w.slots[0], w.lin)])
    second = send(tx, w, [(w.slots[1], w.lin)])
    post(first, tx, "accept")
    token = second.token(tx, w.lin)
    answer = client().post(f"/c/{token}/accept")
    assert (answer.status_code, "promised to be elsewhere" in answer.text) == (409, True)


def test_hostile_words_are_shown_as_words(tx: Tx) -> None:
    out = sent(tx, helpers=1)
    with transaction(SYSTEM, "test") as system:
        task = system.get_one(Task, system.get_one(RoleSlot, out.helpers).task_id)
        task.title = "<script>alert(1)</script>{{7*7}}"
        task.place = "\u202e<img src=x>"
    html = page(out, tx)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in html
    assert "<img src=x>" not in html


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Bo", "B*"), ("Bo Wang", "B*"), ("王秀英", "王**"), ("欧阳娜娜", "欧***"), ("李", "李*"), (None, "")],
)
def test_a_name_is_masked(name: str | None, shown: str) -> None:
    assert masked(name) == shown
