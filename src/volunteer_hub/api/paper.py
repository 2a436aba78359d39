"""Answers and arrivals that were kept on paper while the network was down, keyed in with their true hours."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import In, Out
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import paper as flow
from volunteer_hub.flows.paper import Keyed, Line
from volunteer_hub.mobilization import callouts
from volunteer_hub.mobilization.desk import LONGEST_WAY
from volunteer_hub.mobilization.rules import Answer, Outcome

router = APIRouter(tags=["paper"])


class LineIn(In):
    """One line of a sheet: ``offer`` or ``phone`` says whose; an answer has its hour, and so have coming and
    leaving, all between the question and now."""

    offer: uuid.UUID | None = None
    phone: str = Field("", max_length=40)
    answer: Literal[Answer.ACCEPT, Answer.DECLINE, Answer.LATER] | None = None
    at: AwareDatetime | None = None
    minutes_there: int | None = Field(None, ge=0, le=LONGEST_WAY)
    from_when: AwareDatetime | None = Field(None, alias="from")
    came_at: AwareDatetime | None = None
    left_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _of_somebody(self) -> "LineIn":
        if (self.offer is None) == (not self.phone.strip()):
            raise ValueError("give offer or phone, one of the two")
        return self


class SheetIn(In):
    """A sheet of paper, at most 500 lines."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lines": [
                        {
                            "phone": "+8613900000002",
                            "answer": "accept",
                            "at": "2031-01-20T10:20:00+08:00",
                            "came_at": "2031-01-20T11:05:00+08:00",
                        }
                    ]
                }
            ]
        }
    )
    lines: list[LineIn] = Field(min_length=1, max_length=500)


class LineOut(Out):
    """What came of one line. ``problem`` says in words why it was not taken, ``code`` which reason that is;
    ``new`` is false where it was known."""

    line: int
    offer: uuid.UUID | None
    outcome: Outcome | None
    new: bool
    code: str | None
    problem: str | None


class SheetOut(Out):
    """How many lines changed something, and what came of each, in their order."""

    taken: int
    lines: list[LineOut]


@router.post("/callouts/{id}/paper")
def key_in(
    actor: Annotated[Actor, allow("duty.write")], language: Language, id: uuid.UUID, body: SheetIn
) -> SheetOut:
    """Good lines are taken, bad ones named; the same sheet again changes nothing."""
    with db.transaction(actor, "callout.paper") as tx:
        callout = callouts.find(tx, "duty.write", id)
        keyed = flow.key_in(tx, callout, [Line(**line.model_dump()) for line in body.lines])
        lines = [_shown(number, one, language) for number, one in enumerate(keyed, 1)]
    return SheetOut(taken=sum(line.new for line in lines), lines=lines)


def _shown(number: int, one: Keyed, language: str) -> LineOut:
    return LineOut(
        line=number,
        offer=one.offer.public_id if one.offer is not None else None,
        outcome=one.outcome,
        new=one.new,
        code=one.error.code if one.error is not None else None,
        problem=words(one, language),
    )


def words(one: Keyed, language: str) -> str | None:
    """Why a line was not taken; of a wrong field, that."""
    if one.error is None:
        return None
    faults = one.error.fields or (one.error,)
    return " ".join(t(language, f"error.{fault.code}", **fault.params) for fault in faults)
