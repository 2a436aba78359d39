"""The outbox goes out by a real mail server: what arrives, what is tried again, what has to wait."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event

from tests.flows.callouts import NOW, answer, at_ten, messages, minutes_later, send, sent
from tests.flows.post import PostOffice, post_office
from tests.world import world
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import codes, deliver, letters, mobilize, respond
from volunteer_hub.incidents.models import RoleSlot, Task
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.notify import outbox
from volunteer_hub.notify.outbox import Draft, Outcome
from volunteer_hub.notify.rules import Channel, Heard, State, Subject
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.rules import ContactKind


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, _ten_o_clock: None) -> Iterator[PostOffice]:
    """A mail server that is up."""
    with post_office(monkeypatch) as opened:
        yield opened


def states(tx: Tx, purpose: str = "offer") -> list[str]:
    """The states of all messages of a purpose."""
    return [message.state.value for message in messages(tx, purpose)]


def test_the_letter_says_real_first_then_what_where_when_and_the_link(tx: Tx, office: PostOffice) -> None:
    out = sent(tx, helpers=1)
    assert deliver.sweep() == 2
    (letter,) = office.to("p2@example.org")
    body = letter.get_content()
    assert letter["Subject"] == "REAL CALLOUT: Sandbags at the east gate – can you come?"
    assert body.startswith("REAL CALLOUT: Sandbags at the east gate")
    assert "Dear Lin," in body
    assert "Where: East gate" in body
    assert "When: Mon 20 Jan 11:00 to Mon 20 Jan 15:00" in body
    assert f"http://127.0.0.1:8000/c/{out.token(tx, out.world.lin)}" in body
    assert states(tx) == ["sent", "sent"]
    assert deliver.sweep() == 0


def test_a_drill_is_marked_in_chinese_too(tx: Tx, office: PostOffice) -> None:
    w = world(tx, kind=Kind.DRILL)
    w.lin.lang = "zh"
    tx.flush()
    send(tx, w, [(w.slots[0], w.lin)])
    deliver.sweep()
    (letter,) = office.to("p2@example.org")
    assert letter["Subject"] == "【演练】Sandbags at the east gate，您能来吗？"
    assert letter.get_content().startswith("【演练】")


def test_the_leader_and_the_code_come_only_after_accepting(tx: Tx, office: PostOffice) -> None:
    out = sent(tx, helpers=1)
    deliver.sweep()
    answer(respond.accept, out.token(tx, out.world.lin))
    deliver.sweep()
    asked, accepted = (letter.get_content() for letter in office.to("p2@example.org"))
    code = places.duty_code(out.offer(tx, out.world.lin))
    assert ("mei@example.org" in asked, code in asked) == (False, False)
    assert ("Ask for: Mei mei@example.org" in accepted, code in accepted) == (True, True)


def test_nothing_personal_is_in_the_outbox(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    answer(respond.accept, out.token(tx, out.world.lin))
    stored = str([(m.params, m.dedupe_key, m.error) for m in messages(tx)])
    code = places.duty_code(out.offer(tx, out.world.lin))
    for secret in ("Lin", "p2@example.org", out.token(tx, out.world.lin), code):
        assert secret not in stored


def test_an_answer_that_overtakes_the_receipt_leaves_the_letter_sent(tx: Tx) -> None:
    out = sent(tx, helpers=1)
    taken = outbox.take_due(tx, 10)
    answer(respond.accept, out.token(tx, out.world.lin))
    own, other = sorted(taken, key=lambda message: message.volunteer_id != out.world.lin.id)
    assert states(tx) == ["cancelled" if message is own else "sending" for message in messages(tx, "offer")]
    outcomes = [Outcome(own.id), Outcome(other.id, error="smtp 451")]
    assert outbox.write_down(tx, outcomes) == 1
    tx.refresh(own)
    assert (own.state.value, other.state.value) == ("sent", "queued")


def test_a_receipt_of_failure_that_is_faster_than_our_writing_down_stands(tx: Tx) -> None:
    sent(tx, helpers=1)
    message = outbox.take_due(tx, 10)[0]
    outbox.receive(tx, message.public_id, Heard.FAILED, code="30005", provider_id="SM1")
    assert outbox.write_down(tx, [Outcome(message.id, provider_id="SM1")]) == 0
    tx.refresh(message)
    assert (message.state, message.error, message.lease_until) == (State.FAILED, "receipt 30005", None)


def test_a_letter_that_was_answered_and_failed_stays_cancelled(tx: Tx) -> None:
    out = sent(tx, helpers=1)
    taken = outbox.take_due(tx, 10)
    answer(respond.accept, out.token(tx, out.world.lin))
    assert outbox.write_down(tx, [Outcome(message.id, error="smtp 451") for message in taken]) == 0
    assert sorted(states(tx)) == ["cancelled", "queued"]


def test_a_server_that_is_busy_is_tried_again_under_the_same_key(tx: Tx, office: PostOffice) -> None:
    sent(tx, helpers=1)
    office.refuse["p2@example.org"] = "451 try later"
    deliver.sweep()
    assert sorted(states(tx)) == ["queued", "sent"]
    office.refuse.clear()
    with minutes_later(1):
        assert deliver.sweep() == 1
    assert len(office.to("p2@example.org")) == 1
    assert states(tx) == ["sent", "sent"]


def test_a_letter_taken_whose_receipt_was_lost_is_repeated_as_the_same_letter(
    tx: Tx, office: PostOffice
) -> None:
    sent(tx, helpers=1)
    office.after["p2@example.org"] = "451 lost after accept"
    deliver.sweep()
    office.after.clear()
    with minutes_later(1):
        deliver.sweep()
    first, second = office.to("p2@example.org")
    assert first["Message-ID"] == second["Message-ID"]


def test_a_wrong_address_fails_for_good_and_the_next_address_is_tried(tx: Tx, office: PostOffice) -> None:
    w = world(tx, crowd=2)
    addresses.add(tx, w.lin, ContactKind.EMAIL, "lin@second.example.org")
    send(tx, w, [(w.slots[0], w.lin)])
    office.refuse["p2@example.org"] = "550 no such person"
    deliver.sweep()
    deliver.sweep()
    assert states(tx) == ["failed", "sent"]
    assert messages(tx, "offer")[0].error == "smtp 550"
    assert len(office.to("lin@second.example.org")) == 1


def test_a_mail_server_that_is_down_loses_nothing(tx: Tx) -> None:
    sent(tx, helpers=3)
    deliver.sweep()
    assert states(tx) == ["queued"] * 4
    assert {m.error for m in messages(tx, "offer")} == {"SMTPConnectError"}


def test_an_address_never_answering_ends_as_failed_not_silent(tx: Tx, office: PostOffice) -> None:
    sent(tx, helpers=1)
    office.refuse["p2@example.org"] = "451 try later"
    for minute in range(0, 61, 2):
        with minutes_later(minute):
            deliver.sweep()
    assert sorted(states(tx)) == ["failed", "sent"]


def test_a_question_settled_meanwhile_is_not_sent(tx: Tx, office: PostOffice) -> None:
    out = sent(tx, helpers=1)
    with transaction(out.world.mei, "callout.cancel") as as_mei:
        mobilize.cancel(as_mei, as_mei.get_one(Callout, out.callout.id))
    deliver.sweep()
    assert office.letters == []  # nor is anybody told of the end of what they never heard of


def test_a_drill_waits_for_the_end_of_quiet_hours_and_a_real_callout_does_not(
    tx: Tx, office: PostOffice
) -> None:
    w = world(tx, kind=Kind.DRILL)
    w.lin.quiet_from, w.lin.quiet_until = 9 * 60, 12 * 60  # a night worker's morning
    tx.flush()
    send(tx, w, [(w.slots[0], w.lin)])
    deliver.sweep()
    (message,) = messages(tx, "offer")
    assert (message.state.value, message.attempts, message.next_at) == ("queued", 0, NOW + timedelta(hours=2))
    assert office.letters == []


def test_a_person_gets_no_more_than_so_many_messages_a_day_about_drills(tx: Tx, office: PostOffice) -> None:
    w = world(tx, kind=Kind.DRILL)
    for number in range(8):
        outbox.enqueue(tx, [_survey_like(w.lin.id, _contact(tx, w.lin.id), number)])
        deliver.sweep()
    assert len(office.letters) == 6


def _contact(tx: Tx, volunteer_id: int) -> int:
    (email, *_) = [c for c in addresses.of(tx, [volunteer_id])[volunteer_id] if c.kind == ContactKind.EMAIL]
    return email.id


def _survey_like(volunteer_id: int, contact_id: int, number: int) -> Draft:
    return Draft(
        purpose="certification",
        subject_kind=Subject.CERTIFICATION,
        subject_id=number,
        area="/1/2/",
        channel=Channel.EMAIL,
        lang="en",
        dedupe_key=f"certification:{number}",
        expires_at=NOW + timedelta(days=3),
        volunteer_id=volunteer_id,
        contact_id=contact_id,
        params={"skill": {"en": "First aid", "zh": "急救"}, "expires_on": "2031-02-01"},
    )


def test_a_callout_does_not_stand_behind_reminders(tx: Tx) -> None:
    w = world(tx)
    contact = _contact(tx, w.lin.id)
    outbox.enqueue(tx, [_survey_like(w.lin.id, contact, number) for number in range(5)])
    with minutes_later(1), transaction(SYSTEM, "test") as later:
        send(later, w, [(w.slots[0], w.lin)])
        taken = outbox.take_due(later, 3)
    assert sorted(message.purpose for message in taken) == ["certification", "certification", "offer"]


def test_hostile_words_of_an_incident_stay_words(tx: Tx, office: PostOffice) -> None:
    w = world(tx)
    hostile = "{link} {0.__class__}\r\nBcc: all@example.org <script>alert(1)</script> \u202e"
    with transaction(SYSTEM, "test") as system:
        slot = system.get_one(RoleSlot, w.slots[0])
        system.get_one(Task, slot.task_id).title = hostile
    send(tx, w, [(w.slots[0], w.lin)])
    deliver.sweep()
    (letter,) = office.to("p2@example.org")
    assert letter["Bcc"] is None
    assert "{0.__class__}" in letter["Subject"]
    assert "<script>alert(1)</script>" in letter.get_content()


def test_a_fact_that_is_missing_fails_one_message_and_no_other(tx: Tx, office: PostOffice) -> None:
    w = world(tx)
    contact = _contact(tx, w.lin.id)
    broken = _survey_like(w.lin.id, contact, 1)
    broken.params.clear()
    outbox.enqueue(tx, [broken, _survey_like(w.lin.id, contact, 2)])
    deliver.sweep()
    assert sorted(states(tx, "certification")) == ["failed", "sent"]


@pytest.mark.parametrize("part", ["ask", "send"])
def test_statements_do_not_grow_with_the_people(tx: Tx, office: PostOffice, part: str) -> None:
    out = sent(tx, helpers=20, crowd=30)
    offers = [out.offer(tx, person) for person in (out.world.lin, *out.world.crowd[:19])]
    counts = []
    for few in (offers[:3], offers[3:]):
        with transaction(SYSTEM, "message.take") as system:
            if part == "ask":
                counts.append(statements(lambda: letters.tell(system, "changed", few)))  # noqa: B023  (called at once)
            else:
                letters.tell(system, "changed", few)
                due = [m for m in outbox.take_due(system, 100) if m.purpose == "changed"]
                counts.append(statements(lambda: deliver.compose(system, due)))  # noqa: B023  (called at once)
    assert counts[0] == counts[1]
    assert counts[0] > 3


def statements(deed: Callable[[], object]) -> int:
    """How many statements a deed sends to the server."""
    sent_off = []

    def note(*given: object) -> None:
        sent_off.append(given[2])

    connection = db._Bind.connection
    assert connection is not None
    event.listen(connection, "before_cursor_execute", note)
    try:
        deed()
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return len(sent_off)


def test_a_code_is_sealed_in_the_outbox_and_unreadable_once_sent(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    world(tx, crowd=0)
    monkeypatch.setenv("HUB_SMS_URL", "http://a:b@127.0.0.1:9/?From=1")
    settings.cache_clear()
    about = (Subject.LOGIN_CODE, 7)
    with transaction(SYSTEM, "login.code") as system:
        codes.send(
            system,
            about,
            (Channel.SMS, "+8613912345678"),
            "314159",
            area="/1/",
            lang="zh",
            expires_at=NOW + timedelta(minutes=10),
        )
    (message,) = messages(tx, "login_code")
    assert not re.search("314159|13912345678", str(message.params))
    with transaction(SYSTEM, "message.take") as system:
        (letter,), refused = deliver.compose(system, outbox.take_due(system, 10))
        assert (letter.address, letter.body, refused) == (
            "+8613912345678",
            "验证码 314159，10分钟内有效，请勿告诉他人。",
            [],
        )
        deliver.note(system, [outbox.Outcome(letter.message_id)])
    assert codes.opened(tx, message) == {}
