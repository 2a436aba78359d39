"""A course in Sartu: Mei plans a session of it, people of tests.world come."""

from datetime import datetime, timedelta

from tests.flows.callouts import NOW
from tests.world import World
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import Actor
from volunteer_hub.flows import train
from volunteer_hub.training.models import TrainingSession
from volunteer_hub.training.rules import SessionSpec
from volunteer_hub.volunteers.models import Volunteer

STARTS = NOW + timedelta(hours=6)


def spec(course: str = "first_aid", places: int = 2, starts: datetime = STARTS) -> SessionSpec:
    """Three hours in the community hall."""
    return SessionSpec(
        course, "Community hall, room 2", starts, starts + timedelta(hours=3), places, "Dr Sun"
    )


def planned(w: World, course: str = "first_aid", places: int = 2) -> TrainingSession:
    """A session six hours ahead, planned by Mei."""
    with clock.fixed(NOW), db.transaction(w.mei, "training.plan") as tx:
        return train.plan(tx, w.incident.area, spec(course, places))


def me(person: Volunteer) -> Actor:
    """The person at their own doors."""
    return Actor("volunteer", person.id, person.name or "", person.lang)
