"""What a node keeps for the day when the network is down."""

from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import SQLModel

from volunteer_hub.core.columns import area, blob, pk, ref, ts


class MusterPoint(SQLModel, table=True):
    """Where people of a node gather when unreachable; the nearest node above that has one is it."""

    __tablename__ = "muster_points"
    __table_args__ = (
        UniqueConstraint("area"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="position"),
    )
    id: int = pk()
    area: str = area()
    name: str
    lat: float
    lon: float
    words: str = ""
    set_by: int | None = ref("accounts.id", null=True, index=False)
    set_at: datetime = ts()


class CallDownKey(SQLModel, table=True):
    """What call-downs of an area are sealed with; the passphrase that opens them is nowhere here. The nearest
    node above that has one counts."""

    __tablename__ = "call_down_keys"
    __table_args__ = (UniqueConstraint("area"),)
    id: int = pk()
    area: str = area()
    salt: bytes = blob()
    public_key: bytes = blob()
    set_by: int | None = ref("accounts.id", null=True, index=False)
    set_at: datetime = ts()
