"""Waves as they were decided, callouts that are held, and plans that widen them."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("widenings")
    op.drop_table("waves")
    op.execute("DROP FUNCTION waves_frozen()")
    op.drop_column("offers", "chance")
    op.drop_column("plan_runs", "confidence")
    for name in ("confidence", "held_at", "held_by", "looked_at"):
        op.drop_column("callouts", name)
