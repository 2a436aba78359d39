"""What holds for the whole installation (config/hub.toml): name, zone, night, and how long data is kept."""

from datetime import time
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveInt

from volunteer_hub.core.policy import Name, Policy


def _known_zone(zone: str) -> str:
    if zone not in available_timezones():
        raise ValueError('use a name of the IANA time zone database, such as "Asia/Shanghai"')
    return zone


def _known_language(language: str) -> str:
    if language not in ("en", "zh"):
        raise ValueError('the languages shipped are "en" and "zh"')
    return language


Zone = Annotated[str, AfterValidator(_known_zone)]
Language = Annotated[str, AfterValidator(_known_language)]


class Night(Policy):
    """The hours of the night, local time; they may run over midnight. The rest of the 24 hours is the day.

    One definition for the whole house: the night cell of a weekly availability pattern runs from ``starts``
    of its day to the next ``ends``; a callout at night needs a second person; night answer rates differ.
    """

    starts: time
    ends: time

    def covers(self, moment: time) -> bool:
        """Whether a local time of day lies in the night (start included, end excluded)."""
        if self.starts <= self.ends:
            return self.starts <= moment < self.ends
        return moment >= self.starts or moment < self.ends


class Retention(Policy):
    """Whole days after which personal data goes; the deed itself stays, without the person."""

    messages_days: PositiveInt
    applications_days: PositiveInt
    left_volunteers_days: PositiveInt
    sessions_days: PositiveInt
    reports_days: PositiveInt


class CallDown(Policy):
    """When each day's call-down by building is written, in local time, and how many days it is kept."""

    at: time
    keep_days: PositiveInt


class Site(Policy):
    """config/hub.toml. ``languages[0]`` is the one used when a reader has not said; ``roster`` weighs the
    soft terms of a plan with several duties per person, each in minutes of travel."""

    name: Name
    zone: Zone
    languages: tuple[Language, ...] = Field(min_length=1)
    phone_region: str = Field(pattern=r"^[A-Z]{2}$")
    night: Night
    retention: Retention
    call_down: CallDown
    roster: dict[str, NonNegativeFloat] = {}

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)
