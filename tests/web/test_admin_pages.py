"""Accounts, areas, jobs and settings: read as boards, changed by forms, each within what one may."""

import pytest
from sqlmodel import select

from tests import people
from tests.doors import acting, client
from tests.web.test_duty_pages import text
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.audit import runs
from volunteer_hub.audit.pulse import PULSE
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import LANGUAGES
from volunteer_hub.core.settings import settings

NEW = {
    "name": "Lan",
    "email": "lan@example.org",
    "area": "DQ-ST",
    "lang": "zh",
    "password": "six-quiet-boats",
}


def test_an_account_is_made_given_a_role_shut_and_opened(tx: Tx) -> None:
    mei = client(people.mei(tx))
    here = mei.post("/accounts", data=NEW).headers["location"]
    assert "may do nothing" in text(mei.get(here).text)
    coordinator = {"role": "coordinator", "area": "DQ-ST"}
    assert mei.post(f"{here}/roles", data=coordinator).status_code == 303
    assert acting("lan@example.org").may("incident.declare")
    assert "Coordinator" in text(mei.get("/accounts").text)
    above = mei.post(f"{here}/roles", data=coordinator | {"role": "city_admin"})
    assert (above.status_code, "holds rights that you do not hold" in text(above.text)) == (403, True)
    easy = mei.post(f"{here}/password", data={"password": "short"})
    assert (easy.status_code, "short" in easy.text) == (422, True)
    mei.post(f"{here}/disable")
    assert "Open the account again" in text(mei.get(here).text)
    mei.post(f"{here}/enable")
    mei.post(f"{here}/roles/take", data=coordinator)
    assert not acting("lan@example.org").may("incident.declare")
    again = mei.post("/accounts", data=NEW)
    assert (again.status_code, 'value="lan@example.org"' in again.text) == (409, True)
    assert "six-quiet-boats" not in again.text


def test_a_foreign_account_is_not_there(tx: Tx) -> None:
    mei = client(people.mei(tx))
    here = mei.post("/accounts", data=NEW).headers["location"]
    kai = client(people.kai(tx))
    assert kai.get(here).status_code == 404
    assert "lan@example.org" not in kai.get("/accounts").text
    assert kai.post(f"{here}/disable").status_code == 404


def test_an_area_is_added_below_another_and_mistakes_come_back(tx: Tx) -> None:
    admin = client(people.an(tx))
    new = {"parent": "DQ-ST", "kind": "community", "code": "DQ-ST-777", "zh": "新村", "en": "Xincun"}
    wrong = admin.post("/areas", data=new | {"lat": "north"})
    assert (wrong.status_code, 'value="Xincun"' in wrong.text) == (422, True)
    assert admin.post("/areas", data=new | {"lat": "46.6", "lon": "125.1"}).status_code == 303
    assert "DQ-ST-777" in admin.get("/areas").text
    assert tx.exec(select(Jurisdiction.zone).where(Jurisdiction.code == "DQ-ST-777")).one() == "Asia/Shanghai"
    assert "<form" not in client(people.mei(tx)).get("/areas").text.split('id="main"')[1]  # she reads only


def test_every_job_is_listed_with_what_it_did_and_failures_open_their_list(tx: Tx) -> None:
    runs.record(tx, "deliver", tx.now, ok=False, done=0, detail="ConnectionError")
    runs.record(tx, "drills", tx.now, ok=True, done=3)
    for lang in LANGUAGES:
        mei = client(people.mei(tx), lang=lang)
        page = mei.get("/jobs").text
        assert [name for name in PULSE if f'href="/jobs/{name}"' not in page] == []
        assert 'href="/jobs/deliver?failed=1"' in page
        assert "ConnectionError" in mei.get("/jobs/deliver?failed=1").text
    assert mei.get("/jobs/nothing").status_code == 404


def test_settings_say_where_they_come_from_and_keep_secrets(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    mei = client(people.mei(tx))
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://hub:a-secret@mail.example.org:25")
    monkeypatch.setenv("HUB_LOG_LEVEL", "warning")
    settings.cache_clear()
    page = mei.get("/settings").text
    settings.cache_clear()
    assert "a-secret" not in page
    shown = text(page)
    assert "HUB_LOG_LEVEL warning Environment" in shown
    assert "HUB_SMTP_URL Set, not shown Environment" in shown
    assert "HUB_TILES Not set Default" in shown
    assert "hazards.toml" in shown
