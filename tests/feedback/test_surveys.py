from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import text

from tests import people
from tests.feedback import asked
from tests.feedback.asked import DONGFENG, GOOD, POLICY, Asked
from tests.feedback.test_rules import HOSTILE
from tests.mobilization.rows import NOW, raises
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Forbidden, Gone, HubError, Malformed, NotFound, Refused
from volunteer_hub.feedback import queries, surveys
from volunteer_hub.feedback.queries import Words
from volunteer_hub.feedback.rules import Form, Kind, State, Tally

HOUR = timedelta(hours=1)


@pytest.fixture
def world(tx: Tx) -> Asked:
    return asked.plant(tx)


def after(tx: Tx, hours: float) -> None:
    tx.now = NOW + hours * HOUR


def test_each_is_asked_once_by_a_link_of_their_own(tx: Tx, world: Asked) -> None:
    bo, lin = world.surveys
    assert [survey.volunteer_id for survey in world.surveys] == world.people
    assert (bo.state, bo.remind_at, bo.expires_at) == (State.OPEN, NOW + 24 * HOUR, NOW + 168 * HOUR)
    assert surveys.by_token(tx, surveys.token(bo.public_id)) is bo
    assert surveys.by_token(tx, surveys.token(lin.public_id)) is lin
    assert surveys.token(bo.public_id) != surveys.token(lin.public_id)


def test_asking_again_asks_only_who_is_new(tx: Tx, world: Asked) -> None:
    again = surveys.open_for(tx, world.incident, DONGFENG, world.people, POLICY, kind=Kind.REAL)
    leaders = surveys.open_for(
        tx, world.incident, DONGFENG, [world.people[0]] * 2, POLICY, kind=Kind.REAL, form=Form.LEADER
    )
    assert again == []
    assert [(survey.volunteer_id, survey.form) for survey in leaders] == [(world.people[0], Form.LEADER)]
    assert surveys.open_for(tx, world.incident, DONGFENG, [], POLICY, kind=Kind.REAL) == []


@pytest.mark.parametrize("token", ["", "x", "0" * 22, "AAAAAAAAAAAAAAAAAAAAAA"])
def test_a_token_that_is_not_ours_finds_nothing(tx: Tx, world: Asked, token: str) -> None:
    with raises(NotFound, "not_found"):
        surveys.by_token(tx, token)


def test_an_answer_is_taken_once_and_the_same_again_is_harmless(tx: Tx, world: Asked) -> None:
    bo = world.surveys[0]
    after(tx, 1)
    surveys.answer(tx, bo, GOOD, POLICY)
    assert (bo.state, bo.answers, bo.answered_at, bo.remind_at) == (State.ANSWERED, dict(GOOD), tx.now, None)
    after(tx, 2)
    surveys.answer(tx, bo, {**GOOD, "overall": "4"}, POLICY)
    assert bo.answered_at == NOW + HOUR
    with raises(Refused, "survey.answered"):
        surveys.answer(tx, bo, {**GOOD, "overall": 1}, POLICY)
    with raises(Refused, "survey.answered"):
        surveys.stop(tx, bo)


def test_a_wrong_answer_changes_nothing(tx: Tx, world: Asked) -> None:
    bo = world.surveys[0]
    with raises(Malformed, "form"):
        surveys.answer(tx, bo, {"overall": 7}, POLICY)
    assert (bo.state, bo.answers) == (State.OPEN, None)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_come_back_exactly(tx: Tx, world: Asked, words: str) -> None:
    bo = world.surveys[0]
    surveys.answer(tx, bo, {**GOOD, "missing": words}, POLICY)
    tx.expire(bo)
    assert bo.answers == {**GOOD, "missing": words}
    assert queries.words(tx, world.incident, Form.VOLUNTEER, POLICY) == (
        [Words(bo.public_id, "missing", words)],
        None,
    )


