"""A balance is read from the index alone; an account knows the one it has become part of."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None
_BALANCE = "ix_ledger_entries_account_id_id"
_CARRIED = """
UPDATE ledger_accounts AS theirs SET merged_into = mine.id
FROM volunteers AS v JOIN ledger_accounts AS mine ON mine.volunteer_id = v.merged_into
WHERE v.id = theirs.volunteer_id AND v.merged_into IS NOT NULL
"""


def upgrade() -> None:
    op.drop_index(_BALANCE, "ledger_entries")
    op.create_index(_BALANCE, "ledger_entries", ["account_id", "id"], postgresql_include=["points"])
    op.add_column("ledger_accounts", sa.Column("merged_into", sa.BigInteger, nullable=True))
    op.create_foreign_key(
        "fk_ledger_accounts_merged_into", "ledger_accounts", "ledger_accounts", ["merged_into"], ["id"]
    )
    op.create_index(
        "ix_ledger_accounts_merged_into",
        "ledger_accounts",
        ["merged_into"],
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.execute(_CARRIED)


def downgrade() -> None:
    op.drop_column("ledger_accounts", "merged_into")
    op.drop_index(_BALANCE, "ledger_entries")
    op.create_index(_BALANCE, "ledger_entries", ["account_id", "id"])
