"""How each check came to be known, and hours that wait until somebody has looked at them."""

from pathlib import Path

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_ADDED = (
    "public_id",
    "state",
    "flags",
    "served_minutes",
    "decided_by",
    "decided_at",
    "reason",
    "appeal",
    "appealed_at",
)


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("duty_checks")
    for name in _ADDED:
        op.drop_column("service_hours", name)
    # Hours that nothing has paid yet had no place before: each gets a transfer of its own that pays nothing.
    op.execute("UPDATE service_hours SET transfer_id = gen_random_uuid() WHERE transfer_id IS NULL")
    op.alter_column("service_hours", "transfer_id", nullable=False)
