"""Tours by the engine and by its peers: the same stops and people, the same seconds.

    python -m benchmarks.tours           1,000 stops x 200 people, 30 s each
    python -m benchmarks.tours --quick   200 stops x 40 people, 5 s each

The peers are OR-Tools routing with the settings its guide recommends (parallel cheapest insertion, guided
local search) and PyVRP where it is installed. Both get the engine's own ticks of travel as a matrix. Prizes
are weights to them: they are run with a small one (a unit is worth 200 minutes of travel, the scale of these
tours) and OR-Tools also with one so large that the goal is lexicographic; the better result counts. The
seconds PyVRP's model takes to build are not held against it. Every plan is counted again here, from its rows
of stops.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from types import ModuleType
from typing import Any

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from benchmarks import report
from volunteer_hub.engine.arrays import Bools, Intervals, Ints
from volunteer_hub.engine.tours.bare import plain
from volunteer_hub.engine.tours.check import check
from volunteer_hub.engine.tours.network import Network, network, qualified, travel
from volunteer_hub.engine.tours.problem import TICKS, Crew, Places, Stops, TourOptions, Tours
from volunteer_hub.engine.tours.solve import solve_tours, warm

SMALL, LARGE = 2_000, 1_000_000  # ticks of travel for a unit of prize
THREADS = 2
COLUMNS = ("method", "seconds", "served", "unserved prize", "travel h", "note")


@dataclass(frozen=True)
class Result:
    method: str
    seconds: float
    served: int
    missed: int
    travel: int
    note: str = ""

    def row(self) -> list[object]:
        return [
            self.method, self.seconds, self.served, self.missed, f"{self.travel / 600:.1f}", self.note
        ]  # fmt: skip


def city_tours(count: int, people: int, seed: int = 1) -> Tours:
    """A city of 258 communities: everybody has 150 to 240 minutes, knows one to three of six skills and
    drives at 30 km/h; stops take 17 to 32 minutes and are open for one to four hours."""
    rng = np.random.default_rng(seed)
    community = rng.normal(0, 8, (258, 2))
    xy = community[rng.integers(0, 258, people + count)] + rng.normal(0, 0.6, (people + count, 2))
    lat = 46.59 + xy[:, 1] / 110.57
    lon = 125.10 + xy[:, 0] / (111.32 * np.cos(np.radians(46.59)))
    popular = [0.4, 0.2, 0.15, 0.1, 0.1, 0.05]
    levels = np.zeros((people, 6), np.int8)
    for person in levels:
        person[rng.choice(6, rng.integers(1, 4), replace=False, p=popular)] = 1
    since = rng.choice([480, 600, 720], people)
    opens = 480 + 10 * rng.integers(0, 36, count)
    return Tours(
        Places(lat, lon),
        Crew(
            key=np.arange(people),
            start=np.arange(people),
            end=np.arange(people),
            since=since,
            until=since + rng.choice([150, 180, 240], people),
            levels=levels,
            speed_kmh=np.full(people, 30.0),
        ),
        Stops(
            key=np.arange(count),
            place=people + np.arange(count),
            windows=Intervals.of(count, np.arange(count), opens, opens + rng.choice([60, 120, 240], count)),
            service=rng.choice([17, 22, 32], count),
            priority=rng.choice([1, 2, 3, 4, 5], count, p=[0.3, 0.3, 0.2, 0.12, 0.08]),
            skill=rng.choice(6, count, p=popular),
            level=np.ones(count, np.int64),
        ),
    )


def ways(tours: Tours, net: Network) -> Ints:
    """[N, N] ticks; all people are equally fast here."""
    places, way = len(tours.places), plain(travel)
    return np.array([[int(way(net, 0, i, j)) for j in range(places)] for i in range(places)])


def judged(
    tours: Tours, net: Network, rows: Sequence[Sequence[int]], method: str, took: float, note: str = ""
) -> Result:
    """Count a plan once more and hold it to windows, skills and working hours."""
    able, way = qualified(tours), plain(travel)
    spent, seen = 0, set[int]()
    for p, row in enumerate(rows):
        now, at = int(net.since[p]), int(net.start[p])
        for s in row:
            assert able[s, p]
            assert s not in seen
            seen.add(s)
            step = int(way(net, p, at, int(net.place[s])))
            begin = max(now + step, int(tours.stops.windows.start[s]) * TICKS)
            assert begin <= int(tours.stops.windows.end[s]) * TICKS
            spent, now, at = spent + step, begin + int(net.service[s]), int(net.place[s])
        if row:
            step = int(way(net, p, at, int(net.end[p])))
            spent += step
            assert now + step <= int(net.until[p])
    missed = sum(int(net.prize[s]) for s in range(len(tours.stops)) if s not in seen)
    return Result(method, took, len(seen), missed, spent, note)


def by_engine(tours: Tours, seconds: float, threads: int) -> Result:
    started = time.perf_counter()
    plan = solve_tours(tours, TourOptions(deadline_s=seconds, threads=threads))
    took = time.perf_counter() - started
    assert check(tours, plan) == ()
    served = len(tours.stops) - len(plan.unserved)
    note = f"{plan.steps:,} steps; bound {plan.bound}"
    return Result(f"engine, {threads} thread(s)", took, served, plan.missed, plan.travel, note)


def by_routing(tours: Tours, net: Network, matrix: Ints, seconds: float, prize: int) -> Result:
    started = time.perf_counter()
    people, count = len(tours.crew), len(tours.stops)
    manager = pywrapcp.RoutingIndexManager(people + count, people, list(range(people)), list(range(people)))
    routing = pywrapcp.RoutingModel(manager)
    cost = routing.RegisterTransitMatrix(matrix.tolist())
    routing.SetArcCostEvaluatorOfAllVehicles(cost)
    stay = np.concatenate([np.zeros(people, np.int64), net.service[:-1]])
    clock = routing.RegisterTransitMatrix((matrix + stay[:, None]).tolist())
    routing.AddDimension(clock, 10_000, 20_000, False, "time")
    time_of = routing.GetDimensionOrDie("time")
    able = qualified(tours)
    for s in range(count):
        index = manager.NodeToIndex(people + s)
        window = tours.stops.windows
        time_of.CumulVar(index).SetRange(int(window.start[s]) * TICKS, int(window.end[s]) * TICKS)
        routing.AddDisjunction([index], int(net.prize[s]) * prize)
        routing.VehicleVar(index).SetValues([-1, *np.flatnonzero(able[s]).tolist()])
    for p in range(people):
        for index in (routing.Start(p), routing.End(p)):
            time_of.CumulVar(index).SetRange(int(net.since[p]), int(net.until[p]))
    search = pywrapcp.DefaultRoutingSearchParameters()
    search.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    search.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    search.time_limit.FromMilliseconds(int(1000 * (seconds - (time.perf_counter() - started))))
    found = routing.SolveWithParameters(search)
    took = time.perf_counter() - started
    rows: list[list[int]] = [[] for _ in range(people)]
    for p in range(people):
        index = found.Value(routing.NextVar(routing.Start(p)))
        while not routing.IsEnd(index):
            rows[p].append(manager.IndexToNode(index) - people)
            index = found.Value(routing.NextVar(index))
    return judged(tours, net, rows, "OR-Tools routing", took, f"a unit of prize worth {prize:,} ticks")


def by_pyvrp(tours: Tours, net: Network, matrix: Ints, seconds: float, prize: int) -> Result | None:
    try:
        pyvrp = import_module("pyvrp")
    except ImportError:
        return None
    started = time.perf_counter()
    model = pyvrp_model(pyvrp, tours, net, matrix, prize)
    built = time.perf_counter() - started
    found = model.solve(stop=pyvrp.stop.MaxRuntime(seconds), seed=1, display=False)
    took = time.perf_counter() - started - built
    if not found.is_feasible():
        return None
    rows: list[list[int]] = [[] for _ in tours.crew.key]
    for route in found.best.routes():
        rows[route.vehicle_type()] = [int(visit.idx) for visit in route if visit.is_client()]
    note = f"{metadata.version('pyvrp')}; {built:.1f} s more to build the model"
    return judged(tours, net, rows, "PyVRP", took, f"{note}; {found.num_iterations:,} iterations")


def pyvrp_model(pyvrp: ModuleType, tours: Tours, net: Network, matrix: Ints, prize: int) -> Any:
    """Skills as profiles: the way to a stop one is not qualified for is too long for anybody's day."""
    people, count, window = len(tours.crew), len(tours.stops), tours.stops.windows
    model = pyvrp.Model()
    where = [model.add_location(float(x), float(y)) for x, y in zip(net.x * 1000, net.y * 1000, strict=True)]
    depots = [model.add_depot(where[p]) for p in range(people)]
    for s in range(count):
        model.add_client(
            where[people + s], service_duration=int(net.service[s]), prize=int(net.prize[s]) * prize,
            tw_early=int(window.start[s]) * TICKS, tw_late=int(window.end[s]) * TICKS, required=False,
        )  # fmt: skip
    able = qualified(tours)
    profiles = {able[:, p].tobytes(): model.add_profile() for p in _firsts(able)}
    for p in range(people):
        model.add_vehicle_type(
            1, start_depot=depots[p], end_depot=depots[p], tw_early=int(net.since[p]),
            tw_late=int(net.until[p]), profile=profiles[able[:, p].tobytes()],
        )  # fmt: skip
    for i, row in enumerate(matrix.tolist()):
        for j, ticks in enumerate(row):
            if i != j:
                model.add_edge(where[i], where[j], ticks, ticks)
    for key, profile in profiles.items():
        for s in np.flatnonzero(~np.frombuffer(key, np.bool_)).tolist():
            for i in range(people + count):
                if i != people + s:
                    model.add_edge(where[i], where[people + s], 10**6, 10**6, profile=profile)
    return model


