"""What the page behind a survey's link shows: the questions, after which incident, what answering earned."""

from dataclasses import dataclass

from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import drill_result
from volunteer_hub.boards.drill_result import OwnResult
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback import surveys
from volunteer_hub.feedback.models import Survey
from volunteer_hub.feedback.policy import Survey as Questions
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import State, now_state
from volunteer_hub.incentives import queries as points
from volunteer_hub.incentives.models import LedgerEntry
from volunteer_hub.incentives.rules import EntryKind
from volunteer_hub.incidents.models import Incident
from volunteer_hub.volunteers.models import Volunteer


@dataclass(frozen=True)
class SurveyView:
    """``state`` is as it is now: a survey past its time has expired. ``points``: earned by the answer.
    ``own``: the person's part, where it was a drill."""

    survey: Survey
    state: State
    form: Questions
    incident: Incident
    zone: str
    points: int
    balance: int
    own: OwnResult | None


def view(tx: Tx, token: str) -> SurveyView:
    """What a link shows; reads only. Raises NotFound for an unknown token."""
    survey = surveys.by_token(tx, token)
    policies: Surveys = policy.load("surveys", Surveys)
    earned = select(LedgerEntry.points).where(
        col(LedgerEntry.kind) == EntryKind.SURVEY,
        col(LedgerEntry.source) == f"survey:{survey.id}",
        col(LedgerEntry.last_day).is_not(None),  # the person's side, not the pool's
    )
    person = tx.get_one(Volunteer, survey.volunteer_id)
    return SurveyView(
        survey=survey,
        state=now_state(survey.state, survey.expires_at, tx.now),
        form=policies.surveys[survey.form.value],
        incident=tx.get_one(Incident, survey.incident_id),
        zone=jurisdictions.by_path(tx, survey.area).zone,
        points=tx.exec(earned).first() or 0,
        balance=points.balance(tx, survey.volunteer_id),
        own=next(iter(drill_result.own(tx, person, incident_id=survey.incident_id, limit=1)), None),
    )
