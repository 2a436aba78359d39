"""Why somebody is in a plan or not, as they stand now; and what it says would help, helps."""

from datetime import date

import pytest
from sqlmodel import select

from tests.boards.test_problem import held
from tests.world import World, person, world
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.flows import plan, plan_why, planner, solving
from volunteer_hub.flows.plan_why import PersonWhy, SlotWhy
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.volunteers import registry, skills
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status


@pytest.fixture
def flood(tx: Tx) -> World:
    return world(tx)


def planned(w: World) -> PlanRun:
    """Mei's plan, made in this process."""
    with db.transaction(w.mei, "plan.request") as tx:
        plan.request(tx, tx.get_one(Incident, w.incident.id), seed=7)
    with db.transaction(SYSTEM, "plan.claim") as tx:
        run = plans.claim(tx, 60)
        assert run is not None
    case = planner.read(run)
    answer = solving.explained(case.problem, solving.solve(case.problem), 0.0)
    planner.store(run.id, case, answer, lost=False, seconds={"read": 0.1, "answer": 0.2})
    with db.read(SYSTEM) as tx:
        return tx.get_one(PlanRun, run.id)


def why(w: World, run: PlanRun, who: Volunteer, lang: str = "en") -> PersonWhy:
    with db.read(w.mei) as tx:
        return plan_why.why(tx, run, registry.one(tx, who.id), lang)


def chosen(run: PlanRun) -> dict[int, int]:
    assert run.result is not None
    return {pair["volunteer"]: pair["slot"] for pair in run.result["pairs"]}


def test_somebody_chosen_keeps_the_reason_and_is_told_how_firmly(flood: World) -> None:
    run = planned(flood)
    who = next(one for one in (flood.lin, *flood.crowd) if one.id in chosen(run))
    found = why(flood, run, who)
    assert found.said == "Is in this plan."
    (slot,) = found.slots
    assert (slot.slot, slot.chosen, slot.obstacles) == (flood.slots[0], True, ())
    assert slot.why.endswith("nobody left out is nearer.")
    assert slot.would.startswith("Still chosen with up to ")


def test_somebody_farther_is_told_by_how_much_and_comes_true(tx: Tx, flood: World) -> None:
    run = planned(flood)
    far = max((one for one in flood.crowd if one.id not in chosen(run)), key=lambda one: one.lat or 0)
    found = why(flood, run, far)
    assert found.said == "Could come, and is not in this plan."
    near = next(slot for slot in found.slots if slot.slot == flood.slots[0])
    assert near.why.startswith("Nothing stands in the way, but whoever was chosen has ")
    assert near.would.startswith("Would be chosen here if: way or tiredness were ")
    far.lat, far.lon = tx.get_one(Incident, flood.incident.id).lat, flood.incident.lon
    tx.flush()
    assert chosen(planned(flood))[far.id] == flood.slots[0]


def test_who_has_no_proof_of_a_skill_is_told_and_is_chosen_once_they_have(tx: Tx, flood: World) -> None:
    run = planned(flood)
    assert flood.bo.id not in chosen(run) or chosen(run)[flood.bo.id] == flood.slots[0]
    run = planned_without(tx, flood, flood.bo)
    found = {slot.slot: slot for slot in why(flood, run, flood.bo).slots}
    assert found[flood.slots[1]] == SlotWhy(
        slot=flood.slots[1],
        chosen=False,
        why="In the way: lacks First aid.",
        obstacles=("lacks First aid",),
        would="Would be chosen, here or for another place, if: trained in First aid.",
    )
    skills.certify(tx, flood.bo, "first_aid", number="1", expires_on=date(2099, 1, 1))
    tx.flush()
    assert chosen(planned(flood))[flood.bo.id] in flood.slots


def planned_without(tx: Tx, w: World, who: Volunteer) -> PlanRun:
    """A plan made while somebody was away, who has come back since."""
    who.status = Status.PAUSED
    tx.flush()
    run = planned(w)
    who.status = Status.ACTIVE
    tx.flush()
    return run


def test_obstacles_are_named_together_with_what_lifts_them_all(tx: Tx, flood: World) -> None:
    hurt = registry.register(
        tx,
        person("Hui", 900, max_km=1, lat=46.645, insured_until="", insured_by="", availability="0" * 14),
    )
    tx.flush()
    slot = next(one for one in why(flood, planned(flood), hurt).slots if one.slot == flood.slots[0])
    minutes = slot.obstacles[0].split()[4]
    assert minutes in ("240", "241")  # whole minutes within which the four hours lie
    assert slot.obstacles == (f"is not free for {minutes} min of it", "lives 4.0 km beyond their distance")
    assert slot.why == f"In the way: {slot.obstacles[0]}; {slot.obstacles[1]}."
    assert slot.would.startswith("Would be chosen here if: free from 2")
    chinese = next(one for one in why(flood, planned(flood), hurt, "zh").slots if one.slot == flood.slots[0])
    assert chinese.why == f"不符之处：其中 {minutes} 分钟没有空；住处超出其可到距离 4.0 公里。"


def test_whoever_cannot_be_called_is_told_why(tx: Tx, flood: World) -> None:
    run = planned_without(tx, flood, flood.lin)
    flood.lin.status = Status.PAUSED
    tx.flush()
    paused = why(flood, run, flood.lin)
    assert (paused.said, paused.slots) == ("Has paused, and is not called until they return.", ())
    flood.lin.status, flood.lin.area = Status.ACTIVE, "/1/4/"
    tx.flush()
    assert why(flood, run, flood.lin).said.startswith("Lives outside the area")


def test_whoever_has_a_place_or_was_asked_is_told_so(tx: Tx, flood: World) -> None:
    run = planned_without(tx, flood, flood.lin)
    offer = held(tx, flood, flood.slots[0], flood.lin, OfferState.ASKED)
    assert why(flood, run, flood.lin).said == "Has been asked and has not answered yet, or has paused."
    offer.state = OfferState.ACCEPTED
    tx.flush()
    assert why(flood, run, flood.lin).said == "Has a place in this incident already."


def test_a_plan_that_is_not_made_yet_answers_nothing(tx: Tx, flood: World) -> None:
    with db.transaction(flood.mei, "plan.request") as as_mei:
        run = plan.request(as_mei, as_mei.get_one(Incident, flood.incident.id))
        with pytest.raises(Refused) as refused:
            plan_why.why(as_mei, run, flood.lin, "en")
    assert refused.value.code == "plan.unfinished"
    assert tx.exec(select(PlanRun.attempts)).one() == 0
