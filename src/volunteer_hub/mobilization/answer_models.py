"""What is stored of the answer model: settled asks, sums per person and community, and its versions.

Rows in millions are written by COPY and merged in bulk, and hold ids without foreign keys: each would be
looked up once more, and neither offers nor people are ever deleted. A forgotten person's rows go.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, SmallInteger
from sqlalchemy.dialects.postgresql import REAL
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import jsonb, pk, public_id, ref, ts


def _id(*, first: bool = False) -> Any:
    return Field(sa_column=Column(BigInteger, primary_key=first, nullable=False, autoincrement=False))


def _number(kind: Any, *, first: bool = False) -> Any:
    return Field(sa_column=Column(kind, primary_key=first, nullable=False, autoincrement=False))


class AnswerVersion(SQLModel, table=True):
    """One version of the model; never changed. ``anew``: fitted to all settled asks, else the newest callouts
    were added to the version before. ``callouts``, ``asks``: settled by then. ``fitted``: what was learned,
    people and communities aside, as the engine stores it."""

    __tablename__ = "answer_versions"
    id: int = pk()
    public_id: uuid.UUID = public_id()
    made_at: datetime = ts(index=True)
    anew: bool
    callouts: int
    asks: int = Field(sa_column=Column(BigInteger, nullable=False))
    half_life_days: float
    fitted: dict[str, Any] = jsonb()
    policy_version: int = ref("policy_versions.id", index=False)


class AnswerCallout(SQLModel, table=True):
    """A callout that is settled: its asks are in the model from ``settled_at`` on."""

    __tablename__ = "answer_callouts"
    callout_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("callouts.id"), primary_key=True, autoincrement=False)
    )
    settled_at: datetime = ts(index=True)
    asks: int


class AnswerAsk(SQLModel, table=True):
    """One ask that reached its person, settled. ``outcome``: 0 silence, 1 no, 2 yes in time. ``day``: days
    since 2020-01-01 UTC. ``weight``: how far it tells of a yes; ``delay``: minutes to a yes, -1 where there
    is none to learn from; ``chance``: as believed when it was asked, -1 where nothing was said."""

    __tablename__ = "answer_asks"
    __audit__ = False
    __table_args__ = (
        Index("ix_answer_asks_volunteer_id", "volunteer_id"),
        Index("ix_answer_asks_callout_id", "callout_id"),
    )
    offer_id: int = _id(first=True)
    volunteer_id: int = _id()
    callout_id: int = _id()
    day: float = _number(Float)
    cell: int = _number(SmallInteger)
    outcome: int = _number(SmallInteger)
    weight: float = _number(REAL)
    delay: float = _number(REAL)
    chance: float = _number(REAL)


class AnswerPerson(SQLModel, table=True):
    """A person's asks in one cell, summed as seen from day 0: newer ones weigh more, so that only those asked
    are touched by a callout."""

    __tablename__ = "answer_people"
    __audit__ = False
    volunteer_id: int = _id(first=True)
    cell: int = _number(SmallInteger, first=True)
    asks: float = _number(REAL)
    yes: float = _number(REAL)


class AnswerArea(SQLModel, table=True):
    """The same of everybody at home in one node of the tree. ``squares``: of the sums of each callout."""

    __tablename__ = "answer_areas"
    __audit__ = False
    area_id: int = _id(first=True)
    cell: int = _number(SmallInteger, first=True)
    asks: float = _number(Float)
    yes: float = _number(Float)
    squares: float = _number(Float)
