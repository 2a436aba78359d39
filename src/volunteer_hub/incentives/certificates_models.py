"""What is stored of certificates: what was issued, sealed, and what its holder lets others read."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, Index, Text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, blob, pk, public_id, ref, text_enum, ts
from volunteer_hub.incentives.certificates_rules import Named, Paper


class Certificate(SQLModel, table=True):
    """One paper as it was issued. ``sealed``: its content under the holder's own key (`core/vault`), blanked
    when they are forgotten; ``digest``: SHA-256 of that content; ``token_hash``: of the code printed on it.

    ``offer_id``: the callout of a letter of absence. ``begins`` and ``ends`` are local days.
    """

    __tablename__ = "certificates"
    __table_args__ = (
        CheckConstraint("begins <= ends", name="period"),
        CheckConstraint("(paper = 'absence') = (offer_id IS NOT NULL)", name="about"),
        Index("ix_certificates_volunteer_id_id", "volunteer_id", "id"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    volunteer_id: int = ref("volunteers.id", index=False)
    area: str = area()
    paper: Paper = text_enum(Paper, "paper")
    offer_id: int | None = ref("offers.id", null=True)
    begins: date
    ends: date
    named: Named = text_enum(Named, "named")
    shows_hours: bool
    shows_duties: bool
    token_hash: bytes = blob(unique=True)
    digest: bytes = blob()
    sealed: str | None = Field(default=None, sa_column=Column(Text, nullable=True, info={"secret": True}))
    issued_at: datetime = ts()
    withdrawn_at: datetime | None = ts(null=True)
