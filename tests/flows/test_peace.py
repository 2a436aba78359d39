"""Whom a callout leaves in peace: quiet hours it may not break, and people asked enough this week."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.doors import client
from tests.flows.callouts import NOW, at_ten, messages, planned, send
from tests.flows.post import post_office
from tests.web.test_callout_console import statements
from tests.world import World, declare, world
from volunteer_hub.boards import problem, spared
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import asking, deliver, plan_why
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def configured(monkeypatch: pytest.MonkeyPatch, folder: Path, **values: str) -> None:
    """The shipped messages.toml with other values of some keys."""
    lines = (policy.SHIPPED / "messages.toml").read_text().splitlines()
    for key, value in values.items():
        lines = [f"{key} = {value}" if line.split(" ")[0] == key else line for line in lines]
    (folder / "messages.toml").write_text("\n".join(lines))
    monkeypatch.setenv("HUB_CONFIG", str(folder))
    settings.cache_clear()
    policy.load.cache_clear()


@pytest.fixture
def usual_policy() -> Iterator[None]:
    """After the test, the shipped policy again."""
    yield
    policy.load.cache_clear()


def asleep(person: Volunteer, wakes_for: int | None) -> Volunteer:
    """A night worker, whose quiet hours are from nine to twelve in the morning."""
    person.quiet_from, person.quiet_until, person.wakes_for = 9 * 60, 12 * 60, wakes_for
    return person


def left(tx: Tx, incident: Incident, w: World) -> dict[str, str]:
    """Name -> why they are left in peace."""
    everybody = sorted([w.bo, w.lin, *w.crowd], key=lambda person: person.id)
    found = spared.of(tx, incident, "Asia/Shanghai", np.array([person.id for person in everybody]))
    return {str(p.name): why for p in everybody if (why := found.reason(p.id)) is not None}


def test_people_are_woken_for_the_levels_they_agreed_to_in_plan_funnel_wave_and_outbox(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world(tx, crowd=4)
    first, second, third, fourth = (asleep(one, n) for one, n in zip(w.crowd, (2, 3, None, 0), strict=True))
    tx.flush()
    assert left(tx, w.incident, w) == {"Helper 3": "quiet", "Helper 6": "quiet"}  # a flood is level III
    case = problem.build(tx, w.incident, w.incident.area)
    named = {w.bo.id, w.lin.id, second.id, third.id}
    assert (set(case.volunteers.tolist()), case.funnel["callable"], case.funnel["waiting"]) == (named, 6, 0)
    everybody = [(w.slots[0], person) for person in (w.lin, first, second, third, fourth)]
    run = planned(tx, w, everybody)
    mei = client(w.mei)
    listed = mei.get(f"/plans/{run.public_id}/funnel/callable").text
    assert listed.count("In quiet hours, and not to be woken for this level") == 2
    other = planned(tx, w, [(w.slots[0], w.lin)])
    assert "has not agreed to be woken" in plan_why.why(tx, other, first, "en").said
    (helpers,) = [slot for slot in asking.of_plan(tx, run) if slot.facts.slot.id == w.slots[0]]
    assert {ask.volunteer_id for ask in helpers.asks} == {w.lin.id, second.id, third.id}
    tx.get_one(Incident, w.incident.id).level = w.incident.level = 1
    tx.flush()
    assert left(tx, w.incident, w) == {"Helper 6": "quiet"}
    out = send(tx, w, everybody)
    with post_office(monkeypatch) as office:
        asleep(second, 0)
        asleep(first, 1)
        tx.flush()
        deliver.sweep()
        assert sorted(letter["To"] for letter in office.letters if "@example" in letter["To"]) == [
            "p2@example.org",
            "p3@example.org",
            "p5@example.org",
        ]
    held = [m for m in messages(tx, "offer") if m.state.value == "queued"]
    assert [(m.volunteer_id, m.next_at.hour - NOW.hour, m.attempts) for m in held] == [(second.id, 2, 0)]
    assert out.callout.kind.value == "real"


def test_where_the_usual_is_stricter_who_has_not_chosen_is_left_in_peace_too(
    tx: Tx, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, usual_policy: None
) -> None:
    w = world(tx, crowd=2)
    asleep(w.lin, None)
    asleep(w.bo, 4)
    tx.flush()
    assert left(tx, w.incident, w) == {}
    configured(monkeypatch, tmp_path, broken_by="2")
    assert left(tx, w.incident, w) == {"Lin": "quiet"}


def test_who_was_asked_enough_this_week_is_not_asked_but_for_the_gravest(
    tx: Tx, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, usual_policy: None
) -> None:
    configured(monkeypatch, tmp_path, most="4")
    w = world(tx, crowd=2)
    with transaction(w.mei, "incident.declare") as mei:
        drill = declare(mei, kind=Kind.DRILL)
    for _ in range(3):
        send(tx, w, [(w.slots[0], w.lin), (w.slots[1], w.bo)])
    assert left(tx, w.incident, w) == {}
    assert left(tx, drill, w) == {"Bo": "spent", "Lin": "spent"}  # a drill would count two
    send(tx, w, [(w.slots[0], w.lin)])
    assert left(tx, w.incident, w) == {"Lin": "spent"}
    run = planned(tx, w, [(w.slots[0], w.lin), (w.slots[0], w.crowd[0])])
    asks = [ask.volunteer_id for slot in asking.of_plan(tx, run) for ask in slot.asks]
    assert asks == [w.crowd[0].id]
    page = client(w.mei).get(f"/plans/{run.public_id}/funnel/callable").text
    assert "Asked enough this week" in page
    assert statements(lambda: left(tx, w.incident, w)) == 2
    w.incident.level = 1
    assert left(tx, w.incident, w) == {}  # neither held back ...
    with transaction(w.mei, "incident.declare") as mei:
        second = declare(mei)
    tx.get_one(Incident, w.incident.id).level = 1
    tx.flush()
    assert left(tx, second, w) == {}  # ... nor counted
