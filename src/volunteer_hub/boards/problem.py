"""From rows to the engine's Problem: the one place that knows both.

Minutes count from ``Case.epoch``, the whole minute before the transaction's now. Whatever depends on the day
is judged on the safe side: insured through the last slot's day, of age on the first one's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlmodel import col, func, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import area_parts, drilled, free_times
from volunteer_hub.boards import asked as offers_so_far
from volunteer_hub.boards import spared as sparing
from volunteer_hub.boards.digests import digest
from volunteer_hub.boards.free_times import Ints, Place
from volunteer_hub.boards.orders import NONE, Standing
from volunteer_hub.boards.wanted import Need, Wanted, of_specs, wanted
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.engine.problem import (
    LONG_AGO,
    MAX_BURDEN,
    Intervals,
    Levels,
    Limits,
    Minima,
    Minutes,
    Pairs,
    People,
    Problem,
    Slots,
)
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import TaskSpec, check_open
from volunteer_hub.mobilization import busy
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.volunteers import pool as people_pool
from volunteer_hub.volunteers.models import OnCall, Volunteer
from volunteer_hub.volunteers.policy import Skills
from volunteer_hub.volunteers.pool import MODES, Pool
from volunteer_hub.volunteers.rules import ADULT_AGE, Status, TravelMode

DAY: Final = 24 * 60
EARTH_KM: Final = 20_100.0  # slots set no limit of their own
UNSTATED_HOURS: Final = 2.0  # who names no distance is asked as far as this journey
_TENTHS: Final = 10  # the engine weighs in 0.1 minutes
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A Problem and whom its rows stand for.

    ``volunteers`` [V] and ``slots`` [S] are row ids; the last rows of people are the places that are taken
    already, one row a place, locked to its slot. ``needs`` [K] names the columns of skills. ``areas`` [V]
    numbers the ``parts`` of the pool's area, -1 for a place taken; ``night`` is that after the first duty.
    """

    problem: Problem
    volunteers: Ints
    slots: Ints
    needs: tuple[Need, ...]
    epoch: datetime
    funnel: dict[str, int]
    digest: str
    areas: Ints | None = None
    parts: tuple[str, ...] = ()
    night: tuple[int, int] | None = None
    modes: Ints | None = None  # [V] positions in pool.MODES
    roads: str = "straight_line"  # how the travel times came about: flows.road_times.Ways
    lenders: dict[str, People] | None = None  # people of areas next door (boards.neighbours)
    reachable: Bools | None = None  # [V] whom a message could reach (boards.funnel)
    orders: Pairs | None = None  # of a re-plan: the places taken (boards.again)
    spared: sparing.Spared = sparing.NOBODY  # left in peace now, and no row of the problem
    lost: tuple[tuple[int, int], ...] = ()  # of a re-plan: (volunteer, slot) who may serve there no longer


Pools = Callable[[Tx, str], Pool]


def _from_rows(tx: Tx, area: str) -> Pool:
    return people_pool.load(tx, [area])


