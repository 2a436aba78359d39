"""Imagined callouts cell by cell, and how ready communities are."""

from pathlib import Path

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("readiness")
    op.drop_table("whatif_cells")
    op.drop_table("whatif_runs")
