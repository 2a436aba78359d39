"""Text messages by approved template: what may be said, how it is filled in, and how it goes out."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from scripts import sms_templates
from tests.doors import client
from tests.flows.callouts import answer, at_ten, messages, minutes_later, send, sent
from tests.world import world
from volunteer_hub import bootstrap
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.policy import PolicyError
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import asking, deliver, price, respond
from volunteer_hub.notify import callbacks, cost, templates
from volunteer_hub.notify.channels import sms_template
from volunteer_hub.notify.rules import Kind
from volunteer_hub.notify.templates import NoTemplate, Templates
from volunteer_hub.simulation.gateway import Gateway, Trouble
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.rules import Delivers

LIN = "+8613900000002"
BASE = "https://hub.dq.cn"


def approved_text(shipped: str) -> str:
    """The shipped file once every text has an id and the domain is the operator's."""
    numbers = iter(range(1, 1000))
    own = shipped.replace(sms_templates.DOMAIN, BASE)
    return re.sub(r'^id = ""$', lambda _: f'id = "SMS_{next(numbers):04}"', own, flags=re.MULTILINE)


def report(url: str, items: list[dict[str, Any]]) -> tuple[int, str]:
    """The template gateway's reports at our door."""
    answer = client().post(url.removeprefix(BASE), json=items)
    return answer.status_code, answer.text


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An operator's own file of templates, all approved."""
    own = tmp_path / "sms_templates.toml"
    own.write_text(approved_text(sms_templates.rendered()), encoding="utf-8")
    monkeypatch.setenv("HUB_CONFIG", str(tmp_path))
    monkeypatch.setenv("HUB_BASE_URL", BASE)
    monkeypatch.setenv("HUB_SMS_URL", "template+https://key:word@sms.example")
    settings.cache_clear()
    policy.load.cache_clear()
    yield own
    monkeypatch.undo()
    settings.cache_clear()
    policy.load.cache_clear()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, configured: Path) -> Iterator[Gateway]:
    with Gateway(live=False, report=report) as opened:
        for _ in at_ten(monkeypatch):
            monkeypatch.delenv("HUB_SMTP_URL")
            monkeypatch.setenv("HUB_SMS_URL", opened.template_url)
            settings.cache_clear()
            yield opened


