"""People answer by text message: the right question, once, and in words; over the made-up gateway."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlmodel import col, select

from tests.doors import gateway_post
from tests.flows.callouts import Sent, answer, messages, minutes_later, send, sent
from tests.flows.texting import LIN, STRANGER, by_text
from tests.world import declare, world
from volunteer_hub.core import vault
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import deliver, forget, mobilize, respond
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.notify import callbacks
from volunteer_hub.notify.models import InboundText
from volunteer_hub.simulation.gateway import Gateway
from volunteer_hub.simulation.phones import Phone
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.rules import ContactKind


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Everybody is written to by text message; there is neither mail nor voice."""
    yield from by_text(monkeypatch, HUB_BASE_URL="http://127.0.0.1:8000")


def asked(tx: Tx, gateway: Gateway) -> tuple[Sent, Phone]:
    """A callout that Lin's telephone has been told of."""
    out = sent(tx, helpers=1, crowd=0)
    deliver.sweep()
    gateway.settle()
    return out, gateway.phones[LIN]


def again(tx: Tx, gateway: Gateway, out: Sent) -> Sent:
    """Another incident asks the same person."""
    w = out.world
    with transaction(w.mei, "incident.declare") as as_mei:
        incident = declare(as_mei)
        view = queries.whole(as_mei, incident)
    slots = tuple(slot.slot.id for task in view.tasks for slot in task.slots)
    second = send(tx, replace(w, incident=incident, slots=slots), [(slots[0], w.lin)])
    deliver.sweep()
    gateway.settle()
    return second


def state(tx: Tx, out: Sent) -> str:
    return out.offer(tx, out.world.lin).state.value


def texts(tx: Tx) -> list[tuple[str | None, str, str | None]]:
    """(meaning, state, what we answered) of every text that came in."""
    rows = tx.exec(
        select(InboundText).order_by(col(InboundText.id)).execution_options(populate_existing=True)
    )
    return [(row.meaning and row.meaning.value, row.state.value, row.told) for row in rows]


def test_the_question_names_its_letter_and_a1_is_a_yes(tx: Tx, gateway: Gateway) -> None:
    out, lin = asked(tx, gateway)
    assert lin.inbox[0].body.startswith(
        "REAL CALLOUT: Sandbags at the east gate, 20 Jan 11:00. Can you come? Reply A1 yes, A2 no, or http"
    )
    assert lin.reply(" ａ 1。") == ""
    assert state(tx, out) == "accepted"
    deliver.sweep()
    gateway.settle()
    assert "You have a place" in lin.inbox[-1].body
    assert texts(tx) == [("yes", "done", None)]


def test_a_no_is_thanked_for_real_first(tx: Tx, gateway: Gateway) -> None:
    out, lin = asked(tx, gateway)
    assert lin.reply("来不了") == "REAL CALLOUT: Thank you for telling us. It costs you nothing."
    assert (state(tx, out), messages(tx, "accepted")) == ("declined", [])


def test_yes_in_two_hours_is_an_accept_with_its_time(tx: Tx, gateway: Gateway) -> None:
    out, lin = asked(tx, gateway)
    lin.reply("yes in 2 hours")
    offer = out.offer(tx, out.world.lin)
    assert (offer.state.value, offer.minutes_there) == ("accepted", 120)


def test_later_that_is_in_time_has_a_place_and_later_than_that_has_none(tx: Tx, gateway: Gateway) -> None:
    out, lin = asked(tx, gateway)
    lin.reply("A, later from 11:00")
    offer = out.offer(tx, out.world.lin)
    assert (offer.state.value, offer.minutes_there) == ("accepted", 60)
    lin.reply("A2")
    assert lin.reply("A 14点以后") != ""
    offer = out.offer(tx, out.world.lin)
    assert (offer.state.value, offer.minutes_there) == ("withdrawn", 60)


def test_later_feeds_the_next_plan_with_its_hour(tx: Tx, gateway: Gateway) -> None:
    out, lin = asked(tx, gateway)
    assert lin.reply("later") == (
        "REAL CALLOUT: From what hour on can you come? Write for example: later from 14:00."
    )
    lin.reply("下午3点以后")
    offer = out.offer(tx, out.world.lin)
    assert offer.later_from is not None
    assert (offer.state.value, offer.decline_reason) == ("declined", "later")
    assert offer.later_from.hour == 7  # 15:00 in Daqing
    assert [row[1] for row in texts(tx)] == ["done", "done"]


def test_two_open_questions_are_told_apart_by_letter_and_a_bare_yes_is_asked_back(
    tx: Tx, gateway: Gateway
) -> None:
    out, lin = asked(tx, gateway)
    second = again(tx, gateway, out)
    assert "Reply B1 yes, B2 no" in lin.inbox[-1].body
    assert lin.reply("yes") == (
        "Several questions are open for you: B: Sandbags at the east gate; A: Sandbags at the east gate. "
        "Which one? Write its letter and 1 for yes or 2 for no, such as B1."
    )
    assert (state(tx, out), state(tx, second)) == ("asked", "asked")
    lin.reply("B1")
    assert (state(tx, out), state(tx, second)) == ("asked", "accepted")
    assert texts(tx) == [("yes", "done", "reply.which"), ("yes", "done", None)]


def test_a_reply_stays_with_the_callout_that_asked_even_once_it_is_cancelled(
    tx: Tx, gateway: Gateway
) -> None:
    out, lin = asked(tx, gateway)
    with transaction(out.world.mei, "callout.cancel") as as_mei:
        mobilize.cancel(as_mei, as_mei.get_one(Callout, out.callout.id))
    second = again(tx, gateway, out)
    assert lin.reply("A1") == "REAL CALLOUT: This callout was called off. You need not come; thank you."
    assert "Which one?" in lin.reply("yes")  # it ended a moment ago: the yes may have been meant for it
    assert (state(tx, out), state(tx, second)) == ("cancelled", "asked")


