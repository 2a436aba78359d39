"""What drills are held and how often one person is disturbed (config/drills.toml)."""

import re
from typing import Annotated, Literal

from dateutil.rrule import rrulestr
from pydantic import AfterValidator, Field, PositiveInt, field_validator, model_validator

from volunteer_hub.core.policy import Name, Policy

Kind = Literal["reachability", "assembly"]
Notice = Literal["full", "partial", "none"]
Misfire = Literal["skip", "latest", "all"]


def _readable_rule(rule: str) -> str:
    try:
        rrulestr(rule)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f'not an iCalendar RRULE ({error}); write for example "FREQ=MONTHLY;BYDAY=1TU;BYHOUR=10"'
        ) from None
    return rule


def _real_day(day: str) -> str:
    found = re.fullmatch(r"(\d\d)-(\d\d)", day)
    if not found or not 1 <= int(found[1]) <= 12 or not 1 <= int(found[2]) <= 31:
        raise ValueError('write the day as "MM-DD", such as "10-01"')
    return day


Rule = Annotated[str, AfterValidator(_readable_rule)]
DayOfYear = Annotated[str, AfterValidator(_real_day)]


class Blackout(Policy):
    """Days on which no drill starts, both ends included; a range may run over New Year."""

    name: Name
    first: DayOfYear
    last: DayOfYear


class Limits(Policy):
    """How often one person may be disturbed by drills."""

    days_between: PositiveInt
    most_in_a_year: PositiveInt
    most_at_night_in_a_year: PositiveInt


class DrillTemplate(Policy):
    """A drill plan to start from: RRULE in local time, share of the scope's pool, kind and notice.
    ``misfire`` says what happens to occurrences that fell due while nothing ran."""

    name: Name
    kind: Kind
    notice: Notice
    rule: Rule
    hazard: str
    share_percent: int = Field(ge=1, le=100)
    answer_minutes: PositiveInt
    misfire: Misfire = "latest"


class Drills(Policy):
    """config/drills.toml. ``report_minutes``: within how many minutes the share that answered is reported."""

    report_minutes: tuple[PositiveInt, ...] = Field(min_length=1)
    limits: Limits
    blackouts: tuple[Blackout, ...] = ()
    templates: dict[str, DrillTemplate] = Field(min_length=1)

    @field_validator("report_minutes")
    @classmethod
    def _rising(cls, minutes: tuple[int, ...]) -> tuple[int, ...]:
        if list(minutes) != sorted(set(minutes)):
            raise ValueError("the minutes must rise, each once")
        return minutes

    def blackout(self, day: str) -> Blackout | None:
        """The blackout a day of the year ("MM-DD") falls into, if any."""
        for row in self.blackouts:
            inside = (
                row.first <= day <= row.last if row.first <= row.last else day >= row.first or day <= row.last
            )
            if inside:
                return row
        return None

    @model_validator(mode="after")
    def _limits_agree(self) -> "Drills":
        if self.limits.days_between * self.limits.most_in_a_year > 366:
            raise ValueError(
                f"limits: {self.limits.most_in_a_year} drills, {self.limits.days_between} days apart, "
                "do not fit into a year; lower one of the two"
            )
        return self
