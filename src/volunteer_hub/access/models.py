"""Tables of access: the tree of jurisdictions, accounts and their roles, sessions, tokens, complaints."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from volunteer_hub.access import rules
from volunteer_hub.core.columns import area, blob, jsonb, pk, public_id, ref, text_enum, ts, version


class Jurisdiction(SQLModel, table=True):
    """A node of the tree. ``path`` holds the ids from the root down: ``/1/7/31/``."""

    __tablename__ = "jurisdictions"
    __area__ = "path"
    __table_args__ = (
        CheckConstraint("path ~ '^(/[0-9]+)+/$'", name="path_form"),
        CheckConstraint("path LIKE '%/' || id || '/'", name="path_ends_in_id"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="position"),
        CheckConstraint("residents >= 0", name="residents"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    parent_id: int | None = ref("jurisdictions.id", null=True)
    path: str = Field(sa_column=Column(Text(collation="C"), nullable=False, unique=True))
    code: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    kind: rules.NodeKind = text_enum(rules.NodeKind, "node_kind")
    name: dict[str, str] = jsonb()
    street: str | None = Field(default=None, sa_column=Column(Text, nullable=True, index=True))
    zone: str = "Asia/Shanghai"
    lat: float
    lon: float
    residents: int = 0
    shape: dict[str, Any] | None = jsonb(null=True)


def _personal(*, unique: bool = False) -> Any:
    return Field(sa_column=Column(Text, nullable=False, unique=unique, info={"personal": True}))


class Account(SQLModel, table=True):
    """Somebody on the staff. ``area`` is the node that keeps the account; rights come from its grants."""

    __tablename__ = "accounts"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    email: str = _personal(unique=True)
    name: str = _personal()
    password_hash: str | None = Field(
        default=None, sa_column=Column(Text, nullable=True, info={"secret": True})
    )
    lang: str = "zh"
    state: rules.AccountState = text_enum(rules.AccountState, "account_state", rules.AccountState.ACTIVE)
    created_at: datetime = ts()
    version: int = version()


class RoleGrant(SQLModel, table=True):
    """A role of an account in an area and everything below it."""

    __tablename__ = "role_grants"
    __table_args__ = (UniqueConstraint("account_id", "role", "area"),)
    id: int = pk()
    account_id: int = ref("accounts.id")
    role: rules.Role = text_enum(rules.Role, "role")
    area: str = area()
    granted_by: int | None = ref("accounts.id", null=True, index=False)
    granted_at: datetime = ts()


class LoginSession(SQLModel, table=True):
    """A signed-in browser of an account or of a volunteer; only the hash of its cookie is stored."""

    __tablename__ = "login_sessions"
    __audit__ = False
    __table_args__ = (CheckConstraint("num_nonnulls(account_id, volunteer_id) = 1", name="one_person"),)
    id: int = pk()
    token_hash: bytes = blob(unique=True)
    account_id: int | None = ref("accounts.id", null=True, ondelete="CASCADE")
    volunteer_id: int | None = ref("volunteers.id", null=True, ondelete="CASCADE")
    created_at: datetime = ts()
    expires_at: datetime = ts(index=True)


class LoginCode(SQLModel, table=True):
    """A code sent to a volunteer's telephone, worth one sign-in."""

    __tablename__ = "login_codes"
    __audit__ = False
    id: int = pk()
    subject_hash: bytes = blob(unique=True)
    volunteer_id: int = ref("volunteers.id", ondelete="CASCADE")
    code_hash: bytes = blob()
    expires_at: datetime = ts(index=True)
    tries: int = 0


class LoginAttempt(SQLModel, table=True):
    """A wrong password or code, under the keyed hash of whom it was for or where it came from."""

    __tablename__ = "login_attempts"
    __audit__ = False
    __table_args__ = (Index("ix_login_attempts_subject_hash_at", "subject_hash", "at"),)
    id: int = pk()
    subject_hash: bytes = blob()
    at: datetime = ts(index=True)


class ApiToken(SQLModel, table=True):
    """A key for a machine: its account's rights, narrowed to scopes and an area."""

    __tablename__ = "api_tokens"
    id: int = pk()
    public_id: uuid.UUID = public_id()
    token_hash: bytes = blob(unique=True)
    account_id: int = ref("accounts.id")
    label: str
    scopes: list[str] = jsonb()
    area: str = area()
    created_at: datetime = ts()
    expires_at: datetime | None = ts(null=True)
    revoked_at: datetime | None = ts(null=True)


class Complaint(SQLModel, table=True):
    """A complaint about a body of a node; ``area`` is the node above, which answers it."""

    __tablename__ = "complaints"
    __subject__ = "volunteer_id"
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area_about: str = area()
    area: str = area()
    body: rules.Body = text_enum(rules.Body, "complaint_body")
    text: str = Field(sa_column=Column(Text, nullable=False, info={"personal": True}))
    volunteer_id: int | None = ref("volunteers.id", null=True)
    state: rules.ComplaintState = text_enum(
        rules.ComplaintState, "complaint_state", rules.ComplaintState.OPEN
    )
    created_at: datetime = ts()
    answer: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    answered_by: int | None = ref("accounts.id", null=True, index=False)
    answered_at: datetime | None = ts(null=True)
