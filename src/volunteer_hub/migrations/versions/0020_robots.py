"""Chat robots of areas."""

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute("DELETE FROM messages WHERE channel = 'robot'")
    op.execute("ALTER TABLE messages DROP CONSTRAINT ck_messages_channel")
    op.execute(
        "ALTER TABLE messages ADD CONSTRAINT ck_messages_channel CHECK (channel IN ('email', 'sms', 'voice', "
        "'webpush', 'console'))"
    )
    op.drop_table("robots")
