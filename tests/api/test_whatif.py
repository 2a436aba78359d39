"""What if over the API: asked once, followed, its figures read, readiness with its parts."""

from collections.abc import Iterator

import pytest

from tests.doors import client
from tests.flows.callouts import at_ten
from tests.flows.test_whatif import MONDAY, drain, grid
from tests.world import world
from volunteer_hub.core.db import Tx
from volunteer_hub.flows.whatif_desk import Desk


@pytest.fixture(autouse=True)
def ten_oclock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def test_what_if_and_readiness_over_the_api(tx: Tx) -> None:
    w = world(tx, crowd=20)
    mei = client(w.mei)
    body = {"area": "DQ-ST-001", "hazard": "missing_person", "hour": MONDAY, "draws": 100}
    made = mei.post("/api/v1/what-if", json=body, headers={"Idempotency-Key": "k1"})
    again = mei.post("/api/v1/what-if", json=body, headers={"Idempotency-Key": "k1"})
    assert (made.status_code, made.json()["id"]) == (201, again.json()["id"])
    assert (made.json()["state"], made.json()["cells"], made.json()["done"]) == ("running", 1, 0)
    grid(w, "heat")
    with Desk() as desk:
        drain(desk)
    run = mei.get(f"/api/v1/what-if/{made.json()['id']}").json()
    assert (run["state"], run["done"], run["sure"]) == ("done", 1, 0.0)
    assert run["result"]["binding"]["why"] == "skill"
    listed = mei.get("/api/v1/what-if").json()["items"]
    assert [one["kind"] for one in listed] == ["grid", "single"]
    weakest = mei.get(f"/api/v1/what-if/{listed[0]['id']}/weakest").json()["items"]
    assert [one["hazard"] for one in weakest] == ["heat", "heat"]
    asked = {"area": "DQ-ST", "hour": str(MONDAY), "skill": "general"}
    found = mei.get("/api/v1/readiness", params=asked).json()
    (here,) = found["communities"]
    assert (here["people"], here["certified"], here["free"], found["minutes"]) == (22, 22, 22, [15, 30, 60])
    assert mei.get("/api/v1/readiness", params={**asked, "skill": "x"}).status_code == 404
    assert mei.post(f"/api/v1/what-if/{listed[0]['id']}/stop").status_code == 409
