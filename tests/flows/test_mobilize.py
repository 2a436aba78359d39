"""From an approved plan to people asked, again until enough come, and called off."""

from collections.abc import Iterator
from math import ceil

import pytest
from sqlmodel import col, select

from tests.flows.callouts import Sent, answer, approved, at_ten, messages, minutes_later, planned, send, sent
from tests.people import an
from tests.world import world
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Refused
from volunteer_hub.engine.overcall import at_least
from volunteer_hub.engine.shock import shock
from volunteer_hub.flows import asking, deliver, mobilize, respond, waves
from volunteer_hub.flows import plan as planning
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import Kind, State
from volunteer_hub.mobilization.models import Callout, PlanRun
from volunteer_hub.mobilization.rules import CalloutState, PlanState
from volunteer_hub.volunteers import standing
from volunteer_hub.volunteers.models import Contact, Volunteer

EMAIL_BY_DAY = 0.24
IN_HALF_AN_HOUR = 0.75 + 0.15 * (30 - 14) / (35 - 14)
LAW = shock(0.02, 36)
"""As config/answers.toml has it: the chance, the share of answers by then, how they go together."""


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def log(tx: Tx, out: Sent) -> list[str]:
    """The log of the incident, in words."""
    return [logbook.words("en", line) for line in logbook.entries(tx, out.world.incident)]


def test_sending_asks_everybody_chosen_and_mobilizes_the_incident(tx: Tx) -> None:
    out = sent(tx, helpers=10)
    assert tx.get_one(Incident, out.world.incident.id).state is State.MOBILIZING
    assert out.states(tx) == {"asked": 11}
    asked = messages(tx, "offer")
    assert len(asked) == 11
    assert {(m.kind.value, m.channel.value, m.lang) for m in asked} == {("real", "email", "en")}
    assert log(tx, out)[-1] == "Callout sent to 11 people"
    assert tx.get_one(Volunteer, out.world.lin.id, populate_existing=True).asked_count == 1


def test_a_plan_that_nobody_approved_is_not_sent(tx: Tx) -> None:
    w = world(tx)
    plan = planned(tx, w, [(w.slots[0], w.lin)])
    with pytest.raises(Refused) as refused, transaction(w.mei, "callout.send") as as_mei:
        mobilize.send(as_mei, as_mei.get_one(PlanRun, plan.id))
    assert refused.value.code == "plan.not_approved"
    assert messages(tx) == []


