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
    """Of a slot's people at least ``heads`` hold this skill too. One person fills two minima only where both
    say ``may_share``."""

    skill: str
    level: int = Field(default=1, ge=1, le=3)
    heads: PositiveInt
    may_share: bool = False


class RoleSlot(Policy):
    """How many people a task wants in one role: 0 <= minimum <= target <= maximum."""

    name: Name
    skill: str
    level: int = Field(default=1, ge=1, le=3)
    minimum: NonNegativeInt
    target: NonNegativeInt
    maximum: PositiveInt
    minima: tuple[Minimum, ...] = ()
    adult_only: bool = False
    insured_only: bool = False
    useful_minutes: int | None = Field(default=None, ge=0, le=1440)

    @model_validator(mode="after")
    def _in_order(self) -> "RoleSlot":
        if not self.minimum <= self.target <= self.maximum:
            heads = f"{self.minimum}, {self.target}, {self.maximum}"
            raise ValueError(f"minimum, target and maximum must not fall ({heads}); correct one of them")
        own = sum(row.heads for row in self.minima if not row.may_share)
        if own > self.minimum:
            raise ValueError(
                f"its minima want {own} people but minimum is {self.minimum}; raise it or mark them may_share"
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
    """Words of a CAP ``event`` in any language, and the categories of alert they may stand in."""

    words: tuple[str, ...] = Field(min_length=1)
    categories: tuple[CapCategory, ...] = Field(min_length=1)


class Hazard(Policy):
    """One kind of incident. Its tasks want declared fitness where ``hazardous``; travel takes ``slow_down``
    times as long. People are due a rest ``rest_after_minutes`` after they came, and say "I am OK" every
    ``ok_minutes``, where these are given."""

    name: Name
    incident_class: IncidentClass
    level: ResponseLevel
    outdoor: bool
    hazardous: bool
    slow_down: float = Field(ge=1, le=10)
    rest_after_minutes: PositiveInt | None = None
    ok_minutes: int | None = Field(default=None, ge=5, le=1440)
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


class UpwardTimes(Policy):
    """In how many minutes reports upward are due: the first after declaring, a further one after the one
    before or sooner after a change of level, the final one after the close."""

    first: PositiveInt
    further: PositiveInt
    level_change: PositiveInt
    final: PositiveInt


class Upward(Policy):
    """Reports upward. ``to``: who takes them, in words; ``email``: where they are mailed too, if anywhere.
    A class of incidents may have its own ``times`` at a level; a level without any owes no report."""

    to: Name | None = None
    email: str = Field(default="", pattern=r"^$|^[^@\s]+@[^@\s]+$", max_length=254)
    remind_minutes: NonNegativeInt = 10
    times: dict[ResponseLevel, UpwardTimes] = Field(default_factory=dict)
    classes: dict[IncidentClass, dict[ResponseLevel, UpwardTimes]] = Field(default_factory=dict)


class Hazards(Policy):
    """config/hazards.toml. ``highest`` is the gravest level a node of each kind may start by itself; anything
    graver is asked of the node above."""

    upward: Upward = Upward()

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
        """The warning colour a headline names ("暴雨橙色预警", "Orange warning"), if any."""
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
    """Whether a text holds a word, without case. Latin words stand alone ("red" is not in "reduced"); Chinese
    writes no gaps."""
    return re.search(rf"(?<![a-z]){re.escape(word.casefold())}(?![a-z])", text.casefold()) is not None
