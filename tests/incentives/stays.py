"""Stays as people serve them: made-up honest ones with the noise of real life."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from volunteer_hub.incentives.flag_rules import How, Mark, Stay

DAY = datetime(2031, 1, 20, tzinfo=UTC)
CENTRE = (46.59, 125.10)
MINUTE = timedelta(minutes=1)


def stay(
    duty: int = 1,
    person: int = 1,
    begins: float = 540,
    ends: float = 720,
    how: How = How.CODE,
    **more: Any,
) -> Stay:
    """A planned duty from 9 to 12 that was served so, unless said otherwise; minutes of the day."""
    came, went = (Mark(DAY + at * MINUTE, DAY + at * MINUTE, how) for at in (begins, ends))
    planned = (DAY + 540 * MINUTE, DAY + 720 * MINUTE)
    return replace(Stay(duty, person, *CENTRE, came, went, *planned), **more)


def keyed(one: Stay, by: int, after: float = 60, how: How = How.TYPED) -> Stay:
    """The same entered at a desk so many minutes after its end."""
    noted = one.went.at + after * MINUTE
    came, went = (replace(mark, noted_at=noted, how=how, by=by) for mark in one.marks)
    return replace(one, came=came, went=went)


def honest(seed: int, tasks: int) -> list[Stay]:
    """Some ten duties a task over three weeks in a city 40 km across: crews that arrive together, couples
    with one telephone, overtime, relief at the next place, positions that waver, lists that a leader ticks,
    and a clerk who enters in the evening what was missed, with rounded times."""
    random = Random(seed)
    found: list[Stay] = []
    busy: dict[int, datetime] = {}
    where: dict[int, tuple[float, float]] = {}
    homes = {
        person: (CENTRE[0] + random.gauss(0, 0.08), CENTRE[1] + random.gauss(0, 0.11))
        for person in range(600)
    }
    begins = DAY
    for number in range(tasks):
        begins += random.uniform(60, 420) * MINUTE
        hours = random.choice((2, 3, 4, 6, 8))
        place = (CENTRE[0] + random.gauss(0, 0.06), CENTRE[1] + random.gauss(0, 0.08))
        crew = [
            person
            for person in random.sample(range(600), 14)
            if busy.get(person, DAY) + _way(where.get(person, place), place) + 20 * MINUTE < begins
        ][: random.randint(6, 12)]
        leader = 900 + number % 7
        together = begins + random.gauss(-5, 6) * MINUTE  # the bus
        for person in crew:
            one = _one(random, len(found) + 1, person, place, homes[person], begins, hours, together, leader)
            if number % 50 == 49:  # nobody had a signal: the leader's sheet of paper is keyed in the next day
                one = keyed(one, by=950, after=60 * 20)
            found.append(one)
            busy[person], where[person] = one.went.at, place
    return found


def _one(
    random: Random,
    duty: int,
    person: int,
    place: tuple[float, float],
    home: tuple[float, float],
    begins: datetime,
    hours: int,
    together: datetime,
    leader: int,
) -> Stay:
    ends = begins + hours * 60 * MINUTE
    ready = begins - random.uniform(90, 2000) * MINUTE
    came = (
        together + abs(random.gauss(0, 3)) * MINUTE
        if random.random() < 0.6
        else begins + random.gauss(0, 12) * MINUTE
    )
    way = _way(home, place)
    came = max(came, ready + way)
    went = ends + (random.gauss(0, 10) if random.random() < 0.9 else random.expovariate(1 / 70)) * MINUTE
    went = max(went, came + 20 * MINUTE)
    by: int | None = None
    device: str | None = f"telephone {person // 2 if person % 5 == 0 else person}"
    metres = max(0, int(random.gauss(40, 120))) if random.random() < 0.5 else None
    kind = random.random()
    if kind < 0.62:
        how, delay = random.choice((How.CODE, How.QR, How.POSITION)), 0.0
        if random.random() < 0.1:
            delay = random.expovariate(1 / 40)  # sent when there was a signal again
    elif kind < 0.92:
        how, by, delay, device, metres = How.LEADER, leader, 0.0, None, None
    else:
        how, by, device, metres = How.TYPED, 950 + random.randrange(4), None, None
        delay = random.uniform(30, 60 * 48)
        came, went = (_rounded(at, random.choice((1, 5, 15))) for at in (came, went))
    first, last = (Mark(at, at + delay * MINUTE, how, by, device, metres) for at in (came, went))
    km = _km(home, place)
    return Stay(duty, person, *place, first, last, begins, ends, ready, km)


def _rounded(at: datetime, minutes: int) -> datetime:
    step = minutes * 60
    return datetime.fromtimestamp(round(at.timestamp() / step) * step, UTC)


def _km(one: tuple[float, float], other: tuple[float, float]) -> float:
    return 111.2 * math.sqrt((one[0] - other[0]) ** 2 + (0.69 * (one[1] - other[1])) ** 2)


def _way(one: tuple[float, float], other: tuple[float, float]) -> timedelta:
    """By road, at 50 km/h."""
    return _km(one, other) * 1.3 / 50 * 60 * MINUTE


def each_with_near(stays: Sequence[Stay]) -> Iterator[tuple[Stay, list[Stay]]]:
    """Every stay with those noted before it that may speak against it."""
    known: dict[tuple[str, object], list[Stay]] = defaultdict(list)
    for one in sorted(stays, key=lambda stay: stay.went.noted_at):
        keys = {("person", one.person), ("times", (one.came.at, one.went.at))}
        keys |= {("desk", mark.by) for mark in one.marks if mark.keyed}
        keys |= {("device", mark.device) for mark in one.marks if mark.device}
        near = {other.duty: other for key in keys for other in known[key]}
        yield one, list(near.values())
        for key in keys:
            known[key].append(one)