def build(
    tx: Tx,
    incident: Incident,
    pool_area: str,
    pools: Pools = _from_rows,
    reach_km: float | None = None,
    again: Standing = NONE,
) -> Case:
    """What is to be planned for an incident now, with the people of ``pool_area``, whom ``pools`` reads;
    ``reach_km``: how far people may live who name no limit of their own, where that is more than usual;
    ``again``: whose places are planned anew, and who is counted on though they have not answered.

    Places that people hold count as filled by them. Who is asked and has not answered, or is to be left in
    peace now, is left out, and nobody is asked a second time for the same slot. Raises Refused when the
    incident is closed, ProblemError for rows that contradict each other.
    """
    check_open(incident.state)
    site, callouts = policy.load("hub", Site), policy.load("callouts", Callouts)
    epoch = tx.now.astimezone(UTC).replace(second=0, microsecond=0)
    zone = jurisdictions.by_path(tx, incident.area).zone
    place = Place.of(zone, site.night, epoch)
    slots = wanted(tx, incident.id, place)
    asked = offers_so_far.of(tx, incident.id, again)
    pool, called = drilled.narrowed(tx, incident, pools(tx, pool_area))
    waiting = np.unique(asked.volunteer[asked.waiting])
    free = called & (_onto(pool.ids, waiting, np.ones_like(waiting), 0) == 0)
    spared = sparing.of(tx, incident, zone, pool.ids, but=[who for who, _ in again.moving.values()])
    real = np.flatnonzero(free & ~spared.among(pool.ids))
    held = offers_so_far.held(asked, slots)
    takers = (asked.volunteer[held], asked.offer[held])
    people = _people(tx, pool, real, *takers, slots, place, incident, reach_km or 0.0, again)
    locked = Pairs(len(real) + np.arange(len(held)), np.searchsorted(slots.ids, asked.slot[held]))
    problem = Problem(
        people=people,
        slots=_slots(slots, np.bincount(locked.slot, minlength=len(slots.ids))),
        minima=Minima(slots.of_slot, slots.nested, np.ones_like(slots.nested), slots.heads, slots.shared),
        locked=locked,
        forbidden=offers_so_far.forbidden(pool.ids[real], asked, slots),
        limits=_limits(callouts),
    )
    areas, parts = area_parts.of(tx, pool_area, pool.area_ids[real])
    return Case(
        problem=problem,
        volunteers=np.concatenate([pool.ids[real], asked.volunteer[held]]),
        slots=slots.ids,
        needs=slots.needs,
        epoch=epoch,
        funnel=_funnel(tx, pool_area, pool, len(pool) - int(free.sum()), people, slots, len(real)),
        spared=spared,
        digest=digest(problem),
        areas=np.append(areas, np.full(len(held), area_parts.NOWHERE)),
        parts=parts,
        night=place.next_night(int(slots.start.min(initial=0))),
        modes=np.append(pool.mode[real], np.full(len(held), MODES.index(TravelMode.FOOT))),
    )


def imagined(tx: Tx, incident: Incident, tasks: Sequence[TaskSpec], pool: Pool, zone: str) -> Case:
    """What would be to plan if this happened, to an incident and tasks that are not stored and begin at one
    moment: with everybody of the pool, rested, free as their pattern and promises say of that time. Slots are
    numbered from 1 in the order of the tasks'."""
    callouts = policy.load("callouts", Callouts)
    epoch = min(task.starts_at for task in tasks).astimezone(UTC).replace(second=0, microsecond=0)
    place = Place.of(zone, policy.load("hub", Site).night, epoch)
    slots, nobody = of_specs(tasks, place), np.zeros(0, np.int64)
    people = _people(tx, pool, np.arange(len(pool)), nobody, nobody, slots, place, incident, 0.0, NONE)
    rested = np.full(len(pool), LONG_AGO), np.zeros(len(pool), np.int64)
    problem = Problem(
        people=replace(people, rest_since=rested[0], minutes_24h=rested[1]),
        slots=_slots(slots, np.zeros(len(slots.ids), np.int64)),
        minima=Minima(slots.of_slot, slots.nested, np.ones_like(slots.nested), slots.heads, slots.shared),
        limits=_limits(callouts),
    )
    return Case(problem, pool.ids, slots.ids, slots.needs, epoch, {}, digest="")


def _limits(callouts: Callouts) -> Limits:
    return Limits(
        min_rest_min=callouts.callout.rest_minutes,
        max_minutes_24h=callouts.callout.most_minutes_in_24h,
        detour=callouts.travel.detour,
    )


# ---- slots


def _slots(slots: Wanted, taken: Ints) -> Slots:
    return Slots(
        key=slots.ids,
        task=slots.task,
        lat=slots.lat,
        lon=slots.lon,
        start=slots.start,
        end=slots.end,
        minimum=slots.minimum,
        target=slots.target,
        maximum=np.maximum(slots.maximum, taken),  # whoever was promised a place keeps it
        priority=6 - slots.priority,  # people write 1 for the most urgent, the engine 5
        skill=slots.need,
        level=np.ones_like(slots.ids),
        adult_only=slots.adult_only,
        insured_only=slots.insured_only,
        hazardous=slots.hazardous,
        night=slots.night,
        max_km=np.full(len(slots.ids), EARTH_KM),
    )


# ---- people


