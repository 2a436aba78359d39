"""Joining: a code, an application, a clerk's yes; and signing in by code afterwards."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from tests import people
from volunteer_hub.access.sessions import actor_of_session
from volunteer_hub.core import db
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, Refused, TooMany, Unavailable
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import codes, join
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Channel, Subject
from volunteer_hub.volunteers import join as column
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Purpose, Status

HERE = "203.0.113.7"
PHONE = "139 1234 5678"
NEEDED = (Purpose.MOBILIZATION, Purpose.MESSAGES)
LIN = {"name": "Lin", "birthday": "2000-02-29", "phone": PHONE, "community": "DQ-ST-001"}


def configure(monkeypatch: pytest.MonkeyPatch, **urls: str) -> Iterator[None]:
    for name, value in urls.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def sms(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from configure(monkeypatch, HUB_SMS_URL="https://a:b@sms.example/Messages.json?From=1")


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from configure(monkeypatch, HUB_SMTP_URL="smtp://127.0.0.1:9")


def last_letter(tx: Tx) -> tuple[Message, dict[str, str]]:
    message = tx.exec(select(Message).order_by(col(Message.id).desc())).first()
    assert message is not None
    return message, codes.opened(tx, message)


def proved(tx: Tx) -> str:
    join.start(tx, PHONE, HERE, community="DQ-ST-001", lang="en")
    proof = column.verify(tx, PHONE, last_letter(tx)[1]["code"])
    assert proof is not None
    return proof


def test_a_code_goes_by_text_message_and_the_outbox_holds_neither_number_nor_code(tx: Tx, sms: None) -> None:
    people.mei(tx)
    sent = join.start(tx, PHONE, HERE, community="DQ-ST-001")
    message, opened = last_letter(tx)
    assert sent == join.Sent("+8613912345678", Channel.SMS)
    assert (message.channel, message.subject_kind) == (Channel.SMS, Subject.JOIN_CODE)
    assert message.area == "/1/2/3/"
    assert opened["address"] == "+8613912345678"
    assert opened["code"] not in str(message.model_dump())
    assert "13912345678" not in str(message.model_dump())
    codes.forget(tx, message)
    assert codes.opened(tx, message) == {}


def test_without_text_messages_the_code_goes_to_the_e_mail_given(tx: Tx, mail: None) -> None:
    people.mei(tx)
    with pytest.raises(Unavailable, match=r"join\.need_email"):
        join.start(tx, PHONE, HERE)
    assert join.start(tx, PHONE, HERE, email="lin@example.org").channel is Channel.EMAIL
    assert last_letter(tx)[1]["address"] == "lin@example.org"
    with pytest.raises(Malformed):
        join.start(tx, PHONE, HERE, email="not an address")


def test_where_nothing_can_be_sent_joining_is_refused_in_words(tx: Tx) -> None:
    people.mei(tx)
    with pytest.raises(Unavailable, match=r"join\.no_channel"):
        join.start(tx, PHONE, HERE, email="lin@example.org")
    with pytest.raises(Unavailable, match=r"join\.no_channel"):
        join.send_login_code(tx, PHONE, HERE)


def test_an_address_typed_by_anybody_gets_no_code_for_a_number_of_the_pool(tx: Tx, mail: None) -> None:
    mei = people.mei(tx)
    bo(tx, email="bo@example.org")
    join.start(tx, PHONE, HERE, email="thief@example.org")
    assert last_letter(tx)[1]["address"] == "bo@example.org"
    assert mei.kind == "account"


def test_lin_applies_a_clerk_approves_and_she_is_welcomed(tx: Tx, sms: None) -> None:
    wen = people.wen(tx)
    row = join.apply(tx, proved(tx), LIN | {"skills": "general:1"}, NEEDED)
    assert row.status is Status.APPLIED
    with db.transaction(wen, "volunteer.approve") as as_wen:
        assert join.approve(as_wen, row.public_id).status is Status.ACTIVE
    message, _ = last_letter(tx)
    assert (message.purpose, message.volunteer_id) == ("welcome", row.id)
    assert message.params == {"community": {"en": "Dongfeng", "zh": "东风社区"}}


def test_a_light_pledge_is_in_the_pool_at_once(tx: Tx, sms: None) -> None:
    people.mei(tx)
    row = join.apply(tx, proved(tx), LIN | {"skills": "general:1"}, NEEDED, pledge_for=["general"])
    assert (row.status, row.pledge_for) == (Status.PLEDGED, ["general"])
    assert last_letter(tx)[0].purpose == "welcome"


def test_a_minor_needs_the_guardian_and_the_required_consents_are_needed(tx: Tx, sms: None) -> None:
    people.mei(tx)
    proof = proved(tx)
    young = LIN | {"birthday": str(tx.now.date() - timedelta(days=365 * 14))}
    with pytest.raises(Malformed) as refused:
        join.apply(tx, proof, young, (Purpose.MOBILIZATION,))
    assert {field.code for field in refused.value.fields} == {"volunteer.minor", "volunteer.consent"}
    guardian = {"guardian_name": "Mrs Lin", "guardian_phone": "13900000009"}
    row = join.apply(tx, proof, young | guardian, NEEDED, guardian_consents=True)
    assert row.guardian_consent_at == tx.now


def test_wrong_codes_are_limited_and_so_are_codes_from_one_place(tx: Tx, sms: None) -> None:
    people.mei(tx)
    join.start(tx, PHONE, HERE)
    code = last_letter(tx)[1]["code"]
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert [column.verify(tx, PHONE, wrong) for _ in range(5)] == [None] * 5
    with pytest.raises(TooMany):
        column.verify(tx, PHONE, code)
    for number in range(19):
        join.start(tx, f"1380000{number:04d}", HERE)
    with pytest.raises(TooMany):
        join.start(tx, "13800009999", HERE)


def test_a_declined_applicant_hears_of_it(tx: Tx, sms: None) -> None:
    wen = people.wen(tx)
    row = join.apply(tx, proved(tx), LIN, NEEDED)
    with db.transaction(wen, "volunteer.decline") as as_wen:
        assert join.decline(as_wen, row.public_id, "moved away").status is Status.LEFT
        with pytest.raises(Refused):
            join.decline(as_wen, row.public_id, "again")
    assert last_letter(tx)[0].purpose == "application_declined"


def bo(tx: Tx, **fields: object) -> Volunteer:
    row = Volunteer(
        area="/1/2/3/",
        name="Bo",
        status=Status.ACTIVE,
        phone="+8613912345678",
        phone_hash=column.stored.phone_hash("+8613912345678"),
        created_at=tx.now,
        updated_at=tx.now,
        **fields,
    )
    tx.add(row)
    tx.flush()
    return row


def test_bo_signs_in_by_code_and_an_unknown_number_looks_the_same(tx: Tx, sms: None) -> None:
    people.mei(tx)
    row = bo(tx)
    assert join.send_login_code(tx, PHONE, HERE) == "+8613912345678"
    code = last_letter(tx)[1]["code"]
    assert join.send_login_code(tx, "13800000002", HERE) == "+8613800000002"
    assert len(tx.exec(select(Message)).all()) == 1
    assert join.sign_in(tx, "13800000002", code, HERE) is None
    opened = join.sign_in(tx, PHONE, code, HERE)
    assert opened is not None
    assert actor_of_session(tx, opened.token).id == row.id
