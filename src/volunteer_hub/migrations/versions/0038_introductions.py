"""A newcomer's way in: interview, mentor, first easy duty; applicants are found by an index of their own."""

from pathlib import Path

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("introductions")
    op.drop_index("ix_volunteers_applied", "volunteers")
