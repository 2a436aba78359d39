"""Whoever may no longer enter is refused at the very next request; whoever guesses is slowed down and finds
nothing."""

import secrets
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import text

from tests import people
from tests.doors import client
from tests.world import person
from volunteer_hub.access import login
from volunteer_hub.access.rules import CODE_TRIES, CODES_PER_SUBJECT, TRIES_PER_ADDRESS, TRIES_PER_SUBJECT
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import settings
from volunteer_hub.volunteers import registry

PHONE = "13912345678"
INCIDENTS = "/api/v1/incidents"


@pytest.fixture(autouse=True)
def mail_server_named(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def account_id(tx: Tx, actor: Actor) -> str:
    wanted = text("SELECT public_id FROM accounts WHERE id = :id")
    return str(tx.execute(wanted, {"id": actor.id}).scalar_one())


def signed_in(email: str) -> TestClient:
    """A browser that came through the page."""
    browser = client()
    answer = browser.post("/login", data={"email": email, "password": people.PASSWORD})
    assert answer.status_code == 303
    return browser


def test_logging_out_ends_the_session_everywhere(tx: Tx) -> None:
    people.mei(tx)
    browser = signed_in("mei@example.org")
    stolen = browser.cookies["hub_session"]
    assert browser.get(INCIDENTS).status_code == 200
    assert browser.post("/logout").status_code == 303
    copy = client()
    copy.cookies.set("hub_session", stolen)
    assert copy.get(INCIDENTS).status_code == 401
    assert copy.get("/incidents").headers["location"].startswith("/login")


def test_a_role_taken_away_is_gone_at_the_next_request(tx: Tx) -> None:
    mei, an = people.mei(tx), people.an(tx)
    browser = client(mei)
    assert browser.get(INCIDENTS).status_code == 200
    roles = f"/api/v1/accounts/{account_id(tx, mei)}/roles/coordinator"
    assert client(an).delete(roles, params={"area": "DQ-ST"}).status_code == 204
    assert browser.get(INCIDENTS).status_code == 403
    assert browser.get("/incidents").status_code == 403


def test_a_shut_account_is_out_at_the_next_request_and_cannot_come_back(tx: Tx) -> None:
    mei, an = people.mei(tx), people.an(tx)
    browser = client(mei)
    assert browser.get(INCIDENTS).status_code == 200
    assert client(an).post(f"/api/v1/accounts/{account_id(tx, mei)}/disable").status_code == 200
    assert browser.get(INCIDENTS).status_code == 401
    again = {"email": "mei@example.org", "password": people.PASSWORD}
    assert client().post("/login", data=again).status_code == 401


def test_a_new_password_ends_the_sessions_of_the_old_one(tx: Tx) -> None:
    mei = people.mei(tx)
    browser = client(mei)
    new = {"password": "eight wet boots in the hall"}
    assert browser.put(f"/api/v1/accounts/{account_id(tx, mei)}/password", json=new).status_code == 204
    assert browser.get(INCIDENTS).status_code == 401


def with_token(mei: Actor) -> tuple[TestClient, str, Any]:
    """A program that holds a token of Mei's, the token's id, and Mei's own browser."""
    browser = client(mei)
    body = {"label": "Board", "scopes": ["incident.read"], "area": "DQ-ST"}
    made = browser.post("/api/v1/tokens", json=body).json()
    program = client()
    program.headers["authorization"] = f"Bearer {made['token']}"
    assert program.get(INCIDENTS).status_code == 200
    return program, made["id"], browser


def test_a_revoked_token_is_refused_at_the_next_request(tx: Tx) -> None:
    program, token, browser = with_token(people.mei(tx))
    assert browser.delete(f"/api/v1/tokens/{token}").status_code == 204
    assert program.get(INCIDENTS).status_code == 401


def test_a_token_has_no_more_than_its_account_at_that_moment(tx: Tx) -> None:
    mei, an = people.mei(tx), people.an(tx)
    program, _, _ = with_token(mei)
    assert program.get("/api/v1/volunteers").status_code == 403
    roles = f"/api/v1/accounts/{account_id(tx, mei)}/roles/coordinator"
    client(an).delete(roles, params={"area": "DQ-ST"})
    assert program.get(INCIDENTS).status_code == 403


def test_a_token_of_a_shut_account_is_refused(tx: Tx) -> None:
    mei, an = people.mei(tx), people.an(tx)
    program, _, _ = with_token(mei)
    client(an).post(f"/api/v1/accounts/{account_id(tx, mei)}/disable")
    assert program.get(INCIDENTS).status_code == 401


def test_a_volunteer_who_is_erased_is_out_at_the_next_request(tx: Tx) -> None:
    people.wen(tx)
    bo = registry.register(tx, person("Bo", 1))
    browser = client(Actor("volunteer", bo.id))
    assert browser.get("/api/v1/volunteers/me").status_code == 200
    assert browser.delete("/api/v1/volunteers/me").status_code == 204
    assert browser.get("/api/v1/volunteers/me").status_code == 401


@pytest.mark.parametrize("junk", ["Bearer", "Bearer ", "Bearer x", "Basic bWVpOg==", "Bearer " + "a" * 5000])
def test_what_is_no_token_of_ours_is_refused(tx: Tx, junk: str) -> None:
    program = client()
    program.headers["authorization"] = junk
    assert program.get(INCIDENTS).status_code == 401


def test_wrong_passwords_are_limited_even_for_the_right_one(tx: Tx) -> None:
    people.mei(tx)
    form = {"email": "mei@example.org", "password": "wrong password"}
    tried = [client().post("/login", data=form).status_code for _ in range(TRIES_PER_SUBJECT)]
    assert tried == [401] * TRIES_PER_SUBJECT
    answer = client().post("/login", data=form | {"password": people.PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900


def test_a_wrong_password_and_an_unknown_address_look_the_same(tx: Tx) -> None:
    people.mei(tx)
    pages = {
        client().post("/login", data={"email": email, "password": "wrong password"}).text.replace(email, "?")
        for email in ("mei@example.org", "who@example.org")
    }
    assert len(pages) == 1


def asks_for_a_code(browser: TestClient) -> int:
    return browser.post("/login/code", data={"phone": PHONE}).status_code


def test_codes_to_one_telephone_are_limited(tx: Tx) -> None:
    people.wen(tx)
    registry.register(tx, person("Bo", 1, phone=PHONE))
    assert [asks_for_a_code(client()) for _ in range(CODES_PER_SUBJECT)] == [303] * CODES_PER_SUBJECT
    assert asks_for_a_code(client()) == 429


def test_guessing_a_code_spends_it(tx: Tx) -> None:
    people.wen(tx)
    bo = registry.register(tx, person("Bo", 1, phone=PHONE))
    browser = client()
    browser.post("/login/code", data={"phone": PHONE})
    code = login.issue_code(tx, f"+86{PHONE}", bo.id, "203.0.113.9")
    assert code is not None
    wrong = f"{(int(code.code) + 1) % 10**6:06d}"
    check = "/login/code/check"
    tried = [browser.post(check, data={"code": wrong}).status_code for _ in range(CODE_TRIES)]
    assert tried == [401] * CODE_TRIES
    assert browser.post(check, data={"code": code.code}).status_code == 401
    assert browser.get("/today").headers["location"].startswith("/login")


def test_guessing_codes_of_many_people_from_one_place_is_limited(tx: Tx) -> None:
    people.wen(tx)
    answers = Counter[int]()
    for number in range(TRIES_PER_ADDRESS + 5):
        browser = client()
        browser.cookies.set("hub_phone", f"+861391000{number:04d}", path="/login/code")
        answers[browser.post("/login/code/check", data={"code": "000000"}).status_code] += 1
    assert answers == {401: TRIES_PER_ADDRESS, 429: 5}


@pytest.mark.parametrize("address", ["/c/{}", "/s/{}", "/api/v1/offers/link/{}", "/api/v1/surveys/link/{}"])
def test_random_links_hit_nothing_and_all_look_the_same(tx: Tx, address: str) -> None:
    browser = client()
    answers = Counter[tuple[int, str]]()
    for _ in range(250):
        token = secrets.token_urlsafe(16)
        answer = browser.get(address.format(token))
        answers[answer.status_code, answer.text.replace(token, "TOKEN")] += 1
    assert list(answers.values()) == [250]
    assert next(iter(answers))[0] == 404
