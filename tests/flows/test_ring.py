"""People are rung up: what they hear, what a key means, and what a call that nobody takes comes to."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.doors import client, gateway_post
from tests.flows.callouts import Sent, answer, at_ten, messages, minutes_later, send, sent
from tests.world import world
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import change, deliver, elsewhere, letters, mobilize, respond
from volunteer_hub.incidents.models import Task
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.notify import callbacks
from volunteer_hub.simulation.gateway import Gateway
from volunteer_hub.simulation.phones import Call
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.rules import ContactKind, Delivers

LIN = "+8613900000002"


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Everybody is rung up; there is neither mail nor text message."""
    with Gateway(live=False, post=gateway_post) as opened:
        for _ in at_ten(monkeypatch):
            monkeypatch.delenv("HUB_SMTP_URL")
            monkeypatch.setenv("HUB_VOICE_URL", opened.voice_url)
            settings.cache_clear()
            yield opened


def rung(gateway: Gateway) -> Call:
    """Lin's last call, once all that is due has gone out."""
    deliver.sweep()
    gateway.settle()
    return gateway.phones[LIN].calls[-1]


def state(tx: Tx, out: Sent) -> str:
    return out.offer(tx, out.world.lin).state.value


def lins(tx: Tx, out: Sent, purpose: str = "offer") -> list[tuple[str, str]]:
    return [
        (m.channel.value, m.state.value) for m in messages(tx, purpose) if m.volunteer_id == out.world.lin.id
    ]


def test_real_comes_first_then_task_place_and_time_and_one_is_yes(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1)
    gateway.phones[LIN].press("1")
    call = rung(gateway)
    question, thanked = call.heard
    assert question == (
        "This is a real callout, not a drill. Lin, can you come? Sandbags at the east gate. "
        "Where: East gate. When: Monday 20 January, 11:00, until Monday 20 January, 15:00. "
        "Press 1 if you are coming, 2 if you cannot, 9 to hear this again."
    )
    assert thanked.startswith("Thank you, you have a place.")
    assert state(tx, out) == "accepted"
    assert lins(tx, out) == [("voice", "delivered")]


def test_a_drill_in_chinese_is_said_to_be_one(tx: Tx, gateway: Gateway) -> None:
    w = world(tx, kind=Kind.DRILL)
    w.lin.lang = "zh"
    tx.flush()
    out = send(tx, w, [(w.slots[0], w.lin)])
    gateway.phones[LIN].press("2")
    call = rung(gateway)
    assert call.heard == [
        "这是演练。Lin您好，Sandbags at the east gate需要您。地点：East gate。"
        "时间：1月20日11点00分到1月20日15点00分。 能来请按1，不能来请按2，重听请按9。",
        "谢谢您的答复，来不了也不影响积分。再见。",
    ]
    assert state(tx, out) == "declined"


@pytest.mark.parametrize("key", ["9", "5", "*"])
def test_nine_and_any_wrong_key_say_it_again(tx: Tx, gateway: Gateway, key: str) -> None:
    out = sent(tx, helpers=1)
    gateway.phones[LIN].press(key, "1")
    call = rung(gateway)
    assert call.heard[0] == call.heard[1]
    assert (len(call.heard), state(tx, out)) == (3, "accepted")


def test_who_presses_nothing_has_heard_it_twice_and_has_not_answered(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1)
    call = rung(gateway)
    assert (len(call.heard), call.heard[0] == call.heard[1]) == (2, True)
    assert (state(tx, out), lins(tx, out)) == ("asked", [("voice", "delivered")])


def test_a_voicemail_hears_nothing_and_is_not_delivered(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1)
    gateway.phones[LIN].voicemail = True
    call = rung(gateway)
    assert call.heard == []
    (message,) = [m for m in messages(tx, "offer") if m.volunteer_id == out.world.lin.id]
    assert (message.state.value, message.error) == ("failed", "receipt completed machine_start")


@pytest.mark.parametrize(("behaviour", "known"), [("silent", Delivers.UNKNOWN), ("dead", Delivers.NO)])
def test_nobody_picking_up_teaches_nothing_against_a_number_a_wrong_number_does(
    tx: Tx, gateway: Gateway, behaviour: str, known: Delivers
) -> None:
    w = world(tx, crowd=0)
    own = addresses.add(tx, w.lin, ContactKind.VOICE, LIN)
    out = send(tx, w, [(w.slots[0], w.lin)])
    setattr(gateway.phones[LIN], behaviour, True)
    deliver.sweep()
    gateway.settle()
    tx.refresh(own)
    assert (lins(tx, out), own.delivers) == ([("voice", "failed")], known)


def test_answered_by_link_and_by_call_counts_once(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1)
    deliver.sweep()
    answer(respond.accept, out.token(tx, out.world.lin), 30)
    gateway.phones[LIN].press("2")
    gateway.settle()
    (call,) = gateway.phones[LIN].calls
    assert call.heard == ["Thank you, you have a place. We write to you where to go and with whom. Goodbye."]
    assert (state(tx, out), call.pressed) == ("accepted", [])


