"""Points given to people in need and to funds: what a volunteer may give, and the staff's desk."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import Language, Volunteer, allow
from volunteer_hub.api.me import id_of
from volunteer_hub.api.pages import In, OnceOnly, Out
from volunteer_hub.boards import gifts as board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import give as flow
from volunteer_hub.incentives import gifts, gifts_rules
from volunteer_hub.incentives.gifts_models import Gift, Need
from volunteer_hub.incentives.gifts_rules import LONGEST_WORDS, GiftState
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.rules import LONGEST_REASON, MOST_ADJUSTED

router = APIRouter(tags=["points"])
Writer = Annotated[Actor, allow(gifts.WRITE)]
Points = Annotated[int, Field(ge=1, le=MOST_ADJUSTED)]


class NeedOut(Out):
    """Somebody in need, without their name."""

    id: uuid.UUID
    words: str
    area: str


class GiftOut(Out):
    """Points given; ``state`` waiting: a second person looks at it before they move."""

    id: uuid.UUID
    points: int
    state: GiftState
    at: datetime
    reason: str | None


class GivingOut(Out):
    """What I may give now (``most``), to whom, and what I gave and was given, the newest first."""

    balance: int
    most: int
    needs: list[NeedOut]
    gifts: list[GiftOut]


class FundOut(Out):
    """Points of an area's fund."""

    area: str
    name: str
    points: int


class DeskOut(Out):
    """Of the actor's areas; ``gifts``: what waits first, then the newest."""

    funds: list[FundOut]
    needs: list[NeedOut]
    gifts: list[GiftOut]


class GiveIn(In):
    """``need``: to whom; null for the fund of my community."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"points": 10, "need": None}]})
    points: Points
    need: uuid.UUID | None = None


class NeedIn(In):
    """Who is in need, and what givers read of it: never the name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"volunteer": "019535d9-3df7-79fb-b466-fa907fa17f9e", "words": "Shopping in winter."}
            ]
        }
    )
    volunteer: uuid.UUID
    words: str = Field(min_length=1, max_length=LONGEST_WORDS)


class GrantIn(In):
    """``fund``: the official code of its area."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"points": 20, "fund": "DQ-ST-001"}]})
    points: Points
    fund: str = Field(min_length=1, max_length=100)


class GiftDecisionIn(In):
    """Without ``refused_because`` the gift goes its way."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refused_because": None}]})
    refused_because: str | None = Field(None, min_length=1, max_length=LONGEST_REASON)


@router.get("/volunteers/me/gifts", response_model=GivingOut)
def mine(actor: Volunteer, lang: Language) -> GivingOut:
    """What I may give, and to whom."""
    with db.read(actor) as tx:
        who = flow.giver(tx, id_of(actor))
        standing = flow.standing(tx, who)
        return GivingOut(
            balance=standing.balance,
            most=gifts_rules.most(standing, policy.load("rewards", Rewards).gifts),
            needs=_needs(tx, gifts.needs(tx, home=who.home), lang),
            gifts=[_gift(row) for row in gifts.of(tx, id_of(actor))],
        )


@router.post("/volunteers/me/gifts", status_code=201, response_model=GiftOut)
def give(actor: Volunteer, body: GiveIn, once: OnceOnly) -> Response:
    """Gives points, within the limits of config/rewards.toml."""
    with db.transaction(actor, "gift.give") as tx:
        return once.run(tx, lambda: _gift(flow.give(tx, id_of(actor), body.need, body.points)), 201)


@router.get("/gifts", response_model=DeskOut)
def desk(actor: Annotated[Actor, allow(gifts.READ)], lang: Language) -> DeskOut:
    """Funds, people in need, and gifts."""
    with db.read(actor) as tx:
        found = board.desk(tx)
        codes = jurisdictions.codes(tx, [fund.area for fund in found.funds])
        return DeskOut(
            funds=[
                FundOut(area=codes[fund.area], name=pick(fund.name, lang), points=fund.points)
                for fund in found.funds
            ],
            needs=_needs(tx, [line.row for line in found.needs], lang),
            gifts=[_gift(line.row) for line in found.gifts],
        )


@router.post("/needs", status_code=201, response_model=NeedOut)
def name(actor: Writer, body: NeedIn, once: OnceOnly, lang: Language) -> Response:
    """Names somebody as in need."""

    def deed() -> NeedOut:
        return _needs(tx, [flow.name(tx, body.volunteer, body.words)], lang)[0]

    with db.transaction(actor, "need.open") as tx:
        return once.run(tx, deed, 201)


@router.post("/needs/{id}/close", status_code=204, response_class=Response)
def close(actor: Writer, id: uuid.UUID) -> None:
    """Nothing more is given to them."""
    with db.transaction(actor, "need.close") as tx:
        gifts.close_need(tx, id)


@router.post("/needs/{id}/grant", status_code=201, response_model=GiftOut)
def grant(actor: Writer, id: uuid.UUID, body: GrantIn, once: OnceOnly) -> Response:
    """Grants points of a fund to somebody in need."""

    def deed() -> GiftOut:
        return _gift(flow.grant(tx, id, body.points, jurisdictions.by_code(tx, body.fund).path))

    with db.transaction(actor, "gift.grant") as tx:
        return once.run(tx, deed, 201)


@router.post("/gifts/{id}/decide", response_model=GiftOut)
def decide(actor: Writer, id: uuid.UUID, body: GiftDecisionIn, once: OnceOnly) -> Response:
    """Lets a gift that waits go its way, or refuses it."""
    with db.transaction(actor, "gift.decide") as tx:
        return once.run(tx, lambda: _gift(flow.decide(tx, id, body.refused_because)))


def _needs(tx: db.Tx, rows: Sequence[Need], lang: str) -> list[NeedOut]:
    names = jurisdictions.names(tx, [row.area for row in rows])
    return [
        NeedOut(id=row.public_id, words=row.words or "", area=pick(names[row.area], lang)) for row in rows
    ]


def _gift(row: Gift) -> GiftOut:
    return GiftOut(id=row.public_id, points=row.points, state=row.state, at=row.at, reason=row.reason)
