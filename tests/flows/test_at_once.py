"""Many at the same moment, on connections of their own: one place, one letter, no circle of waiting."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

from tests.databases import building, wait_for_somebody_waiting
from tests.flows.callouts import Sent, answer, approved, at_ten, messages, planned, send
from tests.flows.post import post_office
from tests.world import World, declare, world
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import transaction
from volunteer_hub.core.errors import Gone, HubError
from volunteer_hub.flows import close as closing
from volunteer_hub.flows import deliver, mobilize, respond
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.desk import Answered
from volunteer_hub.mobilization.models import Callout, PlanRun


@pytest.fixture(autouse=True)
def _ten_o_clock(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def at_once(deeds: Sequence[Callable[[], Any]]) -> list[Any]:
    """Does all of them at the same moment; what each came to, or the error that it was refused by."""
    gate = threading.Barrier(len(deeds))

    def one(deed: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return deed()
        except HubError as error:
            return error

    with ThreadPoolExecutor(len(deeds)) as pool:
        running = [pool.submit(copy_context().run, one, deed) for deed in deeds]
        return [each.result() for each in running]


def made() -> World:
    """The small flood."""
    with building() as tx:
        return world(tx, crowd=6)


def out(w: World, people: Sequence[Any]) -> Sent:
    """A callout for the two places of first aid."""
    with building() as tx:
        return send(tx, w, [(w.slots[1], person) for person in people])


def tokens(callout: Sent, people: Sequence[Any]) -> list[str]:
    """The tokens of their links."""
    with transaction(SYSTEM, "test") as tx:
        return [callout.token(tx, person) for person in people]


def test_six_accept_two_places_at_once_and_each_is_told_how_it_stands() -> None:
    w = made()
    callout = out(w, w.crowd)
    answers = at_once([lambda t=t: answer(respond.accept, t) for t in tokens(callout, w.crowd)])
    outcomes = sorted(answered.outcome.value for answered in answers)
    assert outcomes == ["accepted"] * 2 + ["standing_by"] * 4
    with transaction(SYSTEM, "test") as tx:
        assert (len(messages(tx, "accepted")), len(messages(tx, "standing_by"))) == (2, 4)


def test_an_incident_is_released_while_its_callout_is_being_closed() -> None:
    w = made()
    callout = out(w, w.crowd[:2]).callout

    def released() -> str:
        with transaction(w.mei, "incident.release") as tx:
            return closing.demobilise(tx, tx.get_one(Incident, w.incident.id)) and "released"

    with ThreadPoolExecutor(1) as pool:
        with transaction(w.mei, "callout.close") as tx:
            mobilize.close(tx, tx.get_one(Callout, callout.id))
            tx.flush()
            running = pool.submit(copy_context().run, released)
            wait_for_somebody_waiting()
        assert running.result(20) == "released"


def test_the_same_link_pressed_six_times_at_once_is_one_answer() -> None:
    w = made()
    callout = out(w, w.crowd)
    token = tokens(callout, w.crowd[:1])[0]
    answers = at_once([lambda: answer(respond.accept, token)] * 6)
    assert sorted(one.outcome.value for one in answers) == ["accepted"] + ["stands"] * 5
    with transaction(SYSTEM, "test") as tx:
        assert len(messages(tx, "accepted")) == 1


def test_accepting_while_it_is_called_off_ends_one_way_and_everybody_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    w = made()
    callout = out(w, w.crowd)
    with post_office(monkeypatch):
        deliver.sweep()  # whose question never left would not be told of its end

    def call_off() -> int:
        with transaction(w.mei, "callout.cancel") as tx:
            return len(mobilize.cancel(tx, tx.get_one(Callout, callout.callout.id)).told)

    accepts = [lambda t=t: answer(respond.accept, t) for t in tokens(callout, w.crowd)]
    told, *answers = at_once([call_off, *accepts])
    assert told == 6
    assert all(isinstance(one, Gone | Answered) for one in answers)
    with transaction(SYSTEM, "test") as tx:
        assert callout.states(tx) == {"cancelled": 6}
        assert len(messages(tx, "cancelled")) == 6
        others = [m for m in messages(tx) if m.purpose not in ("offer", "cancelled")]
        assert [m.purpose for m in others if m.state.value != "cancelled"] == []


def test_two_workers_send_each_letter_once(monkeypatch: pytest.MonkeyPatch) -> None:
    w = made()
    out(w, w.crowd)
    with post_office(monkeypatch) as office:
        assert sum(at_once([deliver.sweep, deliver.sweep])) == 6
        assert len(office.letters) == 6


def test_two_callouts_to_the_same_people_are_sent_at_once() -> None:
    w = made()
    with building() as tx:
        with transaction(w.mei, "incident.declare") as as_mei:
            second = declare(as_mei)
            tasks = queries.whole(as_mei, second).tasks
        slots = tuple(slot.slot.id for task in tasks for slot in task.slots)
        other = World(w.mei, second, slots, w.bo, w.lin, w.crowd)
        plans = [
            approved(w, planned(tx, w, [(w.slots[0], person) for person in w.crowd])),
            approved(other, planned(tx, other, [(slots[0], person) for person in reversed(w.crowd)])),
        ]
        ids = [plan.id for plan in plans]

    def send_plan(plan_id: int) -> int:
        with transaction(w.mei, "callout.send") as tx:
            return mobilize.send(tx, tx.get_one(PlanRun, plan_id)).id

    made_now = at_once([lambda number=number: send_plan(number) for number in ids])
    assert len(set(made_now)) == 2
    with transaction(SYSTEM, "test") as tx:
        assert len(messages(tx, "offer")) == 12
