"""The planted situations of the engine, as a coordinator reads them in both languages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from tests.engine.build import UNHURRIED, people, slots
from tests.engine.planted import (
    Planted,
    certificate_lapses_the_day_before,
    insured_people_only,
    nobody_is_awake,
    one_medic_short_and_fourteen_to_train,
    radius_one_kilometre_too_small,
    start_an_hour_too_early,
)
from volunteer_hub.boards.problem import Case
from volunteer_hub.engine.problem import Problem
from volunteer_hub.engine.solve import solve
from volunteer_hub.flows import plan_document, plan_words, solving
from volunteer_hub.flows.insight import Setting

AREAS = {"/1/2/": "Sartu", "/1/4/": "Longfeng"}
NEEDS = ((("first_aid", 1),), (("boat", 1),), ())


def document(problem: Problem, **groups: Any) -> dict[str, Any]:
    case = Case(
        problem=problem,
        volunteers=np.arange(len(problem.people)) + 1000,
        slots=np.arange(len(problem.slots)) + 70,
        needs=NEEDS,
        epoch=datetime(2031, 1, 20, 4, tzinfo=UTC),
        funnel=dict.fromkeys(plan_words.FUNNEL, 0),
        digest="",
        areas=np.zeros(len(problem.people), np.int64),
        parts=("/1/2/",),
        night=(1000, 1480),
    )
    setting = Setting(case.areas, case.night, groups, remedy_seconds=30.0)
    answer = solving.explained(problem, solve(problem, UNHURRIED), 0.0, setting)
    return plan_document.result(case, answer, lost=False, seconds={})


def told(problem: Problem, lang: str = "en", **groups: Any) -> list[tuple[str, str, tuple[int, ...]]]:
    view = plan_words.view(document(problem, **groups), lang, AREAS)
    return [(one.what, one.effect, one.people) for gap in view.gaps for one in gap.remedies]


@pytest.mark.parametrize(
    ("situation", "english", "chinese"),
    [
        (
            one_medic_short_and_fourteen_to_train,
            "Train 1 person in First aid: 14 meet everything else.",
            "培训 1 人掌握急救：其他条件都符合的有 14 人。",
        ),
        (
            radius_one_kilometre_too_small,
            "Ask as far as 6.0 km: 1 person more could come from there.",
            "把召集范围扩大到 6.0 公里：可多来 1 人。",
        ),
        (
            start_an_hour_too_early,
            "Start the task 60 min later: 2 people more could come.",
            "任务推迟 60 分钟开始：可多来 2 人。",
        ),
        (
            insured_people_only,
            "Insure 1 person: 3 meet everything else.",
            "为 1 人办理保险：其他条件都符合的有 3 人。",
        ),
        (
            nobody_is_awake,
            "Ask 1 person to make time: 3 could, but said they are not free then.",
            "请 1 人腾出时间：有 3 人符合条件，但登记为届时没空。",
        ),
    ],
)
def test_the_first_remedy_of_a_planted_situation(
    situation: Callable[[], Planted], english: str, chinese: str
) -> None:
    problem = situation().problem
    assert told(problem)[0][0] == english
    assert told(problem, "zh")[0][0] == chinese


def test_a_lapsed_certification_and_what_renewing_it_does() -> None:
    found = told(certificate_lapses_the_day_before().problem)
    renewal = "Renew 1 certification in First aid, to last through the duty: 1 would do."
    assert (renewal, "Fills 1 place, at no further cost to anybody.", (1000,)) in found


def test_an_area_that_is_asked_is_named_and_its_people_are_not() -> None:
    problem = Problem(people(1), slots(1, target=[3], minimum=[3]))
    neighbours = people(3, key=[900, 901, 902], km=[10.0, 20.0, 30.0])
    assert told(problem, **{"/1/4/": neighbours}) == [
        (
            "Ask Longfeng for 2 people.",
            "Fills 2 of 2 places; way and tiredness 78 min more in all.",
            (),
        )
    ]
    assert told(problem, "zh", **{"/1/4/": neighbours})[0][:2] == (
        "请Longfeng支援 2 人。",
        "可补上 2 个缺额中的 2 个；路程与疲劳合计多 78 分钟。",
    )


def test_how_firmly_somebody_stands_and_who_would_follow() -> None:
    view = plan_words.view(document(Problem(people(3, km=[1.0, 4.0, 4.0]), slots(1))), "en")
    (pair,) = view.pairs
    assert pair.stands == ("Still chosen with up to 8 min more way or tiredness.")
    assert pair.successor in (1001, 1002)
    (alone,) = plan_words.view(document(Problem(people(1), slots(1))), "en").pairs
    assert (alone.stands, alone.successor) == ("Without this person a place stays open.", None)
    (equal,) = plan_words.view(document(Problem(people(2), slots(1))), "zh").pairs
    assert equal.stands == "另有人条件完全相当。"


def test_what_filling_place_by_place_would_have_left_open() -> None:
    """The one person who could serve all three places goes to the first, and the last finds nobody."""
    levels = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 1]], dtype=np.int8)
    problem = Problem(people(3, km=[0.0, 5.0, 5.0], levels=levels), slots(3, skill=[0, 1, 2]))
    view = plan_words.view(document(problem), "en")
    assert (view.proven, view.compared) == (True, "Filling place by place would leave 1 more open.")
    assert plan_words.view(document(problem), "zh").compared == "若逐岗排定，将多空缺 1 个名额。"
    dearer = Problem(people(2, km=[0.0, 1.0]), slots(2, km=[0.4, -9.0]))
    assert plan_words.view(document(dearer), "en").compared == (
        "Filling place by place would cost people 2 min more."
    )
    equal = Problem(people(1), slots(1))
    assert plan_words.view(document(equal), "en").compared == ""


def test_what_is_left_for_the_next_night() -> None:
    levels = np.array([[1, 0, 0], [1, 0, 0]], dtype=np.int8)
    view = plan_words.view(document(Problem(people(2, levels=levels), slots(1, skill=[0]))), "en", AREAS)
    assert view.tomorrow is not None
    assert view.tomorrow.worst == ("First aid, Sartu: 1 of 2 left",)
    assert (view.tomorrow.starts, view.tomorrow.ends) == (
        datetime(2031, 1, 20, 20, 40, tzinfo=UTC),
        datetime(2031, 1, 21, 4, 40, tzinfo=UTC),
    )


def test_a_plan_from_before_these_were_kept_is_still_read() -> None:
    old = document(Problem(people(1), slots(1, target=[2])))
    for name in ("epoch", "prices", "alone", "remedies", "tomorrow"):
        del old[name]
    for name in ("margin", "next", "opens"):
        del old["pairs"][0][name]
    view = plan_words.view(old, "en")
    assert (view.compared, view.tomorrow, view.gaps[0].remedies, view.pairs[0].stands) == ("", None, (), "")
