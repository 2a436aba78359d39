"""Gateways say what became of messages, and ring people up."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute("UPDATE messages SET channel = 'sms' WHERE channel = 'voice'")
    op.execute(
        "ALTER TABLE messages DROP CONSTRAINT ck_messages_channel, "
        "ADD CONSTRAINT ck_messages_channel CHECK (channel IN ('email', 'sms', 'console'))"
    )
    for name in ("provider_id", "receipt_by"):
        op.drop_column("messages", name)
    op.drop_constraint("uq_receipts_message_id_kind", "receipts")
    op.create_index("ix_receipts_message_id", "receipts", ["message_id"])
    op.execute("ALTER TABLE receipts DROP CONSTRAINT ck_receipts_kind, ALTER kind TYPE VARCHAR, DROP code")
    op.execute(
        "ALTER TABLE receipts DROP CONSTRAINT fk_receipts_message_id, "
        "ADD CONSTRAINT fk_receipts_message_id FOREIGN KEY(message_id) REFERENCES messages (id)"
    )