def _people(
    tx: Tx,
    pool: Pool,
    real: Ints,
    holders: Ints,
    offers: Ints,
    slots: Wanted,
    place: Place,
    incident: Incident,
    reach_km: float,
    again: Standing,
) -> People:
    """The pool's rows ``real``, then one row for each place held. A holder who is not in the pool any more
    is taken to have no skills: the place counts, but not for a nested minimum."""
    callouts = policy.load("callouts", Callouts)
    place_of = np.searchsorted(pool.ids, holders)
    there = np.append(pool.ids, -1)[place_of] == holders
    rows = np.concatenate([real, np.where(there, place_of, -1)])  # -1: the stranger

    def row(values: NDArray[Any], stranger: Any) -> NDArray[Any]:
        taken: NDArray[Any] = np.append(values, np.array(stranger, dtype=values.dtype))[rows]
        return taken

    span = place.span(slots.end)
    worked = _worked(tx, pool, callouts)
    burden = busy.burden(tx, tx.now - timedelta(days=callouts.goal.lately_days))
    asked = _onto(pool.ids, burden.volunteer, burden.asked, 0)
    served = _onto(pool.ids, burden.volunteer, burden.served, 0)
    tired = _TENTHS * (callouts.goal.asked_lately * asked + callouts.goal.served_lately * served)
    speed = _speed(pool, callouts, incident)
    levels, until = _skills(pool, slots, place, rows)
    first_day = place.day(int(slots.start.min(initial=0)))
    last_day = place.day(span - 1)
    usual = np.maximum(UNSTATED_HOURS * speed / callouts.travel.detour, reach_km)
    max_km = np.where(np.isinf(pool.max_km), usual, pool.max_km)
    on_foot = pool.mode == MODES.index(TravelMode.NONE_AT_NIGHT)
    return People(
        key=np.concatenate([pool.ids[real], -offers]),
        lat=row(pool.lat, incident.lat),
        lon=row(pool.lon, incident.lon),
        levels=levels,
        cert_until=until,
        free=_padded(free_times.free(pool, real, place, span), len(holders)),
        busy=_busy(tx, pool.ids[real], len(rows), place, span, callouts, again),
        adult=row(pool.birthday <= _born_by(first_day), False),
        insured=row(pool.insured_until >= last_day.toordinal(), False),
        fit=row(pool.fit, False),
        night_travel=np.ones(len(rows), np.bool_),
        speed_kmh=row(speed, callouts.travel.foot),
        max_km=row(max_km, 0.0),
        night_km=row(np.where(on_foot, np.minimum(max_km, callouts.travel.night_walk_km), max_km), 0.0),
        fatigue=row(np.minimum(np.rint(tired), MAX_BURDEN), 0),
        night_cost=row(_night_cost(tx, pool.ids, callouts, place, span), 0),
        served=row(asked, 0),
        rest_since=row(worked[0], LONG_AGO),
        minutes_24h=row(worked[1], 0),
    )


def _onto(ids: Ints, holders: Ints, values: Ints, otherwise: int) -> Ints:
    """Values of some people on the positions of all; ``ids`` ascend."""
    result = np.full(len(ids), otherwise, dtype=np.int64)
    at = np.searchsorted(ids, holders)
    known = np.append(ids, -1)[at] == holders
    result[at[known]] = values[known]
    return result


