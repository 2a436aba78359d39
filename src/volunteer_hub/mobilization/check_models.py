"""What is stored of each check-in and check-out besides its time: how it came to be known."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import SQLModel

from volunteer_hub.core.columns import area, blob, pk, ref, text_enum, ts
from volunteer_hub.mobilization.rules import Evidence, Way


class DutyCheck(SQLModel, table=True):
    """One check of a duty. ``at`` is its true time, ``noted_at`` when it reached us.

    ``noted_by``: the account that entered or confirmed it, None where the person did. ``device``: a keyed
    hash that tells telephones apart and nothing else. ``metres``: how far from the place the telephone was at
    least; the position itself is not kept.
    """

    __tablename__ = "duty_checks"
    __table_args__ = (
        UniqueConstraint("duty_id", "way"),
        CheckConstraint("at <= noted_at", name="times"),
        Index("ix_duty_checks_desk", "noted_by", "noted_at"),
        Index("ix_duty_checks_device", "device", "noted_at"),
        Index("ix_duty_checks_at", "at"),
    )
    id: int = pk()
    duty_id: int = ref("duties.id", index=False)
    area: str = area()
    way: Way = text_enum(Way, "way")
    evidence: Evidence = text_enum(Evidence, "evidence")
    at: datetime = ts()
    noted_at: datetime = ts()
    noted_by: int | None = ref("accounts.id", null=True, index=False)
    device: bytes | None = blob(null=True)
    metres: int | None = None
