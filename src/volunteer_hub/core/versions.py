"""Which policy was in force: every version of config/ a plan or ledger entry may name."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, Text
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
    row = tx.exec(select(PolicyVersion).where(col(PolicyVersion.digest) == digest)).first()
    if row is None:
        files = {name: policy.path_of(name).read_text(encoding="utf-8") for name in FILES}
        row = PolicyVersion(digest=digest, files=files, at=tx.now)
        tx.add(row)
        tx.flush()
    return row.id
