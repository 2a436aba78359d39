"""After the action: the plan beside what happened, by page, API and files; what would be said today."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.flows import callouts
from tests.flows.callouts import NOW, Sent, answer, minutes_later
from tests.flows.test_close import arrive, closed
from tests.web.test_duty_pages import text
from volunteer_hub.core import clock
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import calibrate, mobilize, respond
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.rules import DeclineReason
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import State


@pytest.fixture(autouse=True)
def ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from callouts.at_ten(monkeypatch)


@pytest.fixture
def over(tx: Tx) -> Sent:
    """Bo and eight helpers are asked, the last of them not reached. At minute 3 Bo, Lin and five say yes, at
    minute 7 one says no; all but Lin are there at minute 60. Mei closes at minute 300."""
    out = callouts.sent(tx, helpers=8, nested=False)
    w = out.world
    for message in tx.exec(select(Message).where(col(Message.purpose) == "offer")):
        lost = message.volunteer_id == w.crowd[6].id
        message.state, message.sent_at = (
            (State.FAILED, None) if lost else (State.SENT, NOW + timedelta(minutes=1))
        )
    tx.flush()
    with minutes_later(3):
        for person in (w.bo, w.lin, *w.crowd[:5]):
            answer(respond.accept, out.token(tx, person))
    with minutes_later(7):
        answer(respond.decline, out.token(tx, w.crowd[5]), DeclineReason.BUSY)
    arrive(tx, out, w.bo, *w.crowd[:5])
    closed(out, 300)
    return out


def of(out: Sent, where: str = "") -> str:
    return f"/incidents/{out.world.incident.public_id}/replay{where}"


def told(out: Sent) -> dict[str, Any]:
    found = client(out.world.mei).get(f"/api/v1{of(out)}")
    assert found.status_code == 200, found.text
    return dict(found.json())


def test_the_plan_stands_beside_what_happened_by_api_page_and_files(tx: Tx, over: Sent) -> None:
    found = told(over)
    [callout] = found["callouts"]
    helpers, aid = callout["roles"]
    assert (helpers["need"], helpers["chosen"]) == (6, 8)
    assert helpers["counts"] == {
        "asked": 8,
        "delivered": 7,
        "accepted": 6,
        "declined": 1,
        "arrived": 5,
        "left": 5,
    }
    assert helpers["met_at"] == "2031-01-20T02:03:00Z"
    assert helpers["there_at"] is None
    assert (aid["need"], aid["there_at"]) == (1, "2031-01-20T03:00:00Z")
    minutes = {one["at"][11:16]: one for one in found["minutes"]}
    assert minutes["02:00"]["counts"] == {"asked": 9}
    assert minutes["02:01"]["counts"] == {"delivered": 8}
    assert (minutes["02:03"]["counts"], minutes["02:03"]["coming"]) == ({"accepted": 7}, 7)
    assert minutes["02:07"]["counts"] == {"declined": 1}
    assert (minutes["03:00"]["there"], minutes["07:00"]["there"]) == (6, 0)
    deeds = [(one["what"], one["by"]) for one in found["deeds"]]
    assert any("water is rising" in what and by == ["Mei"] for what, by in deeds)
    assert any(what.startswith("Wave 1: 9 people asked.") for what, _ in deeds)
    read_and_taken_along(tx, over)


def read_and_taken_along(tx: Tx, over: Sent) -> None:
    """On a page, as HTML and as PDF; not by who has no right there."""
    # Asked in the minute of declaring, some seconds into it.
    tx.get_one(Incident, over.world.incident.id).declared_at = NOW + timedelta(seconds=20)
    tx.flush()
    mei = client(over.world.mei, lang="zh")
    page = mei.get(of(over))
    assert page.status_code == 200, page.text
    html, pdf = mei.get(of(over, "/html")), mei.get(of(over, "/pdf"))
    assert pdf.content.startswith(b"%PDF-")
    assert len(pdf.content) > 5_000
    assert not re.search(r"(src|href)=|url\(|<script", html.text)
    for each in (page, html):
        shown = text(each.text)
        assert "计划与实际" in shown
        assert "未经第二人复核，理由：water is rising" in shown
    same = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", html.text)
    assert "+0" in same
    assert "-1" not in same
    assert same == re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", page.text)
    assert client(people.kai(tx)).get(of(over)).status_code == 404


def test_what_has_been_learned_since_changes_what_would_be_asked_today(tx: Tx, over: Sent) -> None:
    before = told(over)["callouts"][0]["today"]
    assert before["model_at"] is None
    assert [one["sure_today"] for one in before["roles"]] == pytest.approx(
        [one["sure"] for one in before["roles"]], abs=1e-4
    )
    with clock.fixed(NOW + timedelta(hours=13)):
        mobilize.expire()
        assert calibrate.sweep() == 1
        after = told(over)["callouts"][0]["today"]
    assert after["model_at"] is not None
    helpers, was = after["roles"][0], before["roles"][0]
    assert helpers["sure"] == was["sure"]
    assert helpers["sure_today"] > was["sure_today"]  # more of them said yes than was assumed
    assert helpers["same"] == helpers["asked_today"] == 8
