"""Kinds of incident (config/hazards.toml): templates, warning colours, and who may start which level."""

import re
from collections.abc import Iterator
from typing import Final, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from volunteer_hub.core.policy import Name, Policy

IncidentClass = Literal["natural", "accident", "health", "social"]
ResponseLevel = Literal["I", "II", "III", "IV"]
Colour = Literal["blue", "yellow", "orange", "red"]
NodeKind = Literal["city", "district", "county", "township", "community", "village"]
# CAP 1.2 (OASIS Standard, 1 July 2010), section 3.2.2: the values of category and severity.
CapCategory = Literal[
    "Geo",
    "Met",
    "Safety",
    "Security",
    "Rescue",
    "Fire",
    "Health",
    "Env",
    "Transport",
    "Infra",
    "CBRNE",
    "Other",
]
CapSeverity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]

GRAVITY: Final[dict[ResponseLevel, int]] = {"IV": 1, "III": 2, "II": 3, "I": 4}


class Minimum(Policy):
    """ "Of them at least ``heads`` with this skill". One person fills two minima only where both are ``shared``."""

    skill: str
    level: int = Field(default=1, ge=1, le=3)
    heads: PositiveInt
    shared: bool = False


class RoleSlot(Policy):
    """How many people a task wants in one role: 0 <= min <= target <= max."""

    name: Name
    skill: str
    level: int = Field(default=1, ge=1, le=3)
    min: NonNegativeInt
    target: NonNegativeInt
    max: PositiveInt
    minima: tuple[Minimum, ...] = ()
    adult_only: bool = False
    insured_only: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> "RoleSlot":
        if not self.min <= self.target <= self.max:
            raise ValueError(f"min {self.min} <= target {self.target} <= max {self.max} must hold")
        own = sum(minimum.heads for minimum in self.minima if not minimum.shared)
        if own > self.min:
            raise ValueError(
                f"its minima want {own} people but min is {self.min}; raise min or mark them shared"
            )
        return self


class TaskTemplate(Policy):
    """A task proposed when an incident of this kind is declared; priority 1 is the most urgent of 5.
    ``hazardous`` and ``outdoor``: as the hazard says where absent."""

    name: Name
    priority: int = Field(ge=1, le=5)
    minutes: int = Field(ge=15, le=1440)
    hazardous: bool | None = None
    outdoor: bool | None = None
    slots: tuple[RoleSlot, ...] = Field(min_length=1)


class CapMatch(Policy):
    """Words of a CAP ``event`` (any language, compared without case), and the categories they may stand in."""

    words: tuple[str, ...] = Field(min_length=1)
    categories: tuple[CapCategory, ...] = Field(min_length=1)


class Hazard(Policy):
    """One kind of incident. ``hazardous`` tasks want declared fitness; travel takes ``slow_down`` times as long."""

    name: Name
    incident_class: IncidentClass
    level: ResponseLevel
    outdoor: bool
    hazardous: bool
    slow_down: float = Field(ge=1, le=10)
    bring: Name
    danger: Name
    cap: CapMatch
    tasks: dict[str, TaskTemplate] = Field(min_length=1)


class WarningColour(Policy):
    """One row of the table from warnings to response levels: Chinese colour, its words, CAP severities."""

    name: Name
    level: ResponseLevel
    words: tuple[str, ...]
    severities: tuple[CapSeverity, ...]


class Hazards(Policy):
    """config/hazards.toml. ``highest`` is the gravest level a node of each kind may start by itself; anything
    graver is asked of the node above."""

    highest: dict[NodeKind, ResponseLevel]
    colours: dict[Colour, WarningColour]
    hazards: dict[str, Hazard] = Field(min_length=1)

    def may_start(self, kind: NodeKind, level: ResponseLevel) -> bool:
        """Whether a node of this kind may start (or raise to) a level without asking the node above."""
        highest = self.highest.get(kind)
        return highest is not None and GRAVITY[level] <= GRAVITY[highest]

    def match(self, event: str, categories: tuple[str, ...] = ()) -> str | None:
        """The hazard a CAP event names: the longest of its words found in the text, among hazards of the
        alert's categories (all hazards when it states none). None when no word is found."""
        found = [
            (len(word), code)
            for code, hazard in self.hazards.items()
            if not categories or set(categories) & set(hazard.cap.categories)
            for word in hazard.cap.words
            if _says(event, word)
        ]
        return max(found, key=lambda match: match[0])[1] if found else None

    def colour_of(self, text: str) -> Colour | None:
        """The Chinese warning colour a headline names ("暴雨橙色预警", "Orange rainstorm warning"), if any."""
        for colour, row in self.colours.items():
            if any(_says(text, word) for word in row.words):
                return colour
        return None

    def colour_for(self, severity: CapSeverity) -> Colour:
        """The colour standing for a CAP severity."""
        return next(colour for colour, row in self.colours.items() if severity in row.severities)

    def skills_named(self) -> Iterator[tuple[str, str]]:
        """(key, skill code) of every skill a template names, to be held against the taxonomy at start."""
        for hazard_code, hazard in self.hazards.items():
            for task_code, task in hazard.tasks.items():
                for number, slot in enumerate(task.slots):
                    key = f"hazards.{hazard_code}.tasks.{task_code}.slots.{number}"
                    yield f"{key}.skill", slot.skill
                    for row, minimum in enumerate(slot.minima):
                        yield f"{key}.minima.{row}.skill", minimum.skill

    @model_validator(mode="after")
    def _colours_complete(self) -> "Hazards":
        for colour in ("blue", "yellow", "orange", "red"):
            if colour not in self.colours:
                raise ValueError(f"colours.{colour} is missing; all four warning colours must be there")
        stated = [severity for row in self.colours.values() for severity in row.severities]
        for severity in ("Extreme", "Severe", "Moderate", "Minor", "Unknown"):
            if stated.count(severity) != 1:
                raise ValueError(
                    f'colours: severity "{severity}" stands under {stated.count(severity)} colours; '
                    "name it under exactly one"
                )
        return self

    @model_validator(mode="after")
    def _someone_may_start(self) -> "Hazards":
        if self.highest.get("city") != "I":
            raise ValueError('highest.city must be "I": nobody is above the city to be asked')
        return self


def _says(text: str, word: str) -> bool:
    """Whether a text holds a word; Latin words stand alone ("red" is not in "reduced"), Chinese ones have no gaps."""
    return re.search(rf"(?<![a-z]){re.escape(word.casefold())}(?![a-z])", text.casefold()) is not None
