"""A volunteer's own day: what is asked of them, where they are expected, what they have earned."""

from dataclasses import dataclass
from typing import Final

from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import level, slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback import queries as surveys
from volunteer_hub.feedback.models import Survey
from volunteer_hub.feedback.rules import State as SurveyState
from volunteer_hub.feedback.rules import now_state
from volunteer_hub.feedback.surveys import token as survey_token
from volunteer_hub.incentives import queries as points
from volunteer_hub.incentives.levels_rules import Reached
from volunteer_hub.incentives.queries import Hours, StatementLine
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import offers, queries
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.rules import HOLDING, OfferState
from volunteer_hub.volunteers import registry

_LATEST: Final = 5
_OPEN: Final = frozenset({OfferState.ASKED, OfferState.STANDING_BY}) | HOLDING


@dataclass(frozen=True)
class OfferLine:
    """One offer with its work; ``link`` is the path of its own page."""

    offer: Offer
    facts: SlotFacts
    link: str


@dataclass(frozen=True)
class SurveyLine:
    """Questions that wait for an answer, after which incident."""

    survey: Survey
    title: str
    link: str


@dataclass(frozen=True)
class Today:
    """``asked`` wait for an answer, ``going`` are promised or under way, ``past`` the latest of the rest."""

    name: str
    zone: str
    asked: tuple[OfferLine, ...]
    going: tuple[OfferLine, ...]
    past: tuple[OfferLine, ...]
    surveys: tuple[SurveyLine, ...]
    balance: int
    hours: Hours
    statement: tuple[StatementLine, ...]
    level: Reached


def of(tx: Tx, volunteer_id: int) -> Today:
    """The day of a person; the door has checked that it is the actor. Raises NotFound once they are gone."""
    person = registry.one(tx, volunteer_id)
    lines = _offers(tx, volunteer_id)
    current = [line for line in lines if line.offer.state in _OPEN and not _over(tx, line)]
    asked = tuple(line for line in current if line.offer.state is OfferState.ASKED)
    going = tuple(line for line in current if line.offer.state is not OfferState.ASKED)
    past = tuple(line for line in lines if line not in current)[:_LATEST]
    return Today(
        name=person.name or "",
        zone=jurisdictions.by_path(tx, person.area).zone,
        asked=asked,
        going=going[::-1],
        past=past,
        surveys=_surveys(tx, volunteer_id),
        balance=points.balance(tx, volunteer_id),
        hours=points.hours(tx, volunteer_id),
        statement=tuple(points.statement(tx, volunteer_id, limit=_LATEST)[:_LATEST]),
        level=level.of(tx, volunteer_id, person.area),
    )


def _over(tx: Tx, line: OfferLine) -> bool:
    """Whether nothing can be done about it any more; who is on site has still to check out."""
    if line.offer.state is OfferState.ON_SITE:
        return False
    late = line.offer.expires_at is not None and line.offer.expires_at <= tx.now
    return line.offer.ends_at <= tx.now or (line.offer.state is OfferState.ASKED and late)


def _offers(tx: Tx, volunteer_id: int) -> list[OfferLine]:
    rows = queries.offers_of_volunteer(tx, volunteer_id)
    facts = slots.of(tx, {offer.slot_id for offer in rows})
    return [
        OfferLine(offer, facts[offer.slot_id], f"/c/{offers.link_token(offer.public_id)}") for offer in rows
    ]


def _surveys(tx: Tx, volunteer_id: int) -> tuple[SurveyLine, ...]:
    rows = [
        survey
        for survey in surveys.of_volunteer(tx, volunteer_id)
        if now_state(survey.state, survey.expires_at, tx.now) is SurveyState.OPEN
    ]
    wanted = select(Incident.id, Incident.title).where(col(Incident.id).in_([s.incident_id for s in rows]))
    titles = dict(tx.exec(wanted).all())
    return tuple(
        SurveyLine(survey, titles[survey.incident_id], f"/s/{survey_token(survey.public_id)}")
        for survey in rows
    )
