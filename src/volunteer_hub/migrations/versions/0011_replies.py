"""People answer by text message."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    for table in ("inbound_texts", "reply_letters"):
        op.drop_table(table)
    op.drop_index("ix_contacts_number", "contacts")
    op.drop_column("contacts", "stopped_at")
