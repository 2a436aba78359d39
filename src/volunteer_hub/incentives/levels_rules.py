"""Which level so many minutes of service reach, and how far it is to the next. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from volunteer_hub.incentives.levels_policy import Ladder, Level, Levels


@dataclass(frozen=True)
class Reached:
    """``number`` counts from 1; 0, with no ``level``, before the first. ``missing``: minutes to ``next``,
    None at the top."""

    number: int
    level: Level | None
    next: Level | None
    missing: int | None

    @property
    def percent(self) -> int:
        """What the hours of a duty are multiplied by."""
        return self.level.percent if self.level is not None else 100

    def stored(self) -> dict[str, Any]:
        """As a certificate keeps it."""
        assert self.level is not None
        return self.level.name.model_dump()


def ladder(levels: Levels, codes: Sequence[str]) -> Ladder:
    """The levels that hold in an area: its own, else those of the nearest area above it that has some.
    ``codes``: of the areas from the root down."""
    own = [levels.areas[code] for code in codes if code in levels.areas]
    return own[-1] if own else levels


def reached(minutes: int, ladder: Ladder) -> Reached:
    """The level of somebody with so much volunteer time."""
    steps = ladder.steps
    number = sum(minutes >= step.hours * 60 for step in steps)
    following = steps[number] if number < len(steps) else None
    return Reached(
        number=number,
        level=steps[number - 1] if number else None,
        next=following,
        missing=following.hours * 60 - minutes if following is not None else None,
    )
