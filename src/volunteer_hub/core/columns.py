"""The columns that every table shares, so that conventions hold from the first one on."""

import os
import time
import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    LargeBinary,
    Text,
    Uuid,
    event,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


def uuid7() -> uuid.UUID:
    """A time-ordered UUID, version 7 (RFC 9562, section 5.7): milliseconds, then 74 random bits."""
    moment = time.time_ns() // 1_000_000
    noise = int.from_bytes(os.urandom(10))
    value = (
        (moment & (1 << 48) - 1) << 80
        | 0x7 << 76
        | (noise >> 68 & 0xFFF) << 64
        | 0b10 << 62
        | noise & (1 << 62) - 1
    )
    return uuid.UUID(int=value)


def _field(column: Column[Any], *, null: bool) -> Any:
    return Field(default=None, sa_column=column) if null else Field(sa_column=column)


def pk() -> Any:
    """The inner id: bigint, drawn by the database."""
    return Field(default=None, sa_column=Column(BigInteger, Identity(always=False), primary_key=True))


def public_id() -> Any:
    """The id seen outside: UUIDv7, unique."""
    return Field(default_factory=uuid7, sa_column=Column(Uuid, nullable=False, unique=True))


def ref(
    target: str, *, null: bool = False, index: bool = True, ondelete: str | None = None, **column: Any
) -> Any:
    """A foreign key to ``table.column``, bigint."""
    key = ForeignKey(target, ondelete=ondelete)
    return _field(Column(BigInteger, key, nullable=null, index=index, **column), null=null)


def area(*, null: bool = False, index: bool = True) -> Any:
    """The jurisdiction's path. Collation C lets a plain index serve ``LIKE '/1/7/%'``."""
    key = ForeignKey("jurisdictions.path", onupdate="CASCADE")
    return _field(Column(Text(collation="C"), key, nullable=null, index=index), null=null)


def text_enum(kind: type[StrEnum], name: str, default: StrEnum | None = None, *, null: bool = False) -> Any:
    """An enumeration as text with a CHECK; ``name`` names the constraint."""
    column_type = Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda e: [m.value for m in e],
    )
    column: Column[Any] = Column(column_type, nullable=null)
    return Field(default=default, sa_column=column) if default is not None else _field(column, null=null)


def ts(*, null: bool = False, index: bool = False) -> Any:
    """A moment, with time zone."""
    return _field(Column(DateTime(timezone=True), nullable=null, index=index), null=null)


def jsonb(*, null: bool = False) -> Any:
    """A JSON document, an empty object by default."""
    if null:
        return Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    return Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))


def blob(*, null: bool = False, unique: bool = False) -> Any:
    """Bytes: hashes of tokens, seals, small files."""
    return _field(Column(LargeBinary, nullable=null, unique=unique), null=null)


def personal(*, null: bool = True) -> Any:
    """A personal value: the audit trail holds it only sealed, and forgetting blanks it."""
    return _field(Column(Text, nullable=null, info={"personal": True}), null=null)


def version() -> Any:
    """The number two editors of one row are told apart by."""
    return Field(default=1)


def after_create(table: str | None, *statements: str) -> None:
    """SQL that is run once the table, or with None every table, is made: triggers and their functions."""
    of = SQLModel.metadata if table is None else SQLModel.metadata.tables[table]
    for statement in statements:
        made = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
        event.listen(of, "after_create", made)
