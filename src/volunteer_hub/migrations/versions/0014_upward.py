"""Reports upward, frozen once they are sent."""

from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute(
        "DELETE FROM receipts WHERE message_id IN (SELECT id FROM messages WHERE subject_kind = 'upward')"
    )
    op.execute("DELETE FROM messages WHERE subject_kind = 'upward'")
    op.execute("ALTER TABLE messages DROP CONSTRAINT ck_messages_subject_kind")
    op.execute(
        "ALTER TABLE messages ADD CONSTRAINT ck_messages_subject_kind CHECK (subject_kind IN ('offer', 'survey', "
        "'join_code', 'certification', 'incident', 'alert', 'login_code', 'volunteer'))"
    )
    op.drop_table("upward_reports")
    op.execute("DROP FUNCTION upward_reports_frozen()")
