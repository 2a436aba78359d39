"""What is stored of the devices that take notifications."""

from sqlalchemy import Index
from sqlmodel import SQLModel

from volunteer_hub.core.columns import blob, ref


class Device(SQLModel, table=True):
    """The browser behind a contact of kind webpush. Both are keyed hashes: of the address that its push
    service gave it, so that a device is one person's at a time, and of the session it was set up in."""

    __tablename__ = "devices"
    __table_args__ = (Index("ix_devices_session_hash", "session_hash"),)
    __audit__ = False  # its contact is in the trail; there is nothing to read here
    contact_id: int = ref("contacts.id", primary_key=True, index=False, ondelete="CASCADE")
    endpoint_hash: bytes = blob(unique=True)
    session_hash: bytes = blob()
