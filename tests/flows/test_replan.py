"""A plan in force changed as little as pays: the difference is told, and applied once approved."""

import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlmodel import col, select

from tests.doors import client
from tests.flows import callouts
from tests.flows.callouts import Sent, answer, messages, sent
from tests.world import world
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Refused
from volunteer_hub.engine.problem import Options
from volunteer_hub.engine.replan import replan as changed
from volunteer_hub.flows import mobilize, planner, replan, respond, solving
from volunteer_hub.flows.planner import Planner
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import offers, plans
from volunteer_hub.mobilization.models import Duty, Offer, PlanRun
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.volunteers import skills
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status


@pytest.fixture(autouse=True)
def ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from callouts.at_ten(monkeypatch)


def proposed(out: Sent) -> PlanRun:
    """Mei asks for a re-plan; a worker makes it, in this process."""
    with transaction(out.world.mei, "plan.request") as tx:
        replan.request(tx, tx.get_one(Incident, out.world.incident.id))
    solve()
    with db.read(SYSTEM) as tx:
        return tx.exec(select(PlanRun).order_by(col(PlanRun.id).desc()).limit(1)).one()


def solve() -> None:
    with db.transaction(SYSTEM, "plan.claim") as tx:
        run = plans.claim(tx, 60)
        assert run is not None
    case = planner.read(run)
    assert case.orders is not None
    again = changed(case.problem, case.orders, options=Options(seed=run.seed))
    made = solving.explained(case.problem, again.plan, 0.0, None, again)
    planner.store(run.id, case, made, lost=False, seconds={})


def apply(out: Sent, plan: PlanRun) -> None:
    callouts.approved(out.world, plan)
    with transaction(out.world.mei, "callout.send") as tx:
        mobilize.send(tx, tx.get_one(PlanRun, plan.id))


def difference(plan: PlanRun) -> dict[str, Any]:
    assert plan.result is not None
    found: dict[str, Any] = plan.result["difference"]
    return found


def rows(plan: PlanRun) -> list[tuple[int, int | None, int | None, bool]]:
    return [(c["volunteer"], c["before"], c["after"], c["lost"]) for c in difference(plan)["changes"]]


def full(tx: Tx) -> Sent:
    """Eight helpers have said yes, as many as are wanted, one of them a first-aider; Bo has not answered."""
    out = sent(tx, helpers=8)
    skills.certify(tx, out.world.crowd[2], "first_aid", number="1", expires_on=date(2099, 1, 1))
    for person in [out.world.lin, *out.world.crowd[:7]]:
        answer(respond.accept, out.token(tx, person))
    return out


def test_nothing_changes_while_everybody_asked_is_counted_on(tx: Tx) -> None:
    out = full(tx)
    plan = proposed(out)
    assert (difference(plan)["kept"], rows(plan)) == (9, [])


def test_who_withdraws_is_replaced_and_everybody_else_keeps_their_order(tx: Tx) -> None:
    out = full(tx)
    answer(respond.withdraw, out.token(tx, out.world.lin))
    plan = proposed(out)
    helpers = [row for row in rows(plan) if row[2] == out.helpers]
    assert [(before, lost) for _, before, _, lost in helpers] == [(None, False)]
    assert helpers[0][0] not in {out.world.lin.id, *(one.id for one in out.world.crowd[:7])}
    assert {"slot": out.helpers, "heads": 1} in difference(plan)["closed"]
    assert difference(plan)["kept"] == 8


def test_nobody_is_told_before_it_is_approved_and_then_new_people_are_asked(tx: Tx) -> None:
    out = full(tx)
    answer(respond.withdraw, out.token(tx, out.world.lin))
    before = len(messages(tx, "offer"))
    plan = proposed(out)
    new = [volunteer for volunteer, was, _, _ in rows(plan) if was is None]
    assert len(messages(tx, "offer")) == before
    with pytest.raises(Refused, match=r"plan\.not_approved"), transaction(out.world.mei, "x") as as_mei:
        mobilize.send(as_mei, as_mei.get_one(PlanRun, plan.id))
    apply(out, plan)
    asked = [out.offer(tx, tx.get_one(Volunteer, one)) for one in new]
    assert {offer.state for offer in asked} == {OfferState.ASKED}
    assert len(messages(tx, "offer")) == before + len(new)
    with pytest.raises(Refused, match=r"plan\.already_sent"), transaction(out.world.mei, "x") as as_mei:
        mobilize.send(as_mei, as_mei.get_one(PlanRun, plan.id))


