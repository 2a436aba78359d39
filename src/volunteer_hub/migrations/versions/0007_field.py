"""People on the way, on site and well; roll calls, frozen once they have ended; injuries."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    for table in ("injuries", "roll_call_entries", "roll_calls", "ok_timers"):
        op.drop_table(table)
    for function in ("roll_call_entries_frozen", "roll_calls_frozen"):
        op.execute(f"DROP FUNCTION {function}()")
    for index in ("ix_duties_ok_due", "ix_duties_ok_remind"):
        op.drop_index(index, "duties")
    for name in ("en_route_at", "arrives_at", "ok_at", "ok_due_at", "ok_remind_at", "ok_alerted_at"):
        op.drop_column("duties", name)
