"""Rewards: the catalogue for the staff, a volunteer's own, and a partner's counter."""

import uuid
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, ConfigDict, Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import Volunteer, allow
from volunteer_hub.api.me import id_of
from volunteer_hub.api.pages import In, OnceOnly, Out
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import redeem
from volunteer_hub.incentives import rewards
from volunteer_hub.incentives.rewards import Taken
from volunteer_hub.incentives.rewards_models import Redemption, Reward
from volunteer_hub.incentives.rewards_rules import LONGEST_TITLE, LONGEST_WORDS, MOST, Offer, RedemptionState
from volunteer_hub.incentives.rules import LONGEST_REASON
from volunteer_hub.volunteers import registry

router = APIRouter(tags=["rewards"])
Writer = Annotated[Actor, allow(rewards.WRITE)]
Counter = Annotated[Actor, allow(rewards.REDEEM)]
_MINE: Final = "/volunteers/me/rewards"


class RewardIn(In):
    """A reward for the people of an area, by its official code. ``per_person``: the most one person takes;
    ``keep_days``: how long its code is good."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"area": "DQ-ST", "title": "Ten rides by bus", "cost": 50, "stock": 200}]
        }
    )
    area: str = Field(max_length=100)
    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    cost: int = Field(ge=1, le=MOST)
    stock: int = Field(ge=0, le=MOST)
    sponsor: str = Field("", max_length=LONGEST_TITLE)
    words: str = Field("", max_length=LONGEST_WORDS)
    per_person: int | None = Field(None, ge=1, le=MOST)
    keep_days: int = Field(90, ge=1, le=3650)
    ends_at: AwareDatetime | None = None


class StockIn(In):
    """How many there are now, and whether they can be had."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"stock": 20, "closed": False}]})
    stock: int = Field(ge=0, le=MOST)
    closed: bool = False


class RewardOut(Out):
    """One reward of the catalogue."""

    id: uuid.UUID
    title: str
    words: str
    sponsor: str
    cost: int
    stock: int
    per_person: int | None
    keep_days: int
    ends_at: datetime | None
    closed_at: datetime | None


class RedemptionOut(Out):
    """What somebody took. ``code`` is told to its holder alone."""

    id: uuid.UUID
    title: str
    cost: int
    state: RedemptionState
    taken_at: datetime
    until: datetime
    handed_over_at: datetime | None
    reason: str | None
    code: str | None = None


class HandOverIn(In):
    """The code, and when it was handed over where that was noted on paper."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "ABCD-EFGH-JKMN"}]})
    code: str = Field(max_length=200)
    at: AwareDatetime | None = None


class ReverseRewardIn(In):
    """Why it is taken back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "It was broken."}]})
    reason: str = Field(min_length=1, max_length=LONGEST_REASON)


def _reward(row: Reward) -> RewardOut:
    given = {name: getattr(row, name) for name in RewardOut.model_fields if name != "id"}
    return RewardOut(id=row.public_id, **given)


def _redemption(row: Redemption, title: str, code: str | None = None) -> RedemptionOut:
    return RedemptionOut(
        id=row.public_id,
        title=title,
        cost=row.cost,
        state=row.state,
        taken_at=row.taken_at,
        until=row.until,
        handed_over_at=row.handed_over_at,
        reason=row.reason,
        code=code,
    )


def _own(tx: Tx, row: Redemption) -> RedemptionOut:
    return _redemption(row, tx.get_one(Reward, row.reward_id).title, redeem.code(row))


@router.get("/rewards", response_model=list[RewardOut])
def catalogue(actor: Writer) -> list[RewardOut]:
    """The catalogue of the actor's areas, the newest first."""
    with db.read(actor) as tx:
        return [_reward(row) for row in rewards.listed(tx)]


@router.post("/rewards", status_code=201, response_model=RewardOut)
def add(actor: Writer, body: RewardIn, once: OnceOnly) -> Response:
    """Puts a reward into the catalogue."""
    with db.transaction(actor, "reward.add") as tx:
        offer = Offer(**body.model_dump(exclude={"area"}))
        return once.run(
            tx, lambda: _reward(rewards.add(tx, jurisdictions.by_code(tx, body.area).path, offer)), 201
        )


@router.put("/rewards/{id}/stock", response_model=RewardOut)
def set_stock(actor: Writer, id: uuid.UUID, body: StockIn) -> RewardOut:
    """How many there are now, and whether they can be had."""
    with db.transaction(actor, "reward.stock") as tx:
        return _reward(rewards.set_stock(tx, id, body.stock, closed=body.closed))


@router.post("/redemptions/hand-over", response_model=RedemptionOut)
def hand_over(actor: Counter, body: HandOverIn, once: OnceOnly) -> Response:
    """Hands over what a code stands for, once; at a counter of its area."""

    def deed() -> RedemptionOut:
        done: Taken = redeem.hand_over(tx, body.code, body.at)
        return _redemption(done.redemption, done.reward.title)

    with db.transaction(actor, "reward.hand_over") as tx:
        return once.run(tx, deed)


@router.post("/redemptions/{id}/reverse", response_model=RedemptionOut)
def reverse(actor: Writer, id: uuid.UUID, body: ReverseRewardIn, once: OnceOnly) -> Response:
    """Takes a redemption back: points and piece go back, and its holder reads the reason."""

    def deed() -> RedemptionOut:
        back = rewards.reverse(tx, id, body.reason)
        return _redemption(back, tx.get_one(Reward, back.reward_id).title)

    with db.transaction(actor, "reward.reverse") as tx:
        return once.run(tx, deed)


@router.get(_MINE, response_model=list[RewardOut])
def offered(actor: Volunteer) -> list[RewardOut]:
    """What I can choose from, the cheapest first."""
    with db.read(actor) as tx:
        return [_reward(row) for row in rewards.offered(tx, registry.one(tx, id_of(actor)).area)]


@router.get("/volunteers/me/redemptions", response_model=list[RedemptionOut])
def mine(actor: Volunteer) -> list[RedemptionOut]:
    """What I have taken, with its codes, the newest first."""
    with db.read(actor) as tx:
        return [
            _redemption(one.redemption, one.reward.title, redeem.code(one.redemption))
            for one in rewards.of(tx, id_of(actor))
        ]


@router.post(_MINE + "/{id}/take", status_code=201, response_model=RedemptionOut)
def take(actor: Volunteer, id: uuid.UUID, once: OnceOnly) -> Response:
    """Takes a piece for points."""
    with db.transaction(actor, "reward.take") as tx:
        return once.run(tx, lambda: _own(tx, redeem.take(tx, id_of(actor), id)), 201)


@router.post("/volunteers/me/redemptions/{id}/give-back", response_model=RedemptionOut)
def give_back(actor: Volunteer, id: uuid.UUID, once: OnceOnly) -> Response:
    """Gives it back before it is handed over; the points come back."""
    with db.transaction(actor, "reward.give_back") as tx:
        return once.run(tx, lambda: _own(tx, redeem.give_back(tx, id_of(actor), id)))
