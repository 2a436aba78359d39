"""The gateway proves itself by Twilio's signature."""

from collections.abc import Iterator

import pytest

from volunteer_hub.core.settings import settings
from volunteer_hub.notify import callbacks

PUBLISHED = (
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
)


@pytest.fixture(autouse=True)
def forget_settings() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_the_signature_is_that_of_the_published_example() -> None:
    given = callbacks.signature("https://mycompany.com/myapp.php?foo=1&bar=2", PUBLISHED, "12345")
    assert given == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_order_and_repeats_of_fields_do_not_matter_values_do() -> None:
    url, key = "https://hub.example.org/x", "word"
    told = callbacks.signature(url, [("b", "2"), ("a", "1"), ("a", "0")], key)
    assert callbacks.signature(url, [("a", "0"), ("a", "1"), ("b", "2"), ("b", "2")], key) == told
    assert callbacks.signature(url, [("a", "0"), ("b", "2")], key) != told


@pytest.mark.parametrize(
    ("variables", "token"),
    [
        ({}, None),
        ({"HUB_SMS_URL": "https://acc:t%2Fk@gw.example/Messages.json?From=1"}, "t/k"),
        ({"HUB_VOICE_URL": "https://acc:call@gw.example/Calls.json?From=1"}, "call"),
        ({"HUB_SMS_URL": "https://acc:tk@gw.example/?From=1", "HUB_GATEWAY_TOKEN": "own"}, "own"),
    ],
)
def test_the_token_is_the_one_we_sign_in_with_unless_another_is_set(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], token: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert callbacks.token() == token


def test_the_address_signed_is_the_one_that_the_outside_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_BASE_URL", "https://hub.example.org/")
    monkeypatch.setenv("HUB_GATEWAY_TOKEN", "word")
    form = [("MessageSid", "SM1")]
    signed = callbacks.signature("https://hub.example.org/api/v1/inbound/sms?x=1", form, "word")
    assert callbacks.proven("/api/v1/inbound/sms?x=1", form, signed)
    assert not callbacks.proven("/api/v1/inbound/sms?x=2", form, signed)
    assert not callbacks.proven("/api/v1/inbound/sms?x=1", form, "é")


def test_nothing_is_proven_without_a_token() -> None:
    signed = callbacks.signature("http://127.0.0.1:8000/x", [], "")
    assert not callbacks.proven("/x", [], signed)
