"""Who is recognised for a month, by stated rules; a volunteer says whether they want to be named."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import Language, Volunteer, allow
from volunteer_hub.api.me import id_of
from volunteer_hub.api.pages import In, Out
from volunteer_hub.boards import recognition as board
from volunteer_hub.boards.recognition import Line
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import pick
from volunteer_hub.incentives import unnamed

router = APIRouter(tags=["recognition"])
Month = Annotated[str, Query(max_length=7, description="as 2031-01; the last full month without it")]


class NamedIn(In):
    """Whether I want to be named where people are recognised."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"named": False}]})
    named: bool


class LineOut(Out):
    """Somebody recognised; ``name`` is null for who does not want to be named. In minutes."""

    name: str | None
    area: str
    given: int
    asked: int
    share: float


class MonthOut(Out):
    """``rules``: by which they were chosen (config/rewards.toml)."""

    area: str
    month: date
    rules: dict[str, int]
    people: list[LineOut]
    communities: list[LineOut]


def _line(one: Line, lang: str) -> LineOut:
    share = one.given.per_mille / 1000
    return LineOut(
        name=one.name, area=pick(one.area, lang), given=one.given.minutes, asked=one.given.asked, share=share
    )


@router.get("/recognition", response_model=MonthOut)
def month(
    actor: Annotated[Actor, allow("points.read")],
    lang: Language,
    area: Annotated[str, Query(max_length=100, description="official code")],
    month: Month = "",
) -> MonthOut:
    """The people and communities of a month in one of the actor's areas."""
    with db.read(actor) as tx:
        node = jurisdictions.by_code(tx, area)
        actor.must_cover("points.read", node.path)
        found = board.view(tx, node.path, month)
    return MonthOut(
        area=pick(found.area.name, lang),
        month=found.first,
        rules=found.rules.model_dump(),
        people=[_line(one, lang) for one in found.people],
        communities=[_line(one, lang) for one in found.communities],
    )


@router.put("/volunteers/me/named", status_code=204, response_class=Response)
def choose(actor: Volunteer, body: NamedIn) -> None:
    """Says whether I want to be named."""
    with db.transaction(actor, "me.named") as tx:
        unnamed.choose(tx, id_of(actor), named=body.named)
