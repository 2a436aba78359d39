"""A plan may change another; who is asked to move gives up the old place by saying yes to the new."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE plan_runs ADD predecessor_id BIGINT, ADD applied_at TIMESTAMP WITH TIME ZONE, "
        "ADD CONSTRAINT fk_plan_runs_predecessor_id FOREIGN KEY(predecessor_id) REFERENCES plan_runs (id)"
    )
    op.execute(
        "ALTER TABLE offers ADD instead_of BIGINT, "
        "ADD CONSTRAINT fk_offers_instead_of FOREIGN KEY(instead_of) REFERENCES offers (id)"
    )


def downgrade() -> None:
    op.drop_column("offers", "instead_of")
    op.drop_column("plan_runs", "applied_at")
    op.drop_column("plan_runs", "predecessor_id")
