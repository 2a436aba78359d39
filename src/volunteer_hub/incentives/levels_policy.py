"""[levels] of config/rewards.toml: what hours of service make of a volunteer, here and in single areas."""

from itertools import pairwise
from typing import Any

from pydantic import Field, PositiveInt, model_validator

from volunteer_hub.core.policy import Name, Policy


class Level(Policy):
    """One level. ``hours`` of volunteer time reach it, ``percent`` multiplies what a duty's hours pay."""

    name: Name
    hours: PositiveInt
    percent: int = Field(100, ge=100, le=300)


class Ladder(Policy):
    """Levels, the lowest first."""

    steps: tuple[Level, ...] = ()

    @model_validator(mode="after")
    def _rises(self) -> "Ladder":
        for lower, higher in pairwise(self.steps):
            if higher.hours <= lower.hours:
                raise ValueError(f"{higher.hours} hours come after {lower.hours}; put the lower level first")
        return self


class Levels(Ladder):
    """``areas``: other levels by the official code of an area; they hold in it and below."""

    areas: dict[str, Ladder] = {}

    @property
    def multiply(self) -> bool:
        """Whether any level anywhere multiplies points."""
        ladders: tuple[Any, ...] = (self, *self.areas.values())
        return any(step.percent != 100 for ladder in ladders for step in ladder.steps)
