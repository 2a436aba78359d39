"""Answers by link, and who hears of them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from tests.flows.callouts import NOW, answer, at_ten, messages, minutes_later, sent
from volunteer_hub.audit.models import AuditLine
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Gone, Malformed, NotFound, Refused
from volunteer_hub.flows import change, mobilize, respond
from volunteer_hub.incidents.models import Task
from volunteer_hub.mobilization.desk import Reply
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.mobilization.rules import Answer, DeclineReason, Outcome


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def purposes(tx: Tx, volunteer_id: int) -> list[tuple[str, str]]:
    """The messages to one person, oldest first, each with its state."""
    return [(m.purpose, m.state.value) for m in messages(tx) if m.volunteer_id == volunteer_id]


def test_accepting_gives_a_place_stops_the_question_and_is_told(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    answered = answer(respond.accept, out.token(tx, out.world.lin), 30)
    assert (answered.outcome, answered.offer.minutes_there) == (Outcome.ACCEPTED, 30)
    assert out.offer(tx, out.world.lin).seen_at == NOW
    assert purposes(tx, out.world.lin.id) == [("offer", "cancelled"), ("accepted", "queued")]


def test_the_same_answer_twice_is_told_once(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    answer(respond.accept, out.token(tx, out.world.lin))
    assert answer(respond.accept, out.token(tx, out.world.lin)).outcome is Outcome.STANDS
    assert len(messages(tx, "accepted")) == 1


def test_thinking_better_of_it_is_told_each_time(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    token = out.token(tx, out.world.lin)
    answer(respond.accept, token)
    with minutes_later(1):
        answer(respond.withdraw, token)
    with minutes_later(2):
        answer(respond.accept, token)
    assert purposes(tx, out.world.lin.id) == [
        ("offer", "cancelled"),
        ("accepted", "cancelled"),
        ("accepted", "queued"),
    ]


def test_declining_costs_no_message(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    answered = answer(respond.decline, out.token(tx, out.world.lin), DeclineReason.BUSY)
    assert answered.offer.decline_reason is DeclineReason.BUSY
    assert purposes(tx, out.world.lin.id) == [("offer", "cancelled")]


def test_later_keeps_the_hour_and_an_hour_gone_by_is_refused(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    token = out.token(tx, out.world.lin)
    with pytest.raises(Malformed):
        answer(respond.later, token, NOW)
    answer(respond.later, token, NOW + timedelta(hours=4))
    assert out.offer(tx, out.world.lin).later_from == NOW + timedelta(hours=4)


def test_surplus_stands_by_and_moves_up_when_somebody_withdraws(tx: Tx) -> None:
    out = sent(tx, helpers=11)
    people = [out.world.lin, *out.world.crowd[:10]]
    outcomes = [answer(respond.accept, out.token(tx, person)).outcome for person in people]
    assert outcomes == [Outcome.ACCEPTED] * 10 + [Outcome.STANDING_BY]
    answer(respond.withdraw, out.token(tx, out.world.lin))
    assert purposes(tx, people[-1].id) == [
        ("offer", "cancelled"),
        ("standing_by", "queued"),
        ("promoted", "queued"),
    ]
    assert out.states(tx) == {"accepted": 10, "withdrawn": 1, "asked": 1}


def test_a_late_withdrawal_alerts_whoever_is_in_command_at_once(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    token = out.token(tx, out.world.lin)
    answer(respond.accept, token)
    with minutes_later(20):
        answer(respond.withdraw, token, DeclineReason.UNWELL)
    told = messages(tx, "alert_late_withdrawal")
    assert {(m.account_id, m.params["moved"]) for m in told} == {(out.world.mei.id, 0)}
    assert out.world.lin.name not in str([m.params for m in told])


def test_not_me_kills_the_link_and_frees_the_place(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    token = out.token(tx, out.world.lin)
    answer(respond.accept, token)
    answer(respond.not_me, token)
    with pytest.raises(Gone):
        answer(respond.accept, token)
    assert out.states(tx) == {"asked": 3, "withdrawn": 1}


@pytest.mark.parametrize("token", ["", "x", "0" * 22, "☃", "../../etc", "a" * 10_000])
def test_a_link_that_was_never_given_out_is_answered_in_words(tx: Tx, token: str) -> None:
    sent(tx, helpers=1)
    with pytest.raises(NotFound) as missing:
        answer(respond.accept, token)
    assert missing.value.code == "offer.link_unknown"


def test_nobody_accepts_a_callout_that_was_called_off(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    token = out.token(tx, out.world.lin)
    with transaction(out.world.mei, "callout.cancel") as as_mei:
        mobilize.cancel(as_mei, as_mei.get_one(Callout, out.callout.id))
    with pytest.raises(Gone) as gone:
        answer(respond.accept, token)
    assert gone.value.code == "offer.cancelled"


def test_a_new_time_is_told_to_whoever_accepted_and_is_to_be_acknowledged(tx: Tx) -> None:
    out = sent(tx, helpers=4)
    token = out.token(tx, out.world.lin)
    answer(respond.accept, token)
    later = NOW + timedelta(hours=3)
    with transaction(out.world.mei, "task.change") as as_mei:
        task = as_mei.get_one(Task, out.task(tx))
        told = change.change_task(
            as_mei, task, task.version, starts_at=later, ends_at=later + timedelta(hours=4)
        )
    assert (told.told, told.released) == (1, 0)
    assert purposes(tx, out.world.lin.id)[-1] == ("changed", "queued")
    offer = out.offer(tx, out.world.lin)
    assert (offer.starts_at, offer.version, offer.ack_version) == (later, 2, 1)
    waiting = [m for m in messages(tx, "offer") if m.state.value == "queued"]
    assert {m.params["starts_at"] for m in waiting} == {later.isoformat()}  # never asked about the old time
    answer(respond.ack, token)
    assert out.offer(tx, out.world.lin).ack_version == 2


def test_a_task_called_off_is_told_to_nobody_whose_question_never_left(tx: Tx) -> None:
    out = sent(tx, helpers=4)
    answer(respond.accept, out.token(tx, out.world.lin))
    with transaction(out.world.mei, "task.cancel") as as_mei:
        assert change.cancel_task(as_mei, as_mei.get_one(Task, out.task(tx)), "the water has gone down") == 1
    assert out.states(tx) == {"cancelled": 5}
    assert [message.volunteer_id for message in messages(tx, "cancelled")] == [out.world.lin.id]


def test_what_changes_nothing_for_people_is_told_to_nobody(tx: Tx) -> None:
    out = sent(tx, helpers=4)
    answer(respond.accept, out.token(tx, out.world.lin))
    with transaction(out.world.mei, "task.change") as as_mei:
        task = as_mei.get_one(Task, out.task(tx))
        assert change.change_task(as_mei, task, task.version, priority=1).told == 0
    assert messages(tx, "changed") == []


def test_reading_is_noted_once_and_by_the_person_themselves(tx: Tx) -> None:
    out = sent(tx, helpers=1)
    token = out.token(tx, out.world.lin)
    answer(respond.seen, token)
    with minutes_later(5):
        answer(respond.seen, token)
    assert out.offer(tx, out.world.lin).seen_at == NOW
    with transaction(GUEST, "offer.answer") as link:
        respond.by_link(link, token)
        assert (link.actor.kind, link.actor.id) == ("volunteer", out.world.lin.id)


def test_somebody_not_asked_for_a_place_cannot_withdraw_it(tx: Tx) -> None:
    out = sent(tx, helpers=1)
    with pytest.raises(Refused) as refused:
        answer(respond.withdraw, out.token(tx, out.world.lin))
    assert refused.value.code == "offer.not_held"


def test_answers_taken_together_are_told_as_if_each_had_come_alone(tx: Tx) -> None:
    out = sent(tx, helpers=11)
    people = [out.world.lin, *out.world.crowd[:10]]
    yes, back = Reply(Answer.ACCEPT), Reply(Answer.WITHDRAW)
    replies = [(out.token(tx, person), yes) for person in people] + [(out.token(tx, people[0]), back)]
    with transaction(GUEST, "offer.answer") as link:
        results = respond.many(link, [*replies, ("never given out", yes)])
    assert [type(result).__name__ for result in results] == ["Answered"] * 12 + ["NotFound"]
    assert purposes(tx, people[0].id) == [("offer", "cancelled")]
    assert purposes(tx, people[1].id) == [("offer", "cancelled"), ("accepted", "queued")]
    assert purposes(tx, people[-1].id) == [
        ("offer", "cancelled"),
        ("standing_by", "queued"),
        ("promoted", "queued"),
    ]


def test_the_trail_names_each_person_of_answers_taken_together(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    both = [out.world.lin, out.world.crowd[0]]
    with transaction(GUEST, "offer.answer") as link:
        respond.many(link, [(out.token(tx, person), Reply(Answer.ACCEPT)) for person in both])
    wanted = select(AuditLine).where(col(AuditLine.action) == "offer.answer")
    named = {(line.table_name, line.actor_kind, line.actor_id) for line in tx.exec(wanted)}
    tables = ("answer_events", "duties", "offers")
    assert named == {(name, "volunteer", person.id) for name in tables for person in both} | {
        ("slot_fills", "guest", None)
    }