def test_thanks_for_a_place_is_no_yes_to_what_was_asked_before_it(tx: Tx, gateway: Gateway) -> None:
    out, lin = asked(tx, gateway)
    second = again(tx, gateway, out)
    with minutes_later(1):
        lin.reply("A1")
        assert "Which one?" in lin.reply("收到")
    assert (state(tx, out), state(tx, second)) == ("accepted", "asked")


def test_a_yes_taken_back_is_a_withdrawal_and_what_is_over_is_told_in_words(tx: Tx, gateway: Gateway) -> None:
    out, lin = asked(tx, gateway)
    lin.reply("1")
    assert lin.reply("抱歉来不了").startswith("REAL CALLOUT: Thank you for telling us. Your place")
    assert state(tx, out) == "withdrawn"
    with minutes_later(60 * 24):
        assert "is over" in lin.reply("A1")


def test_delivered_twice_is_answered_once_and_alike(tx: Tx, gateway: Gateway) -> None:
    out, _ = asked(tx, gateway)
    url = f"{callbacks.address(callbacks.INBOUND)}/sms"
    form = {"MessageSid": "SM1", "From": LIN, "Body": "A2"}
    signed = {"X-Twilio-Signature": callbacks.signature(url, form.items(), gateway.token)}
    answers = {gateway_post(url, form, signed) for _ in range(3)}
    assert (len(answers), state(tx, out)) == (1, "declined")
    assert texts(tx) == [("no", "done", "reply.declined")]


def test_unsigned_texts_are_refused(tx: Tx, gateway: Gateway) -> None:
    asked(tx, gateway)
    url = f"{callbacks.address(callbacks.INBOUND)}/sms"
    status, _ = gateway_post(url, {"MessageSid": "SM1", "From": LIN, "Body": "A2"}, {})
    assert (status, texts(tx)) == (403, [])


def test_what_is_not_understood_waits_for_a_person_and_is_told_once(tx: Tx, gateway: Gateway) -> None:
    out, lin = asked(tx, gateway)
    assert lin.reply("谁带铁锹").endswith("Somebody also reads your message.")
    assert lin.reply("what about the dog?") == ""
    assert (state(tx, out), [row[1] for row in texts(tx)]) == ("asked", ["unclear", "unclear"])


def test_a_stranger_is_told_nothing(tx: Tx, gateway: Gateway) -> None:
    asked(tx, gateway)
    assert gateway.phones[STRANGER].reply("A1") == ""
    assert texts(tx) == [("yes", "unclear", None)]


def test_stop_ends_texts_and_calls_to_the_number_and_start_brings_them_back(tx: Tx, gateway: Gateway) -> None:
    out, lin = asked(tx, gateway)
    assert lin.reply("TD退订").startswith("You get no more messages or calls at this number.")
    second = again(tx, gateway, out)
    assert len(lin.inbox) == 1
    lin.reply("START")
    third = again(tx, gateway, out)
    assert (state(tx, second), state(tx, third), len(lin.inbox)) == ("asked", "asked", 2)


def test_help_says_how(tx: Tx, gateway: Gateway) -> None:
    _, lin = asked(tx, gateway)
    assert lin.reply("帮助").startswith("We send callouts for volunteers.")


def test_of_a_shared_number_only_a_letter_of_one_person_tells(tx: Tx, gateway: Gateway) -> None:
    w = world(tx, crowd=1)
    own = addresses.of(tx, [w.crowd[0].id])[w.crowd[0].id]
    addresses.remove(tx, w.crowd[0], next(c.id for c in own if c.kind == ContactKind.SMS))
    addresses.add(tx, w.crowd[0], ContactKind.SMS, LIN)
    out = send(tx, w, [(w.slots[0], w.lin), (w.slots[0], w.crowd[0])])
    deliver.sweep()
    gateway.settle()
    lin = gateway.phones[LIN]
    assert len(lin.inbox) == 2
    assert lin.reply("A1").startswith("Several people use this number")
    assert out.states(tx) == {"asked": 2}
    again(tx, gateway, out)
    lin.reply("B1")
    assert texts(tx)[-1] == ("yes", "done", None)


def test_by_text_and_by_link_is_one_place(tx: Tx, gateway: Gateway) -> None:
    out, lin = asked(tx, gateway)
    answer(respond.accept, out.token(tx, out.world.lin), 20)
    assert lin.reply("A1").startswith("REAL CALLOUT: Noted, you have a place.")
    assert (state(tx, out), out.offer(tx, out.world.lin).minutes_there) == ("accepted", 20)
    assert len(messages(tx, "accepted")) == 1


def test_a_drill_says_so(tx: Tx, gateway: Gateway) -> None:
    w = world(tx, kind=Kind.DRILL, crowd=0)
    send(tx, w, [(w.slots[0], w.lin)])
    deliver.sweep()
    gateway.settle()
    assert gateway.phones[LIN].reply("2").startswith("DRILL: ")


def test_words_and_number_go_with_their_person(tx: Tx, gateway: Gateway) -> None:
    out, lin = asked(tx, gateway)
    lin.reply("my leg is bad")
    with transaction(out.world.mei, "volunteer.erase") as as_mei:
        forget.by_staff(as_mei, out.world.lin.public_id)
    tx.expire_all()
    assert tx.exec(select(InboundText.sealed, InboundText.number_hash)).all() == [(None, b"")]
    assert tx.exec(select(vault.PersonKey).where(col(vault.PersonKey.subject) < 0)).all() == []
