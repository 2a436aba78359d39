"""Changes of the pool are told by transaction, and the pool is kept as blocks of columns."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BEFORE = """
CREATE SEQUENCE volunteer_revision;
SELECT setval('volunteer_revision', greatest(1, (SELECT max(revision) FROM volunteers)));
CREATE FUNCTION bump_volunteer_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.revision := nextval('volunteer_revision');
  RETURN NEW;
END $$;
CREATE TRIGGER volunteers_revision BEFORE INSERT OR UPDATE ON volunteers
  FOR EACH ROW EXECUTE FUNCTION bump_volunteer_revision();
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("pool_blocks")
    op.execute("DROP FUNCTION stamp_volunteer() CASCADE")
    op.execute("DROP FUNCTION stamp_holders() CASCADE")
    op.get_bind().connection.cursor().execute(_BEFORE)
