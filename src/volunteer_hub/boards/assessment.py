"""Where people stand with a course: what is missing, the test that runs, what passing has given."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from volunteer_hub.access import jurisdictions
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.training import assessments, courses
from volunteer_hub.training.assessments import Standing
from volunteer_hub.training.courses import Offered
from volunteer_hub.training.models import Attempt
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import SkillClaim, Volunteer


@dataclass(frozen=True)
class Studying:
    """A volunteer and a course. ``attempt``: the test that runs, else the latest; ``suspended``: they are not
    called out for its skill until they pass."""

    person: Volunteer
    zone: str
    offered: Offered
    standing: Standing
    passed: bool
    attempt: Attempt | None
    suspended: bool


def today_of(tx: Tx, person: Volunteer) -> date:
    """The day it is where somebody lives."""
    return tx.now.astimezone(ZoneInfo(jurisdictions.by_path(tx, person.area).zone)).date()


def standing(tx: Tx, person: Volunteer, offered: Offered) -> Standing:
    """Where somebody stands with a course today."""
    return assessments.standing(tx, person.id, offered, today_of(tx, person), courses.shipped().assessment)


def studying(tx: Tx, volunteer_id: int, code: str) -> Studying:
    """A volunteer at one of the courses offered to them. Raises NotFound."""
    person = registry.one(tx, volunteer_id)
    offered = courses.for_area(tx, person.area).get(code)
    if offered is None:
        raise NotFound("not_found")
    at, skill = standing(tx, person, offered), offered.course.skill
    claim = tx.get(SkillClaim, (person.id, skill)) if skill is not None else None
    return Studying(
        person=person,
        zone=jurisdictions.by_path(tx, person.area).zone,
        offered=offered,
        standing=at,
        passed=at.valid(today_of(tx, person)),
        attempt=assessments.last_attempt(tx, person.id, code),
        suspended=claim is not None and claim.suspended_at is not None,
    )
