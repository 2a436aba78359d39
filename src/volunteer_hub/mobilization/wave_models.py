"""What is stored of the waves of a callout, and of the plans that widen it."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, UniqueConstraint
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import after_create, jsonb, pk, ref, text_enum, ts
from volunteer_hub.mobilization import rules


class Wave(SQLModel, table=True):
    """One wave of a callout as it was decided; never changed: another decision is another wave.

    ``before``, ``after``: the chance of the least sure slot of ``slots`` without and with it; ``need``: heads
    still wanted there, ``people``: those asked. ``slots``: [{"slot", "need", "people", "before", "after"}].
    """

    __tablename__ = "waves"
    __table_args__ = (UniqueConstraint("callout_id", "number"),)
    id: int = pk()
    callout_id: int = ref("callouts.id", index=False)
    number: int
    decided_at: datetime = ts(index=True)
    source: rules.WaveSource = text_enum(rules.WaveSource, "source")
    decided_by: int | None = ref("accounts.id", null=True, index=False)
    before: float
    after: float
    need: int
    people: int
    slots: list[dict[str, Any]] = jsonb()


class Widening(SQLModel, table=True):
    """A plan asked for to find further people for a running callout: those who name no limit of their own are
    looked for up to ``reach_km`` away. It is never approved or sent: its people become reserves."""

    __tablename__ = "widenings"
    __table_args__ = (CheckConstraint("reach_km > 0", name="reach"),)
    plan_run_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("plan_runs.id"), primary_key=True, autoincrement=False)
    )
    callout_id: int = ref("callouts.id")
    reach_km: float


WAVES_FROZEN: Final = """
CREATE OR REPLACE FUNCTION waves_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a decided wave is frozen; decide another' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER waves_frozen BEFORE UPDATE OR DELETE ON waves
FOR EACH ROW EXECUTE FUNCTION waves_frozen();
"""

after_create("waves", WAVES_FROZEN)
