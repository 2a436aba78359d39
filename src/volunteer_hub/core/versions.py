"""Which policy was in force: every version of config/ a plan or ledger entry may name."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, Text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select

from volunteer_hub.core import policy
from volunteer_hub.core.columns import jsonb, pk, ts
from volunteer_hub.core.db import Tx

FILES: Final = ("answers", "callouts", "drills", "hazards", "hub", "messages", "rewards", "skills", "surveys")


class PolicyVersion(SQLModel, table=True):
    """The text of all policy files, once per content."""

    __tablename__ = "policy_versions"
    id: int = pk()
    digest: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    files: dict[str, str] = jsonb()
    at: datetime = ts()


def current(tx: Tx) -> int:
    """The id of the policy in force, stored when it is new."""
    digest = policy.digest(FILES)
    known = select(PolicyVersion.id).where(col(PolicyVersion.digest) == digest)
    found = tx.exec(known).first()
    if found is None:
        files = {name: policy.path_of(name).read_text(encoding="utf-8") for name in FILES}
        row = {"digest": digest, "files": files, "at": tx.now}
        tx.execute(insert(PolicyVersion).values(row).on_conflict_do_nothing())  # two deeds may be the first
        found = tx.exec(known).one()
    return found
