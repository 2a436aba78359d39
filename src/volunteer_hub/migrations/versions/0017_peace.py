"""Which callouts may break a person's quiet hours."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE volunteers ADD COLUMN wakes_for INTEGER")
    op.execute(
        "ALTER TABLE volunteers ADD CONSTRAINT ck_volunteers_wakes_for CHECK (wakes_for BETWEEN 0 AND 4)"
    )
    op.execute("CREATE INDEX ix_volunteers_wakes_for ON volunteers (wakes_for) WHERE wakes_for IS NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE volunteers DROP COLUMN wakes_for")
