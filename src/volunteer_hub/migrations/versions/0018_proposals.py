"""Re-plans that the program proposes, and the rule of an incident that lets it apply them."""

from pathlib import Path

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("replan_rules")
    op.drop_table("proposals")
    op.drop_column("plan_runs", "people_mark")
