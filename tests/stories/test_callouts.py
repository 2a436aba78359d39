"""Whole callouts, told by telephones and pages: a flood night, two incidents at once, one that is stopped.

The flood night's plan is worked out by a planning process. Text messages and calls go through the made-up
gateway, signed, and answers come in by the doors.
"""

import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response
from sqlmodel import col, func, select

from tests.doors import client
from tests.flows.callouts import Sent, messages, minutes_later, send, sent
from tests.flows.texting import by_text
from tests.invariants import broken
from tests.world import declare, world
from volunteer_hub.boards import promises, replies
from volunteer_hub.core import clock
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import deliver, elsewhere, mobilize, waves
from volunteer_hub.flows.planner import Planner
from volunteer_hub.incentives import queries as points
from volunteer_hub.incidents import queries
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.models import Callout, Offer, PlanRun
from volunteer_hub.mobilization.reply_rules import Became
from volunteer_hub.simulation.gateway import Gateway, Trouble
from volunteer_hub.simulation.phones import Phone
from volunteer_hub.volunteers import skills
from volunteer_hub.volunteers.models import Volunteer

pytestmark = pytest.mark.xdist_group("planner")
NIGHT = datetime(2031, 1, 19, 18, 40, tzinfo=UTC)
"""02:40 in Daqing, in January."""
_LETTER = re.compile(r"Reply ([A-Z])1 yes")


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Everybody is written to by text message and rung up where none arrives; there is no mail."""
    yield from by_text(monkeypatch, HUB_VOICE_URL="gateway", HUB_BASE_URL="http://127.0.0.1:8000")


@pytest.fixture(scope="module")
def planner() -> Iterator[Planner]:
    """One warm planner for all stories."""
    with Planner() as one:
        yield one


def called_out(tx: Tx, planner: Planner, crowd: int) -> Sent:
    """Mei's flood, planned by the engine with so many people beside Bo and Lin, approved and sent by her."""
    w = world(tx, crowd=crowd)
    for person in (w.bo, *w.crowd[2::5]):  # who claims first aid
        skills.certify(tx, person, "first_aid", number="1", expires_on=date(2099, 1, 1))
    tx.flush()
    mei, incident = client(w.mei), f"/api/v1/incidents/{w.incident.public_id}"
    drawn = {"seed": 7}  # the lot: who of equals is asked, and so who answers, is the same every night
    plan = f"/api/v1/plans/{told(mei.post(f'{incident}/plans', json=drawn))['id']}"
    assert planner.work_one(threading.Event())
    told(mei.post(f"{plan}/approve", json={"reason": "The water is rising."}))
    wanted = select(Callout).where(
        col(Callout.public_id) == UUID(told(mei.post(f"{plan}/callout", json={}))["id"])
    )
    callout = tx.exec(wanted).one()
    return Sent(w, tx.get_one(PlanRun, callout.plan_run_id), callout)


def told(answer: Response) -> Any:
    """What the API answers to a deed that is done."""
    assert answer.is_success, answer.text
    return answer.json()


def swept(gateway: Gateway) -> None:
    """What the worker does again and again, once, and what the gateway makes of it."""
    mobilize.expire()
    elsewhere.sweep()
    waves.top_up()
    mobilize.move_up()
    deliver.sweep()
    gateway.settle()


def phone(gateway: Gateway, person: Volunteer) -> Phone:
    """The telephone of somebody of tests.world, whose number ends in theirs."""
    return gateway.phones[f"+86139{int(str(person.external_id)[1:]):08d}"]


def letter(text: str) -> str:
    """The letter under which a question may be answered."""
    found = _LETTER.search(text)
    assert found is not None, text
    return found[1]


def heard(one: Phone, words: str) -> int:
    """How many texts on this telephone say so."""
    return sum(words in text.body for text in one.inbox)


@dataclass
class Crowd:
    """People who answer what reaches them, by text or by key: three in ten are silent, the first asked mostly
    say no, those of later waves rather come. ``due``: number -> the moment of their answer and what it is."""

    gateway: Gateway
    drawn: random.Random
    silent: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    due: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    def hear(self, now: datetime, unlucky: bool) -> None:
        """Everybody newly reached makes up their mind."""
        for number, one in list(self.gateway.phones.items()):
            if number in self.known or not one.inbox:
                continue
            self.known.add(number)
            if self.drawn.random() < 0.3:
                self.silent.add(number)
                continue
            word = "1" if self.drawn.random() < (0.1 if unlucky else 0.6) else "2"
            answer = letter(one.inbox[-1].body) + word
            self.due[number] = (now + timedelta(minutes=self.drawn.uniform(1, 9)), answer)

    def answer(self, now: datetime) -> None:
        """Those whose moment has come write back."""
        for number, (moment, words) in list(self.due.items()):
            if moment <= now:
                del self.due[number]
                self.gateway.phones[number].reply(words)


