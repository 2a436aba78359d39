"""A telephone's own notifications, in a real browser."""

import json

import pytest
from playwright.sync_api import Browser
from sqlmodel import col, select

from tests import databases
from tests.browser.conftest import House
from tests.browser.reader import until
from tests.flows.callouts import NOW
from tests.flows.push_service import PushService
from volunteer_hub.access import sessions
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.notify import vapid
from volunteer_hub.volunteers import devices
from volunteer_hub.volunteers.models import Contact, Volunteer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

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
    databases.use(house.database)  # other files that share the house have looked at others
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
