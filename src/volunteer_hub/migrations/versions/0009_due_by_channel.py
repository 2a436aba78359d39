"""Due messages are found by channel and kind."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP INDEX ix_messages_due")
    op.execute(
        "CREATE INDEX ix_messages_due ON messages (channel, kind, next_at) "
        "WHERE state IN ('queued', 'sending')"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_messages_due")
    op.execute("CREATE INDEX ix_messages_due ON messages (next_at) WHERE state IN ('queued', 'sending')")
