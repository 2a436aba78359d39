"""Rewards for points, and the narrow role of a counter that hands them over."""

from pathlib import Path

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_KINDS = "'duty', 'standby', 'drill', 'survey', 'training', 'report', 'expiry'"
_ROLES = (
    "'city_admin', 'coordinator', 'clerk', 'partner', 'party_committee', 'workstation', "
    "'neighbourhood_committee', 'residents_council'"
)
_BALANCED = """
CREATE OR REPLACE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT sum(points) <> 0 OR count(*) < 2 FROM ledger_entries WHERE transfer_id = NEW.transfer_id) THEN
    RAISE EXCEPTION 'transfer % does not add up to zero', NEW.transfer_id USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.points < 0 AND NEW.kind NOT IN ('adjustment', 'reversal', 'expiry')
     AND EXISTS (SELECT FROM ledger_accounts WHERE id = NEW.account_id AND kind = 'person') THEN
    RAISE EXCEPTION 'a person loses points only with a reason' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("redemptions")
    op.drop_table("rewards")
    op.get_bind().connection.cursor().execute(_BALANCED)
    _check("ledger_entries", "entry_kind", "kind", f"{_KINDS}, 'adjustment', 'reversal'")
    op.execute("DELETE FROM role_grants WHERE role = 'counter'")
    _check("role_grants", "role", "role", _ROLES)


def _check(table: str, name: str, column: str, values: str) -> None:
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({column} IN ({values}))")
