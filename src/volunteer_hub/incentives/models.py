"""What is stored of points and hours: a double-entry ledger that is only ever added to."""

import uuid
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, Date, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import after_create, area, jsonb, personal, pk, public_id, ref, text_enum, ts
from volunteer_hub.incentives.rules import AccountKind, Basis, EntryKind, Grade, Review


class LedgerAccount(SQLModel, table=True):
    """Where points lie: one account a person, one for the fund of an ``area``, and one of each other kind,
    from which points come.

    ``merged_into``: the account of the person who had two entries, where all that is paid to this one goes.
    """

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        CheckConstraint("(kind = 'person') = (volunteer_id IS NOT NULL)", name="whose"),
        CheckConstraint("(kind = 'fund') = (area IS NOT NULL)", name="where"),
        Index(
            "uq_ledger_accounts_kind",
            "kind",
            unique=True,
            postgresql_where=text("kind NOT IN ('person', 'fund')"),
        ),
        Index("uq_ledger_accounts_area", "area", unique=True),
        Index(
            "ix_ledger_accounts_merged_into",
            "merged_into",
            postgresql_where=text("merged_into IS NOT NULL"),
        ),
    )
    id: int = pk()
    kind: AccountKind = text_enum(AccountKind, "account_kind")
    volunteer_id: int | None = ref("volunteers.id", null=True, unique=True, index=False)
    merged_into: int | None = ref("ledger_accounts.id", null=True, index=False)
    area: str | None = area(null=True, index=False)


class LedgerEntry(SQLModel, table=True):
    """One side of a transfer. ``source`` names the deed, as "duty:17"; the same deed never pays twice.

    ``lines`` explain a person's points and add up to them: {"code", "points", "params"} each. ``days`` says
    how many of the points count towards the cap of which local day; ``last_day`` is the last of them.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("kind", "source", "account_id"),
        UniqueConstraint("transfer_id", "account_id"),
        CheckConstraint(
            "kind NOT IN ('adjustment', 'reversal') OR coalesce(btrim(reason), '') <> ''", name="reason"
        ),
        # A balance is read from this index alone: the entries themselves lie all over the table.
        Index("ix_ledger_entries_account_id_id", "account_id", "id", postgresql_include=["points"]),
        Index("ix_ledger_entries_account_id_last_day", "account_id", "last_day"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    transfer_id: uuid.UUID = Field(sa_column=Column(Uuid, nullable=False))
    account_id: int = ref("ledger_accounts.id", index=False)
    area: str = area()
    points: int
    at: datetime = ts(index=True)
    kind: EntryKind = text_enum(EntryKind, "entry_kind")
    source: str = Field(sa_column=Column(Text, nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    rule_version: int
    policy_version: int = ref("policy_versions.id", index=False)
    grade: Grade | None = text_enum(Grade, "grade", null=True)
    lines: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    days: dict[str, int] = jsonb()
    last_day: date | None = Field(default=None, sa_column=Column(Date, nullable=True))


class ServiceHours(SQLModel, table=True):
    """The time of one duty. ``counts``: it is volunteer time; when the transfer that paid it is reversed, no
    longer.

    ``flags`` say what spoke against it ({"code", "params"} each); while it waits nothing is paid.
    ``served_minutes`` are those between the checks, ``minutes`` those that hold: a decision may correct them.
    ``appeal``: what the person said against a decision.
    """

    __tablename__ = "service_hours"
    __table_args__ = (
        CheckConstraint("minutes >= 0", name="minutes"),
        CheckConstraint(
            "state NOT IN ('corrected', 'refused') OR coalesce(btrim(reason), '') <> ''", name="decided"
        ),
        Index("ix_service_hours_waiting", "area", "id", postgresql_where=text("state = 'waiting'")),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    duty_id: int = ref("duties.id", unique=True, index=False)
    volunteer_id: int = ref("volunteers.id")
    area: str = area()
    minutes: int
    served_minutes: int
    grade: Grade = text_enum(Grade, "grade")
    basis: Basis = text_enum(Basis, "basis")
    counts: bool
    at: datetime = ts()
    transfer_id: uuid.UUID | None = Field(default=None, sa_column=Column(Uuid, nullable=True, index=True))
    reversed_at: datetime | None = ts(null=True)
    state: Review = text_enum(Review, "state", Review.CLEAR)
    flags: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    decided_by: int | None = ref("accounts.id", null=True, index=False)
    decided_at: datetime | None = ts(null=True)
    reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    appeal: str | None = personal()
    appealed_at: datetime | None = ts(null=True)


APPEND_ONLY: Final = """
CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A node that moves in the tree takes its entries along: by the foreign key's cascade and nothing else.
  IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1
     AND to_jsonb(NEW) - 'area' = to_jsonb(OLD) - 'area' THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'the ledger is append-only; reverse the entry' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_entries
FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_never_emptied BEFORE TRUNCATE ON ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
"""

BALANCED: Final = """
CREATE OR REPLACE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT sum(points) <> 0 OR count(*) < 2 FROM ledger_entries WHERE transfer_id = NEW.transfer_id) THEN
    RAISE EXCEPTION 'transfer % does not add up to zero', NEW.transfer_id USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.points < 0 AND NEW.kind NOT IN ('adjustment', 'reversal', 'expiry', 'redemption', 'gift')
     AND EXISTS (SELECT FROM ledger_accounts WHERE id = NEW.account_id AND kind = 'person') THEN
    RAISE EXCEPTION 'a person loses points only with a reason' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.points < 0 AND NEW.kind IN ('redemption', 'gift')
     AND (SELECT sum(points) < 0 FROM ledger_entries WHERE account_id = NEW.account_id) THEN
    RAISE EXCEPTION 'a person spends no more than they have' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT ON ledger_entries
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balanced();
"""
"""Checked at the commit, when both sides of the transfer are there."""

after_create("ledger_entries", APPEND_ONLY, BALANCED)
