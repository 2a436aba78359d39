"""Web push: encrypted to a device, counted once the device has shown it, beside other messages until then."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from tests.doors import client, gateway_post
from tests.flows.callouts import NOW, Sent, answer, at_ten, messages, minutes_later, send
from tests.flows.post import post_office
from tests.flows.push_service import Phone, PushService, push_service
from tests.world import World, world
from volunteer_hub.boards import hand_calls, replies
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import deliver, elsewhere, letters, respond
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.mobilization.reply_rules import Became
from volunteer_hub.notify import vapid
from volunteer_hub.notify.rules import Channel
from volunteer_hub.simulation.gateway import Gateway
from volunteer_hub.volunteers import addresses, devices, own
from volunteer_hub.volunteers.device_models import Device
from volunteer_hub.volunteers.models import Contact, Volunteer
from volunteer_hub.volunteers.rules import ContactKind


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[PushService]:
    """A push service; a mail server is named, so that everybody has an e-mail address that serves."""
    for _ in at_ten(monkeypatch):
        with push_service(monkeypatch) as opened:
            yield opened


def browser(person: Volunteer):
    """Their browser, signed in."""
    return client(Actor("volunteer", person.id))


def told(tx: Tx, purpose: str = "offer") -> list[tuple[str, str]]:
    """Channel and state of every message of a purpose."""
    return [(m.channel.value, m.state.value) for m in messages(tx, purpose)]


def shows(phone: Phone, words: str = "") -> int:
    """The device tells that it has shown the last notification with these words in its title."""
    (*_, said) = [one for one in phone.shown if words in one["title"]]
    return client().post(said["shown"]).status_code


def counts(w: World, out: Sent) -> dict[Became, int]:
    """What became of everybody, as Mei reads it."""
    with transaction(w.mei, "callout.read") as mei:
        return replies.counted(mei, out.callout).counts


def to_ring(w: World, out: Sent) -> list[str | None]:
    """Whom nothing reaches, as Mei reads it."""
    with transaction(w.mei, "callout.read") as mei:
        return [line.name for line in hand_calls.of_callout(mei, mei.get_one(Callout, out.callout.id))]


def asked(tx: Tx, w: World) -> Sent:
    return send(tx, w, [(w.slots[0], w.lin)])


def test_a_device_is_turned_on_proves_itself_and_then_reaches_its_owner_alone(
    tx: Tx, service: PushService
) -> None:
    w = world(tx, crowd=1)
    lins, phone = browser(w.lin), service.phone()
    assert vapid.public() in lins.get("/me").text
    assert lins.post("/me/push", data=phone.subscription()).status_code == 204
    assert lins.post("/me/push/known", data={"endpoint": phone.endpoint}).json() == {"on": True}
    for wrong in (
        {"endpoint": "https://"},
        {"endpoint": "http://push.example/x"},
        {"auth": "AA"},
        {"p256dh": "AA"},
    ):
        assert lins.post("/me/push", data=phone.subscription() | wrong).status_code == 422
    contact = tx.exec(select(Contact).where(col(Contact.kind) == ContactKind.WEBPUSH)).one()
    assert phone.endpoint not in json.dumps(
        own.everything(tx, w.lin.id)
    )  # sealed, and no way to it in the API
    assert letters.reach(tx, [w.lin.id])[w.lin.id].channel is Channel.EMAIL
    deliver.sweep()
    assert (phone.shown[0]["title"], told(tx, "push_on")) == ("Notifications are on", [("webpush", "sent")])
    assert {heard["signer"] for heard in service.heard} == {vapid.public()}
    assert (
        client().post(f"/api/v1/inbound/shown/{messages(tx, 'push_on')[0].public_id}/guess").status_code
        == 404
    )
    assert (shows(phone), shows(phone)) == (204, 204)
    tx.refresh(contact)
    assert (told(tx, "push_on"), contact.counts_until) == (
        [("webpush", "delivered")],
        NOW + timedelta(days=14),
    )
    addresses.order(tx, w.lin, [contact.id])
    out = asked(tx, w)
    deliver.sweep()
    said = phone.shown[-1]
    assert told(tx) == [("webpush", "sent")]
    assert said["title"] == "REAL CALLOUT: Sandbags at the east gate – can you come?"
    assert said["link"] == f"http://127.0.0.1:8000/c/{out.token(tx, w.lin)}"
    assert "East gate" in said["body"]
    with minutes_later(15 * 24 * 60), transaction(w.mei, "volunteer.read") as tx:
        assert letters.reach(tx, [w.lin.id])[w.lin.id].channel is Channel.EMAIL  # silent for too long


def test_until_it_has_shown_something_a_device_is_told_beside_another_way_and_never_alone(
    tx: Tx, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world(tx, crowd=1)
    lins, bos = service.phone(), service.phone()
    for person, phone in ((w.lin, lins), (w.bo, bos)):
        assert browser(person).post("/me/push", data=phone.subscription()).status_code == 204
    for contact in tx.exec(select(Contact).where(col(Contact.volunteer_id) == w.bo.id)):
        if contact.kind is not ContactKind.WEBPUSH:
            contact.address = None
    tx.flush()
    with post_office(monkeypatch) as office:
        out = send(tx, w, [(w.slots[0], w.lin), (w.slots[1], w.bo)])
        assert told(tx) == [("webpush", "queued"), ("email", "queued")]
        deliver.sweep()
        assert (len(office.to("p2@example.org")), len(lins.shown), len(bos.shown)) == (1, 2, 1)
        assert counts(w, out)[Became.SENT] == 1
        with minutes_later(5):
            assert elsewhere.sweep() == 1  # no receipt came: it is not missed
            assert told(tx) == [("webpush", "sent"), ("email", "sent")]
        mail = messages(tx, "offer")[1]
        mail.state = type(mail.state).FAILED
        tx.flush()
        assert counts(w, out)[Became.NOT_DELIVERED] == 1
        assert to_ring(w, out) == ["Lin", "Bo"]
        assert shows(lins, "CALLOUT") == 204
        assert counts(w, out)[Became.DELIVERED] == 1
        assert to_ring(w, out) == ["Bo"]


def test_a_subscription_that_is_gone_is_removed_and_a_service_out_of_reach_rests_alone(
    tx: Tx, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world(tx, crowd=1)
    gone, far = service.phone(), service.phone()
    dead = "http://127.0.0.1:9/x"
    monkeypatch.setenv("HUB_INTERNAL_HOSTS", json.dumps([service.host, "127.0.0.1:9"]))
    settings.cache_clear()
    lins = browser(w.lin)
    far.endpoint = dead
    for phone in (gone, far):
        assert lins.post("/me/push", data=phone.subscription()).status_code == 204
    service.answer = 410
    with post_office(monkeypatch) as office:
        asked(tx, w)
        deliver.sweep()
        assert len(office.to("p2@example.org")) == 1
    by = {m.error: m.state.value for m in messages(tx, "offer")}
    assert by in (
        {"gone": "cancelled", "net.unreachable": "queued", None: "sent"},
        {"gone": "cancelled", "push service resting": "queued", None: "sent"},
    )
    assert [m.contact_id is not None for m in messages(tx, "push_on")] == [True, True]
    left = tx.exec(select(Contact.address).where(col(Contact.kind) == ContactKind.WEBPUSH)).all()
    assert sorted(address is None for address in left) == [False, True]
    assert len(tx.exec(select(Device)).all()) == 1
    service.answer = 201
    inside = service.phone().subscription() | {"endpoint": "https://169.254.169.254/latest"}
    for given in (inside, *(service.phone().subscription() for _ in range(5))):
        assert lins.post("/me/push", data=given).status_code == 204
        deliver.sweep()
    assert "net.address" in {m.error for m in messages(tx, "push_on")}  # asked for by nobody, and not called
    assert len(devices.of(tx, [w.lin.id])[w.lin.id]) == devices.MOST


def test_signing_out_unbinds_the_device_and_another_person_takes_it_over(
    tx: Tx, service: PushService
) -> None:
    w = world(tx, crowd=1)
    phone, lins, bos = service.phone(), browser(w.lin), browser(w.bo)
    other = service.phone()
    assert browser(w.lin).post("/me/push", data=other.subscription()).status_code == 204
    for mine in (lins, bos, lins):  # a shared telephone: the last to turn it on has it
        assert mine.post("/me/push", data=phone.subscription()).status_code == 204
    assert [
        mine.post("/me/push/known", data={"endpoint": phone.endpoint}).json()["on"] for mine in (lins, bos)
    ] == [
        True,
        False,
    ]
    asked(tx, w)
    assert lins.post("/logout").status_code == 303
    deliver.sweep()
    assert (phone.shown, len(other.shown)) == ([], 2)
    assert bos.post("/me/push", data=phone.subscription()).status_code == 204
    assert bos.post("/me/push/off", data={"endpoint": phone.endpoint}).status_code == 204
    assert len(tx.exec(select(Device)).all()) == 1
    assert browser(w.lin).post("/me/erase", data={"sure": "yes"}).status_code == 200
    assert tx.exec(select(Device)).all() == []


def test_any_answer_ends_the_asking_on_every_channel(
    tx: Tx, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world(tx, crowd=1)
    assert browser(w.lin).post("/me/push", data=service.phone().subscription()).status_code == 204
    with Gateway(live=False, post=gateway_post) as gateway:
        monkeypatch.setenv("HUB_SMS_URL", gateway.sms_url)
        monkeypatch.setenv("HUB_VOICE_URL", gateway.voice_url)
        settings.cache_clear()
        out = asked(tx, w)
        ways = addresses.ways(tx, [w.lin.id], letters.kinds_for("offer"))[w.lin.id]
        (first,) = [m for m in messages(tx, "offer") if m.channel is Channel.SMS]
        for _ in ways[1:]:  # each way in turn did not arrive, and the next waits to be sent
            newest = messages(tx, "offer")[-1]
            assert elsewhere.try_next(tx, [newest]) == 1
        letters.tell(tx, "reminder", [out.offer(tx, w.lin)])
        waiting = {(m.purpose, m.channel.value) for m in messages(tx) if m.volunteer_id == w.lin.id}
        assert waiting >= {("offer", name) for name in ("webpush", "sms", "voice", "email")}
        answer(respond.decline, out.token(tx, w.lin))
        left = [m for name in ("offer", "reminder") for m in messages(tx, name)]
        left = [m for m in left if m.subject_id == first.subject_id]
        assert {m.state.value for m in left} == {"cancelled"}
        assert len(left) == 6  # four ways of asking, and a reminder by text message and on the device
        assert not gateway.phones
