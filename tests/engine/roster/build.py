"""Small rosters for tests, and all their plans by enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np

from volunteer_hub.engine.roster.check import Duty, duties_of, faults, judge
from volunteer_hub.engine.roster.problem import Allowed, Crew, Duties, Need, Roster

FAMILIES = (
    "rest", "travel", "capacity", "max_duties", "hours", "turns", "leaders", "skills", "teams", "alone",
    "relief", "organisations", "calls", "loads", "untimed", "terms",
)  # fmt: skip
TERMS = ("fewest_people", "spread", "same_crew", "one_site")


def duties(*rows: tuple[int, int], **given: object) -> Duties:
    """(start, end) in hours; one head each."""
    times = np.array(rows, dtype=np.int64).reshape(-1, 2) * 60
    one = np.ones(len(times), np.int64)
    columns: dict[str, object] = {"start": times[:, 0], "end": times[:, 1], "minimum": one, "target": one}
    return Duties(**(columns | given))


def crew(count: int, **given: object) -> Crew:
    """Tireless people."""
    return Crew(**({"capacity": np.full(count, 10_000)} | given))


def everybody(people: int, slots: int, cost: object = 0) -> Allowed:
    """Everybody may serve everywhere."""
    person, slot = np.divmod(np.arange(people * slots), max(slots, 1))
    return Allowed(person, slot, np.broadcast_to(np.asarray(cost), (people * slots,)))


def random_roster(seed: int, families: frozenset[str], most_pairs: int = 11) -> tuple[Roster, dict[str, int]]:
    """A roster with these rule families in play, and weights for its soft terms."""
    rng = np.random.default_rng(seed)
    slots, people = int(rng.integers(1, 5)), int(rng.integers(1, 5))

    def when(family: str, values: object, otherwise: object) -> np.ndarray:
        return np.asarray(values if family in families else otherwise)

    def needs(family: str) -> tuple[Need, ...]:
        crews = [
            frozenset(rng.permutation(people)[: rng.integers(1, people + 1)].tolist()) for _ in range(slots)
        ]
        return tuple(
            Need(s, who, int(rng.integers(1, 3))) for s, who in enumerate(crews) if family in families
        )

    start, length, target = rng.integers(0, 30, slots), rng.integers(1, 9, slots), rng.integers(1, 4, slots)
    length = np.where(when("untimed", rng.random(slots) < 0.4, False), 0, length)
    wanted = Duties(
        start=start * 60,
        end=(start + length) * 60,
        minimum=rng.integers(0, target + 1),
        target=target,
        priority=rng.integers(1, 6, slots),
        site=when("travel", rng.integers(0, 2, slots), 0),
        hazard=when("turns", rng.integers(-1, 1, slots), -1),
        period=when("relief", start // 8, -1),
        post=rng.integers(-1, 2, slots),
        pair_up=when("alone", rng.integers(0, 2, slots), 0),
    )
    most = np.broadcast_to(when("organisations", rng.choice([1, 1, 2, 3], people), 1), (people,))
    staff = Crew(
        capacity=when("capacity", rng.integers(3, 14, people) * 60, np.full(people, 10_000)),
        minutes_24h=when("hours", rng.integers(4, 12, people) * 60, 10_000),
        rest=when("rest", rng.integers(0, 9, people) * 60, 0),
        max_duties=when("max_duties", rng.integers(0, 3, people), 10),
        call_cost=when("calls", rng.integers(0, 30, people), 0),
        least=np.minimum(most, rng.integers(1, 3, people)),
        most=most,
    )
    cells = rng.permutation(people * slots)[: int(rng.integers(1, most_pairs + 1))]
    loads = when("loads", rng.integers(0, 6, len(cells)) * 60, -1)
    roster = Roster(
        wanted,
        staff,
        Allowed(cells // slots, cells % slots, rng.integers(0, 4, len(cells)) * 10, loads),
        travel=when("travel", [[0, 90], [120, 0]], [[0]]),
        turn_limit=np.array([360]),
        turn_pause=np.array([60]),
        leaders=needs("leaders"),
        skills=needs("skills"),
        teams=(tuple(rng.permutation(people)[:2].tolist()),) if "teams" in families and people > 1 else (),
        relief_rest=600 if "relief" in families else 0,
        handover=30 if "relief" in families else 0,
    )
    weights = {name: int(rng.integers(0, 20)) for name in TERMS} if "terms" in families else {}
    return roster, weights


def best(roster: Roster, weights: dict[str, int]) -> tuple[int, int]:
    """Both levels of the goal at its best, over every plan there is."""
    people = roster.pairs.person
    choices = [(0, *range(int(roster.crew.least[p]), int(roster.crew.most[p]) + 1)) for p in people.tolist()]
    found = []
    for heads in product(*choices):
        rows = [i for i, h in enumerate(heads) if h]
        plan: list[Duty] = duties_of(roster, rows, [heads[i] for i in rows])
        if next(faults(roster, plan), None) is None:
            found.append(judge(roster, plan, weights))
    return min(found)
