"""What the tests of the coordinator's pages share: forms filled in, and what a page says to do."""

import re
from typing import Any

from fastapi.testclient import TestClient
from sqlmodel import select

from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import Incident

NEW: dict[str, Any] = {
    "hazard": "flood",
    "shown_hazard": "flood",
    "area": "DQ-ST",
    "shown_area": "DQ-ST",
    "kind": "real",
    "only": ["sandbagging"],
    "title": "Flood at the gate",
    "place": "East gate",
    "level": "3",
}
TASK = {
    "do": "save",
    "title": "Boats",
    "place": "Pier",
    "lat": "46.6",
    "lon": "125.11",
    "starts_at": "2031-01-20T12:00",
    "ends_at": "2031-01-20T16:00",
    "priority": "1",
    "outdoor": "yes",
    "slots.0.skill": "boat",
    "slots.0.level": "1",
    "slots.0.minimum": "2",
    "slots.0.target": "4",
    "slots.0.maximum": "4",
    "slots.0.minima.0.heads": "1",
    "slots.0.minima.0.skill": "first_aid",
}


def declared(browser: TestClient, **changes: Any) -> str:
    answer = browser.post("/incidents/new", data=NEW | changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def one_incident(tx: Tx) -> Incident:
    return tx.exec(select(Incident).execution_options(populate_existing=True)).one()


def primary(html: str) -> list[str]:
    """The words of the primary actions of a page."""
    found = re.findall(r'class="button button-primary[^>]*>(.*?)</(?:button|a)>', html, re.S)
    return [re.sub(r"<svg.*?</svg>", "", each, flags=re.S).strip() for each in found]


def seen_of(html: str) -> str:
    found = re.search(r"parts/plan\?seen=(\w+)", html)
    assert found is not None
    return found[1]
