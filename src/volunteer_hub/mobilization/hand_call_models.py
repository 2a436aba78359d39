"""What is stored of people whom nothing reaches and helpers ring up."""

from datetime import datetime

from sqlmodel import SQLModel

from volunteer_hub.core.columns import ref, text_enum, ts
from volunteer_hub.mobilization.rules import Rung


class HandCall(SQLModel, table=True):
    """The ringing up of one person about one offer: who is at it until when, and how it last ended.

    ``again_at``: after no answer they are not shown before. ``outcome`` without it ends the ringing.
    """

    __tablename__ = "hand_calls"
    offer_id: int = ref("offers.id", primary_key=True, index=False)
    claimed_by: int | None = ref("accounts.id", null=True, index=False)
    lease_until: datetime | None = ts(null=True)
    outcome: Rung | None = text_enum(Rung, "outcome", null=True)
    tries: int = 0
    called_by: int | None = ref("accounts.id", null=True, index=False)
    called_at: datetime | None = ts(null=True)
    again_at: datetime | None = ts(null=True)
