"""How it was: answered by the link, paid once, reminded at most as often as configured, stopped on a word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import col, select

from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback import surveys
from volunteer_hub.feedback.models import Survey
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Kind as SurveyKind
from volunteer_hub.flows import letters, settle
from volunteer_hub.incidents.models import Incident
from volunteer_hub.notify import outbox
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.rules import Kind, Subject


@dataclass(frozen=True)
class Answered:
    """A survey that was answered, and the points its answer has earned, now or when it came first."""

    survey: Survey
    points: int


def by_link(tx: Tx, token: str) -> Survey:
    """The survey behind a link; from here on the transaction acts as its person. Raises NotFound."""
    survey = surveys.by_token(tx, token)
    tx.actor = Actor("volunteer", survey.volunteer_id)
    return survey


def answer(tx: Tx, token: str, answers: Mapping[str, object]) -> Answered:
    """Takes the answers and pays for them. Raises as `surveys.answer`."""
    survey = surveys.answer(tx, by_link(tx, token), answers, policy.load("surveys", Surveys))
    outbox.cancel(tx, Subject.SURVEY, [survey.id])
    return Answered(survey, settle.survey(tx, survey))


def stop(tx: Tx, token: str) -> Survey:
    """The person wants to hear no more of it. Raises as `surveys.stop`."""
    survey = surveys.stop(tx, by_link(tx, token))
    outbox.cancel(tx, Subject.SURVEY, [survey.id])
    return survey


def remind() -> int:
    """The sweep over surveys whose reminder is due, and over those whose time is over; how many of both."""
    with db.transaction(SYSTEM, "survey.remind") as tx:
        due = surveys.remind(tx, policy.load("surveys", Surveys))
        tell(tx, "survey_reminder", due)
        return len(due) + surveys.expire(tx)


def tell(tx: Tx, purpose: str, asked: Sequence[Survey]) -> int:
    """Sends the links of these surveys; how many of the people can be reached.

    After the real thing they are no part of a callout: they keep to quiet hours.
    """
    if not asked:
        return 0
    ways = letters.reach(tx, (survey.volunteer_id for survey in asked))
    wanted = select(Incident.id, Incident.title).where(
        col(Incident.id).in_({survey.incident_id for survey in asked})
    )
    titles = dict(tx.exec(wanted).all())
    zones = {area: settle.zone_of(tx, area).key for area in {survey.area for survey in asked}}
    drafts = []
    for survey in asked:
        way = ways[survey.volunteer_id]
        if way.contact is None or way.channel is None:
            continue
        number = f":{survey.reminders}" if survey.reminders else ""
        drafts.append(
            Draft(
                purpose=purpose,
                subject_kind=Subject.SURVEY,
                subject_id=survey.id,
                area=survey.area,
                channel=way.channel,
                lang=way.lang,
                dedupe_key=f"survey:{survey.id}:{purpose}{number}",
                expires_at=max(survey.expires_at, tx.now + timedelta(minutes=1)),
                volunteer_id=survey.volunteer_id,
                contact_id=way.contact.id,
                kind=Kind.DRILL if survey.kind is SurveyKind.DRILL else Kind.NONE,
                params={"title": titles[survey.incident_id], "zone": zones[survey.area]},
            )
        )
    outbox.enqueue(tx, drafts)
    return len(drafts)
