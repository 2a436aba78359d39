"""The record of one drill as public-health practice keeps it: who was called and reached, who answered, how
soon, and the same by community, skill, hour and channel. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from volunteer_hub.drills import rules
from volunteer_hub.drills.rules import Figures

_POINTS: Final = 120
SMALLEST_TEAM: Final = 5
"""Of fewer people a share would tell what each of them did."""


class By(StrEnum):
    """What the figures of a drill are broken down by."""

    COMMUNITY = "community"
    SKILL = "skill"
    HOUR = "hour"
    CHANNEL = "channel"


@dataclass(frozen=True)
class Called:
    """One person whom a drill called. ``channel``: by which the question arrived, None where it did not, as
    ``on_paper``; ``community``: the path of the person's area."""

    community: str
    skills: tuple[str, ...]
    channel: str | None
    asked_at: datetime
    answered_at: datetime | None
    accepted: bool
    assembled: bool
    on_paper: bool = False

    @property
    def minutes(self) -> float | None:
        """How long the answer took."""
        if self.answered_at is None:
            return None
        return max(0.0, (self.answered_at - self.asked_at).total_seconds() / 60)


@dataclass(frozen=True)
class Record:
    """``curve``: (minute after being called, how many had answered by then); ``groups``: the figures of the
    people of each community, skill, local hour of the call and channel. A person may have several skills."""

    figures: Figures
    first_notified: datetime | None = None
    last_notified: datetime | None = None
    last_acknowledged: datetime | None = None
    curve: tuple[tuple[int, int], ...] = ()
    groups: Mapping[By, Mapping[str, Figures]] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """As a run keeps it."""
        times = (self.first_notified, self.last_notified, self.last_acknowledged)
        return self.figures.stored() | {
            "times": [None if moment is None else moment.isoformat() for moment in times],
            "curve": [list(point) for point in self.curve],
            "groups": {
                by.value: {key: figures.stored() for key, figures in sorted(rows.items())}
                for by, rows in sorted(self.groups.items())
            },
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Record":
        """As it was recorded; drills of old kept only the figures."""
        first, last, answered = (_moment(at) for at in stored.get("times", [None] * 3))
        return cls(
            Figures.of(stored),
            first_notified=first,
            last_notified=last,
            last_acknowledged=answered,
            curve=tuple((minute, people) for minute, people in stored.get("curve", ())),
            groups={
                By(by): {key: Figures.of(figures) for key, figures in rows.items()}
                for by, rows in stored.get("groups", {}).items()
            },
        )

    def team_share(self, community: str, minutes: int) -> int | None:
        """Per cent of those reached who had answered by then: of the person's community, or of everybody
        where it has fewer than `SMALLEST_TEAM` people."""
        team = self.groups.get(By.COMMUNITY, {}).get(community, self.figures)
        return (team if team.notified >= SMALLEST_TEAM else self.figures).shares().get(minutes)


def of(people: Sequence[Called], report_minutes: Sequence[int], zone: ZoneInfo) -> Record:
    """The record of those called, one row a person."""
    answers = [person.answered_at for person in people if person.answered_at is not None]
    asked = [person.asked_at for person in people]
    return Record(
        figures=figures(people, report_minutes),
        first_notified=min(asked, default=None),
        last_notified=max(asked, default=None),
        last_acknowledged=max(answers, default=None),
        curve=_curve([minutes for person in people if (minutes := person.minutes) is not None]),
        groups={
            by: {key: figures(group, report_minutes) for key, group in _grouped(people, keys).items()}
            for by, keys in _keys(zone).items()
        },
    )


def figures(people: Collection[Called], report_minutes: Sequence[int]) -> Figures:
    """The counts over these people."""
    minutes = [taken for person in people if (taken := person.minutes) is not None]
    return Figures(
        notified=len(people),
        delivered=sum(person.channel is not None for person in people),
        acknowledged=len(minutes),
        accepted=sum(person.accepted for person in people),
        assembled=sum(person.assembled for person in people),
        within=rules.answered_within(minutes, report_minutes),
        on_paper=any(person.on_paper for person in people),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _keys(zone: ZoneInfo) -> dict[By, Callable[[Called], Collection[str]]]:
    return {
        By.COMMUNITY: lambda person: (person.community,),
        By.SKILL: lambda person: person.skills,
        By.HOUR: lambda person: (f"{person.asked_at.astimezone(zone):%H}",),
        By.CHANNEL: lambda person: (person.channel or "",),
    }


def _grouped(people: Sequence[Called], keys: Callable[[Called], Collection[str]]) -> dict[str, list[Called]]:
    groups: dict[str, list[Called]] = {}
    for person in people:
        for key in keys(person):
            groups.setdefault(key, []).append(person)
    return groups


def _curve(minutes: Sequence[float]) -> tuple[tuple[int, int], ...]:
    """Answers that had come by the end of a minute; thinned to `_POINTS`, the last kept."""
    taken = sorted(int(-(-minute // 1)) for minute in minutes)
    by_minute = {minute: count for count, minute in enumerate(taken, 1)}
    points = sorted(by_minute.items())
    step = -(-len(points) // _POINTS) or 1
    return tuple(points[(len(points) - 1) % step :: step])
