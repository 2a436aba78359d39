"""From declaring to people accepted, in a real browser: each screen's one primary action leads on."""

import json
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser
from sqlmodel import col, select

from tests.browser.conftest import House
from tests.browser.reader import PRIMARY, Reader
from tests.flows.callouts import NOW
from tests.flows.push_service import PushService
from tests.people import PASSWORD
from volunteer_hub.access import sessions
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.i18n import t
from volunteer_hub.notify import vapid
from volunteer_hub.simulation.mailbox import Watch
from volunteer_hub.volunteers import devices
from volunteer_hub.volunteers.models import Contact, Volunteer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

YES = 3
_LINK = re.compile(r"https?://\S+/c/[A-Za-z0-9_-]{22}")


def until(found: Callable[[], list[str]], count: int) -> list[str]:
    """The first ``count`` of what comes within half a minute."""
    got: list[str] = []
    ends = time.monotonic() + 30
    while len(got) < count and time.monotonic() < ends:
        got += found()
        time.sleep(0.2)
    return got[:count]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_from_declaring_to_people_accepted(chromium: Browser, house: House, lang: str) -> None:
    letters = Watch(house.mail)
    mei = Reader(chromium, house, lang, 1280)
    mei.go("/login")
    mei.page.fill("[name=email]", "mei@example.org")
    mei.page.fill("[name=password]", PASSWORD)
    mei.press(t(lang, "login.submit"))
    mei.press(t(lang, "board.declare"))
    with mei.page.expect_response(re.compile("/incidents/new/rest")):
        mei.page.select_option("[name=hazard]", "heat" if lang == "zh" else "flood")
    for box in mei.page.locator("[name=only]").all()[1:]:
        box.uncheck()
    place = f"Gate {lang}"
    mei.page.fill("[name=place]", place)
    mei.press(t(lang, "board.new.submit_plan"))
    mei.page.locator(f"{PRIMARY}[formaction]").wait_for(timeout=45_000)
    send = mei.page.locator(PRIMARY).inner_text().strip()
    asked = int("".join(re.findall(r"\d", send)))
    assert send == t(lang, "board.approve_and_send", n=asked)
    mei.press(send)

    links = until(lambda: [_LINK.findall(one.text)[0] for one in letters.new() if place in one.text], YES)
    assert len(links) == YES
    for link in links:
        bo = Reader(chromium, house, lang, 390, script=False)
        bo.go(link)
        bo.press(t(lang, "ui.callout.accept"))
        bo.wait_for(t(lang, "callouts.accepted.title"))
        assert bo.leave() == []
    mei.wait_for(t(lang, "board.callout.line", n=asked, accepted=YES))
    mei.look()
    assert mei.leave() == []


_SUBSCRIBED = """
window.subscription = null;
const given = %s;
const own = { endpoint: given.endpoint, toJSON: () => ({ endpoint: given.endpoint, keys: given }),
              unsubscribe: async () => { window.subscription = null; return true; } };
PushManager.prototype.subscribe = async (options) => {
  own.key = options.applicationServerKey;
  window.subscription = own;
  return own;
};
PushManager.prototype.getSubscription = async () => window.subscription;
"""
"""A browser gets its subscription from its maker's service on the internet; here from ours."""


def test_a_notification_is_turned_on_shown_and_answered_for(chromium: Browser, house: House) -> None:
    service = PushService(house.push)
    phone = service.phone()
    with clock.fixed(NOW), db.transaction(SYSTEM, "test.session") as tx:
        row = tx.exec(select(Volunteer).order_by(col(Volunteer.id))).first()
        assert row is not None
        person, token = row.id, sessions.open_for_volunteer(tx, row.id).token
    context = chromium.new_context(viewport={"width": 390, "height": 800}, locale="en-GB")
    context.grant_permissions(["notifications"], origin=house.address)
    context.add_cookies([{"name": "hub_session", "value": token, "url": house.address}])
    context.add_init_script(_SUBSCRIBED % json.dumps(phone.subscription()))
    page = context.new_page()
    page.goto(f"{house.address}/me")
    page.get_by_role("button", name="Turn on notifications").click()
    page.get_by_text("On: callouts appear on this device.").wait_for()
    assert page.evaluate("window.subscription.key") == vapid.public()
    assert until(lambda: [said["title"] for said in phone.shown], 1) == ["Notifications are on"]
    line = context.new_cdp_session(page)
    workers: list[dict[str, str]] = []
    line.on("ServiceWorker.workerRegistrationUpdated", lambda told: workers.extend(told["registrations"]))
    line.send("ServiceWorker.enable")
    page.wait_for_timeout(200)
    pushed = {"origin": house.address, "registrationId": workers[0]["registrationId"]}
    line.send("ServiceWorker.deliverPushMessage", {**pushed, "data": json.dumps(phone.shown[0])})

    def counted() -> list[str]:
        with db.read(SYSTEM) as tx:
            found = tx.exec(select(Contact.delivers).where(col(Contact.counts_until).is_not(None))).all()
        return [one.value for one in found]

    assert until(counted, 1) == ["yes"]
    page.get_by_role("button", name="Turn off notifications").click()
    page.get_by_role("button", name="Turn on notifications").wait_for()
    with db.read(SYSTEM) as tx:
        assert devices.of(tx, [person]) == {}
    context.close()
    service.close()
