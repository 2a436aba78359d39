"""Asking for a plan, whose people may be chosen, approving, and every word a plan may use."""

import copy
from typing import Any

import pytest

from tests import people
from tests.flows.callouts import NOW
from tests.world import World, world
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound
from volunteer_hub.core.i18n import has
from volunteer_hub.engine.explain import Why
from volunteer_hub.engine.feasible import RULES
from volunteer_hub.engine.solve import State
from volunteer_hub.flows import plan
from volunteer_hub.flows.plan_document import LOST
from volunteer_hub.flows.plan_words import FUNNEL
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.rules import PlanState

RESULT: dict[str, Any] = {
    "format": 1,
    "state": "proven",
    "failure": "",
    "seed": 7,
    "pairs": [
        {
            "slot": 5, "volunteer": 9, "wave": 1, "km": 1.25, "travel": 84, "fatigue": 20, "night": 0,
            "why": "nearest", "rank": 1, "of": 12, "served": 1, "better": 0,
        }
    ],
    "reserves": [],
    "held": [{"slot": 5, "volunteer": 8}],
    "gaps": [
        {
            "slot": 6, "tier": "minimum", "short": 2, "skills": [["first_aid", 1], ["boat", 2]],
            "why": "distance",
            "left": [["pool", 40], ["skill", 9], ["certification", 9], ["age", 8], ["distance", 1],
                     ["forbidden", 1], ["locked", 1]],
            "elsewhere": 1, "group": 0,
        }
    ],
    "groups": [{"roles": 2, "slots": [5, 6], "wanted": 4, "qualified": 2, "short": 2}],
    "figures": {"minimum": 4, "target": 4, "held": 1, "short_minimum": 2, "short_target": 0, "travel": 84},
    "within_percent": 0.0,
    "proof": {"primal": 84, "dual": 84, "violated": 0, "pairs": 80},
    "seconds": {"read": 0.1, "answer": 0.2, "solve": 0.15},
    "funnel": {"registered": 50, "callable": 40, "waiting": 3, "skilled": 9, "able": 2, "chosen": 1},
}  # fmt: skip


@pytest.fixture
def flood(tx: Tx) -> World:
    return world(tx, crowd=1)


def test_what_is_not_given_is_as_configured(flood: World) -> None:
    with db.transaction(flood.mei, "plan.request") as tx:
        run = plan.request(tx, tx.get_one(Incident, flood.incident.id))
    assert (run.deadline_seconds, run.state, run.requested_by) == (20, PlanState.REQUESTED, flood.mei.id)
    assert (run.area, run.pool_area) == ("/1/2/", "/1/2/")
    assert 0 <= run.seed < 2**31


@pytest.mark.parametrize(
    ("who", "area", "pool"),
    [
        ("mei", "/1/2/", "/1/2/"),
        ("mei", "/1/2/3/", "/1/2/"),
        ("an", "/1/2/3/", "/1/2/"),
        ("an", "/1/", "/1/"),
        ("wen", "/1/2/3/", "/1/2/3/"),
        ("wen", "/1/2/", "/1/2/"),
    ],
)
def test_people_come_from_the_district_as_far_as_the_actor_covers_it(
    tx: Tx, who: str, area: str, pool: str
) -> None:
    actor = getattr(people, who)(tx)
    if who == "wen":  # a clerk may not ask for plans; the community's workstation may
        actor = people.staff(tx, "ping", "Ping", people.Role.WORKSTATION, "dongfeng")
    with db.read(actor) as as_actor:
        assert plan.usual_pool(as_actor, area) == pool


def test_a_pool_must_hold_the_incident(tx: Tx, flood: World) -> None:
    with db.transaction(people.an(tx), "plan.request") as as_an, pytest.raises(Malformed) as refused:
        plan.request(as_an, as_an.get_one(Incident, flood.incident.id), pool_area="/1/4/")
    assert refused.value.code == "plan.pool"


def test_a_pool_beyond_the_actor_s_area_looks_absent(flood: World) -> None:
    with db.transaction(flood.mei, "plan.request") as tx, pytest.raises(NotFound):
        plan.request(tx, tx.get_one(Incident, flood.incident.id), pool_area="/1/")


def test_approving_goes_by_the_hour_where_the_people_are(flood: World) -> None:
    with db.transaction(flood.mei, "plan.request") as tx:
        run = plan.request(tx, tx.get_one(Incident, flood.incident.id))
    with db.transaction(SYSTEM, "plan.finish") as tx:
        plans.claim(tx, 60)
        plans.finish(tx, run.id, RESULT, objective={}, problem_digest="")
    with clock.fixed(NOW), db.transaction(flood.mei, "plan.approve") as tx:  # by day, one person to ask
        approved = plan.approve(tx, run.public_id)
    assert (approved.state, approved.approved_by) == (PlanState.APPROVED, flood.mei.id)


