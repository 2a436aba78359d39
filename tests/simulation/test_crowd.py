"""How made-up people answer: drawn from a seed, in the shares wanted, by the forms that a page shows."""

import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from volunteer_hub.core.policy import load
from volunteer_hub.mobilization.policy import Answers, Delay
from volunteer_hub.simulation import crowd, mailbox
from volunteer_hub.simulation.crowd import DAY, NIGHT, Answer, Crowd, mind, told
from volunteer_hub.simulation.forms import Form, form_to, forms
from volunteer_hub.simulation.mailbox import Letter

PAGE = """
<form method="post" action="/c/abc/accept"><input type="hidden" name="seen" value="1">
<select name="arrival"><option value="15">soon</option><option value="60" selected>later</option></select>
<button name="answer" value="accept">Yes</button></form>
<form method="post" action="/c/abc/decline">
<input type="radio" name="reason" value="busy" checked><input type="radio" name="reason" value="away">
<textarea name="words"></textarea></form>
<input name="outside" value="x">
"""


@pytest.fixture
def delay() -> Delay:
    answers: Answers = load("answers", Answers)
    return answers.delay


def letter(number: int) -> Letter:
    return Letter(f"p{number}@example.org", 1, "", "")


def test_the_same_person_does_the_same_again_and_another_seed_is_another_crowd(delay: Delay) -> None:
    first = [mind(1, letter(n), NIGHT, delay, night=True) for n in range(50)]
    assert [mind(1, letter(n), NIGHT, delay, night=True) for n in range(50)] == first
    assert [mind(2, letter(n), NIGHT, delay, night=True) for n in range(50)] != first


def test_answers_come_in_the_shares_of_the_habits(delay: Delay) -> None:
    answers = Counter(mind(1, letter(n), DAY, delay, night=False).answer for n in range(20_000))
    shares = {answer: round(count / 20_000, 2) for answer, count in answers.items()}
    assert shares == {
        Answer.ACCEPT: pytest.approx(DAY.accept, abs=0.011),
        Answer.DECLINE: pytest.approx(DAY.decline, abs=0.011),
        Answer.LATER: pytest.approx(DAY.later, abs=0.011),
        Answer.NONE: pytest.approx(1 - DAY.accept - DAY.decline - DAY.later, abs=0.011),
    }


@pytest.mark.parametrize("night", [False, True])
def test_delays_follow_the_configured_curve(delay: Delay, night: bool) -> None:
    minutes = sorted(mind(1, letter(n), DAY, delay, night=night).after for n in range(20_000))
    curve = delay.night if night else delay.day
    for share, expected in zip(delay.shares[:-1], curve[:-1], strict=True):
        assert minutes[int(share * len(minutes))] == pytest.approx(expected, rel=0.15)


def test_a_form_is_read_as_its_reader_sees_it() -> None:
    yes, no = forms(PAGE)
    assert yes == Form("/c/abc/accept", {"seen": "1", "arrival": "60"}, {"arrival": ["15", "60"]}, [])
    assert no == Form("/c/abc/decline", {"reason": "busy"}, {"reason": ["busy", "away"]}, ["words"])
    assert form_to(PAGE, "/decline") == no
    assert form_to(PAGE, "/withdraw") is None


def test_what_people_tell_is_among_the_choices_and_few_write() -> None:
    form = Form(
        "/s/abc", {}, {"overall": ["1", "2", "3", "4", "5"], "safe": ["yes", "mostly", "no"]}, ["more"]
    )
    said = [told(form, luck / 100, ("Tea!",)) for luck in range(100)]
    assert {answers["overall"] for answers in said} == {"3", "4", "5"}
    assert Counter(answers["safe"] for answers in said).most_common()[0][0] == "yes"
    assert sum("more" in answers for answers in said) == 25


def test_letters_without_a_link_of_ours_move_nobody(tmp_path: Path, delay: Delay) -> None:
    clock = datetime(2031, 1, 20, 2, 40, tzinfo=UTC)
    people = Crowd(tmp_path, "http://127.0.0.1:9", delay, now=lambda: clock, night=lambda _: True)
    mailbox.keep(tmp_path, "p1@example.org", b"Subject: news\r\n\r\nhttp://127.0.0.1:9/incidents/17 123456")
    with people:
        time.sleep(3 * crowd.PAUSE_SECONDS)
    assert (people.did, people.failed, people.waiting()) == (Counter(), [], 0)


def test_a_server_that_cannot_be_reached_is_told_at_the_end(tmp_path: Path, delay: Delay) -> None:
    clock = datetime(2031, 1, 20, 2, 40, tzinfo=UTC)
    people = Crowd(
        tmp_path,
        "http://127.0.0.1:9",
        Delay(shares=(0.5, 0.99), day=(1, 2), night=(1, 2)),
        now=lambda: clock,
        night=lambda _: False,
        habits=lambda _: crowd.Habits(accept=1.0, decline=0.0, later=0.0),
    )
    with people:
        mailbox.keep(tmp_path, "p1@example.org", b"Subject: x\r\n\r\nhttp://h/c/AAAAAAAAAAAAAAAAAAAAAA")
        while not people.did["asked"]:
            time.sleep(crowd.PAUSE_SECONDS)
        clock = datetime(2031, 1, 20, 3, 40, tzinfo=UTC)
        while people.waiting():
            time.sleep(crowd.PAUSE_SECONDS)
    assert people.did == Counter(asked=1)
    assert [fault.partition(":")[0] for fault in people.failed] == ["ConnectError"]
