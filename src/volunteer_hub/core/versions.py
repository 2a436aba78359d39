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
    """The id of the policy in force, stored when it is new; two who come first at once agree on one row."""
    digest = policy.digest(FILES)
    found = select(PolicyVersion.id).where(col(PolicyVersion.digest) == digest)
    known = tx.exec(found).first()
    if known is not None:
        return known
    files = {name: policy.path_of(name).read_text(encoding="utf-8") for name in FILES}
    new = insert(PolicyVersion).values(digest=digest, files=files, at=tx.now)
    tx.execute(new.on_conflict_do_nothing(index_elements=["digest"]))
    return tx.exec(found).one()
