"""Gateways fail as gateways do: every message arrives once they are back, counted once, or is expired."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.flows.callouts import NOW, Sent, answer, messages, minutes_later, sent
from tests.flows.post import PostOffice, post_office
from tests.flows.texting import by_text
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import deliver, elsewhere, respond
from volunteer_hub.notify.models import Message
from volunteer_hub.simulation.gateway import Gateway, Trouble

HELPERS = 12
EVERY = HELPERS + 1


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Everybody has a number for text messages; nothing else is set up."""
    yield from by_text(monkeypatch)


def asked(tx: Tx) -> list[Message]:
    return messages(tx, "offer")


def states(tx: Tx) -> Counter[str]:
    return Counter(message.state.value for message in asked(tx))


def swept(minutes: float) -> None:
    """A sweep so many minutes after the callout."""
    with minutes_later(minutes):
        deliver.sweep()


def healed() -> None:
    """Long enough for the sixth wait: 300 seconds and up to a quarter more, which depends on the message."""
    for tick in range(14):
        swept(10.5 + tick / 2)


@pytest.mark.parametrize("trouble", [Trouble.DOWN, Trouble.BUSY, Trouble.BROKEN])
def test_a_gateway_down_for_ten_minutes_loses_nothing_and_is_left_in_peace(
    tx: Tx, gateway: Gateway, trouble: Trouble
) -> None:
    sent(tx, helpers=HELPERS)
    gateway.trouble(trouble)
    for tick in range(61):
        swept(tick / 6)
    assert states(tx) == {"queued": EVERY}
    assert {m.error for m in asked(tx)} <= {"line down", "RemoteProtocolError", "gateway 429", "gateway 500"}
    assert max(m.attempts for m in asked(tx)) < 8
    gateway.trouble(None)
    healed()
    gateway.settle()
    assert states(tx) == {"delivered": EVERY}
    assert set(gateway.taken.values()) == {1}
    assert {len(phone.inbox) for phone in gateway.phones.values()} == {1}


def test_a_message_taken_without_an_answer_is_repeated_under_its_key_and_counted_once(
    tx: Tx, gateway: Gateway
) -> None:
    sent(tx, helpers=HELPERS)
    gateway.trouble(Trouble.MUTE)
    swept(0)
    gateway.trouble(None)
    for tick in range(5):
        swept(0.5 + tick)
    gateway.settle()
    assert states(tx) == {"delivered": EVERY}
    assert sorted(gateway.taken) == sorted(m.dedupe_key for m in asked(tx))
    assert max(gateway.taken.values()) == 2
    assert {len(phone.inbox) for phone in gateway.phones.values()} == {1}


def test_a_receipt_of_a_message_taken_without_an_answer_ends_its_repeats(tx: Tx, gateway: Gateway) -> None:
    sent(tx, helpers=1)
    gateway.trouble(Trouble.MUTE)
    swept(0)
    gateway.trouble(None)
    gateway.settle()
    swept(5)
    assert states(tx) == {"delivered": 2}
    assert set(gateway.taken.values()) == {1}


def test_a_question_nobody_could_carry_in_time_is_expired(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=2)
    gateway.trouble(Trouble.DOWN)
    swept(0)
    gateway.trouble(None)
    over = (out.callout.expires_at - NOW) / timedelta(minutes=1)
    swept(over + 1)
    assert states(tx) == {"expired": 3}
    assert gateway.phones == {}


def test_while_the_line_is_down_people_are_tried_elsewhere_and_an_answer_ends_both(
    tx: Tx, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = sent(tx, helpers=HELPERS)
    gateway.trouble(Trouble.DOWN)
    swept(0)
    swept(0.1)
    with post_office(monkeypatch) as office:
        with minutes_later(3.2):
            assert elsewhere.sweep() == EVERY
            deliver.sweep()
        assert len(office.letters) == EVERY
        answer(respond.accept, out.token(tx, out.world.lin))
    gateway.trouble(None)
    monkeypatch.delenv("HUB_SMTP_URL")
    settings.cache_clear()
    for tick in range(7):
        swept(4 + tick)
    gateway.settle()
    assert _lins(tx, out) == [("sms", "cancelled"), ("email", "sent")]
    assert states(tx) == {"sent": EVERY, "delivered": EVERY - 1, "cancelled": 1}


def _lins(tx: Tx, out: Sent) -> list[tuple[str, str]]:
    own = [m for m in asked(tx) if m.volunteer_id == out.world.lin.id]
    return [(m.channel.value, m.state.value) for m in own]


def test_a_mail_server_down_for_ten_minutes_loses_nothing(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUB_SMS_URL")
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    sent(tx, helpers=HELPERS)
    for tick in range(61):
        swept(tick / 6)
    assert states(tx) == {"queued": EVERY}
    with post_office(monkeypatch) as office:
        healed()
    assert states(tx) == {"sent": EVERY}
    assert len({letter["Message-ID"] for letter in office.letters}) == len(office.letters) == EVERY


def test_one_mailbox_that_is_busy_or_wrong_keeps_nobody_elses_letter(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUB_SMS_URL")
    with post_office(monkeypatch) as office:
        sent(tx, helpers=HELPERS)
        _refuse(office)
        deliver.sweep()
        assert states(tx) == {"sent": EVERY - 7, "queued": 6, "failed": 1}
        office.refuse.clear()
        swept(1)
        assert states(tx) == {"sent": EVERY - 1, "failed": 1}


def _refuse(office: PostOffice) -> None:
    for number in range(2, 8):
        office.refuse[f"p{number}@example.org"] = "451 try later"
    office.refuse["p8@example.org"] = "550 no such person"
