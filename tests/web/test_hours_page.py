"""Hours that wait: on the console, over the API, on the person's own page, by command."""

from collections.abc import Iterator

import pytest

from tests import people
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import Sent, minutes_later
from tests.flows.test_review import hours, typed
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import queries as points


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    return made.coming(tx)


def test_a_clerk_reads_why_corrects_and_the_person_appeals(tx: Tx, sent: Sent) -> None:
    bo, an, page = sent.world.bo, client(people.an(tx)), f"/c/{sent.token(tx, sent.world.bo)}/duty"
    held = typed(tx, sent, bo)
    with minutes_later(400):
        text = an.get("/hours").text
        assert "Typed in later: a second person looks at such hours." in text
        assert "Entered or confirmed by Mei" in text
        assert "3 h 5 min" in an.get("/hours").text
        assert "Your hours are being looked at" in client().get(page).text
        at = f"/hours/{held.public_id}"
        refused = an.post(at, data={"do": "refuse", "reason": ""})
        assert (refused.status_code, "reason" in refused.text) == (422, True)
        form = {"do": "correct", "minutes": "70", "reason": "He left <b>early</b>."}
        assert an.post(at, data=form).status_code == 303
        assert "Nothing waits" in an.get("/hours").text
        own = client().get(page).text
        assert "Your hours were corrected to 70 minutes" in own
        assert "He left &lt;b&gt;early&lt;/b&gt;." in own
        assert client().post(f"{page}/appeal", data={"words": "Ask Lin."}).status_code == 303
        assert "Your hours are being looked at" in client().get(page).text
        assert "Appeal against the decision of An: He left &lt;b&gt;early&lt;/b&gt;." in an.get("/hours").text
        assert "时长由您录入或确认" in client(sent.world.mei, lang="zh").post(at, data={"do": "accept"}).text
    assert hours(tx, held.duty_id).appeal == "Ask Lin."


def test_the_same_over_the_api_for_the_areas_of_the_reader(tx: Tx, sent: Sent) -> None:
    bo, an, kai = sent.world.bo, client(people.an(tx)), client(people.kai(tx))
    held = typed(tx, sent, bo)
    with minutes_later(400):
        assert kai.get("/api/v1/service-hours").json()["items"] == []
        [item] = an.get("/api/v1/service-hours").json()["items"]
        assert (item["name"], item["grade"], item["state"], item["served_minutes"]) == (
            "Bo",
            "C",
            "waiting",
            185,
        )
        assert [flag["code"] for flag in item["flags"]] == ["typed"]
        at = f"/api/v1/service-hours/{held.public_id}/decide"
        assert kai.post(at, json={"decision": "accept"}).status_code in (403, 404)
        assert an.post(at, json={"decision": "accept"}).json()["state"] == "accepted"
        assert an.post(at, json={"decision": "accept"}).status_code == 409
    assert points.balance(tx, bo.id) == 30
