"""What is stored of the words that somebody wrote to people in a text of their own."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, pk, public_id, ref, text_enum, ts
from volunteer_hub.notify.rules import Kind


class Note(SQLModel, table=True):
    """Words to everybody coming to an incident, one of its callouts or slots, or to one person.

    ``people``: to how many it was sent. ``sealed``: the words (`notify/sealed`), blanked with age, and when
    the only person they were for is forgotten. The messages that carry them hold its id, and no word.
    """

    __tablename__ = "notes"
    id: int = pk()
    public_id: UUID = public_id()
    area: str = area()
    kind: Kind = text_enum(Kind, "kind")
    incident_id: int | None = ref("incidents.id", null=True)
    callout_id: int | None = ref("callouts.id", null=True, index=False)
    slot_id: int | None = ref("role_slots.id", null=True, index=False)
    volunteer_id: int | None = ref("volunteers.id", null=True)
    written_by: int | None = ref("accounts.id", null=True, index=False)
    at: datetime = ts(index=True)
    people: int = 0
    sealed: str | None = Field(default=None, sa_column=Column(Text, nullable=True, info={"secret": True}))
