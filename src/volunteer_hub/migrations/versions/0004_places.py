"""Addresses are looked up, and pick-up points have a position."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("address_answers")
    for name in ("located_at", "lease_until"):
        op.drop_column("volunteers", name)
    for name in ("pickup_lat", "pickup_lon"):
        op.drop_column("tasks", name)
