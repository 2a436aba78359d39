"""The situation page: what a quiet duty looks ahead to, and how little it asks of the database."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event, text
from sqlmodel import select

from tests import people
from tests.doors import client
from tests.flows import improving
from tests.flows.callouts import at_ten
from tests.web.coordinator import declared
from tests.web.test_duty_pages import text as seen
from tests.world import world
from volunteer_hub.access import muster
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.access.rules import Role
from volunteer_hub.core import db
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import settings
from volunteer_hub.feedback.actions_models import ImprovementAction
from volunteer_hub.feedback.actions_rules import ActionState

_COMMUNITIES = text(
    "INSERT INTO jurisdictions (id, public_id, parent_id, path, code, kind, name, zone, lat, lon, residents) "
    "OVERRIDING SYSTEM VALUE "
    "SELECT n, gen_random_uuid(), 2, '/1/2/' || n || '/', 'DQ-ST-' || n, 'community', "
    "jsonb_build_object('en', 'Community ' || n, 'zh', n || '社区'), 'Asia/Shanghai', "
    "46.5 + n % 16 * 0.01, 125 + n / 16 * 0.01, 5000 FROM generate_series(100, 356) n"
)


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def test_the_next_drill_and_the_actions_due_stand_below_the_incidents_and_lead_to_their_lists(tx: Tx) -> None:
    w = world(tx, crowd=0)
    mei, mei_id = client(w.mei), w.mei.id
    assert 'href="/drills/new"' in mei.get("/incidents").text  # none is planned: the first step
    later, sooner = improving.drill_plan(tx), improving.drill_plan(tx)
    for plan, days in ((later, 9), (sooner, 2)):
        plan.next_at = plan.starts_at = tx.now + timedelta(days=days)
    for days in (3, -1):
        due = {"owner_id": mei_id, "due_at": tx.now + timedelta(days=days), "state": ActionState.OPEN}
        when = {"proposed_at": tx.now, "nudged_at": tx.now}
        tx.add(ImprovementAction(area="/1/2/", title="Lamps", words="A lamp at every gate.", **due, **when))
    tx.flush()
    page = mei.get("/incidents").text
    assert f'href="/drills/{sooner.public_id}"' in page
    assert f'href="/drills/{later.public_id}"' not in page
    assert 'href="/actions">2 not done yet' in page
    assert ('href="/actions?late=1"' in page, "1 overdue" in seen(page)) == (True, True)
    assert (
        mei.get("/actions?late=1").text.count('href="/actions/') == 1 + 1
    )  # the button, and the one that is late


def test_an_area_drawn_is_kept_with_the_incident_and_shown_on_the_map(tx: Tx) -> None:
    mei = client(world(tx, crowd=0).mei)
    here = declared(mei)
    assert f'href="{here}/area"' in mei.get(here).text
    assert "<polygon" not in mei.get("/incidents").text
    wrong = mei.post(f"{here}/area", data={"corners": "46.6, 125.1\nhere"})
    assert (wrong.status_code, "Line 2 is no position" in wrong.text, "\nhere</textarea>" in wrong.text) == (
        422,
        True,
        True,
    )
    corners = "46.58, 125.09\n46.6, 125.09\n46.6, 125.12"
    version = re.findall(r'name="version" value="(\d+)"', mei.get(f"{here}/area").text)[0]
    assert mei.post(f"{here}/area", data={"corners": corners, "version": version}).status_code == 303
    assert corners in mei.get(f"{here}/area").text
    assert mei.get("/incidents").text.count("<polygon") == 1
    assert "affected area" in seen(mei.get(here).text)
    late = mei.post(f"{here}/area", data={"corners": "", "version": version})
    assert (late.status_code, "<polygon" in mei.get("/incidents").text) == (412, True)


def test_the_page_costs_as_many_queries_in_a_city_of_258_communities_and_with_three_incidents(tx: Tx) -> None:
    mei = client(world(tx, crowd=0).mei)
    statements: list[str] = []
    event.listen(db.engine(), "before_cursor_execute", lambda *args: statements.append(args[2]))

    def cost() -> int:
        statements.clear()
        assert mei.get("/incidents").status_code == 200
        return len(statements)

    declared(mei)
    one = cost()
    tx.execute(_COMMUNITIES)
    for title in ("Second", "Third"):
        declared(mei, title=title)
    assert cost() == one
    assert "Third" in seen(mei.get("/incidents").text)


def test_a_new_city_is_shown_its_first_steps_until_they_are_done(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei = client(world(tx, crowd=0).mei)

    def open_ones() -> list[str]:
        return re.findall(r'to do</span> <a href="([^"]+)"', mei.get("/incidents").text)

    monkeypatch.delenv("HUB_SMTP_URL")
    settings.cache_clear()
    assert open_ones() == ["/settings", "/accounts", "/drills/new", "/call-downs"]  # people are there
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    people.staff(tx, "rui", "Rui", Role.COORDINATOR, "sartu")
    city = tx.exec(select(Jurisdiction).where(Jurisdiction.path == "/1/")).one()
    muster.set_passphrase(tx, city, "a long enough passphrase")
    assert open_ones() == ["/drills/new"]
    improving.held(tx, improving.drill_plan(tx), -24)
    assert "First steps" not in mei.get("/incidents").text
