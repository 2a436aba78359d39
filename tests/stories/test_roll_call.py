"""The dyke gives way: everybody is told to leave, all answer but one, and command knows who is missing."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import minutes_later
from tests.flows.post import post_office
from tests.web.test_duty_pages import action, primary, text
from tests.world import sandbagging
from volunteer_hub.boards import slots
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import deliver, roll_call
from volunteer_hub.incidents import logbook, tasks
from volunteer_hub.incidents.models import Incident, LogEntry, RoleSlot
from volunteer_hub.mobilization import attendance, places
from volunteer_hub.volunteers.policy import Skills

_LINK = re.compile(r"/c/[A-Za-z0-9_-]{22}")


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


def test_a_roll_call_with_one_missing(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = made.sent(tx, helpers=5, crowd=5)
    bo, lin, *crowd = sent.world.bo, sent.world.lin, *sent.world.crowd[:4]
    links = {person.id: f"/c/{sent.token(tx, person)}" for person in (bo, lin, *crowd)}
    for person in (bo, lin, *crowd):
        client().post(f"{links[person.id]}/accept", data={"arrival": "30"})
    phone, mei = client(), client(sent.world.mei)
    field = f"/incidents/{sent.world.incident.public_id}/field"

    with minutes_later(60):  # four are there, one is on the way, one is at home
        for person in (bo, lin, *crowd[:2]):
            code = places.duty_code(sent.offer(tx, person))
            assert phone.post(f"{links[person.id]}/duty/check-in", data={"code": code}).status_code == 303
        phone.post(f"{links[crowd[2].id]}/duty/on-my-way", data={"minutes": "20"})

    with minutes_later(70):  # two taps: the panel, the button
        page = mei.get(field).text
        assert "Tell 5 people to leave" in text(page)
        call = mei.post(action(page, "roll-calls")).headers["location"]
        assert "5 of 5 are missing." in text(mei.get(call).text)
    with minutes_later(71), post_office(monkeypatch) as office:
        deliver.sweep()
        told = [letter for letter in office.letters if "LEAVE NOW" in letter["Subject"]]
        assert {letter["Subject"].split(":")[0] for letter in told} == {"REAL CALLOUT"}
        opened = sorted(_LINK.findall(str(letter.get_content()))[0] for letter in told)
        assert opened == sorted(links[person.id] for person in (bo, lin, *crowd[:3]))

    with minutes_later(72):
        for person in (bo, crowd[2]):  # by themselves, from the link they were sent
            page = phone.get(phone.get(links[person.id]).headers["location"]).text
            assert primary(page) == ["I'm safe"]
            phone.post(action(page, "safe"))
        code = places.duty_code(sent.offer(tx, crowd[0]))  # goes home, and so is safe
        phone.post(f"{links[crowd[0].id]}/duty/check-out", data={"code": code})
    with minutes_later(73):
        page = mei.get(call).text
        assert "2 of 5 are missing." in text(page)
        mine = re.search(r'name="duty" value="([^"]+)" aria-label="Lin is safe"', page)
        assert mine is not None
        mei.post(f"{call}/safe", data={"duty": mine[1]})
    with minutes_later(74):  # the one who was at home comes after all, and is not forgotten
        code = places.duty_code(sent.offer(tx, crowd[3]))
        phone.post(f"{links[crowd[3].id]}/duty/check-in", data={"code": code})
        assert roll_call.sweep() == 1
        phone.post(f"{links[crowd[3].id]}/duty/safe")

    with minutes_later(80):
        page = text(mei.get(call).text)
        assert "1 of 6 is missing." in page
        assert str(crowd[1].name) in page.partition("Missing")[2].partition("Safe")[0]
        mei.post(f"{call}/end")
        phone.post(f"{links[crowd[1].id]}/duty/safe")  # too late for the record, but heard
        page = text(mei.get(call).text)
        assert "1 of 6 is missing. Ended by hand after 10 minutes. This record stays as it is." in page
        assert "said OK 11:20" in page
    said = [logbook.words("en", line) for line in tx.exec(select(LogEntry).order_by(LogEntry.id))]
    assert said[-1] == "Roll call ended by hand after 10 min: 1 of 6 people missing."
    assert not any(str(crowd[1].name) in line for line in said)


def test_the_leader_calls_the_roll_from_their_own_link_in_two_taps(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = made.sent(tx, helpers=3, crowd=3)
    tx.get_one(RoleSlot, sent.aid).skill = slots.LEADER  # Bo leads
    bo, lin, away = sent.world.bo, sent.world.lin, sent.world.crowd[0]
    links = {person.id: f"/c/{sent.token(tx, person)}" for person in (bo, lin, away)}
    phone = client()
    for link in links.values():
        phone.post(f"{link}/accept", data={"arrival": "30"})
    with minutes_later(60):
        for person in (bo, lin):
            code = places.duty_code(sent.offer(tx, person))
            phone.post(f"{links[person.id]}/duty/check-in", data={"code": code})
        phone.post(f"{links[away.id]}/duty/on-my-way", data={"minutes": "20"})

    with minutes_later(70), post_office(monkeypatch) as office:
        for link in (links[lin.id], f"/c/{'x' * 22}"):  # who leads nothing finds nothing
            assert "/roll-call" not in phone.get(f"{link}/duty").text
            assert phone.get(f"{link}/roll-call").status_code == 404
            assert phone.post(f"{link}/roll-call").status_code == 404
        page = phone.get(f"{links[bo.id]}/duty").text  # the first tap opens the panel
        assert re.search(r"<script(?! src=)", page) is None
        assert "Tell 3 people to leave" in text(page)
        call = phone.post(action(page, "roll-call")).headers["location"]  # the second
        assert call == f"{links[bo.id]}/roll-call"
        assert phone.post(call).headers["location"] == call  # once more tells nobody again
        deliver.sweep()
        assert Counter(letter["To"] for letter in office.letters if "LEAVE NOW" in letter["Subject"]) == {
            f"p{number}@example.org": 1 for number in (1, 2, 3)
        }

    with minutes_later(71):
        phone.post(f"{links[away.id]}/duty/safe")
        page = phone.get(call).text
        assert "<script" not in page
        assert "2 of 3 are missing." in text(page)
        assert str(away.name) in text(page).partition("Safe: 1")[2]
        for name in ("Bo", "Lin"):
            mine = re.search(rf'name="duty" value="([^"]+)" aria-label="{name} is safe"', page)
            assert mine is not None
            safe = {"duty": mine[1]}
            assert phone.post(f"{links[lin.id]}/roll-call/safe", data=safe).status_code == 404
            assert phone.post(f"{call}/safe", data=safe).status_code == 303
        assert "All 3 people are accounted for. It took 1 minute." in text(phone.get(call).text)


def test_the_leader_of_one_task_marks_nobody_of_another(tx: Tx) -> None:
    sent = made.sent(tx, helpers=1, crowd=1)
    w, phone = sent.world, client()
    tx.get_one(RoleSlot, sent.aid).skill = slots.LEADER
    with transaction(w.mei, "task.add") as as_mei:
        spec, skills = sandbagging(as_mei.now + timedelta(hours=1)), policy.load("skills", Skills).skills
        task = tasks.add(as_mei, as_mei.get_one(Incident, w.incident.id), spec, skills)
        slot = next(iter(slots.of_task(as_mei, task.id)))
    other = made.send(tx, replace(w, slots=(slot,)), [(slot, w.crowd[0])])
    links = [f"/c/{sent.token(tx, w.bo)}", f"/c/{other.token(tx, w.crowd[0])}"]
    offers = [sent.offer(tx, w.bo), other.offer(tx, w.crowd[0])]
    for link in links:
        phone.post(f"{link}/accept", data={"arrival": "30"})
    with minutes_later(70):
        for link, offer in zip(links, offers, strict=True):
            phone.post(f"{link}/duty/check-in", data={"code": places.duty_code(offer)})
        client(w.mei).post(f"/incidents/{w.incident.public_id}/roll-calls")
        call = phone.post(f"{links[0]}/roll-call").headers["location"]
        assert "1 of 1 is missing." in text(phone.get(call).text)
        duty = attendance.of_offer(tx, other.offer(tx, w.crowd[0]))
        assert duty is not None
        assert phone.post(f"{call}/safe", data={"duty": str(duty.public_id)}).status_code == 404
