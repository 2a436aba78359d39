"""Drills as if the network were down: nobody is written to, answers come on paper."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("drill_plans", "callouts"):
        op.execute(f"ALTER TABLE {table} ADD on_paper BOOLEAN NOT NULL DEFAULT false")
        op.execute(f"ALTER TABLE {table} ALTER on_paper DROP DEFAULT")
    op.execute(
        "ALTER TABLE callouts ADD CONSTRAINT ck_callouts_paper_is_a_drill "
        "CHECK (kind = 'drill' OR NOT on_paper)"
    )


def downgrade() -> None:
    op.drop_column("callouts", "on_paper")
    op.drop_column("drill_plans", "on_paper")
