"""What gateways tell us: signed, in any order, twice, and in strange forms."""

import uuid
from collections.abc import Iterator

import pytest
from sqlmodel import col, select

from tests import people
from tests.doors import acting, client
from tests.flows.callouts import at_ten, messages, sent
from volunteer_hub.core.db import Tx
from volunteer_hub.notify import callbacks, outbox
from volunteer_hub.notify.models import Message, Receipt
from volunteer_hub.notify.outbox import Outcome
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.rules import Delivers


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HUB_SMS_URL", "http://acc:word@127.0.0.1:9/Messages.json?From=1")
    yield from at_ten(monkeypatch)


def told(message: uuid.UUID | str, form: dict[str, str], signature: str | None = None) -> int:
    """The gateway calls; the status we answer."""
    path = f"{callbacks.INBOUND}/receipts/{message}"
    if signature is None:
        signature = callbacks.signature(callbacks.address(path), list(form.items()), "word")
    headers = {"x-twilio-signature": signature}
    return client().post(path, data=form, headers=headers).status_code


def handed_over(tx: Tx) -> Message:
    """Lin's question, taken by the gateway as SM1."""
    out = sent(tx, helpers=1)
    taken = outbox.take_due(tx, 10)
    outbox.write_down(tx, [Outcome(m.id, provider_id=f"SM{m.id}") for m in taken])
    return next(m for m in messages(tx, "offer") if m.volunteer_id == out.world.lin.id)


def stored(tx: Tx) -> list[tuple[str, str | None]]:
    rows = tx.exec(select(Receipt).order_by(col(Receipt.id))).all()
    return [(row.kind.value, row.code) for row in rows]


def again(tx: Tx, message: Message) -> Message:
    tx.refresh(message)
    return message


def known(tx: Tx, message: Message) -> Delivers:
    assert message.volunteer_id is not None
    tx.expire_all()
    contacts = addresses.of(tx, [message.volunteer_id])[message.volunteer_id]
    return next(c.delivers for c in contacts if c.id == message.contact_id)


def test_a_receipt_moves_the_message_and_teaches_the_address(tx: Tx) -> None:
    message = handed_over(tx)
    form = {"MessageSid": message.provider_id or "", "MessageStatus": "delivered"}
    assert told(message.public_id, form) == 204
    assert again(tx, message).state.value == "delivered"
    assert known(tx, message) is Delivers.YES


def test_one_that_failed_says_why_and_the_next_address_is_tried(tx: Tx) -> None:
    message = handed_over(tx)
    assert told(message.public_id, {"MessageStatus": "undelivered", "ErrorCode": "30005"}) == 204
    again(tx, message)
    assert (message.state.value, message.error) == ("failed", "receipt 30005")
    assert known(tx, message) is Delivers.NO
    own = [m for m in messages(tx, "offer") if m.volunteer_id == message.volunteer_id]
    assert [(m.channel.value, m.state.value) for m in own] == [("sms", "failed"), ("email", "queued")]


def test_repeats_and_any_order_end_alike(tx: Tx) -> None:
    message = handed_over(tx)
    for status in ("delivered", "sent", "failed", "delivered", "queued", "sent", "failed"):
        assert told(message.public_id, {"MessageStatus": status}) == 204
    assert again(tx, message).state.value == "delivered"
    assert known(tx, message) is Delivers.YES
    assert stored(tx) == [("delivered", None), ("passed_on", None), ("failed", None)]
    assert len([m for m in messages(tx, "offer") if m.volunteer_id == message.volunteer_id]) == 1


def test_delivered_after_failed_is_delivered(tx: Tx) -> None:
    message = handed_over(tx)
    for status in ("failed", "delivered"):
        told(message.public_id, {"MessageStatus": status})
    assert again(tx, message).state.value == "delivered"


def test_a_receipt_that_overtakes_the_answer_to_handing_over_counts(tx: Tx) -> None:
    sent(tx, helpers=1)
    first, second = outbox.take_due(tx, 10)
    told(first.public_id, {"MessageStatus": "delivered", "MessageSid": "SM7"})
    outbox.write_down(tx, [Outcome(first.id, error="no answer in time"), Outcome(second.id)])
    again(tx, first)
    assert (first.state.value, first.provider_id, first.sent_at is None) == ("delivered", "SM7", False)
    assert outbox.take_due(tx, 10) == []


@pytest.mark.parametrize("signature", ["", "AAAA", "x" * 300])
def test_an_unsigned_call_is_refused(tx: Tx, signature: str) -> None:
    message = handed_over(tx)
    assert told(message.public_id, {"MessageStatus": "failed"}, signature) in (403, 422)
    assert again(tx, message).state.value == "sent"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"MessageStatus": "on fire"},
        {"MessageStatus": "delivered\x00"},
        {"MessageStatus": "failed", "ErrorCode": "9" * 5000, "MessageSid": "\x00\u202e" * 400},
        {"MessageStatus": "sent", "消息": "😀"},
    ],
)
def test_strange_forms_are_no_errors_of_ours(tx: Tx, form: dict[str, str]) -> None:
    message = handed_over(tx)
    assert told(message.public_id, form) == 204
    assert told(uuid.uuid4(), form) == 204
    assert told("nothing", form) == 422


def test_bodies_that_are_no_forms_are_refused(tx: Tx) -> None:
    path = f"{callbacks.INBOUND}/receipts/{uuid.uuid4()}"
    for body, kind in ((b"\xff=\xfe", "application/x-www-form-urlencoded"), (b"{", "application/json")):
        answer = client().post(path, content=body, headers={"content-type": kind})
        assert answer.status_code in (403, 422)
    signed = callbacks.signature(callbacks.address(path), [], "word")
    assert client().post(path, headers={"x-twilio-signature": signed}).status_code == 204


def test_what_reached_nobody_is_listed_with_its_reason_for_its_own_area_alone(tx: Tx) -> None:
    message = handed_over(tx)
    told(message.public_id, {"MessageStatus": "failed", "ErrorCode": "30005"})
    (item,) = client(acting("mei@example.org")).get("/api/v1/messages/unreached").json()["items"]
    assert (item["id"], item["error"]) == (str(message.public_id), "receipt 30005")
    assert (item["purpose"], item["channel"], item["state"]) == ("offer", "sms", "failed")
    assert client(people.kai(tx)).get("/api/v1/messages/unreached").json()["items"] == []
