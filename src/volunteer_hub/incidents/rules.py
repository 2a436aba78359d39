"""What may happen to an incident and its tasks: states, levels, windows, slots with nested minima.

Levels are 1 to 4, written I to IV: 1 is the gravest.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from volunteer_hub.core.errors import FieldError, HubError, Malformed, Refused
from volunteer_hub.core.geo import check_position
from volunteer_hub.core.i18n import Text
from volunteer_hub.incidents.policy import Hazards, NodeKind, ResponseLevel

LEVELS: Final[tuple[ResponseLevel, ...]] = ("I", "II", "III", "IV")
LONGEST_TITLE: Final = 200
LONGEST_TEXT: Final = 4_000
MOST_HEADS: Final = 10_000
DAY: Final = 24 * 60  # minutes
MOST_SLOTS: Final = 50
LONGEST_TASK: Final = timedelta(days=31)
MOST_PERIODS: Final = 100


class Kind(StrEnum):
    REAL = "real"
    DRILL = "drill"


class IncidentClass(StrEnum):
    """The four classes of sudden events in China's Emergency Response Law of 2007, article 3."""

    NATURAL = "natural"
    ACCIDENT = "accident"
    HEALTH = "health"
    SOCIAL = "social"


class Colour(StrEnum):
    BLUE = "blue"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


class State(StrEnum):
    DECLARED = "declared"
    MOBILIZING = "mobilizing"
    ACTIVE = "active"
    DEMOBILIZING = "demobilizing"
    CLOSED = "closed"
    REVIEWED = "reviewed"


ALLOWED: Final[Mapping[State, frozenset[State]]] = {
    State.DECLARED: frozenset({State.MOBILIZING, State.CLOSED}),
    State.MOBILIZING: frozenset({State.ACTIVE, State.DEMOBILIZING}),
    State.ACTIVE: frozenset({State.DEMOBILIZING}),
    State.DEMOBILIZING: frozenset({State.ACTIVE, State.CLOSED}),
    State.CLOSED: frozenset({State.REVIEWED}),
    State.REVIEWED: frozenset(),
}
"""A call withdrawn before anybody was asked closes at once; what flares up again becomes active again."""

OPEN: Final = frozenset({State.DECLARED, State.MOBILIZING, State.ACTIVE, State.DEMOBILIZING})


class Source(StrEnum):
    PAGE = "page"
    API = "api"
    CLI = "cli"
    TEMPLATE = "template"
    CAP = "cap"
    REPORT = "report"
    DRILL = "drill"


class TaskState(StrEnum):
    OPEN = "open"
    CANCELLED = "cancelled"
    DONE = "done"


class RaiseState(StrEnum):
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"


class Proposal(StrEnum):
    """What became of an incident that an alert proposed."""

    NONE = "none"
    WAITING = "waiting"
    DECLARED = "declared"
    REPLACED = "replaced"  # by the proposal of a later message
    WITHDRAWN = "withdrawn"  # cancelled by its sender
    DISMISSED = "dismissed"


class LogKind(StrEnum):
    DECLARED = "declared"
    STATE = "state"
    LEVEL = "level"
    COMMAND = "command"
    TASK = "task"
    ALERT = "alert"
    PLAN = "plan"
    CALLOUT = "callout"
    DUTY = "duty"
    SAFETY = "safety"
    NOTE = "note"


@dataclass(frozen=True)
class MinimumSpec:
    """Of a slot's people at least ``heads`` with a skill; one counts for two only if both may share."""

    skill: str
    heads: int
    level: int = 1
    may_share: bool = False


@dataclass(frozen=True)
class SlotSpec:
    """How many people in one role; without a skill anybody will do."""

    minimum: int
    target: int
    maximum: int
    skill: str | None = None
    level: int = 1
    name: str | None = None
    adult_only: bool = False
    insured_only: bool = False
    minima: tuple[MinimumSpec, ...] = ()
    useful_minutes: int | None = None


@dataclass(frozen=True)
class TaskSpec:
    """A task as wanted, WGS-84; people travel to ``pickup`` where it has a position. Priority 1 is urgent."""

    title: str
    lat: float
    lon: float
    starts_at: datetime
    ends_at: datetime
    slots: tuple[SlotSpec, ...] = ()
    place: str = ""
    priority: int = 3
    hazards: tuple[str, ...] = ()
    hazardous: bool = False
    outdoor: bool = True
    pickup: str = ""
    pickup_lat: float | None = None
    pickup_lon: float | None = None
    template: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class IncidentSpec:
    """An incident as somebody wants to declare it; what is None is as its hazard says."""

    area: str
    hazard: str
    lat: float
    lon: float
    title: str | None = None
    kind: Kind = Kind.REAL
    source: Source = Source.PAGE
    level: int | None = None
    incident_class: IncidentClass | None = None
    colour: Colour | None = None
    started_at: datetime | None = None
    shape: dict[str, Any] | None = field(default=None, hash=False)
    drill_plan_id: int | None = None
    occurrence: datetime | None = None


