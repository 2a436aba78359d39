"""Points for training and accepted reports, and points that lapse."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_BEFORE = "'duty', 'standby', 'drill', 'survey', 'adjustment', 'reversal'"
_BALANCED = """
CREATE OR REPLACE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT sum(points) <> 0 OR count(*) < 2 FROM ledger_entries WHERE transfer_id = NEW.transfer_id) THEN
    RAISE EXCEPTION 'transfer % does not add up to zero', NEW.transfer_id USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.points < 0 AND NEW.kind NOT IN ({losing})
     AND EXISTS (SELECT FROM ledger_accounts WHERE id = NEW.account_id AND kind = 'person') THEN
    RAISE EXCEPTION 'a person loses points only with a reason' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
"""


def upgrade() -> None:
    _kinds(f"{_BEFORE}, 'training', 'report', 'expiry'")
    op.get_bind().connection.cursor().execute(
        _BALANCED.replace("{losing}", "'adjustment', 'reversal', 'expiry'")
    )


def downgrade() -> None:
    op.get_bind().connection.cursor().execute(_BALANCED.replace("{losing}", "'adjustment', 'reversal'"))
    _kinds(_BEFORE)


def _kinds(kinds: str) -> None:
    named = "ALTER TABLE ledger_entries {} CONSTRAINT ck_ledger_entries_entry_kind {}"
    op.execute(named.format("DROP", ""))
    op.execute(named.format("ADD", f"CHECK (kind IN ({kinds}))"))
