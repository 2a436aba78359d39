"""What is stored of gateways that were down."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import pk, text_enum, ts
from volunteer_hub.notify.rules import Channel


class Outage(SQLModel, table=True):
    """A line that was found to be down, from the first message that it failed until one went out again
    (``until``; none yet: it is down). ``waited``: messages that waited for it in the end."""

    __tablename__ = "outages"
    __table_args__ = (
        Index("uq_outages_down", "channel", unique=True, postgresql_where=text("until IS NULL")),
    )
    id: int = pk()
    channel: Channel = text_enum(Channel, "channel")
    since: datetime = ts()
    until: datetime | None = ts(null=True)
    waited: int = Field(default=0)
