"""What is stored of chat robots."""

import uuid
from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, pk, public_id, ref, ts


class Robot(SQLModel, table=True):
    """A group's robot in a chat, told of callouts in an area and below: nobody's address. ``sealed`` is where
    to call it, which holds its secret."""

    __tablename__ = "robots"
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    name: str = Field(sa_column=Column(Text, nullable=False))
    lang: str = Field(sa_column=Column(Text, nullable=False))
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    created_by: int | None = ref("accounts.id", null=True, index=False)
    created_at: datetime = ts()
