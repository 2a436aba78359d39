"""What the districts next door could lend stands beside a plan's gaps."""

from datetime import date

from tests.flows.test_planner import RUNNING, ask, flood, stored, works
from tests.world import World, person
from volunteer_hub.core.db import Tx
from volunteer_hub.flows.planner import Planner
from volunteer_hub.volunteers import registry, skills

__all__ = ["flood", "works"]  # fixtures


def test_the_district_next_door_is_asked_for_whom_it_could_lend(tx: Tx, flood: World, works: Planner) -> None:
    for number in (800, 801):
        kai = registry.register(
            tx, person("Kai", number, community="DQ-DT-001", skills="first_aid:2;general:1", max_km=40)
        )
        skills.certify(tx, kai, "first_aid", number="1", expires_on=date(2099, 1, 1))
    tx.flush()
    plan_id = ask(flood)
    works.work_one(RUNNING)
    result = stored(plan_id).result
    assert result is not None
    lent = [one for cure in result["remedies"] for one in cure["remedies"] if one["kind"] == "borrow"]
    assert {(one["area"], one["count"], tuple(one["people"])) for one in lent} <= {
        ("/1/4/", 1, ()),
        ("/1/4/", 2, ()),
    }
    assert lent[0]["closes"] == lent[0]["count"]
