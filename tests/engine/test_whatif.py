"""What-if and readiness against plain loops over small cities, and what they say of what is in the way."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.engine import imagined
from tests.engine.build import BOAT, LAX, MEDIC, minima, people, skilled, slots
from volunteer_hub.engine.play import Answering, Asked, Rules, bands, play
from volunteer_hub.engine.problem import Intervals, Problem
from volunteer_hub.engine.readiness import Crowd, arrived, parts, tails
from volunteer_hub.engine.shock import shock
from volunteer_hub.engine.solve import solve
from volunteer_hub.engine.waves import Curve
from volunteer_hub.engine.whatif import RECRUIT, to_ask, whatif

TOGETHER = 0.05
QUICK = Curve((1.0, 5.0, 30.0), (0.2, 0.6, 0.95))
SLOW = Curve((10.0, 60.0), (0.5, 1.0))
RULES = Rules(draws=4000, minutes=(10.0, 20.0, 40.0, 60.0, 120.0), horizon=60.0, seed=3)
HOURS = {"train": 16.0, "certify": 6.0, "free": 4.0, RECRUIT: 20.0}


def city(seed: int, count: int = 60) -> tuple[Problem, Answering]:
    """A flood with a team, of which one knows a boat and one first aid, and a team of medics beside it."""
    rng = np.random.default_rng(seed)
    pool = people(
        count,
        km=rng.uniform(0, 6, count),
        levels=(rng.random((count, 3)) < [0.5, 0.2, 0.4]).astype(np.int8),
        speed_kmh=rng.choice([5.0, 15.0, 30.0], count),
    )
    wanted = slots(2, minimum=np.array([4, 2]), target=np.array([8, 3]), maximum=np.array([9, 3]),
                   skill=np.array([-1, MEDIC]))  # fmt: skip
    problem = Problem(pool, wanted, minima((0, BOAT, 1, 1, False), (0, MEDIC, 1, 1, False)), limits=LAX)
    chance = rng.choice([0.15, 0.35, 0.6], count)
    return problem, Answering(chance, rng.integers(0, 2, count), (QUICK, SLOW), shock(TOGETHER))


def error(share: float, draws: int, others: int) -> float:
    """Four standard deviations of the difference of two shares, and what the quadrature may miss."""
    return 4 * math.sqrt(max(share * (1 - share), 0.25 / draws) * (1 / draws + 1 / others)) + 0.005


@pytest.mark.parametrize("seed", [1, 2])
def test_what_if_is_what_plain_loops_play(seed: int) -> None:
    problem, answering = city(seed)
    plan = solve(to_ask(problem, answering, RULES))
    asked = Asked.of(problem, plan)
    ours = play(problem, asked, answering, RULES)
    draws = 3000
    counts, covered = imagined.played(problem, asked, answering, TOGETHER, RULES, draws, seed)
    brute = np.array(counts).transpose(1, 0, 2)
    for slot in range(2):
        for at in range(len(RULES.minutes)):
            share = covered[slot][at] / draws
            assert abs(ours.sure[slot, at] - share) <= error(share, RULES.draws, draws), (slot, at)
            for k in range(1, int(brute.max()) + 1):
                share = float((brute[slot, :, at] >= k).mean())
                mine = float((ours.there[slot, :, at] >= k).mean())
                assert abs(mine - share) <= error(share, RULES.draws, draws), (slot, at, k)
    assert np.abs(ours.fan - bands(brute.sum(axis=0))).max() <= 1
    assert 0.02 < ours.sure[0, 1:4].min() < 0.9  # it was not all or nothing


def test_as_many_are_asked_as_the_confidence_takes_and_no_more() -> None:
    problem, answering = city(4, 400)
    alike = replace(answering, chance=np.full(400, 0.4 / 0.95), curve=np.zeros(400, np.int64))
    count = int(to_ask(problem, alike, RULES).slots.minimum[1])
    at_thirty = Rules(draws=20_000, minutes=(30.0,), horizon=30.0, prepare=0.0, spread=0.0)
    alone = Problem(problem.people, slots(1, minimum=[2], target=[2], maximum=[99]))
    sure = []
    for asked in (count, count - 2):
        them = Asked(np.arange(asked), np.zeros(asked, np.int64), np.zeros(asked))
        sure.append(play(alone, them, alike, at_thirty).sure[0, 0])
    assert sure[0] >= 0.95 - 0.005
    assert sure[1] < 0.95


def test_the_same_people_answer_the_same_whatever_is_asked_of_them() -> None:
    problem, answering = city(5)
    asked = Asked(np.arange(20), np.zeros(20, np.int64), np.zeros(20))
    wide = replace(problem, slots=replace(problem.slots, maximum=np.array([60, 60]), target=np.array([8, 3])))
    fewer = Asked(np.arange(10), np.zeros(10, np.int64), np.zeros(10))
    more, less = (play(wide, one, answering, RULES).there[0] for one in (asked, fewer))
    assert (more >= less).all()
    backwards = Asked(np.arange(20)[::-1].copy(), np.zeros(20, np.int64), np.zeros(20))
    assert np.array_equal(more, play(wide, backwards, answering, RULES).there[0])


def test_readiness_is_what_plain_loops_count() -> None:
    rng = np.random.default_rng(7)
    count, draws = 40, 4000
    answering = Answering(
        rng.choice([0.0, 0.2, 0.5], count), rng.integers(0, 2, count), (QUICK, SLOW), shock(TOGETHER)
    )
    ways = rng.uniform(0, 50, count)
    crowd = Crowd(
        area=rng.integers(0, 2, count), holds=rng.random((count, 2)) < 0.6, free=rng.random(count) < 0.8,
        ways=ways, answering=answering,
    )  # fmt: skip
    found = parts(crowd, 2, (30.0, 60.0), RULES.prepare, RULES.spread)
    in_time = arrived(answering, ways, (30.0, 60.0), RULES.prepare, RULES.spread)
    for area in range(2):
        for skill in range(2):
            here = [v for v in range(count) if crowd.area[v] == area and crowd.holds[v, skill]]
            mine = [v for v in here if crowd.free[v] and answering.chance[v] > 0]
            assert found.free[area, skill] == len(mine)
            asked = Asked(np.array(mine), np.zeros(len(mine), np.int64), ways[mine])
            rules = replace(RULES, minutes=(30.0, 60.0), horizon=60.0)
            scene = Problem(people(count), slots(1, target=[99]))
            counts, _ = imagined.played(scene, asked, answering, TOGETHER, rules, draws, 11)
            for at in range(2):
                here = np.array([draw[0][at] for draw in counts])
                law = tails(answering.chance[mine], in_time[mine, at], answering.law)
                for k in range(1, len(mine) + 1):
                    share = float((here >= k).mean())
                    assert abs(law[k] - share) <= error(share, draws, 10**9), (area, skill, at, k)
                told = [int(np.flatnonzero(law >= wanted - 1e-12)[-1]) for wanted in (0.9, 0.5, 0.1)]
                assert found.bands[area, skill, at].tolist() == told


def test_a_crowd_too_large_to_be_counted_one_by_one_comes_out_nearly_the_same() -> None:
    count = 300
    answering = Answering(np.linspace(0.1, 0.6, count), np.zeros(count, np.int64), (QUICK,), shock(TOGETHER))
    crowd = Crowd(
        np.zeros(count, np.int64), np.ones((count, 1), bool), np.ones(count, bool), np.zeros(count), answering
    )
    found = parts(crowd, 1, (60.0,), 0.0, 0.0).bands[0, 0, 0]
    law = tails(answering.chance, np.full(count, 0.95), answering.law)
    exact = [int(np.flatnonzero(law >= wanted)[-1]) for wanted in (0.9, 0.5, 0.1)]
    assert np.abs(found - exact).max() <= 1


def test_too_few_medics_are_named_and_the_cheapest_cure_is_the_one_that_takes_least_work() -> None:
    """Forty people, three of them medics where nine would have to be asked; two more are medics who are not
    free at the hour."""
    levels = skilled(*[(1, 0, 0)] * 5, *[(0, 0, 0)] * 35)
    free = Intervals.of(
        40, np.arange(40), np.where(np.isin(np.arange(40), (3, 4)), 2000, 0), np.full(40, 3000)
    )
    pool = people(40, levels=levels, free=free)
    problem = Problem(pool, slots(1, minimum=[2], target=[2], maximum=[4], skill=[MEDIC]))
    answering = Answering(np.full(40, 0.6), np.zeros(40, np.int64), (Curve((1.0,), (1.0,)),), shock(0.0))
    found = whatif(problem, answering, RULES, HOURS)
    assert (int(found.asked[0]), int(found.wanted[0])) == (3, 6)
    assert (found.binding.slot, found.binding.why, found.binding.short) == (0, "skill", 3)
    assert found.played.sure[0, RULES.at] == pytest.approx(0.648, abs=0.03)
    assert [(fix.kind, fix.amount, fix.people) for fix in found.fixes if fix.kind == "free"] == [
        ("free", 2, (3, 4))
    ]
    train = next(fix for fix in found.fixes if fix.kind == "train")
    assert train.amount == 3
    assert train.slot_sure == pytest.approx(0.959, abs=0.015)
    enough = [fix for fix in found.fixes if fix.slot_sure >= RULES.confidence]
    assert [fix.hours for fix in enough] == sorted(fix.hours for fix in enough)
    recruits = next(fix for fix in found.fixes if fix.kind == RECRUIT)
    assert recruits.amount == 3


def test_where_enough_are_asked_but_live_too_far_the_way_is_what_binds() -> None:
    pool = people(30, km=np.full(30, 25.0))
    problem = Problem(pool, slots(1, minimum=[2], target=[2], maximum=[4]))
    answering = Answering(np.full(30, 0.6), np.zeros(30, np.int64), (Curve((1.0,), (1.0,)),), shock(0.0))
    found = whatif(problem, answering, RULES, HOURS)
    assert (found.binding.why, found.binding.short) == ("travel", 0)
    assert found.fixes[0].kind == RECRUIT
    assert found.fixes[0].slot_sure >= RULES.confidence
    near = whatif(replace(problem, people=people(30)), answering, RULES, HOURS)
    assert (near.binding.why, near.fixes) == ("none", ())
    late, slowly = replace(answering, curves=(Curve((10.0, 29.0), (0.1, 1.0)),)), replace(RULES, prepare=50.0)
    assert whatif(replace(problem, people=people(30)), late, slowly, HOURS).binding.why == "answers"
