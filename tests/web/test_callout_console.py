"""The callout as those who run it see it."""

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from sqlalchemy import delete, event

from tests.doors import client
from tests.flows.callouts import Sent, answer, at_ten, messages, minutes_later, send, sent
from tests.people import council, kai
from tests.world import world
from volunteer_hub.core import db
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import change, deliver, respond
from volunteer_hub.incidents.models import SlotMinimum, Task
from volunteer_hub.volunteers import skills


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def address(out: Sent, rest: str = "") -> str:
    """The page's address."""
    return f"/callouts/{out.callout.public_id}{rest}"


def test_the_page_shows_coverage_counts_and_everybody_asked(tx: Tx) -> None:
    out = sent(tx, helpers=8)
    for person in (out.world.lin, *out.world.crowd[:2]):
        answer(respond.accept, out.token(tx, person))
    answer(respond.decline, out.token(tx, out.world.bo))
    deliver.sweep()
    html = client(out.world.mei).get(address(out)).text
    for words in ("REAL", "asked 9", "accepted 3", "declined 1", "3 of 8", "Lin", "Declined: Another reason"):
        assert words in html
    assert "Call off and tell 9 people" in html


def test_needs_are_told_by_skill_those_within_a_slot_too(tx: Tx) -> None:
    out = sent(tx, helpers=4)
    for person in (out.world.lin, out.world.bo):
        answer(respond.accept, out.token(tx, person))
    mei = client(out.world.mei)
    told = mei.get(f"/api/v1{address(out)}").json()["skills"]
    assert told == [
        {"skill": None, "minimum": 6, "there": 1, "short": 5},
        {"skill": "first_aid", "minimum": 2, "there": 1, "short": 1},  # Bo is not among the helpers
    ]
    assert "By skill" in mei.get(address(out)).text
    aider = out.world.crowd[2]
    answer(respond.accept, out.token(tx, aider))
    for until, missing in ((date(2031, 1, 19), 1), (date(2031, 1, 20), 0)):  # the work is on the 20th
        skills.certify(tx, aider, "first_aid", number=str(missing), expires_on=until)
        tx.flush()
        assert mei.get(f"/api/v1{address(out)}").json()["skills"][1]["short"] == missing


def test_answers_are_drawn_against_the_forecast_once_there_are_minutes_to_draw(tx: Tx) -> None:
    out = sent(tx, helpers=8)
    mei = client(out.world.mei)
    assert "Answers against the forecast" not in mei.get(address(out)).text
    answer(respond.accept, out.token(tx, out.world.lin))
    with minutes_later(4.5):
        answer(respond.accept, out.token(tx, out.world.bo))
        html = mei.get(address(out)).text
    assert "2 people have said yes after 5 min; 7 needed." in html
    assert ["wave 1" in html, "answer by 10:30" in html] == [True, True]


def test_who_has_confirmed_a_change_is_counted_on_the_page(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    for person in (out.world.lin, *out.world.crowd[:2]):
        answer(respond.accept, out.token(tx, person))
    with transaction(out.world.mei, "task.write") as as_mei:
        task = as_mei.get_one(Task, out.task(tx))
        change.change_task(as_mei, task, task.version, place="West gate")
    mei = client(out.world.mei)
    assert "0 of 3 people have confirmed" in mei.get(address(out)).text
    answer(respond.ack, out.token(tx, out.world.lin))
    assert "1 of 3 people have confirmed" in mei.get(address(out)).text
    told = mei.get(f"/api/v1{address(out)}").json()
    assert (told["changed"], told["acknowledged"]) == (3, 1)


def test_a_count_opens_the_people_behind_it(tx: Tx) -> None:
    out = sent(tx, helpers=4)
    answer(respond.accept, out.token(tx, out.world.lin))
    html = client(out.world.mei).get(address(out, "?who=accepted")).text
    assert [f">{name}<" in html for name in ("Lin", "Helper 3", "Bo")] == [True, False, False]


def test_a_slot_opens_its_people(tx: Tx) -> None:
    out = sent(tx, helpers=4)
    html = client(out.world.mei).get(address(out)).text
    slots = sorted({part.split('"')[0].split("#")[0] for part in html.split("?slot=")[1:]})
    lists = [client(out.world.mei).get(address(out, f"?slot={slot}")).text for slot in slots]
    assert sorted(">Bo<" in shown for shown in lists) == [False, True]


def test_somebody_whom_nothing_reached_is_named_so(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    messages(tx, "offer")[0].state = "failed"
    tx.flush()
    html = client(out.world.mei).get(address(out)).text
    assert "Not delivered" in html
    assert "1 message did not arrive" in html


def test_the_part_that_changes_is_asked_for_by_itself_and_keeps_its_list(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    mei = client(out.world.mei)
    part = mei.get(address(out, "/live?who=asked"))
    assert part.status_code == 200
    assert "<html" not in part.text
    again = part.text.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    assert "who=asked" in again
    assert mei.get(again).status_code == 204
    answer(respond.accept, out.token(tx, out.world.lin))
    assert "accepted 1" in mei.get(again).text


def test_calling_off_by_the_button_tells_everybody(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    deliver.sweep()
    mei = client(out.world.mei)
    assert mei.post(address(out, "/cancel")).status_code == 303
    assert len(messages(tx, "cancelled")) == 4
    html = mei.get(address(out)).text
    assert "Called off" in html
    assert "hx-get" not in html
    assert mei.post(address(out, "/cancel")).status_code == 409


def test_closing_by_the_button_stands_people_down(tx: Tx) -> None:
    out = sent(tx, helpers=11)
    for person in (out.world.lin, *out.world.crowd[:10]):
        answer(respond.accept, out.token(tx, person))
    assert "Close, and stand 1 person down" in client(out.world.mei).get(address(out)).text
    assert client(out.world.mei).post(address(out, "/close")).status_code == 303
    assert len(messages(tx, "stood_down")) == 1


def test_another_district_sees_nothing_and_the_council_no_names(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    foreign = client(kai(tx))
    assert foreign.get(address(out)).status_code == 404
    assert foreign.post(address(out, "/cancel")).status_code == 404
    assert client(council(tx)).get(address(out)).status_code == 404  # Dongfeng's council, Sartu's callout
    assert client().get(address(out)).status_code == 303


def test_statements_do_not_grow_with_the_people(tx: Tx) -> None:
    w = world(tx, crowd=20)
    tx.execute(delete(SlotMinimum))  # or the slots would not be alike
    few = send(tx, w, [(w.slots[1], w.bo)])
    many = send(tx, w, [(w.slots[0], person) for person in w.crowd])
    mei = client(w.mei)
    assert statements(lambda: mei.get(address(few))) == statements(lambda: mei.get(address(many)))


def statements(deed: Callable[[], object]) -> int:
    """How many statements a deed sends to the server."""
    sent_off: list[str] = []

    def note(*given: object) -> None:
        if not str(given[2]).startswith(("SAVEPOINT", "RELEASE")):
            sent_off.append(str(given[2]))

    connection = db._Bind.connection
    assert connection is not None
    event.listen(connection, "before_cursor_execute", note)
    try:
        deed()
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return len(sent_off)