def test_a_key_told_twice_counts_once(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1)
    deliver.sweep()
    (message,) = [m for m in messages(tx, "offer") if m.volunteer_id == out.world.lin.id]
    url = callbacks.pressed(message.public_id)
    answers = []
    for digit in ("1", "1", "2"):
        form = {"Digits": digit}
        signed = {"X-Twilio-Signature": callbacks.signature(url, form.items(), gateway.token)}
        answers.append(gateway_post(url, form, signed))
    assert [status for status, _ in answers] == [200] * 3
    assert len({text for _, text in answers}) == 1
    assert state(tx, out) == "accepted"


def test_too_late_is_said_in_words(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1)
    deliver.sweep()
    gateway.phones[LIN].press("1")
    with minutes_later(60 * 24):
        gateway.settle()
    (call,) = gateway.phones[LIN].calls
    assert "is over" in call.heard[-1]
    assert state(tx, out) == "asked"


def test_a_change_is_rung_up_and_confirmed_by_key(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1)
    answer(respond.accept, out.token(tx, out.world.lin))
    offer = out.offer(tx, out.world.lin)
    offer.version += 1
    tx.flush()
    with transaction(out.world.mei, "offer.change") as as_mei:
        letters.tell(as_mei, "changed", [offer])
    gateway.phones[LIN].press("1")
    call = rung(gateway)
    assert call.heard[1] == "Thank you, the change is confirmed. Goodbye."
    offer = out.offer(tx, out.world.lin)
    assert offer.ack_version == offer.version


def test_who_was_asked_is_rung_up_that_it_is_called_off(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1)
    rung(gateway)
    with transaction(out.world.mei, "callout.cancel") as as_mei:
        mobilize.cancel(as_mei, as_mei.get_one(Callout, out.callout.id))
    (heard,) = rung(gateway).heard
    assert heard.startswith("This is a real callout, not a drill. Lin, this is called off: Sandbags")


def test_nobody_is_rung_up_for_what_can_wait(tx: Tx) -> None:
    out = sent(tx, helpers=1)
    lin = out.world.lin.id
    assert letters.reach(tx, [lin], "offer")[lin].channel == "voice"
    assert letters.reach(tx, [lin], "survey")[lin].channel is None


def test_text_message_then_call_then_letter(
    tx: Tx, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_SMS_URL", gateway.sms_url)
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    out = sent(tx, helpers=1)
    gateway.phones[LIN].off = True  # neither receipt nor refusal: time tells
    deliver.sweep()
    gateway.settle()
    assert lins(tx, out) == [("sms", "sent")]
    with minutes_later(2.9):
        assert elsewhere.sweep() == 0
    with minutes_later(3):
        assert (elsewhere.sweep(), elsewhere.sweep()) == (1, 0)
        assert lins(tx, out) == [("sms", "sent"), ("voice", "queued")]
        deliver.sweep()
    with minutes_later(6):
        elsewhere.sweep()
        assert lins(tx, out) == [("sms", "sent"), ("voice", "sent"), ("email", "queued")]


def test_a_receipt_that_comes_late_takes_back_what_waits_elsewhere(
    tx: Tx, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_SMS_URL", gateway.sms_url)
    settings.cache_clear()
    out = sent(tx, helpers=1)
    deliver.sweep()
    with minutes_later(4):
        elsewhere.sweep()
        gateway.settle()
    assert lins(tx, out) == [("sms", "delivered"), ("voice", "cancelled")]


@pytest.mark.parametrize("deed", [respond.accept, respond.decline, respond.seen])
def test_whoever_answered_or_was_seen_reading_is_not_tried_elsewhere(
    tx: Tx, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, deed: Callable[..., object]
) -> None:
    monkeypatch.setenv("HUB_SMS_URL", gateway.sms_url)
    settings.cache_clear()
    out = sent(tx, helpers=1)
    deliver.sweep()
    answer(deed, out.token(tx, out.world.lin))
    with minutes_later(4):
        elsewhere.sweep()
    assert lins(tx, out) == [("sms", "sent")]


def test_a_change_confirmed_before_its_message_fails_goes_on_to_no_other_address(
    tx: Tx, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_SMS_URL", gateway.sms_url)
    settings.cache_clear()
    out = sent(tx, helpers=1)
    answer(respond.accept, out.token(tx, out.world.lin))
    gateway.phones[LIN].dead = True
    with transaction(out.world.mei, "task.change") as as_mei:
        task = as_mei.get_one(Task, out.task(tx))
        change.change_task(as_mei, task, task.version, place="West gate")
    deliver.sweep()
    answer(respond.ack, out.token(tx, out.world.lin))
    gateway.settle()
    deliver.sweep()
    gateway.settle()
    assert lins(tx, out, "changed") == [("sms", "failed"), ("voice", "cancelled")]
    assert gateway.phones[LIN].calls == []


def test_calls_are_for_the_gateway_alone(tx: Tx) -> None:
    for path in ("", "/key", "/end"):
        assert client().post(f"/api/v1/inbound/calls/{uuid.uuid4()}{path}").status_code == 403
