"""After a duty: what whoever led says of a volunteer, and the volunteer of the leading; and the reply."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import Language, Volunteer, allow
from volunteer_hub.api.me import id_of
from volunteer_hub.api.pages import In, Out, Page
from volunteer_hub.boards import evaluations as board
from volunteer_hub.boards.evaluations import Told
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import pick
from volunteer_hub.feedback import evaluations
from volunteer_hub.feedback.evaluation_models import EvaluationRow
from volunteer_hub.feedback.evaluation_rules import LONGEST, Mark, Side
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import evaluate as flow

router = APIRouter(tags=["evaluations"])
Writer = Annotated[Actor, allow("duty.write")]


class EvaluationIn(In):
    """Criterion of the configuration -> yes, partly or not_yet, what is left out is not judged; and free
    words. Whoever is rated reads it in full."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"marks": {"safety": "yes", "prepared": "partly"}, "words": "Thanks."}]
        }
    )
    marks: dict[str, Mark] = Field(default_factory=dict, max_length=20)
    words: str = Field(default="", max_length=LONGEST)


class ReplyIn(In):
    """A word of whoever is rated."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"words": "I had no helmet that day."}]})
    words: str = Field(min_length=1, max_length=LONGEST)


class EvaluationOut(Out):
    """What was said after a duty; ``side`` says of whom."""

    id: uuid.UUID
    side: Side
    marks: dict[str, Mark]
    words: str | None
    written_at: datetime
    reply: str | None
    replied_at: datetime | None


class ToldOut(EvaluationOut):
    """The same as whoever is rated reads it: after which task, and by whom."""

    task: str
    by: str


class SuggestionOut(Out):
    """What a rule of the configuration suggests, and what it rests on; ``course``: empty where none helps."""

    text: str
    criterion: str
    times: int
    days: int
    course: str


@router.put("/duties/{id}/evaluation", response_model=EvaluationOut)
def of_volunteer(actor: Writer, id: uuid.UUID, body: EvaluationIn) -> EvaluationOut:
    """Says, as the staff that led, how a volunteer did; anew until they have answered."""
    with db.transaction(actor, "evaluation.write") as tx:
        return _out(flow.by_staff(tx, id, body.marks, body.words))


@router.put("/volunteers/me/duties/{id}/evaluation", response_model=EvaluationOut)
def of_leader(actor: Volunteer, id: uuid.UUID, body: EvaluationIn) -> EvaluationOut:
    """Says how I was led at my own duty; anew until it was answered."""
    with db.transaction(actor, "evaluation.write") as tx:
        return _out(flow.by_volunteer(tx, duties.own(tx, id), body.marks, body.words))


@router.get("/volunteers/me/evaluations", response_model=Page[ToldOut])
def told(actor: Volunteer, lang: Language) -> Page[ToldOut]:
    """What was said of me, the newest first, in full."""
    with db.read(actor) as tx:
        found = board.told(tx, evaluations.told(tx, id_of(actor)))
        return Page(items=[_told(one, lang) for one in found])


@router.put("/volunteers/me/evaluations/{id}/reply", response_model=EvaluationOut)
def reply(actor: Volunteer, id: uuid.UUID, body: ReplyIn) -> EvaluationOut:
    """My word about it."""
    with db.transaction(actor, "evaluation.reply") as tx:
        return _out(flow.reply(tx, id, body.words))


@router.get("/volunteers/me/suggestions", response_model=Page[SuggestionOut])
def suggestions(actor: Volunteer, lang: Language) -> Page[SuggestionOut]:
    """What the rules suggest to me; nothing else follows from evaluations."""
    with db.read(actor) as tx:
        return Page(
            items=[
                SuggestionOut(
                    text=pick(one.text, lang),
                    criterion=pick(one.criterion, lang),
                    times=one.times,
                    days=one.days,
                    course=one.course,
                )
                for one in board.suggestions(tx, id_of(actor))
            ]
        )


def _out(row: EvaluationRow) -> EvaluationOut:
    fields = {name: getattr(row, name) for name in EvaluationOut.model_fields if name != "id"}
    return EvaluationOut(id=row.public_id, **fields)


def _told(one: Told, lang: str) -> ToldOut:
    return ToldOut(**_out(one.row).model_dump(), task=pick(one.facts.title, lang), by=one.by)