def test_a_plan_is_sent_once(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    with pytest.raises(Refused) as refused, transaction(out.world.mei, "callout.send") as as_mei:
        mobilize.send(as_mei, as_mei.get_one(PlanRun, out.plan.id))
    assert refused.value.code == "plan.already_sent"
    assert len(messages(tx, "offer")) == 4


def test_so_many_are_asked_that_the_minimum_is_as_sure_as_configured(tx: Tx) -> None:
    out = sent(tx, helpers=10, reserves=90, crowd=110)
    count = out.states(tx)["asked"] - 1
    in_time = EMAIL_BY_DAY * IN_HALF_AN_HOUR
    assert at_least([in_time] * count, 6, LAW) >= 0.95 > at_least([in_time] * (count - 1), 6, LAW)


def test_the_size_of_a_callout_says_what_it_rests_on_and_what_the_rule_of_thumb_is_worth(tx: Tx) -> None:
    w = world(tx, crowd=120)
    plan = planned(tx, w, [(w.slots[0], w.lin)], [(w.slots[0], person) for person in w.crowd])
    size = asking.sized(tx, plan)
    (helpers,) = size.slots
    assert (size.basis.asks, size.basis.measured, size.confidence) == (36, False, 0.95)
    assert size.basis.low < EMAIL_BY_DAY < size.basis.high
    assert size.joint == helpers.sure >= 0.95
    assert helpers.naive == ceil(6 / (EMAIL_BY_DAY * IN_HALF_AN_HOUR)) < len(helpers.asks)
    assert 0.4 < helpers.naive_sure < 0.65


def test_less_confidence_asks_fewer_and_less_time_asks_more(tx: Tx) -> None:
    w = world(tx, crowd=120)
    plan = planned(tx, w, [(w.slots[0], w.lin)], [(w.slots[0], person) for person in w.crowd])
    usual = asking.people(asking.sized(tx, plan).slots)
    assert asking.people(asking.sized(tx, plan, confidence=0.8).slots) < usual
    assert usual < asking.people(asking.sized(tx, plan, answer_minutes=20).slots)


def test_of_reserves_alike_those_are_asked_whose_coming_costs_least(tx: Tx) -> None:
    w = world(tx, crowd=120)
    plan = planned(tx, w, [(w.slots[0], w.lin)], [(w.slots[0], person) for person in w.crowd])
    document = dict(plan.result or {})
    document["reserves"] = [pair | {"cost": 1000 - at} for at, pair in enumerate(document["reserves"])]
    plan.result = document
    (helpers,) = asking.sized(tx, plan).slots
    far = {person.id for person in w.crowd[: len(w.crowd) - len(helpers.asks) + 1]}
    assert far.isdisjoint(ask.volunteer_id for ask in helpers.asks)


def test_reserves_count_when_a_second_person_is_asked_for(tx: Tx) -> None:
    w = world(tx, crowd=80)
    chosen = [(w.slots[0], person) for person in (w.lin, *w.crowd[:7])]
    spare = [(w.slots[0], p) for p in w.crowd[7:60]] + [(w.slots[1], p) for p in w.crowd[60:]]
    plan = planned(tx, w, chosen, spare)
    with transaction(w.mei, "plan.approve") as as_mei:
        approved_by_one = planning.approve(as_mei, plan.public_id)
        assert asking.people(asking.of_plan(as_mei, approved_by_one)) > 50 > len(chosen)
    assert approved_by_one.state is PlanState.READY
    with transaction(an(tx), "plan.approve") as as_an:
        assert planning.approve(as_an, plan.public_id).state is PlanState.APPROVED


def test_who_cannot_be_reached_or_has_left_is_no_reserve(tx: Tx) -> None:
    w = world(tx, crowd=4)
    unreachable, gone, good, _ = w.crowd
    for contact in tx.exec(select(Contact).where(col(Contact.volunteer_id) == unreachable.id)):
        contact.address = None
    standing.leave(tx, gone)
    plan = approved(w, planned(tx, w, [(w.slots[0], w.lin)], [(w.slots[0], p) for p in w.crowd[:3]]))
    asks = asking.of_plan(tx, plan)
    assert [ask.volunteer_id for slot in asks for ask in slot.asks] == [w.lin.id, good.id]


def test_somebody_chosen_whom_no_message_reaches_is_on_the_list_without_a_message(tx: Tx) -> None:
    w = world(tx, crowd=2)
    for contact in tx.exec(select(Contact).where(col(Contact.volunteer_id) == w.lin.id)):
        contact.address = None
    out = send(tx, w, [(w.slots[0], w.lin), (w.slots[0], w.crowd[0])])
    assert out.states(tx) == {"asked": 2}
    assert [message.volunteer_id for message in messages(tx, "offer")] == [w.crowd[0].id]


def test_when_nobody_is_left_to_ask_the_coordinator_is_told_once(tx: Tx) -> None:
    out = sent(tx, helpers=6, reserves=5, crowd=20)
    assert out.states(tx) == {"asked": 12}  # 6 chosen, all 5 in reserve because e-mail is slow, and Bo
    for person in (out.world.lin, *out.world.crowd[:5]):
        answer(respond.decline, out.token(tx, person))
    with minutes_later(10):
        assert waves.top_up() == 0
    told = messages(tx, "alert_gap")
    assert [(m.account_id, m.channel.value) for m in told] == [
        (out.world.mei.id, "console"),
        (out.world.mei.id, "email"),
    ] * 2  # helpers and first aid
    with minutes_later(20):
        assert waves.top_up() == 0
    assert len(messages(tx, "alert_gap")) == 4
    assert [line for line in log(tx, out) if "nobody left" in line] == [
        "Sandbags at the east gate: 6 people short, and nobody left to ask",
        "Sandbags at the east gate: 1 person short, and nobody left to ask",
    ]


def test_nobody_more_is_asked_when_enough_have_accepted(tx: Tx) -> None:
    out = sent(tx, helpers=10, reserves=2, crowd=20, nested=False)
    for person in (out.world.lin, *out.world.crowd[:7], out.world.bo):
        answer(respond.accept, out.token(tx, person))
    with minutes_later(9):
        assert waves.top_up() == 0
    assert messages(tx, "alert_gap") == []


def test_links_left_unanswered_expire(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    with minutes_later(24 * 60):
        assert mobilize.expire() == 4
        assert mobilize.expire() == 0
    assert out.states(tx) == {"expired": 4}
    assert {message.state.value for message in messages(tx, "offer")} == {"cancelled"}


def test_cancelling_tells_everybody_asked_and_stops_what_was_not_sent(tx: Tx) -> None:
    out = sent(tx, helpers=5)
    deliver.sweep()  # no mail server is there: whether a letter has left is not known
    answer(respond.accept, out.token(tx, out.world.lin))
    answer(respond.decline, out.token(tx, out.world.crowd[0]))
    answer(respond.not_me, out.token(tx, out.world.crowd[1]))
    with transaction(out.world.mei, "callout.cancel") as as_mei:
        ended = mobilize.cancel(as_mei, as_mei.get_one(Callout, out.callout.id))
    assert len(ended.told) == 5  # all six but the one whom the message never reached
    told = {message.volunteer_id for message in messages(tx, "cancelled")}
    assert told == {offer.volunteer_id for offer in ended.told}
    assert {m.state.value for m in messages(tx) if m.purpose != "cancelled"} == {"cancelled"}
    assert log(tx, out)[-1] == "Callout called off, 5 people told"


def test_a_closed_callout_thanks_whoever_stands_by(tx: Tx) -> None:
    out = sent(tx, helpers=12)
    for person in (out.world.lin, *out.world.crowd[:11]):
        answer(respond.accept, out.token(tx, person))
    assert out.states(tx) == {"accepted": 10, "standing_by": 2, "asked": 1}
    with minutes_later(6 * 60):
        waves.top_up()
    assert tx.get_one(Callout, out.callout.id, populate_existing=True).state is CalloutState.CLOSED
    assert len(messages(tx, "stood_down")) == 2


def test_a_second_plan_counts_the_places_taken_through_the_first(tx: Tx) -> None:
    out = sent(tx, helpers=8)
    w = out.world
    for person in (w.lin, *w.crowd[:6]):
        answer(respond.accept, out.token(tx, person))
    again = send(tx, w, [(out.helpers, person) for person in w.crowd[10:15]])
    for person in w.crowd[10:15]:
        answer(respond.accept, again.token(tx, person))
    assert again.states(tx) == {"accepted": 3, "standing_by": 2}
    assert out.states(tx) == {"accepted": 7, "released": 2}


def test_a_drill_takes_the_same_road(tx: Tx) -> None:
    sent(tx, helpers=3, kind=Kind.DRILL)
    assert {message.kind.value for message in messages(tx, "offer")} == {"drill"}
