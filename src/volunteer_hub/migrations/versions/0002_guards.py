"""What the database itself refuses or draws: triggers on the first tables."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FUNCTIONS = (
    "audit_append_only",
    "bump_volunteer_revision",
    "ledger_append_only",
    "ledger_balanced",
    "drill_runs_frozen",
    "plan_runs_frozen",
    "answer_events_append_only",
)


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    for name in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}() CASCADE")
