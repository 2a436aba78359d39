"""The outbox: written in the transaction of the deed, holding ids and never a name, address or link."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, blob, jsonb, pk, public_id, ref, text_enum, ts
from volunteer_hub.notify.reply_rules import Handled, Meaning
from volunteer_hub.notify.rules import Channel, Heard, Kind, State, Subject


class Message(SQLModel, table=True):
    """One text to one person on one channel. ``params`` are facts of the incident, none of the person.

    ``provider_id`` is what the gateway calls it. ``receipt_by``: when another way is tried if no receipt has
    come; empty where none is waited for.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index(
            "ix_messages_due",
            *("channel", "kind", "next_at"),
            postgresql_where=text("state IN ('queued', 'sending')"),
        ),
        Index("ix_messages_subject", "subject_kind", "subject_id"),
        # Not unique: a gateway that names two messages alike must not stop the writing down of a whole batch.
        Index("ix_messages_provider_id", "provider_id", postgresql_where=text("provider_id IS NOT NULL")),
        Index("ix_messages_receipt_by", "receipt_by", postgresql_where=text("receipt_by IS NOT NULL")),
    )
    __audit__ = False  # a message is itself the record of what was said; its states are its trail
    id: int = pk()
    public_id: UUID = public_id()
    area: str = area()
    purpose: str = Field(sa_column=Column(Text, nullable=False))
    subject_kind: Subject = text_enum(Subject, "subject_kind")
    subject_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    volunteer_id: int | None = ref("volunteers.id", null=True)
    account_id: int | None = ref("accounts.id", null=True)
    contact_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    channel: Channel = text_enum(Channel, "channel")
    lang: str
    kind: Kind = text_enum(Kind, "kind", Kind.NONE)
    params: dict[str, Any] = jsonb()
    dedupe_key: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    state: State = text_enum(State, "state", State.QUEUED)
    attempts: int = 0
    error: str | None = None
    created_at: datetime = ts()
    next_at: datetime = ts()
    lease_until: datetime | None = ts(null=True)
    expires_at: datetime = ts()
    sent_at: datetime | None = ts(null=True)
    provider_id: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    receipt_by: datetime | None = ts(null=True)


class Receipt(SQLModel, table=True):
    """What a gateway told us later about a message, each thing once. ``code`` is the gateway's own reason."""

    __tablename__ = "receipts"
    __table_args__ = (UniqueConstraint("message_id", "kind"),)
    __audit__ = False
    id: int = pk()
    message_id: int = ref("messages.id", index=False, ondelete="CASCADE")
    at: datetime = ts()
    kind: Heard = text_enum(Heard, "kind")
    code: str | None = None


class ReplyLetter(SQLModel, table=True):
    """The how-manieth question by text message a person was sent: its letter stands for this offer in what
    they write back, whatever has been asked since."""

    __tablename__ = "reply_letters"
    __table_args__ = (UniqueConstraint("volunteer_id", "number"),)
    __audit__ = False
    offer_id: int = ref("offers.id", primary_key=True, index=False)
    volunteer_id: int = ref("volunteers.id", index=False)
    number: int


class InboundText(SQLModel, table=True):
    """A text message that came in: kept before it is judged, so that none is lost.

    ``sid`` is the gateway's name of it: what is delivered twice is one. Without ``meaning`` it is not judged
    yet. ``told`` is the key of what we answered, ``told_params`` letters and numbers in it. ``sealed``:
    its number and words (`notify/sealed`), blanked when their person is forgotten, and with age.
    """

    __tablename__ = "inbound_texts"
    __table_args__ = (
        Index("ix_inbound_texts_open", "area", "id", postgresql_where=text("state = 'unclear'")),
        Index("ix_inbound_texts_kept", "at", postgresql_where=text("sealed IS NOT NULL")),
        Index("ix_inbound_texts_number_hash", "number_hash", "id"),
    )
    __audit__ = False  # it is itself the record; what it leads to is in the trail
    id: int = pk()
    public_id: UUID = public_id()
    sid: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    at: datetime = ts()
    area: str = area()
    number_hash: bytes = blob()
    sealed: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    volunteer_id: int | None = ref("volunteers.id", null=True)
    offer_id: int | None = ref("offers.id", null=True)
    meaning: Meaning | None = text_enum(Meaning, "meaning", null=True)
    state: Handled = text_enum(Handled, "state", Handled.UNCLEAR)
    told: str | None = None
    told_params: dict[str, Any] = jsonb()
    claimed_by: int | None = ref("accounts.id", null=True, index=False)
    lease_until: datetime | None = ts(null=True)
    handled_by: int | None = ref("accounts.id", null=True, index=False)
    handled_at: datetime | None = ts(null=True)
