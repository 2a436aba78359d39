"""What drills are held and how often one person is disturbed (config/drills.toml)."""

import re
from datetime import date, time
from typing import Annotated, Literal

from dateutil.rrule import rrulestr
from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from volunteer_hub.core.policy import Name, Policy

Kind = Literal["reachability", "assembly"]
Notice = Literal["full", "partial", "none"]
Misfire = Literal["skip", "latest", "all"]
Fix = Literal["train", "certify", "insure", "fitness", "night", "free", "recruit"]


def _readable_rule(rule: str) -> str:
    try:
        rrulestr(rule)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f'not an iCalendar RRULE ({error}); write for example "FREQ=MONTHLY;BYDAY=1TU;BYHOUR=10"'
        ) from None
    return rule


def _real_day(day: str) -> str:
    found = re.fullmatch(r"(?:(\d{4})-)?(\d\d)-(\d\d)", day)
    try:
        date(int(found[1] or 2028), int(found[2]), int(found[3]))  # type: ignore[index]  # None is caught too
    except (TypeError, ValueError):
        raise ValueError('write the day as "MM-DD", such as "10-01", or "YYYY-MM-DD"') from None
    return day


Rule = Annotated[str, AfterValidator(_readable_rule)]
Day = Annotated[str, AfterValidator(_real_day)]


class Blackout(Policy):
    """Days on which no drill starts, both ends included: of every year ("MM-DD", may run over New Year), or
    of one ("YYYY-MM-DD") for holidays that move."""

    name: Name
    first: Day
    last: Day

    @model_validator(mode="after")
    def _of_one_kind(self) -> "Blackout":
        if len(self.first) != len(self.last) or (len(self.first) > len("MM-DD") and self.first > self.last):
            raise ValueError("write both days with the year, the first before the last, or both without")
        return self

    def covers(self, day: date) -> bool:
        """Whether no drill starts on that day."""
        said = day.isoformat()[-len(self.first) :]
        if self.first <= self.last:
            return self.first <= said <= self.last
        return said >= self.first or said <= self.last


class Limits(Policy):
    """How often one person may be disturbed by drills."""

    days_between: PositiveInt
    most_in_90_days: PositiveInt = 3
    most_in_a_year: PositiveInt
    most_at_night_in_a_year: PositiveInt


class DrillTemplate(Policy):
    """A drill plan to start from: RRULE in local time, share of the scope's pool, kind and notice.
    ``misfire`` says what happens to occurrences that fell due while nothing ran; ``jitter_minutes``: it
    starts at a moment drawn by lot, up to so long after the rule's."""

    name: Name
    kind: Kind
    notice: Notice
    rule: Rule
    hazard: str
    share_percent: int = Field(ge=1, le=100)
    answer_minutes: PositiveInt
    misfire: Misfire = "latest"
    jitter_minutes: int = Field(0, ge=0, le=720)


class WhatIf(Policy):
    """[what_if]. An imagined callout is played in ``draws``; people leave ``prepare_minutes`` after a yes,
    and travel times vary by ``travel_spread``, the standard deviation of their logarithm. Coverage is judged
    after ``horizon_minutes``; readiness is told by ``ready_minutes``. The whole city is played at night when
    the last time is ``grid_days`` ago, and the last ``keep_grids`` are kept. ``hours``: of work that a fix
    takes for one person; what is not named is not proposed."""

    draws: int = Field(default=1000, ge=10, le=100_000)
    grid_draws: int = Field(default=1000, ge=10, le=100_000)
    prepare_minutes: NonNegativeFloat = 10
    travel_spread: float = Field(default=0.3, ge=0, le=2)
    horizon_minutes: PositiveInt = 60
    ready_minutes: tuple[PositiveInt, ...] = (15, 30, 60)
    grid_days: PositiveInt = 7
    keep_grids: PositiveInt = 8
    lease_minutes: PositiveInt = 10
    hours: dict[Fix, NonNegativeFloat] = {}

    @model_validator(mode="after")
    def _rising(self) -> "WhatIf":
        minutes = list(self.ready_minutes)
        if minutes != sorted(set(minutes)) or len(minutes) != 3:
            raise ValueError("ready_minutes: name three that rise, such as [15, 30, 60]")
        if self.horizon_minutes % 5 or self.horizon_minutes > 180:
            raise ValueError("horizon_minutes: a multiple of 5 up to 180")
        return self


class Next(Policy):
    """[next]. Drills are proposed where they teach most: ``shown`` of them, of about ``asks`` people, none
    where fewer than ``fewest`` may be disturbed, no sooner than ``lead_days`` ahead, by ``day`` and by
    ``night`` as these templates say (else the first), at those hours. ``years``: of incidents that tell how
    often they come."""

    shown: int = Field(5, ge=1, le=50)
    asks: PositiveInt = 40
    fewest: PositiveInt = 10
    lead_days: int = Field(7, ge=1, le=90)
    years: PositiveInt = 3
    day: str = ""
    night: str = ""
    day_at: time = time(10, 0)
    night_at: time = time(22, 30)


class Promise(Policy):
    """What is promised in public: the first message within ``sent_seconds`` of declaring. The phone tree
    beside it: how long a call takes, and how many of a hundred are picked up."""

    sent_seconds: PositiveInt = 60
    call_minutes: PositiveFloat = 3
    picked_percent: int = Field(50, ge=1, le=100)


class Drills(Policy):
    """config/drills.toml. ``report_minutes``: within how many minutes the share that answered is reported;
    ``paper_hours``: how long after its time a drill on paper waits for its sheets to be keyed in."""

    report_minutes: tuple[PositiveInt, ...] = Field(min_length=1)
    promise: Promise = Promise()
    what_if: WhatIf = WhatIf()
    next: Next = Next()
    paper_hours: PositiveInt = 24
    limits: Limits
    blackouts: tuple[Blackout, ...] = ()
    templates: dict[str, DrillTemplate] = Field(min_length=1)

    @field_validator("report_minutes")
    @classmethod
    def _rising(cls, minutes: tuple[int, ...]) -> tuple[int, ...]:
        if list(minutes) != sorted(set(minutes)):
            raise ValueError("the minutes must rise, each once")
        return minutes

    def blackout(self, day: date) -> Blackout | None:
        """The blackout a day falls into, if any."""
        return next((row for row in self.blackouts if row.covers(day)), None)

    @model_validator(mode="after")
    def _known_templates(self) -> "Drills":
        for name in (self.next.day, self.next.night):
            if name and name not in self.templates:
                raise ValueError(
                    f'next: there is no template "{name}"; name one of {", ".join(self.templates)}'
                )
        return self

    @model_validator(mode="after")
    def _limits_agree(self) -> "Drills":
        if self.limits.days_between * self.limits.most_in_a_year > 366:
            raise ValueError(
                f"limits: {self.limits.most_in_a_year} drills, {self.limits.days_between} days apart, "
                "do not fit into a year; lower one of the two"
            )
        return self