def test_the_signature_of_a_request_is_that_of_the_published_example() -> None:
    query = {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"}
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    proof = sms_template.authorization(
        "YourAccessKeyId", "YourAccessKeySecret", sms_template.canonical(query), headers
    )
    assert proof.endswith("Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")


def test_the_shipped_texts_are_those_of_the_catalogue_for_every_message_to_people() -> None:
    shipped = sms_templates.TARGET.read_text(encoding="utf-8")
    assert shipped == sms_templates.rendered()


@pytest.mark.parametrize(("purpose", "kind", "lang"), templates.needed())
def test_the_signature_comes_first_then_real_or_drill_and_no_text_has_more_than_two_parts_or_free_links(
    purpose: str, kind: Kind, lang: str
) -> None:
    text = sms_templates.text(purpose, kind, lang)
    marker = {Kind.REAL: ("实战：", "REAL CALLOUT: "), Kind.DRILL: ("演练：", "DRILL: "), Kind.NONE: ("", "")}
    assert text.startswith(f"【志愿服务】{marker[kind][lang == 'en']}")
    facts = {"link": "x" * 22, "code": "123456"}
    filled = re.sub(r"\$\{(\w+)\}", lambda found: facts.get(found[1], "东风街口装填沙袋"), text)
    assert cost.parts(filled.replace(sms_templates.DOMAIN, BASE)) <= (2 if lang == "zh" else 3)
    assert re.findall(r"https?://[^/]*", text) in ([], [sms_templates.DOMAIN])


def test_a_start_without_approved_templates_says_for_each_what_to_do(configured: Path) -> None:
    bootstrap.check_policies()
    configured.write_text(sms_templates.rendered(), encoding="utf-8")
    policy.load.cache_clear()
    with pytest.raises(PolicyError) as caught:
        bootstrap.check_policies()
    lines = str(caught.value).splitlines()
    assert f"{configured}: templates.offer.real.zh.id: submit the text to your provider" in "\n".join(lines)
    assert sum("register that domain" in line for line in lines) > 10


def test_a_purpose_without_a_template_and_a_wrong_beginning_are_refused_at_the_start(
    configured: Path,
) -> None:
    text = configured.read_text(encoding="utf-8")
    text = re.sub(r"\[templates\.offer\.real\.zh\]\n.*\n.*\n", "", text)
    text = text.replace(
        "【志愿服务】演练：${starts_at}${task}，能来回", "【志愿服务】${starts_at}${task}，能来回"
    )
    configured.write_text(text, encoding="utf-8")
    policy.load.cache_clear()
    with pytest.raises(PolicyError) as caught:
        bootstrap.check_policies()
    assert [line.removeprefix(f"{configured}: ") for line in str(caught.value).splitlines()] == [
        "templates.offer.real.zh: add this template; without it the message cannot be sent",
        'templates.offer.drill.zh.text: begin with "【志愿服务】演练："',
    ]


def test_without_a_template_gateway_nothing_is_asked(
    configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured.write_text(sms_templates.rendered(), encoding="utf-8")
    monkeypatch.setenv("HUB_SMS_URL", "https://a:b@gw.example/Messages.json?From=1")
    settings.cache_clear()
    policy.load.cache_clear()
    bootstrap.check_policies()


def test_a_template_is_filled_by_variables_and_long_ones_are_cut(configured: Path) -> None:
    own = policy.load("sms_templates", Templates)
    facts = {"starts_at": "1月20日11:00", "task": "沙" * 40, "letter": "A"}
    filled = templates.fill(own, "offer", Kind.REAL, "zh", facts, f"{BASE}/c/abc")
    assert filled.variables == facts | {"task": "沙" * 34 + "…", "link": "abc"}
    assert filled.text == f"【志愿服务】实战：1月20日11:00{'沙' * 34}…，能来回A1，不能回A2。{BASE}/c/abc"
    with pytest.raises(NoTemplate):
        templates.fill(own, "offer", Kind.NONE, "zh", facts, f"{BASE}/c/abc")
    with pytest.raises(NoTemplate):
        templates.fill(own, "offer", Kind.REAL, "zh", facts, "https://elsewhere.example/c/abc")


def test_a_callout_goes_out_by_template_and_is_reported_delivered(tx: Tx, gateway: Gateway) -> None:
    w = world(tx, crowd=0)
    w.lin.lang = "zh"
    tx.flush()
    out = send(tx, w, [(w.slots[0], w.lin)])
    deliver.sweep()
    gateway.settle()
    (text,) = gateway.phones[LIN].inbox
    own = policy.load("sms_templates", Templates)
    assert text.template == own.templates["offer"][Kind.REAL]["zh"].id
    assert text.sender == "志愿服务"
    assert out.token(tx, w.lin) in text.body
    assert "http" not in text.body
    (message,) = messages(tx, "offer")
    assert (message.state.value, message.provider_id) == ("delivered", text.sid)


def test_words_of_ones_own_stand_behind_the_link_and_are_in_no_text(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1)
    token = out.token(tx, out.world.lin)
    answer(respond.accept, token)
    at, words = f"/incidents/{out.world.incident.public_id}/tell", "The bridge is closed."
    form = {"to": "incident", "who": "both", "words": words, "once": "one"}
    looked = client(out.world.mei).post(at, data=form | {"do": "look"}).text
    assert "In text messages the words stand behind the link" in looked
    assert client(out.world.mei).post(at, data=form | {"do": "send"}).status_code == 303
    deliver.sweep()
    gateway.settle()
    note = policy.load("sms_templates", Templates).templates["note"][Kind.REAL]["en"].id
    (text,) = [each for each in gateway.phones[LIN].inbox if each.template == note]
    assert ("bridge" in text.body, token in text.body) == (False, True)
    assert words in client().get(f"/c/{token}").text


def test_what_is_reported_undelivered_failed(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1)
    gateway.phones[LIN].dead = True
    deliver.sweep()
    gateway.settle()
    (message,) = [m for m in messages(tx, "offer") if m.volunteer_id == out.world.lin.id]
    tx.expire_all()
    (contact, _) = sorted(addresses.of(tx, [out.world.lin.id])[out.world.lin.id], key=lambda c: c.id)
    assert (message.error, contact.delivers) == ("receipt MK:0001", Delivers.NO)


def test_a_busy_or_broken_template_gateway_is_tried_again(tx: Tx, gateway: Gateway) -> None:
    sent(tx, helpers=1)
    for tick, trouble in enumerate((Trouble.BUSY, Trouble.BROKEN, Trouble.DOWN, Trouble.MUTE, None)):
        gateway.trouble(trouble)
        with minutes_later(tick * 2):
            deliver.sweep()
    gateway.settle()
    assert {m.state.value for m in messages(tx, "offer")} == {"delivered"}
    assert len(gateway.phones[LIN].inbox) == 1


def test_who_does_not_sign_is_refused_by_the_gateway_and_reports_need_the_secret_address(
    tx: Tx, gateway: Gateway
) -> None:
    answer = httpx2.post(f"http://{gateway.address}/?PhoneNumbers=1", headers={"x-acs-action": "SendSms"})
    assert answer.json()["Code"] == "SignatureDoesNotMatch"
    path = callbacks.reports().removeprefix(BASE)
    assert client().post(path[:-1] + "x", json=[]).status_code == 403
    strange = [7, {}, {"out_id": "x", "success": True}, {"out_id": ["\0"], "success": {}}]
    assert client().post(path, json=strange).json() == {"code": 0, "msg": "ok"}


def test_the_price_counts_the_parts_of_the_template(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=1)
    assert price.of(tx, asking.of_plan(tx, out.plan)).parts >= 1
