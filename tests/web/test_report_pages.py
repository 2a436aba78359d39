"""What people said after an incident, on a page, as a table and by API; the coordinator's own debrief."""

from collections.abc import Iterator

import pytest
from sqlmodel import text

from tests import people
from tests.doors import client
from tests.flows.callouts import at_ten, messages, minutes_later
from tests.flows.improving import Asked, asked
from volunteer_hub.core import db
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import close, debrief
from volunteer_hub.incidents.models import Incident


@pytest.fixture(autouse=True)
def ten_oclock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def w(tx: Tx) -> Asked:
    return asked(tx)


def there(w: Asked) -> str:
    return f"/incidents/{w.world.incident.public_id}"


def test_a_report_shows_rates_answers_and_themes_with_quotes_for_who_may_read_them(tx: Tx, w: Asked) -> None:
    mei, wen = client(w.world.mei), client(people.staff(tx, "wen2", "Wen", people.Role.CLERK, "sartu"))
    page = mei.get(f"{there(w)}/report").text
    assert "5 of 7 answered (71 %)" in page
    assert "Equipment and supplies" in page
    assert "We need a torch each" in page
    assert "source=answer" in page
    plain = wen.get(f"{there(w)}/report").text
    assert ("Equipment and supplies" in plain, "torch" in plain) == (True, False)
    found = mei.get(f"/api/v1{there(w)}/report", headers={"accept-language": "zh"}).json()
    (form,) = found["forms"]
    assert (form["asked"], form["seen"], form["answered"], form["rate"], form["shown"]) == (7, 5, 5, 71, True)
    assert next((one["name"], one["people"]) for one in found["themes"]) == ("装备与物资", 3)
    rows = mei.get(f"{there(w)}/report/csv").content.decode("utf-8-sig").splitlines()
    assert "After your duty,How well was this duty run?,2,1" in rows
    assert not any("torch" in row for row in rows)
    assert client(people.kai(tx)).get(f"{there(w)}/report").status_code == 404


def test_answers_of_too_few_are_shown_to_nobody(tx: Tx, w: Asked) -> None:
    tx.execute(text("UPDATE surveys SET state='open', answered_at=NULL, answers=NULL WHERE id % 2 = 0"))
    page = client(w.world.mei).get(f"{there(w)}/report").text
    assert "Too few have answered" in page
    assert "torch" not in page
    assert "How well was this duty run?" not in page
    found = client(w.world.mei).get(f"/api/v1{there(w)}/surveys/volunteer/words").json()
    assert found["items"] == []


def test_who_was_in_command_is_asked_reminded_and_writes_how_it_went(tx: Tx, w: Asked) -> None:
    mei, where = client(w.world.mei), f"/api/v1{there(w)}/debrief"
    answers = {"plan": 4, "answers": 2, "missing": "The bridge was closed."}
    early = mei.put(where, json={"answers": answers}, headers={"if-match": '"0"'})
    assert early.status_code == 409
    with db.transaction(w.world.mei, "incident.close") as as_mei:
        close.close(as_mei, as_mei.get_one(Incident, w.world.incident.id))
    assert {m.account_id for m in messages(tx, "debrief_asked")} == {w.world.mei.id}
    assert client(w.world.mei).get(f"{there(w)}/debrief").status_code == 200
    with minutes_later(25 * 60):
        assert (debrief.remind(), debrief.remind()) == (1, 0)
        assert len({m.account_id for m in messages(tx, "debrief_reminder")}) == 1
        later = client(w.world.mei)
        bare = later.post(f"{there(w)}/debrief", data={"version": "1", "plan": "4"})
        assert bare.status_code == 422
        written = later.put(where, json={"answers": answers}, headers={"if-match": '"1"'})
        assert (written.status_code, written.json()["answers"]) == (200, answers)
        page = later.get(f"{there(w)}/report").text
        assert "The bridge was closed." in page
        finding = {"source": "debrief", "subject": written.json()["id"], "code": "missing", "words": "Bridge"}
        made = later.post("/api/v1/actions", json={"title": "Map", "words": "Mark it.", "finding": finding})
        assert (made.status_code, made.json()["raised"]) == (201, 1)
    with minutes_later(80 * 60):
        assert debrief.remind() == 0
