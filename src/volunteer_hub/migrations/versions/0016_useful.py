"""Who would be there too short to be of use holds no place; why somebody who stands by is passed over."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE role_slots ADD useful_minutes INTEGER, "
        "ADD CONSTRAINT ck_role_slots_useful CHECK (useful_minutes BETWEEN 0 AND 1440)"
    )
    op.execute("ALTER TABLE slot_fills ADD useful_minutes INTEGER NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE slot_fills ALTER useful_minutes DROP DEFAULT")
    op.execute(
        "ALTER TABLE offers ADD passed_over VARCHAR(32), ADD CONSTRAINT ck_offers_passed_over CHECK "
        "(passed_over IN ('too_late', 'not_callable', 'skill', 'elsewhere'))"
    )


def downgrade() -> None:
    op.drop_column("offers", "passed_over")
    op.drop_column("slot_fills", "useful_minutes")
    op.drop_column("role_slots", "useful_minutes")
