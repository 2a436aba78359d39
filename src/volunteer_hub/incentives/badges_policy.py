"""[[badges]] of config/rewards.toml: what is given to whom, once, for deeds that are on record."""

from enum import StrEnum

from pydantic import Field, PositiveInt

from volunteer_hub.core.policy import Name, Policy


class Fact(StrEnum):
    """What is counted: real duties, those with an hour or more at night, different hazards met on them,
    drills answered, newcomers somebody agreed to be a mentor of, different courses passed."""

    DUTIES = "duties"
    NIGHTS = "nights"
    HAZARDS = "hazards"
    DRILLS = "drills"
    NEWCOMERS = "newcomers"
    COURSES = "courses"


class Badge(Policy):
    """Given for ``count`` of a fact, with the day of the last of them; never taken back for doing nothing."""

    code: str = Field(pattern=r"^[a-z][a-z_]{0,39}$")
    name: Name
    fact: Fact
    count: PositiveInt
