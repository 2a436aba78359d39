"""People in the field as whoever commands sees them: the urgent first, the roll printed, people sent home."""

import html
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import event
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, minutes_later
from tests.flows.test_field import check_in, coming, duty, timer
from tests.web.test_duty_pages import primary, text
from volunteer_hub.boards import field as board
from volunteer_hub.core import db
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import field, respond
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.field_rules import Harm, Severity
from volunteer_hub.mobilization.models import Injury
from volunteer_hub.mobilization.rules import DutyState
from volunteer_hub.simulation.forms import form_to


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    return coming(tx)


def at(sent: Sent) -> str:
    return f"/incidents/{sent.world.incident.public_id}"


def test_whoever_needs_attention_stands_first_and_every_count_opens_its_list(tx: Tx, sent: Sent) -> None:
    mei = client(sent.world.mei)
    timer(sent, 20)
    check_in(tx, sent, sent.world.bo)
    field.on_my_way(tx, duty(tx, sent, sent.world.lin), 200)
    with minutes_later(85):
        page = text(mei.get(f"{at(sent)}/field").text)
        assert page.index("Bo") < page.index("Lin")
        assert "not said to be OK" in page
        assert "1 overdue" in page
        assert "there at 13:20" in page
        late = text(mei.get(f"{at(sent)}/field?who=overdue").text)
        assert ("Bo" in late, "Lin" in late) == (True, False)
        mei.post(f"{at(sent)}/field/heard", data={"duty": str(duty(tx, sent, sent.world.bo).public_id)})
        assert "overdue ·" not in text(mei.get(f"{at(sent)}/field").text)
    task = mei.get(f"{at(sent)}/field?who=on_site&task={sent.world.bo.public_id}")
    assert "Nobody is in this list just now." in text(task.text)
    assert mei.get(f"{at(sent)}/field?task=none").status_code == 404


def test_names_and_telephones_are_for_whoever_may_know_people_there(tx: Tx, sent: Sent) -> None:
    check_in(tx, sent, sent.world.bo)
    for path in ("field", "field/roll"):
        with minutes_later(70):
            known = text(client(sent.world.mei).get(f"{at(sent)}/{path}").text)
        assert ("Bo" in known, sent.world.bo.phone in known) == (True, True)
    assert client(people.kai(tx)).get(f"{at(sent)}/field").status_code == 404
    with transaction(people.staff(tx, "pia", "Pia", people.Role.PARTNER, "sartu"), "read") as pia:
        incident = pia.get_one(Incident, sent.world.incident.id)
        assert [(line.name, line.phone) for line in board.people(pia, incident).lines] == [(None, None)] * 2


def test_the_number_of_queries_does_not_grow_with_the_people(tx: Tx, sent: Sent) -> None:
    statements: list[str] = []

    def queries() -> int:
        statements.clear()
        with transaction(sent.world.mei, "read") as mei:
            board.people(mei, mei.get_one(Incident, sent.world.incident.id))
        return len(statements)

    event.listen(db.engine(), "before_cursor_execute", lambda *args: statements.append(args[2]))
    check_in(tx, sent, sent.world.bo)
    one = queries()
    check_in(tx, sent, sent.world.lin)
    for person in sent.world.crowd[:2]:
        made.answer(respond.accept, sent.token(tx, person))
    assert (queries(), one > 3) == (one, True)


def test_a_timer_is_set_and_a_wrong_one_comes_back(tx: Tx, sent: Sent) -> None:
    mei = client(sent.world.mei)
    task = str(tx.get_one(board.Task, sent.task(tx)).public_id)
    wrong = mei.post(f"{at(sent)}/field/timer", data={"task": task, "minutes": "3"})
    assert (wrong.status_code, "from 5 to 1440" in text(wrong.text)) == (422, True)
    assert mei.post(f"{at(sent)}/field/timer", data={"task": task, "minutes": "30"}).status_code == 303
    assert "every 30 minutes" in text(mei.get(f"{at(sent)}/field").text)
    mei.post(f"{at(sent)}/field/timer", data={"task": task, "minutes": ""})
    assert "· off" in text(mei.get(f"{at(sent)}/field").text)


