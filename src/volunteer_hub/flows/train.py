"""Courses meet people: enrolled and told when they move up, when a session is changed or called off."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.flows import letters, settle
from volunteer_hub.notify import outbox
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.rules import Subject
from volunteer_hub.training import assessments, courses, enrolments, introductions, sessions
from volunteer_hub.training.models import Enrolment, TrainingSession
from volunteer_hub.training.rules import SessionSpec
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import CALLABLE, Status

WORTH: Final = timedelta(days=2)
TRAINABLE: Final = CALLABLE | {Status.APPLIED, Status.PAUSED}
"""Whoever is in the pool or on the way into it may learn."""


def plan(tx: Tx, area: str, spec: SessionSpec) -> TrainingSession:
    """A session for the people of an area. Raises as `sessions.plan`."""
    return sessions.plan(tx, area, spec, courses.for_area(tx, area))


def change(tx: Tx, session: TrainingSession, version: int, spec: SessionSpec) -> None:
    """Another time, place or number of places: those enrolled hear of the first two, and more places are
    filled from the waiting list. Raises as `sessions.change`."""
    if sessions.change(tx, session, version, spec):
        _tell(tx, "training_changed", session, enrolments.coming(tx, session), f"v{session.version}")
    _moved(tx, session, enrolments.move_up(tx, session))


def cancel(tx: Tx, session: TrainingSession, version: int) -> None:
    """Calls it off and tells everybody on the list. Raises as `sessions.cancel`."""
    coming = enrolments.coming(tx, session)
    sessions.cancel(tx, session, version)
    _tell(tx, "training_cancelled", session, coming, "off")


def enrol(tx: Tx, volunteer_id: int, session_id: uuid.UUID) -> Enrolment:
    """A person puts themselves down. Raises NotFound for a session that is not for them, Refused."""
    person = registry.one(tx, volunteer_id, lock=True)
    return enrolments.enrol(tx, sessions.open_to(tx, person.area, session_id), person.id)


def enrol_by_staff(tx: Tx, session: TrainingSession, public_id: uuid.UUID) -> Enrolment:
    """The staff puts somebody of its areas down. Raises as `enrol`."""
    tx.actor.must_cover("training.write", session.area)
    person = registry.find(tx, "volunteer.read", public_id, lock=True)
    return enrolments.enrol(tx, sessions.open_to(tx, person.area, session.public_id), person.id)


def withdraw(tx: Tx, volunteer_id: int, session_id: uuid.UUID) -> None:
    """A person gives their place back; whoever moves up for it is told. Raises as `enrolments.withdraw`."""
    person = registry.one(tx, volunteer_id, lock=True)
    session = sessions.open_to(tx, person.area, session_id)
    _moved(tx, session, enrolments.withdraw(tx, session, person.id))


def check_in(tx: Tx, volunteer_id: int, session_id: uuid.UUID, code: str) -> Enrolment:
    """A person is there, by the code shown in the room. Raises as `enrolments.check_in`."""
    person = registry.one(tx, volunteer_id)
    session = sessions.open_to(tx, person.area, session_id)
    return enrolments.check_in(tx, session, person.id, code, courses.shipped().attendance)


def forget(tx: Tx, volunteer_id: int) -> None:
    """The places of somebody who is forgotten go to whoever waits; their results stay as counts alone."""
    assessments.forget(tx, volunteer_id)
    introductions.forget(tx, volunteer_id)
    for session, moved in enrolments.forget(tx, volunteer_id):
        _moved(tx, session, moved)


def _moved(tx: Tx, session: TrainingSession, moved: Sequence[Enrolment]) -> None:
    _tell(tx, "training_promoted", session, moved, f"{tx.now.timestamp():.6f}")


def _tell(tx: Tx, purpose: str, session: TrainingSession, rows: Sequence[Enrolment], deed: str) -> None:
    until = max(min(session.starts_at, tx.now + WORTH), tx.now + timedelta(hours=1))
    params = {
        "course": courses.one(tx, session.course).name,
        "place": session.place,
        "starts_at": session.starts_at.isoformat(),
        "zone": settle.zone_of(tx, session.area).key,
    }
    tell(tx, purpose, {row.volunteer_id: f"enrolment:{row.id}:{deed}" for row in rows}, params, until)


def tell(tx: Tx, purpose: str, deeds: dict[int, str], params: dict[str, Any], until: datetime) -> int:
    """Queues words to people, how many; ``deeds``: volunteer -> what makes it happen once."""
    ways = letters.reach(tx, deeds, purpose)
    wanted = select(Volunteer.id, Volunteer.area).where(col(Volunteer.id).in_(deeds))
    homes = dict(tx.exec(wanted).all())
    return outbox.enqueue(
        tx,
        [
            Draft(
                purpose=purpose,
                subject_kind=Subject.VOLUNTEER,
                subject_id=who,
                area=homes[who],
                channel=way.channel,
                lang=way.lang,
                dedupe_key=f"{deeds[who]}:{purpose}",
                expires_at=until,
                volunteer_id=who,
                contact_id=way.contact.id,
                params=params,
            )
            for who, way in sorted(ways.items())
            if way.contact is not None and way.channel is not None
        ],
    )