def test_a_plan_is_told_in_english() -> None:
    words = plan.view(RESULT, "en")
    assert words.proven is True
    assert words.state == "Proven best: no other plan covers more or asks less of people."
    assert words.figures == (
        "1 person chosen, 1 already there, for 4 places. Open: 2 below the minimum, 0 more below the target."
    )
    assert words.pairs == (
        plan.PairView(5, 9, 1.25, 8, "8 min away. Of the 12 who can come, nobody left out is nearer."),
    )
    gap = words.gaps[0]
    assert gap.what == "2 short of the minimum: people with First aid and Boat handling (can work alone)"
    assert gap.why == "8 could; 1 of them lives near enough to come."
    assert gap.left == (("can be called", 40), ("have the skill", 9), ("of age", 8), ("near enough", 1))
    assert gap.together == (
        "These 2 roles together need 4 people, and only 2 can do any of them: 2 short, whoever goes where."
    )
    assert gap.group == (5, 6)
    assert words.funnel[0] == ("registered", 50)
    assert words.seconds == pytest.approx(0.3)


def test_a_plan_is_told_in_chinese() -> None:
    words = plan.view(RESULT, "zh")
    assert (
        words.figures == "选定 1 人，已到位 1 人，共需 4 人。缺口：距最低人数差 2 人，距目标人数另差 0 人。"
    )
    assert words.pairs[0].why == "路程 8 分钟。12 名可胜任者中，未入选者都不比其更近。"
    assert words.gaps[0].what == "距最低人数差 2 人：具备急救和舟艇驾驶（能独立操作）技能的人员"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_code_of_a_plan_has_words(lang: str) -> None:
    binding = ["pool", *RULES, "forbidden", "locked", "elsewhere", "slot_full", "not_reached"]
    keys = [
        *(f"plan.why.{code}" for code in Why),
        *(f"plan.gap.{code}" for code in (*binding, "minimum", "target", "together")),
        *(f"plan.rule.{code}" for code in ("pool", *RULES, "forbidden", "locked")),
        *(f"plan.proof.{state}" for state in (*State, LOST)),
        *(f"plan.funnel.{step}" for step in FUNNEL),
        *(f"plan.phase.{phase}" for phase in ("starting", "solving", "explaining")),
    ]
    assert [key for key in keys if not has(lang, key)] == []


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_every_reason_can_be_told_of_nobody_one_and_many(lang: str, count: int) -> None:
    told = set()
    for code in Why:
        result = copy.deepcopy(RESULT)
        result["pairs"][0] |= {"why": code.value, "of": count, "better": count}
        told.add(plan.view(result, lang).pairs[0].why)
    for code in ("pool", *RULES, "forbidden", "locked", "elsewhere", "slot_full", "not_reached"):
        result = copy.deepcopy(RESULT)
        result["gaps"][0] |= {
            "why": code,
            "left": [["pool", 9], *([rule, count] for rule in (*RULES, "locked"))],
        }
        told.add(plan.view(result, lang).gaps[0].why)
    assert len(told) == len(Why) + len(RULES) + 6
    assert all("{" not in text for text in told)


@pytest.mark.parametrize(
    ("state", "within", "words"),
    [
        ("bounded", 1.5, "A good plan, without proof that it is the best. At most 1.5 % from the best."),
        (
            "deadline",
            None,
            "Time ran out: the simple method made this plan, place by place. "
            "How far it is from the best is not known.",
        ),
    ],
)
def test_how_good_a_plan_is_is_said(state: str, within: float | None, words: str) -> None:
    told = plan.view(RESULT | {"state": state, "within_percent": within}, "en")
    assert (told.proven, told.state) == (False, words)


def test_a_plan_of_nothing_says_so() -> None:
    nothing = dict.fromkeys(RESULT["figures"], 0)
    told = plan.view(RESULT | {"pairs": [], "gaps": [], "figures": nothing}, "en")
    assert told.figures == "Nobody is wanted: no open task has places to fill."


def test_a_plan_without_gaps_says_that_all_is_covered() -> None:
    figures = RESULT["figures"] | {"short_minimum": 0, "target": 2}
    told = plan.view(RESULT | {"gaps": [], "figures": figures}, "en")
    assert told.figures == "1 person chosen, 1 already there: all 2 places are covered."