def test_people_go_home_in_order_some_or_all(tx: Tx, sent: Sent) -> None:
    mei = client(sent.world.mei)
    crowd = sent.world.crowd[0]
    made.answer(respond.accept, sent.token(tx, crowd))
    check_in(tx, sent, sent.world.bo, 60)
    check_in(tx, sent, sent.world.lin, 130)
    crowd.birthday = NOW.date().replace(year=NOW.year - 17)
    tx.flush()
    check_in(tx, sent, crowd, 185)
    with minutes_later(190):
        page = text(mei.get(f"{at(sent)}/release").text)
        assert page.index(str(crowd.name)) < page.index("Bo") < page.index("Lin")
        assert "Under 18" in page
        none = mei.post(f"{at(sent)}/release", data={})
        assert (none.status_code, "Choose at least one person" in text(none.text)) == (409, True)
        chosen = [str(duty(tx, sent, person).public_id) for person in (sent.world.bo, crowd)]
        assert mei.post(f"{at(sent)}/release", data={"duty": chosen}).status_code == 303
        assert [duty(tx, sent, p).state for p in (sent.world.bo, crowd)] == [DutyState.DONE] * 2
        assert len(made.messages(tx, "thanks")) == 2
        foreign = mei.post(f"{at(sent)}/release", data={"duty": [str(sent.world.bo.public_id)]})
        assert foreign.status_code == 404
        assert mei.post(f"{at(sent)}/release/all").headers["location"] == f"{at(sent)}/field"
        assert duty(tx, sent, sent.world.lin).state is DutyState.DONE
        assert "Nobody is on site" in text(mei.get(f"{at(sent)}/release").text)


def test_an_injury_is_recorded_once_read_by_those_in_charge_and_counted_for_all(tx: Tx, sent: Sent) -> None:
    mei = client(sent.world.mei)
    bo = check_in(tx, sent, sent.world.bo)
    body = {
        "kind": "injury",
        "severity": "critical",
        "treated": "hospital",
        "words": "Fell from the <dyke>",
        "place": "East",
        "person": str(bo.public_id),
        "happened_at": "2031-01-20T11:05",
        "once": "one",
    }
    with minutes_later(70):
        for _ in range(2):
            assert mei.post(f"{at(sent)}/injuries", data=body).status_code == 303
        future = mei.post(
            f"{at(sent)}/injuries", data=body | {"once": "2", "happened_at": "2031-01-20T12:00"}
        )
        assert (future.status_code, "That moment has not come yet" in text(future.text)) == (422, True)
        told = mei.get(f"{at(sent)}/injuries").text
        assert "Fell from the &lt;dyke&gt;" in told
        (raise_it,) = re.findall(r'"(/actions/new\?source=injury[^"]+)"', told)
        lead = form_to(mei.get(html.unescape(raise_it)).text, "/actions/new")
        assert lead is not None
        meant = lead.fields | {"title": "Steps on the dyke", "words": "Cut them", "finding": "It is slippery"}
        assert mei.post("/actions/new", data=meant).status_code == 303
    row = tx.exec(select(Injury).order_by(col(Injury.id))).one()
    assert (row.kind, row.severity, row.volunteer_id) == (Harm.INJURY, Severity.CRITICAL, sent.world.bo.id)
    assert client(people.council(tx)).get(f"{at(sent)}/injuries").status_code == 403
    with transaction(sent.world.mei, "read") as reading:
        incident = reading.get_one(Incident, sent.world.incident.id)
        assert board.injuries(reading, incident) == {(Harm.INJURY, Severity.CRITICAL): 1}


def test_the_roll_call_is_started_and_marked_with_one_tap_each(tx: Tx, sent: Sent) -> None:
    mei = client(sent.world.mei)
    check_in(tx, sent, sent.world.bo)
    check_in(tx, sent, sent.world.lin)
    with minutes_later(70):
        assert "Tell 2 people to leave" in text(mei.get(f"{at(sent)}/field").text)
        call = mei.post(f"{at(sent)}/roll-calls", data={}).headers["location"]
        page = mei.get(call).text
        assert "2 of 2 are missing." in text(page)
        assert primary(mei.get(f"{at(sent)}/field").text) == ["Open the roll call"]
        seen = page.partition('data-mark="')[2][:16]
        assert mei.get(f"{call}/live?seen={seen}").status_code == 204
        for person in (sent.world.bo, sent.world.lin):
            mei.post(f"{call}/safe", data={"duty": str(duty(tx, sent, person).public_id)})
        page = text(mei.get(call).text)
        assert "All 2 people are accounted for." in page
        assert "seen by the leader · Mei · 11:10" in page
        late = mei.post(f"{call}/safe", data={"duty": str(duty(tx, sent, sent.world.bo).public_id)})
        assert (late.status_code, "This roll call has ended" in text(late.text)) == (410, True)
        assert mei.post(f"{at(sent)}/roll-calls", data={"task": "nonsense"}).status_code == 404
    assert "0 of 2 missing" in text(mei.get(f"{at(sent)}/field").text)


def test_a_roll_call_of_nobody_is_refused_in_words(tx: Tx, sent: Sent) -> None:
    refused = client(sent.world.mei).post(f"{at(sent)}/roll-calls", data={})
    assert (refused.status_code, "Nobody is on site or on the way" in text(refused.text)) == (409, True)
