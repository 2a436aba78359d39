"""Schedules of drills, and when each is due: reckoned from the schedule alone, not by the program's code."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from volunteer_hub.drills.rules import GRACE, Kind, Misfire, Notice, PlanSpec

BEGINS = datetime(2031, 3, 28, tzinfo=UTC)
"""Two days before the clocks of Europe go forward: what is kept longer runs over that night."""
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
MINUTE = 30


@dataclass(frozen=True)
class Schedule:
    """Every other day at an hour of its zone; each tenth every three hours, without a zone."""

    number: int

    @property
    def often(self) -> bool:
        """Every three hours: its people are let rest, so that most of its drills find nobody."""
        return self.number % 10 == 9

    @property
    def zone(self) -> str:
        return "UTC" if self.often else ZONES[self.number % len(ZONES)]

    @property
    def hours(self) -> tuple[int, ...]:
        return tuple(range(0, 24, 3)) if self.often else ((2 + 3 * self.number) % 24,)

    @property
    def misfire(self) -> Misfire:
        return list(Misfire)[self.number // 10 % 3 if self.often else self.number % 3]

    @property
    def spec(self) -> PlanSpec:
        every = 1 if self.often else 2
        hours = ",".join(map(str, self.hours))
        return PlanSpec(
            title=f"Check {self.number}",
            hazard="flood",
            rule=f"FREQ=DAILY;INTERVAL={every};BYHOUR={hours};BYMINUTE={MINUTE}",
            zone=self.zone,
            kind=Kind.REACHABILITY,
            notice=Notice.NONE,
            share_percent=100,
            answer_minutes=20,
            misfire=self.misfire,
        )

    def due(self, until: datetime) -> list[datetime]:
        """From the beginning on. A time that a clock leaves out in spring is taken by its offset before, and
        so is an hour later (PEP 495)."""
        zone = ZoneInfo(self.zone)
        first = BEGINS.astimezone(zone).replace(hour=0, minute=MINUTE, second=0, tzinfo=None)
        days = range(0, (until - BEGINS).days + 3, 1 if self.often else 2)
        walls = [first.replace(hour=hour) + timedelta(days=day) for day in days for hour in self.hours]
        moments = [wall.replace(tzinfo=zone).astimezone(UTC) for wall in walls]
        return [moment for moment in moments if BEGINS < moment <= until]

    def missed(self, until: datetime, start: datetime, end: datetime) -> Collection[datetime]:
        """Those by then that nothing made up for, where nothing ran from ``start`` to ``end``."""
        due = self.due(until)
        lost = [moment for moment in due if start < moment < end - GRACE]
        if self.misfire is Misfire.ALL:
            return ()
        latest = max((moment for moment in due if moment <= end), default=None)
        return [moment for moment in lost if self.misfire is Misfire.SKIP or moment != latest]