def test_who_may_be_called_no_longer_is_released_and_told(tx: Tx) -> None:
    out = full(tx)
    gone = out.world.crowd[0]
    tx.get_one(Volunteer, gone.id).status = Status.SUSPENDED
    tx.flush()
    plan = proposed(out)
    assert (gone.id, out.helpers, None, True) in rows(plan)
    apply(out, plan)
    assert out.offer(tx, gone).state is OfferState.RELEASED
    assert [m.volunteer_id for m in messages(tx, "released")] == [gone.id]


def test_who_is_on_the_way_is_not_asked_to_move(tx: Tx) -> None:
    out = full(tx)
    offer = out.offer(tx, out.world.lin)
    tx.exec(select(Duty).where(col(Duty.offer_id) == offer.id)).one().en_route_at = tx.now
    tx.flush()
    plan = proposed(out)
    assert plan.result is not None
    assert {"slot": out.helpers, "volunteer": out.world.lin.id} in plan.result["held"]


def moved(tx: Tx, out: Sent, person: Volunteer) -> Offer:
    """The person is asked to give first aid in place of filling sandbags, as by an applied re-plan."""
    with transaction(out.world.mei, "plan.request") as as_mei:
        run = replan.request(as_mei, as_mei.get_one(Incident, out.world.incident.id))
        plan_id = run.id
    assert plans.claim(tx, 60) is not None
    change = {"volunteer": person.id, "before": out.helpers, "after": out.aid, "lost": False, "price": 120}
    document = {
        "pairs": [{"slot": out.aid, "volunteer": person.id}],
        "reserves": [],
        "difference": {"changes": [change], "kept": 7, "closed": [{"slot": out.aid, "heads": 1}]},
    }
    apply(out, plans.finish(tx, plan_id, document, objective={}, problem_digest="d"))
    wanted = select(Offer).where(col(Offer.volunteer_id) == person.id, col(Offer.slot_id) == out.aid)
    return tx.exec(wanted).one()


def test_who_is_asked_to_move_keeps_the_old_place_until_they_say_yes_to_the_new(tx: Tx) -> None:
    out = full(tx)
    new = moved(tx, out, out.world.lin)
    old = tx.get_one(Offer, new.instead_of)
    assert (old.state, new.state) == (OfferState.ACCEPTED, OfferState.ASKED)
    page = client().get(f"/c/{offers.link_token(new.public_id)}").text
    assert "You keep the place you have until you say yes here." in page
    answer(respond.accept, offers.link_token(new.public_id))
    tx.expire_all()
    assert (old.state, new.state) == (OfferState.RELEASED, OfferState.ACCEPTED)


def test_who_does_not_want_to_move_stays(tx: Tx) -> None:
    out = full(tx)
    new = moved(tx, out, out.world.lin)
    answer(respond.decline, offers.link_token(new.public_id))
    tx.expire_all()
    old = tx.get_one(Offer, new.instead_of)
    assert (old.state, new.state) == (OfferState.ACCEPTED, OfferState.DECLINED)


def test_without_a_plan_in_force_there_is_nothing_to_change(tx: Tx) -> None:
    w = world(tx)
    with pytest.raises(Refused, match=r"replan\.nothing"), transaction(w.mei, "plan.request") as as_mei:
        replan.request(as_mei, as_mei.get_one(Incident, w.incident.id))


def test_through_the_doors_a_withdrawal_ends_in_somebody_else_being_asked(tx: Tx) -> None:
    out = full(tx)
    answer(respond.withdraw, out.token(tx, out.world.lin))
    mei, at = client(out.world.mei), f"/incidents/{out.world.incident.public_id}"
    assert "Change the plan as little as pays" in mei.get(at).text
    asked = mei.post(f"/api/v1{at}/replans")
    assert (asked.status_code, asked.json()["changes"]) == (202, [])
    with Planner() as worker:
        assert worker.work_one(threading.Event()) is True
    plan = asked.json()["plan"]
    told = mei.get(f"/api/v1/plans/{plan}/difference").json()
    assert (told["kept"], told["state"], told["said"]) == (8, "ready", "1 person changes, 1 gap closes")
    assert "Fills an open place." in [one["why"] for one in told["changes"]]
    assert told["said"] in mei.get(at).text
    page = mei.get(f"/plans/{plan}").text
    assert "What the re-plan changes" in page
    assert "Fills an open place." in page
    assert "The next night" not in page  # not worked out for a re-plan
    mei.post(f"/plans/{plan}/approve", data={"reason": "the water rises"})
    assert "Apply the changes" in mei.get(at).text
    before = len(messages(tx, "offer"))
    mei.post(f"/plans/{plan}/send", data={})
    assert len(messages(tx, "offer")) == before + len(told["changes"])
    assert "Apply the changes" not in mei.get(at).text