@dataclass(frozen=True)
class Node:
    """The node for which somebody acts: what it may start by itself depends on its kind."""

    area: str
    kind: NodeKind


# ---- states and levels


def check_move(before: State, after: State) -> None:
    """Raises Refused for a change of state that the table does not allow."""
    if after not in ALLOWED[before]:
        raise Refused("incident.state", before=named("state", before), after=named("state", after))


def named(table: str, code: StrEnum) -> Text:
    """A state's or other code's name for people."""
    return Text(f"incidents.{table}.{code.value}")


def check_open(state: State) -> None:
    """Raises Refused when nothing may be added to the incident any more."""
    if state not in OPEN:
        raise Refused("incident.closed")


def level_name(level: int) -> ResponseLevel:
    """1 to 4 as I to IV. Raises Malformed."""
    if not 1 <= level <= len(LEVELS):
        raise Malformed("incident.level", level=level)
    return LEVELS[level - 1]


def level_number(name: ResponseLevel) -> int:
    """I to IV as 1 to 4."""
    return LEVELS.index(name) + 1


def gravest(policy: Hazards, node: NodeKind) -> int | None:
    """The gravest level that a node of this kind starts by itself; None where it starts none."""
    highest = policy.highest.get(node)
    return level_number(highest) if highest is not None else None


def may_start(policy: Hazards, node: NodeKind, level: int) -> bool:
    """Whether a node of this kind starts a level, or raises to it, without asking the node above."""
    return policy.may_start(node, level_name(level))


def above(area: str) -> str | None:
    """The path of the node above: ``/1/2/3/`` gives ``/1/2/``; None above the root."""
    parent = area.rstrip("/").rpartition("/")[0] + "/"
    return parent if parent != "/" else None


# ---- what people type


def check_incident(spec: IncidentSpec, policy: Hazards, now: datetime) -> None:
    """Raises Malformed naming every field that is wrong."""
    wrong = [*_position(spec.lat, spec.lon, "")]
    if spec.hazard not in policy.hazards:
        known = ", ".join(policy.hazards)
        wrong.append(FieldError("hazard", "incident.hazard", {"hazard": spec.hazard, "known": known}))
    if spec.level is not None and not 1 <= spec.level <= len(LEVELS):
        wrong.append(FieldError("level", "incident.level", {"level": spec.level}))
    if spec.title is not None:
        wrong += _text(spec.title, "title", LONGEST_TITLE, required=True)
    if spec.started_at is not None and spec.started_at > now + timedelta(minutes=5):
        wrong.append(FieldError("started_at", "incident.starts_later"))
    refuse(wrong)


def check_tasks(tasks: Sequence[TaskSpec], skills: Collection[str]) -> None:
    """Raises Malformed naming every wrong field of every task; ``skills`` are the codes of the taxonomy."""
    many = len(tasks) > 1
    refuse(e for n, task in enumerate(tasks) for e in _task(task, skills, f"tasks.{n}." if many else ""))


def check_task(task: TaskSpec, skills: Collection[str]) -> None:
    """Raises Malformed naming every field that is wrong."""
    refuse(_task(task, skills, ""))


def check_slot(slot: SlotSpec, skills: Collection[str]) -> None:
    """Raises Malformed naming every field that is wrong."""
    refuse(_slot(slot, skills, ""))


def refuse(wrong: Iterable[FieldError]) -> None:
    """Raises Malformed when anything is wrong, under the first field's code, so that it reads alone."""
    fields = list(wrong)
    if fields:
        raise Malformed(fields[0].code, fields=fields, **fields[0].params)


def check_note(text: str, where: str) -> str:
    """A text somebody must write, trimmed. Raises Malformed."""
    refuse(_text(text, where, LONGEST_TEXT, required=True))
    return text.strip()


def _task(task: TaskSpec, skills: Collection[str], where: str) -> Iterator[FieldError]:
    yield from _text(task.title, f"{where}title", LONGEST_TITLE, required=True)
    yield from _text(task.place, f"{where}place", LONGEST_TEXT)
    yield from _position(task.lat, task.lon, where)
    yield from _pickup(task, where)
    yield from _window(task.starts_at, task.ends_at, where)
    if not 1 <= task.priority <= 5:
        yield FieldError(f"{where}priority", "task.priority", {"priority": task.priority})
    if len(task.slots) > MOST_SLOTS:
        yield FieldError(f"{where}slots", "task.slots", {"most": MOST_SLOTS})
    for number, slot in enumerate(task.slots):
        yield from _slot(slot, skills, f"{where}slots.{number}.")


