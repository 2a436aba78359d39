"""The end of Mei's flood: who stood by, who was expected, who was there, and what they are asked."""

from collections.abc import Iterator

import pytest
from sqlmodel import col, select

from tests import people
from tests.flows import callouts as made
from tests.flows.callouts import Sent, messages, minutes_later
from tests.mobilization import rows
from tests.world import world
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.feedback.models import Survey
from volunteer_hub.flows import close, duty, mobilize, plan, respond
from volunteer_hub.flows.close import Demobilised
from volunteer_hub.incentives import queries as points
from volunteer_hub.incidents.models import Incident, RoleSlot
from volunteer_hub.incidents.rules import State
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.models import Callout, PlanRun
from volunteer_hub.mobilization.rules import PlanState
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    """Twelve helpers asked for ten places, and Bo for first aid; everybody comes, two stand by."""
    sent = made.sent(tx, helpers=12)
    for person in (sent.world.lin, *sent.world.crowd[:11], sent.world.bo):
        made.answer(respond.accept, sent.token(tx, person))
    return sent


def arrive(tx: Tx, sent: Sent, *who: Volunteer, minute: float = 60) -> None:
    for person in who:
        link, code = sent.token(tx, person), places.duty_code(sent.offer(tx, person))
        with minutes_later(minute), transaction(GUEST, "duty.check_in") as own:
            duty.check_in(own, duty.by_link(own, link), code)


def ended(sent: Sent, minute: float, *, everybody: bool = True) -> Demobilised:
    with minutes_later(minute), transaction(sent.world.mei, "incident.release") as mei:
        return close.demobilise(mei, mei.get_one(Incident, sent.world.incident.id), everybody=everybody)


def closed(sent: Sent, minute: float) -> list[Survey]:
    with minutes_later(minute), transaction(sent.world.mei, "incident.close") as mei:
        return close.close(mei, mei.get_one(Incident, sent.world.incident.id))


def test_everybody_is_released_thanked_and_paid_as_they_deserve(tx: Tx, sent: Sent) -> None:
    bo, lin, waiting = sent.world.bo, sent.world.lin, sent.world.crowd[10]
    arrive(tx, sent, bo, lin)
    assert ended(sent, 190) == Demobilised(stood_down=2, released=9, checked_out=2, on_site=0)
    assert points.balances(tx, [bo.id, lin.id, waiting.id]) == {bo.id: 20, lin.id: 20, waiting.id: 6}
    assert len(messages(tx, "stood_down")) == 2
    assert len(messages(tx, "released")) == 9
    assert {m.volunteer_id for m in messages(tx, "thanks")} == {bo.id, lin.id}
    assert tx.get_one(Callout, sent.callout.id, populate_existing=True).state.value == "closed"


def test_people_on_site_may_stay_until_they_go(tx: Tx, sent: Sent) -> None:
    arrive(tx, sent, sent.world.bo)
    assert ended(sent, 190, everybody=False) == Demobilised(2, 10, 0, 1)
    assert sent.offer(tx, sent.world.bo).state.value == "on_site"
    assert ended(sent, 200) == Demobilised(0, 0, 1, 0)


def test_closing_a_callout_pays_who_stood_by(tx: Tx, sent: Sent) -> None:
    with minutes_later(125), transaction(sent.world.mei, "callout.close") as mei:
        mobilize.close(mei, mei.get_one(Callout, sent.callout.id))
    waiting = sent.world.crowd[10]
    assert points.balance(tx, waiting.id) == 4
    ended(sent, 190)
    assert points.balance(tx, waiting.id) == 4


def test_closing_releases_who_is_left_and_asks_who_served_once(tx: Tx, sent: Sent) -> None:
    bo, lin = sent.world.bo, sent.world.lin
    tx.get_one(RoleSlot, sent.aid).skill = "site_leader"
    tx.flush()
    arrive(tx, sent, bo, lin)
    opened = closed(sent, 190)
    asked = {survey.volunteer_id: survey.form.value for survey in opened}
    assert (asked.pop(bo.id), asked.pop(lin.id)) == ("leader", "volunteer")
    assert list(asked.values()) == ["standby", "standby"]
    incident = tx.get_one(Incident, sent.world.incident.id, populate_existing=True)
    assert incident.state is State.CLOSED
    assert {m.volunteer_id for m in messages(tx, "survey")} == {bo.id, lin.id, *asked}
    with minutes_later(191), transaction(sent.world.mei, "incident.ask") as mei:
        assert close.ask_back(mei, mei.get_one(Incident, incident.id)) == []
    assert len(messages(tx, "survey")) == 4


def test_an_incident_called_off_before_anybody_was_asked_closes_at_once(tx: Tx) -> None:
    w = world(tx, crowd=0)
    with transaction(w.mei, "plan.request") as mei:
        run = plan.request(mei, mei.get_one(Incident, w.incident.id))
    with transaction(w.mei, "incident.close") as mei:
        assert close.close(mei, mei.get_one(Incident, w.incident.id)) == []
        assert mei.get_one(Incident, w.incident.id).state is State.CLOSED
    assert tx.get_one(PlanRun, run.id, populate_existing=True).state is PlanState.SUPERSEDED


def test_what_is_closed_or_foreign_stays_as_it_is(tx: Tx, sent: Sent) -> None:
    with transaction(people.kai(tx), "incident.close") as kai:
        foreign = kai.get_one(Incident, sent.world.incident.id)
        for deed in (close.close, close.demobilise):
            with pytest.raises(NotFound):
                deed(kai, foreign)
    closed(sent, 190)
    for deed in (close.close, close.demobilise):
        with transaction(sent.world.mei, "incident.close") as mei, rows.raises(Refused, "incident.state"):
            deed(mei, mei.get_one(Incident, sent.world.incident.id))


def test_nobody_loses_points_by_saying_no_or_nothing(tx: Tx, sent: Sent) -> None:
    made.answer(respond.withdraw, sent.token(tx, sent.world.crowd[0]))
    closed(sent, 190)
    ids = [person.id for person in tx.exec(select(Volunteer).order_by(col(Volunteer.id)))]
    assert min(points.balances(tx, ids).values()) == 0