def test_a_flood_night_with_three_in_ten_silent(tx: Tx, gateway: Gateway, planner: Planner) -> None:
    with clock.fixed(NIGHT):
        out = called_out(tx, planner, crowd=100)
        phone(gateway, out.world.crowd[0]).dead = True  # a number that is no more: rung up, in vain
    crowd, asked_when_met = Crowd(gateway, random.Random(11)), 0
    mei, page = client(out.world.mei), f"/callouts/{out.callout.public_id}"
    for minute in range(0, 46, 2):
        now = NIGHT + timedelta(minutes=minute)
        with clock.fixed(now):
            swept(gateway)
            crowd.hear(now, unlucky=minute < 3)
            crowd.answer(now)
            if not asked_when_met and "The minimum of 6 has said yes" in mei.get(page).text:
                asked_when_met = asked(tx, out)
    with clock.fixed(NIGHT + timedelta(minutes=100)):
        figures = mei.get(f"/api/v1{page}").json()["slots"][0]
        course = mei.get(f"/api/v1{page}/course").json()
        assert figures["filled"] >= figures["minimum"] == 6
        assert figures["filled"] <= figures["maximum"] == 10
        by = Counter(wave["source"] for wave in course["waves"])
        assert (by["plan"], by["forecast"] >= 1, by["person"]) == (1, True, 0)
        assert all(wave["before"] < 0.95 for wave in course["waves"][1:])
        assert asked(tx, out) <= asked_when_met + 2  # the first-aider's slot may go on
        counts = replies.counted(tx, tx.get_one(Callout, out.callout.id)).counts
        quiet = [number for number in crowd.silent if gateway.phones[number].inbox]
        assert counts[Became.DELIVERED] == len(quiet) > 5
        assert counts[Became.NOT_DELIVERED] == 1
        assert counts[Became.DECLINED] == states(tx, out)["declined"] > 5
        standing = [person for person in out.world.crowd if state(tx, out, person) == "standing_by"]
        assert standing
        assert mei.post(f"{page}/close").status_code == 303
        swept(gateway)
        for person in standing:
            assert heard(phone(gateway, person), "need not stand by") == 1
        for number in quiet:  # whoever slept is told nothing more, and it costs them nothing
            assert len(gateway.phones[number].inbox) == 1
        assert min(points.balances(tx, [person.id for person in standing]).values()) > 0
        assert broken(tx) == {}
        assert kept(tx)


def kept(tx: Tx) -> bool:
    """Whether every promise was kept that these sweeps answer for."""
    return {one.code for one in promises.broken(tx)} <= {"lines_unsealed"}


def asked(tx: Tx, out: Sent) -> int:
    wanted = select(func.count()).where(
        col(Offer.callout_id) == out.callout.id, col(Offer.asked_at).is_not(None)
    )
    return tx.exec(wanted).one()


def states(tx: Tx, out: Sent) -> Counter[str]:
    return Counter(out.states(tx))


def state(tx: Tx, out: Sent, person: Volunteer) -> str:
    wanted = select(Offer.state).where(
        col(Offer.callout_id) == out.callout.id, col(Offer.volunteer_id) == person.id
    )
    return str(tx.exec(wanted).first() or "")


def test_two_incidents_at_once_share_one_pool(tx: Tx, gateway: Gateway) -> None:
    first = sent(tx, helpers=12)
    swept(gateway)  # so that the first text on each telephone is the first incident's
    w = first.world
    people = [w.lin, *w.crowd[:11]]
    with transaction(w.mei, "incident.declare") as as_mei:
        incident = declare(as_mei)
        view = queries.whole(as_mei, incident)
    slots = tuple(slot.slot.id for task in view.tasks for slot in task.slots)
    second = send(tx, replace(w, incident=incident, slots=slots), [(slots[0], person) for person in people])
    swept(gateway)
    phones = [phone(gateway, person) for person in people]
    letters = [(letter(one.inbox[0].body), letter(one.inbox[1].body)) for one in phones]
    assert all(len({*pair}) == 2 for pair in letters)
    for one, (a, _) in zip(phones[:5], letters[:5], strict=True):
        one.reply(f"{a}1")
    for one, (_, b) in zip(phones[5:10], letters[5:10], strict=True):
        one.reply(f"{b} yes")
    assert [state(tx, first, person) for person in people[:5]] == ["accepted"] * 5
    assert [state(tx, second, person) for person in people[5:10]] == ["accepted"] * 5
    assert states(tx, second)["asked"] == 7
    # Who has a place already, and says yes to the other hours too, keeps the one and is told why.
    told = [one.reply(f"{b}1") for one, (_, b) in zip(phones[:5], letters[:5], strict=True)]
    assert len(set(told)) == 1
    assert "You have promised to be elsewhere at that time" in told[0]
    assert states(tx, second)["accepted"] == 5
    # A bare yes of somebody asked twice binds to neither.
    assert "Which one?" in phones[10].reply("yes")
    assert {state(tx, one, people[10]) for one in (first, second)} == {"asked"}
    # By link to one and by text to the other: the first to come holds.
    browser = client()
    assert (
        browser.post(f"/c/{second.token(tx, people[11])}/accept", data={"arrival": "20"}).status_code == 303
    )
    phones[11].reply(f"{letters[11][0]}1")
    assert (state(tx, first, people[11]), state(tx, second, people[11])) == ("asked", "accepted")
    # One of them is called off: those people, and nobody else, are told and free again.
    with minutes_later(5):
        assert client(w.mei).post(f"/callouts/{first.callout.public_id}/cancel").status_code == 303
        swept(gateway)
        assert phones[0].reply(f"{letters[0][1]}1") == ""
        assert (state(tx, first, people[0]), state(tx, second, people[0])) == ("cancelled", "accepted")
        assert [state(tx, second, person) for person in people[5:10]] == ["accepted"] * 5
    assert broken(tx) == {}


