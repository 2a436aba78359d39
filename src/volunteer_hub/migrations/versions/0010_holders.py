"""Whose skills and papers have changed is known apart from what else has changed of people."""

import re
from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BEFORE = Path(__file__).with_name("0003_pool_blocks.sql")
_FUNCTIONS = re.compile(r"CREATE (FUNCTION stamp_\w+\(\).*?^END \$\$;)", re.S | re.M)


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    for function in _FUNCTIONS.findall(_BEFORE.read_text(encoding="utf-8")):
        op.get_bind().connection.cursor().execute(f"CREATE OR REPLACE {function}")
    op.drop_column("volunteers", "held_revision")
