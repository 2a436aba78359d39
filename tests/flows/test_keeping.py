"""What floors cost a plan, and whom they leave to be asked beyond it."""

import numpy as np
import pytest

from tests.engine.build import people, skilled, slots
from volunteer_hub.boards.floors import Kept
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.problem import Options, Problem
from volunteer_hub.engine.solve import Plan, State, solve
from volunteer_hub.flows import floor_document, keeping
from volunteer_hub.flows.keeping import FloorPrice

MEDICS = np.array([0, 1, 2])
ALL = Options(deadline_s=10.0)


def medics(target: int, *, minimum: int | None = None) -> Problem:
    """Three medics 1, 2 and 3 km away, two others beside the place; a place for medics, one for anybody."""
    crowd = people(
        5, km=[1, 2, 3, 0.5, 0.5], levels=skilled((1, 0, 0), (1, 0, 0), (1, 0, 0), (0, 0, 0), (0, 0, 0))
    )
    wanted = np.array([target, 1])
    low = wanted if minimum is None else np.array([minimum, 1])
    return Problem(crowd, slots(2, target=wanted, minimum=low, skill=np.array([0, -1])))


def kept(problem: Problem, *stay: tuple[list[int], int]) -> tuple[Floors, Plan]:
    floors = Floors.keeping([rows for rows, _ in stay], [n for _, n in stay])
    return floors, solve(problem, ALL, floors)


def test_a_floor_that_leaves_a_place_open_costs_that_place() -> None:
    problem = medics(3)
    floors, plan = kept(problem, ([0, 1, 2], 2))
    assert sorted(plan.person[plan.slot == 0].tolist()) == [0]
    (price,) = keeping.prices(problem, plan, floors, 10.0)
    assert price is not None
    assert price.heads == 2
    assert price.tenths < 0  # they would have a way to go


def test_a_floor_that_sends_somebody_from_farther_costs_the_way() -> None:
    problem = medics(1)
    floors, plan = kept(problem, ([0, 1], 2))
    assert plan.person[plan.slot == 0].tolist() == [2]
    free = solve(problem, ALL)
    assert keeping.prices(problem, plan, floors, 10.0) == (
        FloorPrice(tenths=plan.objective.cost - free.objective.cost),
    )
    assert plan.objective.cost > free.objective.cost


def test_a_floor_that_holds_nobody_back_costs_nothing() -> None:
    problem = medics(1)
    floors, plan = kept(problem, ([0, 1, 2], 1), ([1, 2], 2))
    assert keeping.full(problem, plan, floors) == [1]
    assert keeping.prices(problem, plan, floors, 10.0) == (FloorPrice(), FloorPrice())


def test_without_time_nobody_knows_the_price() -> None:
    problem = medics(3)
    floors, plan = kept(problem, ([0, 1, 2], 2))
    assert keeping.prices(problem, plan, floors, 0.0) == (None,)
    greedy = solve(problem, Options(deadline_s=0.0), floors)
    assert greedy.state is State.DEADLINE
    assert keeping.prices(problem, greedy, floors, 10.0) == (None,)
    assert keeping.prices(problem, plan, None, 10.0) == ()


def test_who_is_asked_beyond_the_plan_stays_within_the_floors() -> None:
    problem = medics(1)
    floors, plan = kept(problem, ([0, 1, 2], 1), ([1, 2], 1))
    more = keeping.further(problem, plan, floors)
    assert more is not None
    assert [more.members(g).tolist() for g in range(2)] == [[1, 2], [1, 2]]
    assert more.most.tolist() == [1, 1]
    assert keeping.further(problem, plan, None) is None


@pytest.mark.parametrize("broken", [False, True])
def test_the_document_tells_who_is_there_who_goes_and_the_price(broken: bool) -> None:
    problem = medics(3)
    one = Kept(7, "/1/2/", "nursing", 1, 2, 3, MEDICS, broken)
    loose = Kept(8, "/1/", "nursing", 1, 1, 9, MEDICS)
    floors, plan = (None, solve(problem, ALL)) if broken else kept(problem, ([0, 1, 2], 2))
    prices = keeping.prices(problem, plan, floors, 10.0)
    first, second = floor_document.document((one, loose), plan, prices)
    known = None if broken or prices[0] is None else {"heads": 2, "tenths": prices[0].tenths}
    assert first == {
        "id": 7,
        "area": "/1/2/",
        "skill": "nursing",
        "level": 1,
        "keep": 2,
        "there": 3,
        "sent": 3 if broken else 1,
        "binds": not broken,
        "broken": broken,
        "price": known,
    }
    assert (second["id"], second["sent"], second["binds"], second["price"]) == (8, first["sent"], False, None)


def test_a_floor_that_turned_out_to_cost_nothing_does_not_bind() -> None:
    problem = medics(1)
    floors, plan = kept(problem, ([1, 2], 2))
    one = Kept(7, "/1/2/", "nursing", 1, 2, 2, np.array([1, 2]))
    (told,) = floor_document.document((one,), plan, keeping.prices(problem, plan, floors, 10.0))
    assert (told["sent"], told["binds"], told["price"]) == (0, False, None)
    (unknown,) = floor_document.document((one,), plan, (None,))
    assert (unknown["binds"], unknown["price"]) == (True, None)
