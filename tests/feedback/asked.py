"""Bo, Lin and others of Dongfeng, asked after a drill."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests import areas
from tests.mobilization import rows
from volunteer_hub.core.db import Tx
from volunteer_hub.core.policy import SHIPPED, read
from volunteer_hub.feedback import surveys
from volunteer_hub.feedback.models import Survey
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Form, Kind

DONGFENG = "/1/2/3/"
POLICY = read(SHIPPED / "surveys.toml", Surveys).model_copy(update={"smallest_group": 1})
GOOD: Mapping[str, Any] = {"overall": 4, "safe": "yes", "missing": "More lamps."}


@dataclass(frozen=True)
class Asked:
    """One survey a person, in the order of the people."""

    incident: int
    people: list[int]
    surveys: list[Survey]


def plant(tx: Tx, count: int = 2, form: Form = Form.VOLUNTEER) -> Asked:
    """People asked at 14:00 of a Monday."""
    tx.now = rows.NOW
    areas.plant(tx)
    incident, people = rows.incident(tx), rows.people(tx, count)
    opened = surveys.open_for(tx, incident, DONGFENG, people, POLICY, kind=Kind.REAL, form=form)
    return Asked(incident, people, opened)
