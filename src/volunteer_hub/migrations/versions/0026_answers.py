"""The answer model: settled asks, sums of people and communities, versions."""

from pathlib import Path

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    for table in ("areas", "people", "asks", "callouts", "versions"):
        op.drop_table(f"answer_{table}")
