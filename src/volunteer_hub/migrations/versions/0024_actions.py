"""Debriefs, findings and improvement actions; what was looked at of a survey; who stood by is asked too."""

from pathlib import Path

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute(
        "DELETE FROM receipts WHERE message_id IN "
        "(SELECT id FROM messages WHERE subject_kind IN ('action', 'voice', 'debrief'))"
    )
    op.execute("DELETE FROM messages WHERE subject_kind IN ('action', 'voice', 'debrief')")
    op.execute("ALTER TABLE messages DROP CONSTRAINT ck_messages_subject_kind")
    op.execute(
        "ALTER TABLE messages ADD CONSTRAINT ck_messages_subject_kind CHECK (subject_kind IN ('offer', 'survey', "
        "'join_code', 'certification', 'incident', 'alert', 'login_code', 'volunteer', 'upward'))"
    )
    for table in ("action_steps", "action_voices", "findings", "improvement_actions", "debriefs"):
        op.drop_table(table)
    op.execute("DELETE FROM surveys WHERE form = 'standby'")
    op.execute("ALTER TABLE surveys DROP COLUMN seen_at, DROP CONSTRAINT ck_surveys_form")
    op.execute(
        "ALTER TABLE surveys ADD CONSTRAINT ck_surveys_form CHECK (form IN ('volunteer', 'leader', "
        "'coordinator', 'drill'))"
    )
