"""What service is worth (config/rewards.toml). Integers only: points have no fractions."""

from datetime import time
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from volunteer_hub.core.policy import Policy
from volunteer_hub.incentives.badges_policy import Badge
from volunteer_hub.incentives.deductions_policy import Deductions
from volunteer_hub.incentives.gifts_policy import Gifts
from volunteer_hub.incentives.levels_policy import Levels
from volunteer_hub.incentives.recognition_policy import Recognition

EvidenceGrade = Literal["A", "B", "C"]
EngagementBasis = Literal["election", "employment", "coordination", "compulsory", "voluntary"]


class Points(Policy):
    """[points]. Per whole hour of service, with extras per hour; ``hazard_percent`` multiplies the hours of a
    hazardous task (150 = half as much again); the rest is paid per deed."""

    hour: NonNegativeInt
    night_hour_extra: NonNegativeInt
    weekend_hour_extra: NonNegativeInt
    leader_hour_extra: NonNegativeInt
    hazard_percent: int = Field(ge=100, le=500)
    standby_hour: NonNegativeInt
    drill: NonNegativeInt
    survey: NonNegativeInt
    training: NonNegativeInt = 0
    report: NonNegativeInt = 0


class Caps(Policy):
    """[caps]. The most one person earns, by local calendar day and month."""

    day: PositiveInt
    month: PositiveInt

    @model_validator(mode="after")
    def _month_holds_a_day(self) -> "Caps":
        if self.month < self.day:
            raise ValueError(f"month {self.month} is less than day {self.day}; raise month")
        return self


class NightHours(Policy):
    """[night]. Local hours that earn the night extra; kept here, not in hub.toml, so that a rule version
    explains an old entry by itself."""

    starts: time
    ends: time


class FlagLimits(Policy):
    """[flags]. From where on hours are looked at by a person before they pay; `flag_rules` has the rules.

    ``review``: grades that always are; ``approved_converts``: what was looked at and accepted pays, whatever
    its grade.
    """

    review: tuple[EvidenceGrade, ...] = ("C",)
    approved_converts: bool = True
    overlap_minutes: NonNegativeInt = 10
    fastest_kmh: PositiveInt = 130
    longest_hours: PositiveInt = 18
    batch_people: int = Field(10, ge=2)
    batch_minutes: PositiveInt = 30
    round_entries: int = Field(6, ge=2)
    round_percent: int = Field(80, ge=1, le=100)
    twin_people: int = Field(4, ge=2)
    device_people: int = Field(4, ge=2)
    device_hours: PositiveInt = 12
    far_metres: PositiveInt = 1500
    early_minutes: NonNegativeInt = 10
    ahead_minutes: PositiveInt = 180
    long_percent: int = Field(150, ge=100)
    long_minutes: NonNegativeInt = 120
    late_days: PositiveInt = 7


class Rewards(Policy):
    """config/rewards.toml. Change a rule, raise ``version``: a ledger entry names the version it was paid by.

    ``converts``: evidence grades whose hours become points. ``hours_for``: engagement bases whose time counts
    as volunteer hours; paid or compulsory time does not.
    """

    version: PositiveInt
    converts: tuple[EvidenceGrade, ...] = Field(min_length=1)
    hours_for: tuple[EngagementBasis, ...] = Field(min_length=1)
    expiry_months: PositiveInt
    points: Points
    night: NightHours
    caps: Caps
    levels: Levels = Levels()
    badges: tuple[Badge, ...] = ()
    flags: FlagLimits = FlagLimits()
    recognition: Recognition = Recognition()
    deductions: Deductions = Deductions()
    gifts: Gifts = Gifts()
