"""How a foreign table of reports is read (config/maps/*.toml): columns, time, what its categories ask for."""

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from volunteer_hub.core.policy import Name, Policy
from volunteer_hub.core.site import Zone


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


class Columns(Policy):
    """The header's names of the columns that are read."""

    id: str
    time: str
    lat: str
    lon: str
    categories: str


class Time(Policy):
    """``format`` as for strptime; a time without a zone of its own is in ``zone``."""

    format: str = Field(min_length=2)
    zone: Zone

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class Cell(Policy):
    """How a cell lists categories: parted by ``separator``, each after a ``numbering`` in several languages
    parted by ``languages``."""

    separator: str = Field(default=",", min_length=1)
    languages: str = Field(default="|", min_length=1)
    numbering: Annotated[str, AfterValidator(_compiles)] = ""


class Bounds(Policy):
    """Where reports may lie: corners of a polygon as (lat, lon)."""

    ring: tuple[tuple[float, float], ...] = Field(min_length=3)


class Heads(Policy):
    """So many people with a skill."""

    skill: str
    heads: int = Field(ge=1, le=100)
    level: int = Field(default=1, ge=1, le=3)
    adult_only: bool = False
    insured_only: bool = False


class Category(Policy):
    """What a category asks for; ``labels`` are the source's words for it, in any of its languages."""

    name: Name
    labels: tuple[str, ...]
    hazard: str
    priority: int = Field(ge=1, le=5)
    minutes: int = Field(ge=15, le=1440)
    hazardous: bool = False
    outdoor: bool = True
    slots: tuple[Heads, ...] = Field(min_length=1)


class ReportMap(Policy):
    """config/maps/<name>.toml."""

    name: Name
    encoding: Literal["utf-8", "gb18030", "utf-16", "latin-1"]
    delimiter: str = Field(min_length=1, max_length=1)
    datum: Literal["wgs84", "gcj02", "bd09"]
    default_category: str
    columns: Columns
    time: Time
    cell: Cell
    bounds: Bounds | None = None
    categories: dict[str, Category] = Field(min_length=1)

    @model_validator(mode="after")
    def _default_exists(self) -> "ReportMap":
        if self.default_category not in self.categories:
            raise ValueError(
                f'default_category "{self.default_category}" is not a category; '
                f"use one of: {', '.join(self.categories)}"
            )
        return self

    @model_validator(mode="after")
    def _labels_once(self) -> "ReportMap":
        owner: dict[str, str] = {}
        for code, category in self.categories.items():
            for label in category.labels:
                first = owner.setdefault(plain(label), code)
                if first != code:
                    raise ValueError(f'label "{label}" stands under {first} and {code}; keep it under one')
        return self


def plain(label: str) -> str:
    """A label as it is compared: without case, and with single spaces."""
    return " ".join(label.casefold().split())
