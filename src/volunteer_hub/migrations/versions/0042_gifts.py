"""Points given to people in need and to funds of areas."""

from pathlib import Path

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None
_ENTRIES = (
    "'duty', 'standby', 'drill', 'survey', 'training', 'report', 'expiry', 'redemption', 'adjustment', "
    "'reversal'"
)
_BALANCED = """
CREATE OR REPLACE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT sum(points) <> 0 OR count(*) < 2 FROM ledger_entries WHERE transfer_id = NEW.transfer_id) THEN
    RAISE EXCEPTION 'transfer % does not add up to zero', NEW.transfer_id USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.points < 0 AND NEW.kind NOT IN ('adjustment', 'reversal', 'expiry', 'redemption')
     AND EXISTS (SELECT FROM ledger_accounts WHERE id = NEW.account_id AND kind = 'person') THEN
    RAISE EXCEPTION 'a person loses points only with a reason' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.points < 0 AND NEW.kind = 'redemption'
     AND (SELECT sum(points) < 0 FROM ledger_entries WHERE account_id = NEW.account_id) THEN
    RAISE EXCEPTION 'a person spends no more than they have' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("gifts")
    op.drop_table("needs")
    op.get_bind().connection.cursor().execute(_BALANCED)
    op.execute("ALTER TABLE ledger_accounts DROP CONSTRAINT ck_ledger_accounts_where")
    op.drop_index("uq_ledger_accounts_kind", "ledger_accounts")
    op.drop_column("ledger_accounts", "area")
    op.execute("CREATE UNIQUE INDEX uq_ledger_accounts_kind ON ledger_accounts (kind) WHERE kind <> 'person'")
    _check("ledger_entries", "entry_kind", _ENTRIES)
    _check("ledger_accounts", "account_kind", "'person', 'pool', 'reward', 'expiry'")


def _check(table: str, name: str, values: str) -> None:
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK (kind IN ({values}))")
