"""Areas keep their last people of a skill, and a plan may break that for a reason."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("reserve_floors")
    for name in ("broken_floors", "floors_reason"):
        op.drop_column("plan_runs", name)