def _window(starts: datetime, ends: datetime, where: str) -> Iterator[FieldError]:
    if starts.tzinfo is None or ends.tzinfo is None:
        yield FieldError(f"{where}starts_at", "task.zone")
    elif ends <= starts:
        yield FieldError(f"{where}ends_at", "task.window")
    elif ends - starts > LONGEST_TASK:
        yield FieldError(f"{where}ends_at", "task.too_long", {"days": LONGEST_TASK.days})


def _position(lat: float, lon: float, where: str) -> Iterator[FieldError]:
    try:
        check_position(lat, lon)
    except HubError as error:
        yield FieldError(f"{where}position", error.code, error.params)


def _pickup(task: TaskSpec, where: str) -> Iterator[FieldError]:
    lat, lon = task.pickup_lat, task.pickup_lon
    yield from _text(task.pickup, f"{where}pickup", LONGEST_TEXT, required=lat is not None)
    if lat is not None and lon is not None:
        yield from _position(lat, lon, f"{where}pickup_")
    elif lat is not lon:
        yield FieldError(f"{where}pickup_{'lat' if lat is None else 'lon'}", "task.pickup")


def _text(text: str, where: str, longest: int, *, required: bool = False) -> Iterator[FieldError]:
    if required and not text.strip():
        yield FieldError(where, "incident.text.missing")
    if len(text) > longest:
        yield FieldError(where, "incident.text.too_long", {"longest": longest})
    if "\0" in text:
        yield FieldError(where, "text.nul")


def _slot(slot: SlotSpec, skills: Collection[str], where: str) -> Iterator[FieldError]:
    if slot.name is not None:
        yield from _text(slot.name, f"{where}name", LONGEST_TITLE)
    if not 0 <= slot.minimum <= slot.target <= slot.maximum:
        numbers = {"minimum": slot.minimum, "target": slot.target, "maximum": slot.maximum}
        yield FieldError(f"{where}minimum", "slot.order", numbers)
    if not 1 <= slot.maximum <= MOST_HEADS:
        yield FieldError(f"{where}maximum", "slot.heads", {"most": MOST_HEADS})
    if not 0 <= (slot.useful_minutes or 0) <= DAY:
        yield FieldError(f"{where}useful_minutes", "slot.useful", {"most": DAY})
    yield from _skill(slot.skill, slot.level, skills, where)
    for number, minimum in enumerate(slot.minima):
        place = f"{where}minima.{number}."
        yield from _skill(minimum.skill, minimum.level, skills, place)
        if not 1 <= minimum.heads <= MOST_HEADS:
            yield FieldError(f"{place}heads", "slot.heads", {"most": MOST_HEADS})
    if (needed := heads_needed(slot.minima)) > slot.target:
        yield FieldError(f"{where}minima", "slot.minima", {"needed": needed, "target": slot.target})


def _skill(skill: str | None, level: int, skills: Collection[str], where: str) -> Iterator[FieldError]:
    if skill is not None and skill not in skills:
        yield FieldError(f"{where}skill", "slot.skill", {"skill": skill})
    if not 1 <= level <= 3:
        yield FieldError(f"{where}level", "slot.level", {"level": level})


def heads_needed(minima: Iterable[MinimumSpec]) -> int:
    """The fewest people who can satisfy all minima: those that may share overlap, the others stand apart."""
    listed = list(minima)
    apart = sum(minimum.heads for minimum in listed if not minimum.may_share)
    return apart + max((minimum.heads for minimum in listed if minimum.may_share), default=0)


# ---- changes and operational periods

TOLD_AGAIN: Final = frozenset(
    {"place", "lat", "lon", "starts_at", "ends_at", "pickup", "pickup_lat", "pickup_lon"}
)


def told_again(changed: Collection[str]) -> bool:
    """Whether everybody who accepted must hear of a change of these fields, and acknowledge it."""
    return not TOLD_AGAIN.isdisjoint(changed)


def periods(
    starts: datetime, ends: datetime, length: timedelta, overlap: timedelta = timedelta()
) -> list[tuple[datetime, datetime]]:
    """The operational periods of a window: each of ``length``, the last one as long as what is left.

    Every period but the last runs on for ``overlap``, in which the relief is briefed. Raises Malformed for a
    length that is no time at all, or so short that there would be hundreds of periods.
    """
    if ends <= starts:
        raise Malformed("task.window")
    if length <= timedelta() or not timedelta() <= overlap < length:
        raise Malformed("task.period")
    count = math.ceil((ends - starts) / length)
    if count > MOST_PERIODS:
        raise Malformed("task.periods", most=MOST_PERIODS)
    edges = [starts + number * length for number in range(count)]
    return [(edge, min(edge + length + overlap, ends)) for edge in edges]