def test_after_its_time_a_survey_is_over_in_words(tx: Tx, world: Asked) -> None:
    bo = world.surveys[0]
    after(tx, 168)
    with raises(Gone, "survey.expired"):
        surveys.answer(tx, bo, GOOD, POLICY)
    with raises(Gone, "survey.expired"):
        surveys.stop(tx, bo)
    assert surveys.expire(tx) == 2
    assert surveys.expire(tx) == 0
    tx.refresh(bo)
    assert (bo.state, bo.remind_at) == (State.EXPIRED, None)
    with raises(Gone, "survey.expired"):
        surveys.answer(tx, bo, GOOD, POLICY)


def test_who_wants_no_more_of_it_is_not_reminded(tx: Tx, world: Asked) -> None:
    bo, lin = world.surveys
    surveys.stop(tx, bo)
    surveys.stop(tx, bo)
    with raises(Gone, "survey.stopped"):
        surveys.answer(tx, bo, GOOD, POLICY)
    after(tx, 24)
    assert surveys.remind(tx, POLICY) == [lin]


def test_reminders_come_twice_and_end_with_the_answer(tx: Tx, world: Asked) -> None:
    bo, lin = world.surveys
    after(tx, 23.9)
    assert surveys.remind(tx, POLICY) == []
    after(tx, 24)
    assert surveys.remind(tx, POLICY) == [bo, lin]
    assert surveys.remind(tx, POLICY) == []
    surveys.answer(tx, bo, GOOD, POLICY)
    after(tx, 72)
    assert surveys.remind(tx, POLICY) == [lin]
    assert (lin.reminders, lin.reminded_at, lin.remind_at) == (2, tx.now, None)
    after(tx, 100)
    assert surveys.remind(tx, POLICY) == []


def test_after_days_down_one_reminder_comes_and_none_after_the_end(tx: Tx, world: Asked) -> None:
    after(tx, 100)
    assert surveys.remind(tx, POLICY, limit=1) == [world.surveys[0]]
    assert world.surveys[0].remind_at is None
    after(tx, 200)
    assert surveys.remind(tx, POLICY) == []


def test_results_say_how_few_have_answered(tx: Tx) -> None:
    world = asked.plant(tx, 7)
    for survey, mark, safe in zip(world.surveys, (5, 2, 1), ("yes", "no", "yes"), strict=False):
        surveys.answer(tx, survey, {"overall": mark, "safe": safe, "missing": f"words {mark}"}, POLICY)
    surveys.stop(tx, world.surveys[3])
    found = queries.results(tx, world.incident, Form.VOLUNTEER, POLICY)
    assert (found.asked, found.answered, found.stopped, found.expired, found.waiting) == (7, 3, 1, 0, 3)
    assert found.rate == 42
    assert found.tallies == (
        Tally("overall", "scale", 3, {"1": 1, "2": 1, "3": 0, "4": 0, "5": 1}, 0, 2, 2.67),
        Tally("safe", "choice", 3, {"yes": 2, "mostly": 0, "no": 1}, findings=1),
        Tally("suited", "choice", 0, {"yes": 0, "too_hard": 0, "too_easy": 0}),
        Tally("missing", "text", 3, words=3),
    )
    after(tx, 168)
    late = queries.results(tx, world.incident, Form.VOLUNTEER, POLICY)
    assert (late.asked, late.answered, late.stopped, late.expired, late.waiting) == (7, 3, 1, 3, 0)


def test_where_nobody_was_asked_there_is_no_rate(tx: Tx, world: Asked) -> None:
    none = queries.results(tx, world.incident, Form.LEADER, POLICY)
    assert (none.asked, none.rate) == (0, None)
    assert queries.words(tx, world.incident, Form.LEADER, POLICY) == ([], None)