def _firsts(able: Bools) -> list[int]:
    """The first person of each kind."""
    return list({able[:, p].tobytes(): p for p in reversed(range(able.shape[1]))}.values())


def compare(count: int, people: int, seconds: float, bars: bool) -> None:
    tours = city_tours(count, people)
    net = network(tours)
    matrix = ways(tours, net)
    ours = [by_engine(tours, seconds, THREADS), by_engine(tours, seconds, 1)]
    routing = [by_routing(tours, net, matrix, seconds, prize) for prize in (SMALL, LARGE)]
    pyvrp = by_pyvrp(tours, net, matrix, seconds, SMALL)
    results = [*ours, *routing, *([pyvrp] if pyvrp else [])]
    report.table(
        f"{count:,} stops x {people} people, {seconds:g} s each", COLUMNS, [each.row() for each in results]
    )
    default = min(each.missed for each in routing)
    set_bar = report.bar if bars else lambda name, value, *_: report.info(name, value)
    set_bar("tours.unserved_prize_vs_or_tools_routing", ours[0].missed / max(1, default), "<=", 0.9)
    if pyvrp:
        report.info("tours.unserved_prize_vs_pyvrp", ours[0].missed / max(1, pyvrp.missed))
        report.info("tours.travel_vs_pyvrp", ours[0].travel / pyvrp.travel)


def main() -> None:
    report.machine()
    warm()
    if "--quick" in sys.argv[1:]:
        compare(200, 40, 5.0, bars=False)
    else:
        compare(1_000, 200, 30.0, bars=True)


if __name__ == "__main__":
    main()
