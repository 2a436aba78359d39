"""Courses of the staff's own, sessions, and who comes to them."""

from pathlib import Path

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute(
        "DELETE FROM receipts WHERE message_id IN (SELECT id FROM messages WHERE purpose LIKE 'training\\_%')"
    )
    op.execute("DELETE FROM messages WHERE purpose LIKE 'training\\_%'")
    for table in ("training_enrolments", "training_sessions", "training_courses"):
        op.drop_table(table)