def test_words_are_read_in_pages(tx: Tx) -> None:
    world = asked.plant(tx, 3)
    for number, survey in enumerate(world.surveys):
        surveys.answer(tx, survey, {**GOOD, "missing": f"{number}"}, POLICY)
    first, following = queries.words(tx, world.incident, Form.VOLUNTEER, POLICY, limit=2)
    assert ([one.text for one in first], following) == (["2", "1"], world.surveys[1].id)
    rest, end = queries.words(tx, world.incident, Form.VOLUNTEER, POLICY, before=following, limit=2)
    assert ([one.text for one in rest], end) == (["0"], None)


def test_a_person_sees_what_they_were_asked(tx: Tx, world: Asked) -> None:
    assert queries.of_volunteer(tx, world.people[1]) == [world.surveys[1]]


def test_kai_cannot_see_or_open_surveys_of_meis_incident(tx: Tx, world: Asked) -> None:
    bo = surveys.answer(tx, world.surveys[0], GOOD, POLICY)
    mei, kai = people.mei(tx), people.kai(tx)
    tx.actor = mei
    assert queries.find(tx, "survey.read", bo.public_id) is bo
    assert queries.results(tx, world.incident, Form.VOLUNTEER, POLICY).answered == 1
    tx.actor = kai
    with raises(NotFound, "not_found"):
        queries.find(tx, "survey.read", bo.public_id)
    with raises(NotFound, "not_found"):
        surveys.open_for(tx, world.incident, DONGFENG, world.people, POLICY, kind=Kind.REAL)
    seen = queries.results(tx, world.incident, Form.VOLUNTEER, POLICY)
    assert (seen.asked, seen.answered, seen.rate) == (0, 0, None)
    assert queries.words(tx, world.incident, Form.VOLUNTEER, POLICY) == ([], None)
    tx.actor = GUEST
    with raises(Forbidden, "forbidden"):
        queries.results(tx, world.incident, Form.VOLUNTEER, POLICY)


def test_a_forgotten_person_leaves_counts_and_no_words(tx: Tx, world: Asked) -> None:
    bo, lin = world.surveys
    surveys.answer(tx, bo, {**GOOD, "missing": "My name is Bo."}, POLICY)
    assert surveys.forget(tx, bo.volunteer_id, POLICY) == 1
    assert surveys.forget(tx, lin.volunteer_id, POLICY) == 1
    assert bo.answers == {"overall": 4, "safe": "yes"}
    assert (lin.state, lin.answers) == (State.STOPPED, None)
    assert tx.execute(text("SELECT count(*) FROM surveys WHERE answers::text LIKE '%Bo%'")).scalar_one() == 0
    assert queries.results(tx, world.incident, Form.VOLUNTEER, POLICY).answered == 1


def test_of_two_answers_at_once_one_counts(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        token = surveys.token(asked.plant(tx, 1).surveys[0].public_id)

    def answer(mark: int) -> str:
        try:
            with db.transaction(GUEST, "survey.answer") as own:
                own.now = NOW
                surveys.answer(own, surveys.by_token(own, token), {**GOOD, "overall": mark}, POLICY)
        except HubError as error:
            return error.code
        return "taken"

    with ThreadPoolExecutor(5) as pool:
        said = Counter(pool.map(answer, range(1, 6)))
    assert said == {"taken": 1, "survey.answered": 4}


def test_two_sweeps_at_once_remind_each_person_once(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        asked.plant(tx, 20)

    def sweep(_: int) -> int:
        with db.transaction(SYSTEM, "survey.remind") as own:
            own.now = NOW + 24 * HOUR
            return len(surveys.remind(own, POLICY, limit=20))

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(sweep, range(3))) == 20


def test_two_openings_at_once_ask_each_person_once(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        world = asked.plant(tx, 5)

    def ask(_: int) -> int:
        with db.transaction(SYSTEM, "survey.open") as own:
            own.now = NOW
            return len(
                surveys.open_for(
                    own, world.incident, DONGFENG, world.people, POLICY, kind=Kind.REAL, form=Form.LEADER
                )
            )

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(ask, range(3))) == 5
