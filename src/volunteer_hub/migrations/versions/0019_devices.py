"""Devices that take notifications; a chat robot is nobody's address."""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute("DELETE FROM receipts WHERE message_id IN (SELECT id FROM messages WHERE channel = 'webpush')")
    op.execute("DELETE FROM messages WHERE channel = 'webpush'")
    op.execute("ALTER TABLE messages DROP CONSTRAINT ck_messages_channel")
    op.execute(
        "ALTER TABLE messages ADD CONSTRAINT ck_messages_channel CHECK (channel IN ('email', 'sms', 'voice', "
        "'console'))"
    )
    op.drop_table("devices")
    op.execute("DELETE FROM contacts WHERE kind = 'webpush'")
    op.execute("ALTER TABLE contacts DROP COLUMN counts_until, DROP CONSTRAINT ck_contacts_kind")
    op.execute(
        "ALTER TABLE contacts ADD CONSTRAINT ck_contacts_kind CHECK (kind IN ('email', 'sms', 'voice', 'push', "
        "'robot', 'console'))"
    )
