"""Reports upward: first, further, final; when each is due, what one holds. Sent, it stays as it was."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from volunteer_hub.core.errors import FieldError
from volunteer_hub.incidents import rules
from volunteer_hub.incidents.policy import Upward, UpwardTimes
from volunteer_hub.incidents.rules import IncidentClass

MOST: Final = 1_000_000
FIGURES: Final = (
    *("asked", "accepted", "on_site", "done", "no_show", "short"),
    *("injured", "exposed", "near_misses", "tasks_open", "tasks_done"),
)
"""What is counted, in the order in which it is read; ``accepted`` holds whoever came too."""
WORDS: Final = ("situation", "measures", "resources", "needs")
"""What is written, in the order in which it is read."""


class UpwardKind(StrEnum):
    """The first report of an incident, those that follow, and the one after it has closed."""

    FIRST = "first"
    FURTHER = "further"
    FINAL = "final"


@dataclass(frozen=True)
class Content:
    """What a report says: a number for each of `FIGURES`, and words, of which only ``situation`` must be."""

    figures: Mapping[str, int]
    situation: str
    measures: str = ""
    resources: str = ""
    needs: str = ""


@dataclass(frozen=True)
class Standing:
    """What decides when the next report is due. ``last``: the newest that was sent, and when."""

    declared_at: datetime
    closed_at: datetime | None = None
    level_set_at: datetime | None = None
    last: tuple[UpwardKind, datetime] | None = None


def next_kind(it: Standing) -> UpwardKind | None:
    """What the next report is; None after the final one. Of an incident that has closed only that is left."""
    if it.last is not None and it.last[0] is UpwardKind.FINAL:
        return None
    if it.closed_at is not None:
        return UpwardKind.FINAL
    return UpwardKind.FIRST if it.last is None else UpwardKind.FURTHER


def times_for(policy: Upward, kind: IncidentClass, level: int) -> UpwardTimes | None:
    """The times of a class and level; a class may have its own. None: nothing is due."""
    name = rules.level_name(level)
    return policy.classes.get(kind.value, {}).get(name) or policy.times.get(name)


def due_at(it: Standing, times: UpwardTimes) -> datetime | None:
    """When the next report is due; None after the final one."""
    kind = next_kind(it)
    if kind is None:
        return None
    if it.closed_at is not None:
        return it.closed_at + timedelta(minutes=times.final)
    if it.last is None:
        return it.declared_at + timedelta(minutes=times.first)
    regular = it.last[1] + timedelta(minutes=times.further)
    if it.level_set_at is None or it.level_set_at <= it.last[1]:
        return regular
    return min(regular, it.level_set_at + timedelta(minutes=times.level_change))


def check_content(content: Content) -> None:
    """Raises Malformed naming every field that is wrong."""
    rules.refuse(_wrong(content))


def check_sent_at(sent_at: datetime, after: datetime, now: datetime) -> None:
    """Raises Malformed for a report sent before the one before it (or the declaring), or later than now."""
    if not after <= sent_at <= now:
        rules.refuse([FieldError("sent_at", "upward.sent_at")])


def _wrong(content: Content) -> Iterator[FieldError]:
    for name in FIGURES:
        if not 0 <= content.figures.get(name, -1) <= MOST:
            yield FieldError(name, "upward.figure", {"most": MOST})
    for name in WORDS:
        text: str = getattr(content, name)
        if name == "situation" and not text.strip():
            yield FieldError(name, "incident.text.missing")
        if len(text) > rules.LONGEST_TEXT:
            yield FieldError(name, "incident.text.too_long", {"longest": rules.LONGEST_TEXT})
        if "\0" in text:
            yield FieldError(name, "text.nul")
