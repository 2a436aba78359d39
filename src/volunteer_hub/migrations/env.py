"""Alembic's entry: it runs on the connection that the caller holds."""

from typing import Any

from alembic import context
from sqlmodel import SQLModel

from volunteer_hub.core import schema, vault


def _ours(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "schema" or name in (None, vault.SCHEMA)


schema.load()
connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    include_schemas=True,
    include_name=_ours,
    compare_type=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
