"""What is stored of who does not want to be named where people are recognised."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import ts


class Unnamed(SQLModel, table=True):
    """Somebody who is counted and never named."""

    __tablename__ = "unnamed"
    volunteer_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("volunteers.id"), primary_key=True, autoincrement=False)
    )
    at: datetime = ts()
