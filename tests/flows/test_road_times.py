"""Measured travel in a plan: asked from cells, never from homes; the straight line when nobody answers."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tests import areas
from tests.core.road_server import DETOUR, Country, country
from tests.engine import build
from volunteer_hub.boards import problem as board
from volunteer_hub.boards.problem import Case
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, Unavailable
from volunteer_hub.core.geo import haversine_km
from volunteer_hub.core.i18n import t
from volunteer_hub.core.net import Outbound
from volunteer_hub.core.roads import Roads, configured
from volunteer_hub.core.settings import settings
from volunteer_hub.engine.problem import Options, Pairs, Problem
from volunteer_hub.engine.solve import State, solve
from volunteer_hub.engine.travel import NO_WAY
from volunteer_hub.flows import road_service, road_times
from volunteer_hub.flows.road_times import Measured, Ways, measured
from volunteer_hub.volunteers.pool import MODES
from volunteer_hub.volunteers.rules import TravelMode

FOOT, BICYCLE, CAR, NIGHT = (
    MODES.index(mode)
    for mode in (TravelMode.FOOT, TravelMode.BICYCLE, TravelMode.CAR, TravelMode.NONE_AT_NIGHT)
)
KMH = {FOOT: 4.5, NIGHT: 4.5, BICYCLE: 15.0, CAR: 30.0}


@pytest.fixture
def land() -> Iterator[Country]:
    with country() as state:
        yield state


def case_of(homes: list[tuple[float, float]], modes: list[int], gates: list[tuple[float, float]]) -> Case:
    """People at ``homes`` who go 50 km, and a slot at each of ``gates``."""
    lat, lon = np.array(homes).reshape(-1, 2).T
    people = build.people(len(homes), lat=lat, lon=lon, speed_kmh=np.array([KMH[mode] for mode in modes]))
    there = np.array(gates).reshape(-1, 2).T
    problem = Problem(people, build.slots(len(gates), lat=there[0], lon=there[1]))
    return Case(
        problem=problem,
        volunteers=np.arange(len(homes)),
        slots=np.arange(len(gates)),
        needs=(),
        epoch=datetime(2031, 1, 20, tzinfo=UTC),
        funnel={},
        digest=board.digest(problem),
    )


def roads(land: Country, provider: str = "valhalla", rest: str = "") -> Roads:
    found = configured(
        f"{provider}:http://{land.name}{rest}", outbound=Outbound(internal=frozenset({land.name}))
    )
    assert found is not None
    return found


def tenths(found: Measured, person: int, slot: int = 0) -> int:
    travel = found.case.problem.travel
    assert travel is not None
    return int(travel.time(np.array([person]), slot)[0])


GATE = (46.6, 125.11)
BO, LIN, KAI = (46.5837, 125.1012), (46.5802, 125.1093), (46.5837, 125.2012)


def test_homes_never_leave_only_the_centres_of_their_cells(land: Country) -> None:
    case = case_of([BO, LIN, KAI], [CAR, CAR, FOOT], [GATE])
    found = measured(case, np.array([CAR, CAR, FOOT]), 1.0, roads(land))
    assert found.ways is Ways.VALHALLA
    asked = {(profile, place) for profile, sources, _ in land.asked for place in sources}
    assert asked == {("auto", (46.585, 125.105)), ("pedestrian", (46.585, 125.205))}
    assert {place for _, _, targets in land.asked for place in targets} == {GATE}


def test_people_of_one_cell_share_a_zone_and_its_time_for_each_means_of_travel(land: Country) -> None:
    modes = [CAR, CAR, BICYCLE, FOOT, NIGHT]
    found = measured(case_of([BO, LIN, BO, BO, LIN], modes, [GATE]), np.array(modes), 1.0, roads(land))
    km = DETOUR * float(haversine_km(46.585, 125.105, *GATE))
    expected = [round(km / kmh * 600) for kmh in (36.0, 36.0, 18.0, 4.5, 4.5)]
    assert [tenths(found, person) for person in range(5)] == expected
    assert len(land.asked) == 3


def test_the_hazard_slows_travel_down(land: Country) -> None:
    case = case_of([BO], [CAR], [GATE])
    plain = measured(case, np.array([CAR]), 1.0, roads(land))
    snow = measured(case, np.array([CAR]), 1.8, roads(land))
    assert abs(tenths(snow, 0) - 1.8 * tenths(plain, 0)) <= 1


def test_an_osrm_server_of_cars_gives_walkers_the_length_of_its_roads(land: Country) -> None:
    modes = [CAR, FOOT]
    found = measured(case_of([BO, BO], modes, [GATE]), np.array(modes), 1.0, roads(land, "osrm"))
    km = DETOUR * float(haversine_km(46.585, 125.105, *GATE))
    assert found.ways is Ways.OSRM
    assert [tenths(found, 0), tenths(found, 1)] == [round(km / 36 * 600), round(km / 4.5 * 600)]
    assert {profile for profile, _, _ in land.asked} == {"car"}


def test_where_there_is_no_way_nobody_is_sent(land: Country) -> None:
    land.river = 125.15
    found = measured(case_of([KAI, BO], [CAR, CAR], [GATE]), np.array([CAR, CAR]), 1.0, roads(land))
    assert tenths(found, 0) == NO_WAY
    plan = solve(found.case.problem, Options())
    assert (plan.state, plan.person.tolist()) == (State.PROVEN, [1])
    land.says = b"{}"
    blind = measured(case_of([KAI], [CAR], [GATE]), np.array([CAR]), 1.0, roads(land))
    assert solve(blind.case.problem, Options()).person.tolist() == [0]


def test_a_place_beyond_everybodys_reach_is_not_asked_for_and_has_the_straight_lines_time(
    land: Country,
) -> None:
    case = case_of([BO], [CAR], [GATE, (47.6, 125.11)])
    found = measured(case, np.array([CAR]), 1.0, roads(land))
    assert [targets for _, _, targets in land.asked] == [[GATE]]
    km = float(haversine_km(46.585, 125.105, 47.6, 125.11))
    assert tenths(found, 0, 1) == round(km * case.problem.limits.detour / 30 * 600)


def test_slots_of_one_place_are_one_destination(land: Country) -> None:
    found = measured(case_of([BO], [CAR], [GATE, GATE, GATE]), np.array([CAR]), 1.0, roads(land))
    assert [targets for _, _, targets in land.asked] == [[GATE]]
    assert len({tenths(found, 0, slot) for slot in range(3)}) == 1


def test_two_thousand_homes_are_some_dozens_of_places(land: Country) -> None:
    rng = np.random.default_rng(7)
    homes = list(zip(46.55 + rng.random(2000) / 10, 125.05 + rng.random(2000) / 10, strict=True))
    modes = rng.integers(0, 3, 2000)
    case = case_of(homes, modes.tolist(), [GATE])
    found = measured(case, modes, 1.0, roads(land))
    assert found.ways is Ways.VALHALLA
    assert len({place for _, sources, _ in land.asked for place in sources}) <= 121
    assert solve(found.case.problem, Options()).state is State.PROVEN


def test_the_corners_of_the_earth_have_a_cell(land: Country) -> None:
    homes = [(90.0, 180.0), (-90.0, -180.0), (0.0, -0.001)]
    gates = [(89.99, 179.9), (-89.99, -179.9), (0.0, 0.0)]
    found = measured(case_of(homes, [CAR] * 3, gates), np.array([CAR] * 3), 1.0, roads(land))
    assert found.ways is Ways.VALHALLA
    places = {place for _, sources, _ in land.asked for place in sources}
    assert places == {(89.995, 179.995), (-89.995, -179.995), (0.005, -0.005)}


def test_the_digest_tells_times_apart(land: Country) -> None:
    case, modes = case_of([BO], [CAR], [GATE]), np.array([CAR])
    digests = {
        case.digest,
        *(measured(case, modes, slow, roads(land)).case.digest for slow in (1.0, 2.0, 2.0)),
    }
    assert len(digests) == 3


def test_without_a_service_or_without_anybody_to_ask_for_the_straight_line_stands(land: Country) -> None:
    case = case_of([BO], [CAR], [GATE])
    assert measured(case, np.array([CAR]), 1.0, None) == Measured(case, Ways.STRAIGHT_LINE)
    nobody, nothing = case_of([], [], [GATE]), case_of([BO], [CAR], [])
    assert measured(nobody, np.zeros(0, int), 1.0, roads(land)).ways is Ways.STRAIGHT_LINE
    assert measured(nothing, np.array([CAR]), 1.0, roads(land)).ways is Ways.STRAIGHT_LINE
    assert land.asked == []


def test_a_service_that_fails_leaves_the_case_as_it_was_and_the_plan_says_so(land: Country) -> None:
    case = case_of([BO], [CAR], [GATE])
    land.status = 503
    assert measured(case, np.array([CAR]), 1.0, roads(land)) == Measured(case, Ways.NO_ANSWER)


def test_a_service_that_hangs_costs_no_more_than_its_time(land: Country) -> None:
    land.hangs = threading.Event()
    case = case_of([BO, BO, BO], [CAR, BICYCLE, FOOT], [GATE])
    began = time.monotonic()
    found = measured(case, np.array([CAR, BICYCLE, FOOT]), 1.0, roads(land), seconds=0.5)
    assert (found.case, found.ways) == (case, Ways.NO_ANSWER)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("ways", list(Ways))
def test_a_plan_says_in_both_languages_how_its_times_came_about(ways: Ways) -> None:
    words = {t(lang, f"roads.{ways.value}") for lang in ("en", "zh")}
    assert len(words) == 2
    assert f"roads.{ways.value}" not in words


def test_the_setting_names_the_service_and_doctor_asks_it(
    tx: Tx, land: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    areas.plant(tx)
    try:
        assert road_service.service() is None
        case, modes = case_of([BO], [CAR], [GATE]), np.array([CAR])
        assert road_times.for_plan(case, modes) == Measured(case, Ways.STRAIGHT_LINE)
        assert road_service.probe() is None
        monkeypatch.setenv("HUB_ROADS", f"valhalla:http://{land.name}")
        settings.cache_clear()
        with pytest.raises(Malformed) as caught:
            road_service.service()
        assert caught.value.code == "roads.https"
        assert road_times.for_plan(case, modes) == Measured(case, Ways.NO_ANSWER)
        monkeypatch.setenv("HUB_INTERNAL_HOSTS", json.dumps([land.name]))
        settings.cache_clear()
        assert road_service.probe() == "valhalla"
        plain = road_times.for_plan(case, modes)
        assert plain.ways is Ways.VALHALLA
        slowed = replace(case.problem.people, speed_kmh=case.problem.people.speed_kmh / 1.8)
        snow = road_times.for_plan(replace(case, problem=replace(case.problem, people=slowed)), modes)
        assert abs(tenths(snow, 0) - 1.8 * tenths(plain, 0)) <= 1
        nobody = case_of([], [], [GATE])
        assert road_times.for_plan(nobody, np.zeros(0, int)).ways is Ways.STRAIGHT_LINE
        assert {profile for profile, _, _ in land.asked} == {"auto", "bicycle", "pedestrian"}
        land.status = 500
        with pytest.raises(Unavailable):
            road_service.probe()
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_locked_person_without_a_way_keeps_the_place(land: Country) -> None:
    land.river = 125.15
    case = case_of([KAI], [CAR], [GATE])
    held = replace(case, problem=replace(case.problem, locked=Pairs(np.array([0]), np.array([0]))))
    found = measured(held, np.array([CAR]), 1.0, roads(land))
    plan = solve(found.case.problem, Options())
    assert tenths(found, 0) == NO_WAY
    assert plan.short_target.tolist() == [0]
