"""The made-up gateway: its wire format, its telephones, its troubles, and its receipts through our door."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.doors import gateway_post
from tests.flows.callouts import at_ten, messages, sent
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import deliver
from volunteer_hub.notify import callbacks
from volunteer_hub.simulation.gateway import ACCOUNT, NUMBER, Gateway, Trouble

LIN = "+8613900000002"
BO = "+8613900000001"


class Hub:
    """Stands for the hub: keeps what the gateway posts, answers with a prepared text."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], str]] = []
        self.answers: dict[str, str] = {}

    def __call__(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        self.posts.append((url, dict(form), headers["X-Twilio-Signature"]))
        return 200, self.answers.get(form.get("Digits", url), self.answers.get(url, ""))


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def gateway(hub: Hub) -> Iterator[Gateway]:
    with Gateway("http://hub", live=False, post=hub) as opened:
        yield opened


def order(url: str, key: str = "k1", auth: tuple[str, str] | None = None, **form: str) -> Any:
    """One request to the gateway as our channels make it."""
    parts = urlsplit(url)
    address = f"http://{parts.hostname}:{parts.port}{parts.path}"
    given = {"To": LIN, "From": NUMBER} | form
    return httpx2.post(
        address, data=given, auth=auth or (ACCOUNT, parts.password or ""), headers={"Idempotency-Key": key}
    )


def test_a_text_is_taken_arrives_and_is_receipted_under_the_signature(gateway: Gateway, hub: Hub) -> None:
    answer = order(gateway.sms_url, Body="【实战】沙袋", StatusCallback="http://hub/r/1")
    assert (answer.status_code, answer.json()["status"]) == (201, "queued")
    assert gateway.phones[LIN].inbox == []
    assert gateway.settle() == 1
    (text,) = gateway.phones[LIN].inbox
    assert (text.sid, text.sender, text.body, text.key) == (
        answer.json()["sid"],
        NUMBER,
        "【实战】沙袋",
        "k1",
    )
    assert [form["MessageStatus"] for _, form, _ in hub.posts] == ["sent", "delivered"]
    url, form, signature = hub.posts[-1]
    assert signature == callbacks.signature(url, form.items(), gateway.token)


def test_a_repeat_under_one_key_arrives_once_and_is_counted(gateway: Gateway) -> None:
    sids = {order(gateway.sms_url, "offer:1", Body="x").json()["sid"] for _ in range(3)}
    gateway.settle()
    assert (len(sids), gateway.taken["offer:1"], len(gateway.phones[LIN].inbox)) == (1, 3, 1)


def test_who_does_not_sign_in_is_refused(gateway: Gateway) -> None:
    for auth in ((ACCOUNT, "x"), ("AC1", gateway.token)):
        assert order(gateway.sms_url, auth=auth, Body="x").status_code == 401
    assert gateway.refused == 2


def test_what_is_no_number_is_refused(gateway: Gateway) -> None:
    answer = order(gateway.sms_url, To="12", Body="x")
    assert (answer.status_code, answer.json()["code"]) == (400, 21211)


def test_troubles_of_the_line(gateway: Gateway) -> None:
    gateway.trouble(Trouble.BUSY, times=2)
    assert [order(gateway.sms_url, Body="x").status_code for _ in range(3)] == [429, 429, 201]
    gateway.trouble(Trouble.BROKEN)
    assert order(gateway.sms_url, Body="x").status_code == 500
    for trouble in (Trouble.DOWN, Trouble.MUTE):
        gateway.trouble(trouble)
        with pytest.raises(httpx2.RemoteProtocolError):
            order(gateway.sms_url, trouble.value, Body="x")
    assert (gateway.taken["down"], gateway.taken["mute"]) == (0, 1)


def test_a_dead_number_is_told_and_one_switched_off_is_not(gateway: Gateway, hub: Hub) -> None:
    gateway.phones[LIN].dead = gateway.phones[BO].off = True
    for key, number in (("a", LIN), ("b", BO)):
        order(gateway.sms_url, key, To=number, Body="x", StatusCallback="http://hub/r")
    gateway.settle()
    assert [(form["To"], form.get("ErrorCode")) for _, form, _ in hub.posts] == [(LIN, None), (LIN, "30005")]
    assert gateway.phones[LIN].inbox == gateway.phones[BO].inbox == []


def test_a_reply_is_an_inbound_text_and_brings_back_the_answer(gateway: Gateway, hub: Hub) -> None:
    hub.answers["http://hub/api/v1/inbound/sms"] = "<Response><Message>谢谢</Message></Response>"
    assert gateway.phones[LIN].reply("A1") == "谢谢"
    ((_, form, _),) = hub.posts
    assert (form["From"], form["To"], form["Body"]) == (LIN, NUMBER, "A1")


MENU = (
    '<Response><Gather numDigits="1" action="http://hub/key"><Say>REAL. One for yes.</Say></Gather>'
    "<Redirect>http://hub/again</Redirect></Response>"
)
BYE = "<Response><Say>Goodbye.</Say><Hangup/><Say>never</Say></Response>"


def called(gateway: Gateway, hub: Hub) -> None:
    hub.answers |= {"http://hub/v": MENU, "http://hub/again": BYE, "1": BYE, "7": MENU}
    order(gateway.voice_url, Url="http://hub/v", StatusCallback="http://hub/end", MachineDetection="Enable")
    gateway.settle()


def test_a_call_is_heard_and_keys_are_pressed_in_their_order(gateway: Gateway, hub: Hub) -> None:
    gateway.phones[LIN].press("7", "1")
    called(gateway, hub)
    (call,) = gateway.phones[LIN].calls
    assert call.heard == ["REAL. One for yes."] * 2 + ["Goodbye."]
    assert (call.pressed, call.status) == (["7", "1"], "completed")
    assert [form.get("Digits") for _, form, _ in hub.posts] == [None, "7", "1", None]
    assert (hub.posts[0][1]["AnsweredBy"], hub.posts[-1][1]["CallStatus"]) == ("human", "completed")


def test_who_presses_nothing_hears_what_follows_the_menu(gateway: Gateway, hub: Hub) -> None:
    called(gateway, hub)
    assert gateway.phones[LIN].calls[0].heard == ["REAL. One for yes.", "Goodbye."]


@pytest.mark.parametrize(
    ("behaviour", "status"), [("silent", "no-answer"), ("dead", "failed"), ("voicemail", "completed")]
)
def test_calls_that_no_person_takes(gateway: Gateway, hub: Hub, behaviour: str, status: str) -> None:
    setattr(gateway.phones[LIN], behaviour, True)
    called(gateway, hub)
    assert hub.posts[-1][1]["CallStatus"] == status
    assert {form.get("AnsweredBy") for _, form, _ in hub.posts} == {
        "machine_start" if behaviour == "voicemail" else None
    }


def test_alive_it_calls_by_itself(hub: Hub) -> None:
    told = threading.Event()

    def post(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        if form.get("MessageStatus") == "delivered":
            told.set()
        return hub(url, form, headers)

    with Gateway("http://hub", post=post) as gateway:
        order(gateway.sms_url, Body="x", StatusCallback="http://hub/r/1")
        assert told.wait(5)
        gateway.settle()
        assert len(gateway.phones[LIN].inbox) == 1


def test_a_callout_by_text_message_is_delivered_and_known_to_be(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Gateway(live=False, post=gateway_post) as gateway:
        monkeypatch.setenv("HUB_SMS_URL", gateway.sms_url)
        settings.cache_clear()
        for _ in at_ten(monkeypatch):
            out = sent(tx, helpers=1)
            deliver.sweep()
            assert {m.state.value for m in messages(tx, "offer")} == {"sent"}
            gateway.settle()
            assert {m.state.value for m in messages(tx, "offer")} == {"delivered"}
            (text,) = gateway.phones[LIN].inbox
            assert text.body.startswith("REAL CALLOUT: Sandbags at the east gate")
            assert text.body.endswith(f"/c/{out.token(tx, out.world.lin)}")