def _worked(tx: Tx, pool: Pool, callouts: Callouts) -> tuple[Ints, Ints]:
    """End of the last duty, and minutes on duty in the 24 hours before the epoch."""
    lately = busy.served(tx, tx.now)
    rest_hours = -(-callouts.callout.rest_minutes // 60)
    ended = lately if rest_hours <= 24 else busy.served(tx, tx.now, hours=rest_hours)
    epoch = int(tx.now.timestamp() // 60)
    return (
        _onto(pool.ids, ended.volunteer, ended.last_end - epoch, LONG_AGO),
        _onto(pool.ids, lately.volunteer, lately.minutes, 0),
    )


def _speed(pool: Pool, callouts: Callouts, incident: Incident) -> Floats:
    hazard = policy.load("hazards", Hazards).hazards.get(incident.hazard)
    slow_down = hazard.slow_down if hazard is not None else 1.0
    found: Floats = speeds(callouts)[pool.mode] / slow_down
    return found


def speeds(callouts: Callouts) -> Floats:
    """By means of travel, in the order of MODES."""
    travel = callouts.travel
    by_mode = {TravelMode.BICYCLE: travel.bicycle, TravelMode.CAR: travel.car}
    return np.array([by_mode.get(mode, travel.foot) for mode in MODES])


def _skills(pool: Pool, slots: Wanted, place: Place, rows: Ints) -> tuple[Levels, Minutes]:
    """Who counts for each need, 0 or 1, and until which minute: [rows, K] twice; row -1 has no skill.

    A need is a skill at a level, so that one column is exact for people who hold a skill at level 3 until
    May and at level 1 for ever; which is why levels here are only 0 and 1.
    """
    taxonomy = policy.load("skills", Skills).skills
    adult = pool.birthday <= _born_by(place.day(int(slots.start.min(initial=0))))
    levels = np.zeros((len(rows), len(slots.needs)), np.int8, order="F")
    until = np.full((len(rows), len(slots.needs)), LONG_AGO, np.int32, order="F")
    for k, need in enumerate(slots.needs):
        # Nobody meets an empty need by a day; a light pledge is for the skills it names.
        days = np.where(pool.pledged, 0, people_pool.FOREVER).astype(np.int32)
        for at, (skill, level) in enumerate(need):
            counts = pool.counts_until(skill, level) if skill in pool.skills else np.zeros_like(days)
            if skill in taxonomy and taxonomy[skill].adult_only:
                counts[~adult] = 0
            days = np.minimum(days, counts) if at else counts
        mine = np.append(days, np.int32(0))[rows]  # the last: the stranger's
        holders = np.flatnonzero(mine)
        levels[holders, k] = 1
        until[holders, k] = place.end_of_days(mine[holders])
    return levels, until


def _born_by(day: date) -> int:
    """The last birthday, as an ordinal, of those of age that day."""
    leap, year = (day.month, day.day) == (2, 29), day.year - ADULT_AGE
    return (date(year, 2, 28) if leap else day.replace(year=year)).toordinal()


def _busy(
    tx: Tx, ids: Ints, rows: int, place: Place, span: int, callouts: Callouts, again: Standing
) -> Intervals:
    """Promised times near enough to matter, of the pool's rows; the rows of held places have none."""
    rest = timedelta(minutes=max(callouts.callout.rest_minutes, DAY))
    held = busy.held(tx, place.epoch - rest, place.epoch + timedelta(minutes=span) + rest, but=again.moving)
    at = np.searchsorted(ids, held.volunteer)
    known = np.append(ids, -1)[at] == held.volunteer
    zero = place.minute
    return Intervals.of(rows, at[known], held.starts[known] - zero, held.ends[known] - zero)


def _padded(intervals: Intervals, more: int) -> Intervals:
    first = np.append(intervals.first, np.repeat(intervals.first[-1:], more))
    return Intervals(first, intervals.start, intervals.end)


def _night_cost(tx: Tx, ids: Ints, callouts: Callouts, place: Place, span: int) -> Ints:
    """Waking somebody costs, unless they are on call."""
    end = place.epoch + timedelta(minutes=span)
    awake = select(OnCall.volunteer_id).where(col(OnCall.starts_at) < end, col(OnCall.ends_at) > place.epoch)
    on_call = np.unique(np.array(tx.exec(awake).all(), dtype=np.int64))
    return _onto(ids, on_call, np.zeros_like(on_call), round(_TENTHS * callouts.goal.night))


# ---- counts


def _funnel(
    tx: Tx, area: str, pool: Pool, waiting: int, people: People, slots: Wanted, real: int
) -> dict[str, int]:
    """How the pool narrows, in people."""
    gone = (Status.LEFT, Status.FORGOTTEN)
    here = col(Volunteer.area).like(area + "%"), col(Volunteer.status).not_in(gone)
    registered = tx.exec(select(func.count()).select_from(Volunteer).where(*here)).one()
    skilled = np.zeros(real, np.bool_)
    for k in np.unique(slots.need).tolist():
        skilled |= people.levels[:real, k] > 0
    return {
        "registered": registered,
        "callable": len(pool),
        "waiting": waiting,
        "peace": real,
        "skilled": int(skilled.sum()),
    }
