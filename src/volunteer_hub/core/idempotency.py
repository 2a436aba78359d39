"""A write sent twice under one key happens once, and is answered twice alike.

The key row is written in the transaction of the deed: a request that dies takes its key with it, and a
second request under a key still in flight is told to wait.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, LargeBinary, Text, cast, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, col, delete

from volunteer_hub.core.columns import ts
from volunteer_hub.core.db import Tx, touched
from volunteer_hub.core.errors import Malformed, Refused

KEPT: Final = timedelta(hours=24)
_LONGEST_KEY: Final = 200


class IdempotencyKey(SQLModel, table=True):
    """One answered request."""

    __tablename__ = "idempotency_keys"
    actor: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    body_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: int
    response: Any = Field(sa_column=Column(JSONB, nullable=True))
    at: datetime = ts(index=True)


def actor_key(tx: Tx) -> str:
    """Whose key it is: another person's key is invisible."""
    return f"{tx.actor.kind}:{tx.actor.id}"


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """What a key stands for: 32 bytes over method, path and body."""
    return hashlib.sha256(json.dumps([method, path]).encode() + b"\0" + body).digest()


def earlier(tx: Tx, key: str, body_hash: bytes) -> IdempotencyKey | None:
    """The answer given before under this key, or None when this is the first; holds the key until commit.

    Raises Malformed when the key was used for another request, TooMany while the first is in flight.
    """
    if not key or len(key) > _LONGEST_KEY or "\0" in key:
        raise Malformed("idempotency.key", longest=_LONGEST_KEY)
    owner = actor_key(tx)
    lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 7))")
    if not tx.execute(lock, {"name": f"{owner} {key}"}).scalar_one():
        raise InFlight()
    row = tx.get(IdempotencyKey, (owner, key))
    if row is not None and row.at < tx.now - KEPT:
        tx.delete(row)
        tx.flush()
        row = None
    if row is not None and row.body_hash != body_hash:
        raise Malformed("idempotency.other_body")
    return row


class InFlight(Refused):
    """The first request under this key has not ended; doors add Retry-After."""

    retry_after = 1

    def __init__(self) -> None:
        super().__init__("idempotency.in_flight")


def remember(tx: Tx, key: str, body_hash: bytes, status: int, response: Any) -> None:
    """Stores the answer with the deed."""
    tx.add(
        IdempotencyKey(
            actor=actor_key(tx), key=key, body_hash=body_hash, status=status, response=response, at=tx.now
        )
    )


def forget(tx: Tx, owner: str, mention: str) -> None:
    """Removes the stored answers of one actor (``volunteer:7``), and all that mention an id seen outside."""
    mentions = cast(IdempotencyKey.response, Text).contains(mention, autoescape=True)
    tx.execute(delete(IdempotencyKey).where((col(IdempotencyKey.actor) == owner) | mentions))


def sweep(tx: Tx) -> int:
    """Removes keys older than a day; the count removed."""
    result = tx.execute(delete(IdempotencyKey).where(col(IdempotencyKey.at) < tx.now - KEPT))
    return touched(result)
