"""Who is recognised for a month, by stated rules; a volunteer says whether they want to be named."""

from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import Language, Volunteer, allow
from volunteer_hub.api.me import id_of
from volunteer_hub.api.pages import In, Out
from volunteer_hub.boards import badges
from volunteer_hub.boards import recognition as board
from volunteer_hub.boards.recognition import Line
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.incentives import unnamed
from volunteer_hub.incentives.badges_policy import Fact
from volunteer_hub.incentives.badges_rules import Earned
from volunteer_hub.volunteers import registry

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


class TeamOut(Out):
    """The people called to one task. In minutes."""

    task: str
    incident: str
    area: str
    people: int
    given: int
    asked: int
    share: float


class BadgeOut(Out):
    """A badge somebody has: for ``count`` of ``fact``, completed by a deed ``at``."""

    code: str
    name: dict[str, str]
    fact: Fact
    count: int
    at: datetime
    why: str


class BadgesOut(Out):
    """The latest first; ``months`` in a row with a duty or an answer to a drill."""

    badges: list[BadgeOut]
    months: int


class MonthOut(Out):
    """``rules``: by which they were chosen (config/rewards.toml)."""

    area: str
    month: date
    rules: dict[str, int]
    people: list[LineOut]
    teams: list[TeamOut]
    communities: list[LineOut]


def _line(one: Line, lang: str) -> LineOut:
    share = one.given.per_mille / 1000
    return LineOut(
        name=one.name, area=pick(one.area, lang), given=one.given.minutes, asked=one.given.asked, share=share
    )


def _badge(one: Earned, lang: str, zone: str) -> BadgeOut:
    day = one.at.astimezone(ZoneInfo(zone)).date().isoformat()
    why = t(lang, f"badge.why.{one.badge.fact.value}", n=one.badge.count, day=day)
    kept = one.badge
    return BadgeOut(
        code=kept.code, name=kept.name.model_dump(), fact=kept.fact, count=kept.count, at=one.at, why=why
    )


@router.get("/recognition", response_model=MonthOut)
def month(
    actor: Annotated[Actor, allow("points.read")],
    lang: Language,
    area: Annotated[str, Query(max_length=100, description="official code")],
    month: Month = "",
) -> MonthOut:
    """The people, teams and communities of a month in one of the actor's areas."""
    with db.read(actor) as tx:
        node = jurisdictions.by_code(tx, area)
        actor.must_cover("points.read", node.path)
        found = board.view(tx, node.path, month)
    return MonthOut(
        area=pick(found.area.name, lang),
        month=found.first,
        rules=found.rules.model_dump(),
        people=[_line(one, lang) for one in found.people],
        teams=[
            TeamOut(
                task=team.task,
                incident=team.incident,
                area=pick(team.area, lang),
                people=team.people,
                given=team.given.minutes,
                asked=team.given.asked,
                share=team.given.per_mille / 1000,
            )
            for team in found.teams
        ],
        communities=[_line(one, lang) for one in found.communities],
    )


@router.get("/volunteers/me/badges", response_model=BadgesOut)
def badges_of_mine(actor: Volunteer, lang: Language) -> BadgesOut:
    """My badges and why I have each, and my months in a row, which only I am shown."""
    with db.read(actor) as tx:
        row = registry.one(tx, id_of(actor))
        found = badges.own(tx, row.id, row.area)
        return BadgesOut(badges=[_badge(one, lang, found.zone) for one in found.earned], months=found.months)


@router.put("/volunteers/me/named", status_code=204, response_class=Response)
def choose(actor: Volunteer, body: NamedIn) -> None:
    """Says whether I want to be named."""
    with db.transaction(actor, "me.named") as tx:
        unnamed.choose(tx, id_of(actor), named=body.named)
