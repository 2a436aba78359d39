"""Tests, checklists and courses passed; skills that count for nothing until a course is passed."""

from pathlib import Path

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute("ALTER TABLE skill_claims DROP COLUMN suspended_at")
    for table in ("training_completions", "training_practicals", "training_attempts"):
        op.drop_table(table)
