"""Duties that Bo, Lin and others have served in Dongfeng, ready to be paid."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.mobilization import rows
from volunteer_hub.core.db import Tx
from volunteer_hub.core.policy import SHIPPED, read
from volunteer_hub.incentives.entries import InForce
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.rules import Basis, Grade, Kind, Service
from volunteer_hub.incentives.time_served import DutyFacts

DAQING = ZoneInfo("Asia/Shanghai")
REWARDS = read(SHIPPED / "rewards.toml", Rewards)
DONGFENG = "/1/2/3/"


def service(begins: str, ends: str, zone: str = "Asia/Shanghai", **facts: Any) -> Service:
    """A voluntary duty between two local times, well evidenced unless said otherwise."""
    timezone = ZoneInfo(zone)
    moments = [datetime.fromisoformat(local).replace(tzinfo=timezone) for local in (begins, ends)]
    usual: dict[str, Any] = {"kind": Kind.REAL, "grade": Grade.A, "basis": Basis.VOLUNTARY}
    return Service(*(moment.astimezone(UTC) for moment in moments), timezone, **{**usual, **facts})


MORNING = service("2031-01-20T09:00", "2031-01-20T12:00")
"""A Monday; three hours, 30 points."""


@dataclass(frozen=True)
class Served:
    """One duty a person, by position: Bo has the first, Lin the second."""

    incident: int
    people: list[int]
    duties: list[int]
    by: InForce

    @property
    def bo(self) -> int:
        return self.people[0]

    @property
    def lin(self) -> int:
        return self.people[1]

    def facts(self, person: int = 0, served: Service = MORNING) -> DutyFacts:
        """The duty of the n-th person."""
        return DutyFacts(self.duties[person], self.incident, self.people[person], DONGFENG, served)


def plant(tx: Tx, count: int = 2) -> Served:
    """People of Dongfeng with a duty each, at 14:00 of that Monday."""
    return _on_duty(tx, rows.plant(tx, [count], count), InForce(REWARDS, rows.policy_version(tx)))


def again(tx: Tx, world: Served) -> Served:
    """Another incident, with another duty of each of the same people."""
    return _on_duty(tx, rows.send(tx, [len(world.people)], world.people), world.by)


def _on_duty(tx: Tx, sent: rows.World, by: InForce) -> Served:
    duties = [
        rows.insert(
            tx,
            "duties",
            offer_id=sent.offer(n).id,
            volunteer_id=person,
            incident_id=sent.incident,
            area=DONGFENG,
            state="expected",
        )[0]
        for n, person in enumerate(sent.people)
    ]
    return Served(sent.incident, sent.people, duties, by)


def later(hours: int, served: Service = MORNING) -> Service:
    """The same duty so many hours later."""
    span = timedelta(hours=hours)
    return replace(served, begins=served.begins + span, ends=served.ends + span)
