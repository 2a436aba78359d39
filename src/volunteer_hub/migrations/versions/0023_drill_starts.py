"""A drill may start at a moment that nobody knows beforehand."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE drill_plans ADD jitter_minutes INTEGER NOT NULL DEFAULT 0, "
        "ADD starts_at TIMESTAMP WITH TIME ZONE, "
        "ADD CONSTRAINT ck_drill_plans_jitter_minutes CHECK (jitter_minutes >= 0)"
    )
    op.execute("ALTER TABLE drill_plans ALTER jitter_minutes DROP DEFAULT")
    op.execute("UPDATE drill_plans SET starts_at = next_at")
    op.execute(
        "ALTER TABLE drill_plans ADD CONSTRAINT ck_drill_plans_starts "
        "CHECK ((next_at IS NULL) = (starts_at IS NULL))"
    )
    op.execute("DROP INDEX ix_drill_plans_due")
    op.execute("CREATE INDEX ix_drill_plans_due ON drill_plans (starts_at) WHERE state = 'active'")


def downgrade() -> None:
    op.execute("DROP INDEX ix_drill_plans_due")
    op.execute("CREATE INDEX ix_drill_plans_due ON drill_plans (next_at) WHERE state = 'active'")
    op.drop_column("drill_plans", "starts_at")
    op.drop_column("drill_plans", "jitter_minutes")
