"""Re-plans are proposed by themselves, and applied so where the rule set for the incident allows it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlmodel import col, select

from tests.doors import client
from tests.flows import callouts
from tests.flows.callouts import Sent, answer, messages, minutes_later
from tests.flows.test_replan import difference, full, rows, solve
from tests.world import world
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import proposing, replan, respond
from volunteer_hub.incidents import logbook, queries
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import plans, proposals
from volunteer_hub.mobilization.models import Offer, PlanRun
from volunteer_hub.mobilization.replan_models import Proposal
from volunteer_hub.mobilization.rules import OfferState, PlanState
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Channel
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status


@pytest.fixture(autouse=True)
def ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from callouts.at_ten(monkeypatch)


def newest(tx: Tx, out: Sent) -> PlanRun:
    plan = proposals.newest(tx, out.world.incident.id)
    assert plan is not None
    tx.refresh(plan)
    return plan


def proposed(tx: Tx, out: Sent) -> PlanRun:
    """The sweep asks for a plan, a worker makes it, the sweep settles it."""
    assert proposing.sweep() == 1
    solve()
    assert proposing.sweep() == 0
    return newest(tx, out)


def says(deed: Callable[..., Any], tx: Tx, out: Sent, person: Volunteer, minute: int) -> None:
    with minutes_later(minute):
        answer(deed, out.token(tx, person))


def alerts(tx: Tx, purpose: str) -> list[Message]:
    """On the console; by e-mail they go as well."""
    return [one for one in messages(tx, purpose) if one.channel is Channel.CONSOLE]


def log(tx: Tx, out: Sent) -> list[str]:
    return [logbook.words("en", line) for line in logbook.entries(tx, out.world.incident)]


def asked_by(tx: Tx, plan: PlanRun) -> list[Offer]:
    new = [volunteer for volunteer, before, _, _ in rows(plan) if before is None]
    wanted = select(Offer).where(col(Offer.volunteer_id).in_(new)).order_by(col(Offer.id))
    return list(tx.exec(wanted.execution_options(populate_existing=True)))


def test_a_withdrawal_ends_in_a_proposal_whose_difference_is_shown_applied_and_told(tx: Tx) -> None:
    out = full(tx)
    assert proposing.sweep() == 0  # nothing has happened
    says(respond.withdraw, tx, out, out.world.lin, 1)
    with minutes_later(4):
        assert proposing.sweep() == 0  # nor have five minutes passed since the plan
    mei, at = client(out.world.mei), f"/incidents/{out.world.incident.public_id}"
    with minutes_later(5):
        assert proposing.sweep() == 1
        assert "Making the plan" not in mei.get(at).text
        assert plans.latest(tx, out.world.incident.id) == out.plan  # seen only once it is made and settled
        solve()
        assert proposing.sweep() == 0
        plan = newest(tx, out)
        assert plan.state is PlanState.READY
        assert [m.account_id for m in alerts(tx, "alert_replan")] == [out.world.mei.id]
        board = mei.get(at).text
        assert "Proposed by itself, because since the last plan: 1 person withdrew." in board
        told = mei.get(f"/api/v1/plans/{plan.public_id}/difference").json()
        assert (told["said"], told["kept"]) == ("1 person changes, 1 gap closes", 8)
        assert told["because"] in mei.get(f"/plans/{plan.public_id}").text
    says(respond.withdraw, tx, out, out.world.crowd[0], 6)
    with minutes_later(10):
        second = proposed(tx, out)
        tx.refresh(plan)
        assert (plan.state, second.state) == (PlanState.SUPERSEDED, PlanState.READY)
        assert len(rows(second)) == 2
        assert len(alerts(tx, "alert_replan")) == 2
        before = len(messages(tx, "offer"))
        mei.post(f"/plans/{second.public_id}/approve", data={"reason": ""})
        mei.post(f"/plans/{second.public_id}/send", data={})
        assert [offer.state for offer in asked_by(tx, second)] == [OfferState.ASKED] * 2
        assert len(messages(tx, "offer")) == before + 2
    with minutes_later(20):
        assert proposing.sweep() == 0


def test_what_changes_nothing_is_put_aside_without_a_word(tx: Tx) -> None:
    out = callouts.sent(tx, helpers=10)
    for person in [out.world.lin, *out.world.crowd[:7]]:
        answer(respond.accept, out.token(tx, person))
    says(respond.decline, tx, out, out.world.crowd[7], 1)
    with minutes_later(6):
        plan = proposed(tx, out)
        assert (difference(plan)["changes"], plan.state) == ([], PlanState.SUPERSEDED)
        assert plans.latest(tx, out.world.incident.id) == out.plan
        assert alerts(tx, "alert_replan") == []
        assert proposing.sweep() == 0


def test_while_as_many_are_asked_as_are_wanted_refusals_are_left_to_the_waves(tx: Tx) -> None:
    w = world(tx)
    helpers = [(w.slots[0], person) for person in [w.lin, *w.crowd[:8]]]
    out = callouts.send(tx, w, [*helpers, (w.slots[1], w.bo), (w.slots[1], w.crowd[12])])
    says(respond.decline, tx, out, w.lin, 1)
    with minutes_later(6):
        assert proposing.sweep() == 0  # eight are still asked, as many as are wanted
    says(respond.decline, tx, out, w.crowd[0], 7)
    with minutes_later(8):
        assert proposing.sweep() == 1


def test_the_same_proposal_made_again_is_not_told_again(tx: Tx) -> None:
    out = full(tx)
    tx.get_one(Volunteer, out.world.crowd[0].id).status = Status.SUSPENDED
    tx.flush()
    with minutes_later(6):
        first = proposed(tx, out)
        assert tx.get_one(Proposal, first.id).news == {"lost": 1}
    with minutes_later(12):
        second = proposed(tx, out)
    assert (second.state, len(alerts(tx, "alert_replan"))) == (PlanState.READY, 1)


def test_the_rule_applies_what_moves_nobody_who_has_said_yes_and_is_kept(tx: Tx) -> None:
    out = full(tx)
    mei, at = client(out.world.mei), f"/api/v1/incidents/{out.world.incident.public_id}/replan-rule"
    assert mei.get(at).json()["most_changes"] is None
    assert mei.put(at, json={"most_changes": 0}).status_code == 422
    assert mei.put(at, json={"most_changes": 2}).json()["most_changes"] == 2
    assert "at most 2 orders" in mei.get(f"/incidents/{out.world.incident.public_id}").text
    says(respond.withdraw, tx, out, out.world.lin, 1)
    with minutes_later(6):
        plan = proposed(tx, out)
        assert (plan.state, plan.approved_by, plan.applied_at is not None) == (PlanState.APPROVED, None, True)
        assert [offer.state for offer in asked_by(tx, plan)] == [OfferState.ASKED]
        assert tx.get_one(Proposal, plan.id).rule == {
            "most_changes": 2,
            "set_by": out.world.mei.id,
            "reason": None,
        }
        assert len(alerts(tx, "alert_replanned")) == 1
        assert "Re-plan applied by the rule (at most 2): 1 order changes" in log(tx, out)
    gone = out.world.crowd[0]
    tx.get_one(Volunteer, gone.id).status = Status.SUSPENDED
    tx.flush()
    with minutes_later(14):  # somebody who said yes would lose the place: that waits for a person
        plan = proposed(tx, out)
        assert plan.state is PlanState.READY
        assert (gone.id, out.helpers, None, True) in rows(plan)
        assert out.offer(tx, gone).state is OfferState.ACCEPTED
        assert len(alerts(tx, "alert_replan")) == 1
    with minutes_later(15):
        mei.post(f"/incidents/{out.world.incident.public_id}/replan-rule", data={"most": "", "reason": ""})
        assert mei.get(at).json()["most_changes"] is None
        assert "Re-plans are not applied by themselves any more" in log(tx, out)


def test_at_night_the_rule_needs_a_reason_that_stands_in_for_a_second_person(tx: Tx) -> None:
    midnight = 14 * 60
    with minutes_later(midnight):
        out = full(tx)
        with transaction(out.world.mei, "plan.rule") as as_mei:
            proposing.set_rule(as_mei, as_mei.get_one(Incident, out.world.incident.id), 3)
    says(respond.withdraw, tx, out, out.world.lin, midnight + 1)
    with minutes_later(midnight + 6):
        assert proposed(tx, out).state is PlanState.READY
        with transaction(out.world.mei, "plan.rule") as as_mei:
            incident = queries.find(as_mei, "plan.approve", out.world.incident.public_id)
            proposing.set_rule(as_mei, incident, 3, "the water rises")
    says(respond.withdraw, tx, out, out.world.crowd[0], midnight + 7)
    with minutes_later(midnight + 12):
        plan = proposed(tx, out)
        assert (plan.state, plan.override_reason) == (PlanState.APPROVED, "the water rises")


def test_a_plan_of_a_person_is_waited_for(tx: Tx) -> None:
    out = full(tx)
    says(respond.withdraw, tx, out, out.world.lin, 1)
    with minutes_later(6):
        with transaction(out.world.mei, "plan.request") as as_mei:
            replan.request(as_mei, as_mei.get_one(Incident, out.world.incident.id))
        solve()
        assert proposing.sweep() == 0
    with minutes_later(30):
        answer(respond.withdraw, out.token(tx, out.world.crowd[0]))
        assert proposing.sweep() == 0
