"""Signing in: limits on wrong tries, sessions that end, and rights that are gone at the next request."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import func, select, text

from tests import people
from tests.areas import AREAS
from volunteer_hub.access import accounts, login, sessions
from volunteer_hub.access.models import Account, LoginAttempt, LoginSession
from volunteer_hub.access.rules import (
    SESSION_ENDS,
    SESSION_SLIDES,
    TRIES_PER_ADDRESS,
    TRIES_PER_SUBJECT,
    Role,
)
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.errors import TooMany, Unauthenticated
from volunteer_hub.core.signing import token_hash
from volunteer_hub.volunteers.models import Volunteer

HERE = "203.0.113.7"
PHONE = "+8613912345678"


def test_the_right_password_opens_a_session(tx: db.Tx) -> None:
    mei = people.mei(tx)
    opened = login.by_password(tx, " Mei@Example.org", people.PASSWORD, HERE)
    assert opened is not None
    assert opened.actor == mei
    assert sessions.actor_of_session(tx, opened.token) == mei
    assert opened.expires_at == tx.now + SESSION_SLIDES
    stored = tx.exec(select(LoginSession)).one()
    assert stored.token_hash == token_hash(opened.token)


def test_a_wrong_password_an_unknown_e_mail_and_a_shut_account_look_the_same(tx: db.Tx) -> None:
    people.mei(tx)
    wen = people.account(tx, "wen", "Wen", Role.CLERK, "dongfeng")
    accounts.disable(tx, wen)
    assert login.by_password(tx, "mei@example.org", "wrong password", HERE) is None
    assert login.by_password(tx, "nobody@example.org", people.PASSWORD, HERE) is None
    assert login.by_password(tx, "wen@example.org", people.PASSWORD, HERE) is None
    assert (
        tx.exec(select(func.count()).select_from(LoginAttempt)).one() == 6
    )  # whom it was for, and from where


def test_five_wrong_tries_and_even_the_right_one_must_wait(tx: db.Tx) -> None:
    people.mei(tx)
    for number in range(TRIES_PER_SUBJECT):
        assert login.by_password(tx, "mei@example.org", "wrong password", f"203.0.113.{number}") is None
    with pytest.raises(TooMany) as refused:
        login.by_password(tx, "mei@example.org", people.PASSWORD, HERE)
    assert refused.value.retry_after == 900
    tx.now += timedelta(minutes=15)
    assert login.by_password(tx, "mei@example.org", people.PASSWORD, HERE) is not None


def test_the_right_password_forgives_earlier_slips(tx: db.Tx) -> None:
    people.mei(tx)
    for word in ["wrong"] * 4 + [people.PASSWORD] + ["wrong"] * 4:
        login.by_password(tx, "mei@example.org", word, HERE)
    assert login.by_password(tx, "mei@example.org", people.PASSWORD, HERE) is not None


def test_one_address_cannot_try_many_people(tx: db.Tx) -> None:
    people.mei(tx)
    for number in range(TRIES_PER_ADDRESS):
        assert login.by_password(tx, f"guess{number}@example.org", "wrong", f"2001:db8::{number:x}") is None
    with pytest.raises(TooMany):
        login.by_password(tx, "mei@example.org", people.PASSWORD, "2001:db8::ffff")
    assert login.by_password(tx, "mei@example.org", people.PASSWORD, "::ffff:203.0.113.7") is not None
    assert login.by_password(tx, "mei@example.org", people.PASSWORD, "unix socket") is not None


def test_two_tries_for_one_person_at_once_are_not_both_counted_too_late(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        people.mei(tx)
    with db.transaction(SYSTEM, "one") as one:
        assert login.by_password(one, "mei@example.org", "wrong password", HERE) is None
        with pytest.raises(TooMany), db.transaction(SYSTEM, "two") as two:
            login.by_password(two, "mei@example.org", "wrong password", HERE)


def test_a_session_slides_with_use_and_ends_after_seven_days(tx: db.Tx) -> None:
    mei = people.mei(tx)
    opened = sessions.open_for_account(tx, tx.get_one(Account, mei.id))
    began = tx.now
    while tx.now < began + SESSION_ENDS - timedelta(hours=11):
        tx.now += timedelta(hours=11)
        assert sessions.actor_of_session(tx, opened.token) == mei
    tx.now = began + SESSION_ENDS
    with pytest.raises(Unauthenticated, match=r"session\.ended"):
        sessions.actor_of_session(tx, opened.token)
    assert sessions.sweep(tx) == 1


def test_a_session_not_used_for_twelve_hours_has_ended(tx: db.Tx) -> None:
    opened = sessions.open_for_account(tx, tx.get_one(Account, people.mei(tx).id))
    tx.now += SESSION_SLIDES
    with pytest.raises(Unauthenticated):
        sessions.actor_of_session(tx, opened.token)


def test_signing_out_ends_the_session_at_once(tx: db.Tx) -> None:
    opened = sessions.open_for_account(tx, tx.get_one(Account, people.mei(tx).id))
    other = sessions.open_for_account(tx, tx.get_one(Account, people.mei(tx).id))
    sessions.close(tx, opened.token)
    with pytest.raises(Unauthenticated):
        sessions.actor_of_session(tx, opened.token)
    assert sessions.actor_of_session(tx, other.token) == people.mei(tx)
    assert sessions.close_all(tx, account_id=people.mei(tx).id) == 1
    with pytest.raises(Unauthenticated):
        sessions.actor_of_session(tx, other.token)


def test_a_role_removed_is_gone_at_the_next_request(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        wen = people.account(tx, "wen", "Wen", Role.CLERK, "dongfeng")
        token = sessions.open_for_account(tx, wen).token
    with db.transaction(SYSTEM, "request") as tx:
        assert sessions.actor_of_session(tx, token).may("volunteer.write", AREAS["dongfeng"][0])
    with db.transaction(SYSTEM, "revoke") as tx:
        accounts.revoke(tx, tx.get_one(Account, wen.id), Role.CLERK, AREAS["dongfeng"][0])
    with db.transaction(SYSTEM, "request") as tx:
        assert sessions.actor_of_session(tx, token).grants == ()


@pytest.mark.parametrize("deed", ["disable", "set_password"])
def test_a_shut_account_or_a_new_password_ends_its_sessions(tx: db.Tx, deed: str) -> None:
    wen = people.account(tx, "wen", "Wen", Role.CLERK, "dongfeng")
    token = sessions.open_for_account(tx, wen).token
    if deed == "disable":
        accounts.disable(tx, wen)
    else:
        accounts.set_password(tx, wen, "another good password")
    with pytest.raises(Unauthenticated):
        sessions.actor_of_session(tx, token)


def test_a_session_of_an_account_shut_past_the_program_is_refused(tx: db.Tx) -> None:
    wen = people.account(tx, "wen", "Wen", Role.CLERK, "dongfeng")
    token = sessions.open_for_account(tx, wen).token
    tx.execute(text("UPDATE accounts SET state = 'disabled'"))
    tx.expire_all()
    with pytest.raises(Unauthenticated):
        sessions.actor_of_session(tx, token)


def bo(tx: db.Tx) -> int:
    people.mei(tx)
    person = Volunteer(area=AREAS["dongfeng"][0], name="Bo", created_at=tx.now, updated_at=tx.now)
    tx.add(person)
    tx.flush()
    return person.id


def test_bo_signs_in_with_the_code_sent_to_his_telephone_once(tx: db.Tx) -> None:
    number = bo(tx)
    issued = login.issue_code(tx, PHONE, number, HERE)
    assert issued is not None
    code = issued.code
    opened = login.by_code(tx, PHONE, f" {code} ", HERE)
    assert opened is not None
    actor = sessions.actor_of_session(tx, opened.token)
    assert (actor.kind, actor.id, actor.grants) == ("volunteer", number, ())
    assert login.by_code(tx, PHONE, code, HERE) is None
    assert sessions.close_all(tx, volunteer_id=number) == 1


def test_a_code_is_spent_after_five_wrong_tries(tx: db.Tx) -> None:
    issued = login.issue_code(tx, PHONE, bo(tx), HERE)
    assert issued is not None
    code = issued.code
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(5):
        assert login.by_code(tx, PHONE, wrong, HERE) is None
    assert login.by_code(tx, PHONE, code, HERE) is None


def test_a_code_lives_ten_minutes_and_a_new_one_replaces_it(tx: db.Tx) -> None:
    number = bo(tx)
    first = login.issue_code(tx, PHONE, number, HERE)
    second = login.issue_code(tx, PHONE, number, HERE)
    assert first is not None
    assert second is not None
    if first.code != second.code:
        assert login.by_code(tx, PHONE, first.code, HERE) is None
    tx.now += timedelta(minutes=10)
    assert login.by_code(tx, PHONE, second.code, HERE) is None
    tx.now += timedelta(minutes=5)
    assert login.sweep(tx) > 0
    assert tx.exec(select(func.count()).select_from(LoginAttempt)).one() == 1


@pytest.mark.parametrize("known", [True, False])
def test_three_codes_in_a_quarter_of_an_hour_whether_the_telephone_is_known_or_not(
    tx: db.Tx, known: bool
) -> None:
    number = bo(tx) if known else None
    codes = [login.issue_code(tx, PHONE, number, HERE) for _ in range(3)]
    assert [code is not None for code in codes] == [known] * 3
    with pytest.raises(TooMany):
        login.issue_code(tx, PHONE, number, HERE)


def test_random_cookies_hit_nothing(tx: db.Tx) -> None:
    sessions.open_for_account(tx, tx.get_one(Account, people.mei(tx).id))
    for token in ("", "x", str(UUID(int=0)), "A" * 22, "\0", "é" * 5000):
        with pytest.raises(Unauthenticated):
            sessions.actor_of_session(tx, token)