def test_a_wave_is_stopped_in_flight(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=8, reserves=60, crowd=70)
    mei, page = client(out.world.mei), f"/callouts/{out.callout.public_id}"
    swept(gateway)
    reached = {number for number, one in gateway.phones.items() if one.inbox}
    with minutes_later(4):
        gateway.trouble(Trouble.DOWN)
        for people in (6, 20):  # the line fails six times and is left in peace
            assert mei.post(f"{page}/wave", data={"people": str(people)}).status_code == 303
            swept(gateway)
        waiting = messages(tx, "offer")[len(reached) :]
        assert Counter(message.state.value for message in waiting) == {"queued": 26}
        tried = {message.volunteer_id for message in waiting if message.attempts}
        assert len(tried) == 6
        assert f"Call off and tell {len(reached) + len(tried)} people" in mei.get(page).text
        assert mei.post(f"{page}/cancel").status_code == 303
        gateway.trouble(None)
    for minute in range(5, 30, 3):
        with minutes_later(minute):
            swept(gateway)
    questions = {number for number, one in gateway.phones.items() if heard(one, "Can you come?")}
    told = {number for number, one in gateway.phones.items() if heard(one, "is called off") == 1}
    assert questions == reached  # nothing more has left
    assert reached < told
    assert len(told) == len(reached) + len(tried)  # of a question that may have left, the end is told
    assert sum(len(one.inbox) for one in gateway.phones.values()) == len(questions) + len(told)
    assert [one.calls for one in gateway.phones.values() if one.calls] == []
    assert out.states(tx) == {"cancelled": len(reached) + 26}


def test_an_incident_is_called_off_with_five_on_the_way(tx: Tx, gateway: Gateway) -> None:
    out = sent(tx, helpers=13)
    w = out.world
    ways, there, late = [w.lin, *w.crowd[:4]], w.crowd[4], w.crowd[11]
    everybody = [*ways, there, *w.crowd[5:9], late]  # ten places, and one who stands by
    swept(gateway)
    for person in everybody:
        phone(gateway, person).reply("1")
    browser, mei = client(), client(w.mei)
    links = {person.id: f"/c/{out.token(tx, person)}/duty" for person in everybody}
    with minutes_later(20):
        for person in ways:
            assert browser.post(f"{links[person.id]}/on-my-way", data={"minutes": "25"}).status_code == 303
    with minutes_later(58):
        code = places.duty_code(out.offer(tx, there))
        assert browser.post(f"{links[there.id]}/check-in", data={"code": code}).status_code == 303
        swept(gateway)
    with minutes_later(62):
        assert mei.post(f"/callouts/{out.callout.public_id}/cancel").status_code == 303
        swept(gateway)
        for person in ways:
            assert phone(gateway, person).inbox[-1].body.startswith("REAL CALLOUT: Sandbags at the east gate")
            assert heard(phone(gateway, person), "is called off. Please do not come.") == 1
            page = browser.get(links[person.id].removesuffix("/duty")).text
            assert "called off" in page
        assert state(tx, out, there) == "on_site"  # who is there goes when the leader says so
    with minutes_later(200):
        assert (
            mei.post(f"/incidents/{w.incident.public_id}/state", data={"state": "closed"}).status_code == 303
        )
        swept(gateway)
    assert [state(tx, out, person) for person in ways] == ["cancelled"] * 5
    assert [len(phone(gateway, person).inbox) for person in ways] == [3] * 5  # asked, has a place, called off
    assert state(tx, out, there) == "done"
    earned = {person.id: points.balance(tx, person.id) for person in everybody}
    assert earned[there.id] > 0
    assert earned[late.id] > 0
    assert min(earned.values()) == 0  # nobody loses any
    assert broken(tx) == {}
    assert kept(tx)
