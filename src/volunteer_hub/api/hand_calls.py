"""People of a callout whom nothing reached: rung up by helpers, answered on their behalf."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, ConfigDict, Field

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import In, Out, Page
from volunteer_hub.boards import hand_calls as board
from volunteer_hub.boards.hand_calls import HandCallLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import hand_call as flow
from volunteer_hub.mobilization import callouts
from volunteer_hub.mobilization.desk import LONGEST_WAY, Reply
from volunteer_hub.mobilization.rules import Answer, DeclineReason, Rung

router = APIRouter(tags=["hand calls"])

Helper = Annotated[Actor, allow("duty.write")]


class SameNumberOut(Out):
    """Somebody else at the same telephone, and what they are asked."""

    offer: uuid.UUID
    name: str | None
    task: str


class HandCallOut(Out):
    """Somebody to ring up. ``claimed_by`` is whoever else is ringing them, or their telephone
    ``for_another`` person; ``same_number`` names who else can be asked in the same call; ``tries`` calls had
    no answer."""

    offer: uuid.UUID
    name: str | None
    phone: str | None
    task: str
    role: str
    starts_at: datetime
    asked_at: datetime | None
    tries: int
    claimed_by: str | None
    for_another: bool
    same_number: list[SameNumberOut]


class SpokenIn(In):
    """What they said on the telephone: ``minutes_there`` goes with accept, ``reason`` with decline, ``from``
    with later."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"answer": "accept", "minutes_there": 30}]})
    answer: Literal[Answer.ACCEPT, Answer.DECLINE, Answer.LATER]
    minutes_there: int | None = Field(None, ge=0, le=LONGEST_WAY)
    reason: DeclineReason = DeclineReason.OTHER
    from_when: AwareDatetime | None = Field(None, alias="from")

    def reply(self) -> Reply:
        """As it is judged: without what goes with another answer."""
        minutes = self.minutes_there if self.answer is Answer.ACCEPT else None
        from_when = self.from_when if self.answer is Answer.LATER else None
        return Reply(self.answer, minutes, self.reason, from_when)


class NotSpokenIn(In):
    """Why nobody answered for them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"outcome": "no_answer"}]})
    outcome: Literal[Rung.NO_ANSWER, Rung.WRONG_NUMBER, Rung.INACTIVE]


@router.get("/callouts/{id}/hand-calls")
def listed(actor: Helper, language: Language, id: uuid.UUID) -> Page[HandCallOut]:
    """Whoever waits longest first, at most 200."""
    with db.read(actor) as tx:
        lines = board.of_callout(tx, callouts.find(tx, "duty.write", id))
        return Page(items=[_shown(line, language) for line in lines])


@router.post("/offers/{id}/hand-call/claim", status_code=204)
def claim(actor: Helper, id: uuid.UUID) -> None:
    """Keeps other helpers off them for ten minutes."""
    with db.transaction(actor, "hand_call.claim") as tx:
        flow.claim(tx, id)


@router.post("/offers/{id}/hand-call/answer", status_code=204)
def answer(actor: Helper, id: uuid.UUID, body: SpokenIn) -> None:
    """Records what they said, on their behalf; the trail keeps by whom."""
    with db.transaction(actor, "offer.on_behalf") as tx:
        flow.answered(tx, id, body.reply())


@router.post("/offers/{id}/hand-call/outcome", status_code=204)
def outcome(actor: Helper, id: uuid.UUID, body: NotSpokenIn) -> None:
    """No answer: rung again in a quarter of an hour. A wrong number is never tried again."""
    with db.transaction(actor, "hand_call.outcome") as tx:
        flow.not_answered(tx, id, body.outcome)


def _shown(line: HandCallLine, language: str) -> HandCallOut:
    return HandCallOut(
        offer=line.offer.public_id,
        name=line.name,
        phone=line.phone,
        task=pick(line.facts.title, language),
        role=pick(line.facts.role, language),
        starts_at=line.offer.starts_at,
        asked_at=line.offer.asked_at,
        tries=line.call.tries if line.call is not None else 0,
        claimed_by=line.claimed_by,
        for_another=line.for_another,
        same_number=[
            SameNumberOut(offer=also.offer.public_id, name=also.name, task=pick(also.facts.title, language))
            for also in line.also
        ],
    )
