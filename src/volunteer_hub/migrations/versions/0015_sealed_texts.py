"""What people write to us is sealed, each text under a key of its own (notify/sealed)."""

import base64
import hashlib
import json

import sqlalchemy as sa
from alembic import op
from cryptography.fernet import Fernet

from volunteer_hub.core.settings import settings

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_FIRST = -(1 << 62)


def _wrapping() -> Fernet:
    """As core/vault wraps keys at this revision."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"vault:" + settings().secret()).digest()))


def upgrade() -> None:
    op.execute("ALTER TABLE inbound_texts ADD sealed TEXT")
    _seal_what_is_there()
    op.execute("DROP INDEX ix_inbound_texts_kept")
    op.execute("ALTER TABLE inbound_texts DROP number, DROP words")
    op.execute("CREATE INDEX ix_inbound_texts_kept ON inbound_texts (at) WHERE sealed IS NOT NULL")


def _seal_what_is_there() -> None:
    bind = op.get_bind()
    kept = "SELECT id, number, words FROM inbound_texts WHERE words IS NOT NULL OR number IS NOT NULL"
    rows = bind.execute(sa.text(kept)).all()
    if not rows:
        return
    wrapping, keys, sealed = _wrapping(), [], []
    for row_id, number, words in rows:
        key = Fernet.generate_key()
        facts = json.dumps({"number": number or "", "words": words or ""}, ensure_ascii=False)
        keys.append({"subject": _FIRST - row_id, "wrapped": wrapping.encrypt(key)})
        sealed.append({"id": row_id, "sealed": Fernet(key).encrypt(facts.encode()).decode("ascii")})
    bind.execute(
        sa.text("INSERT INTO vault.person_keys (subject, wrapped) VALUES (:subject, :wrapped)"), keys
    )
    bind.execute(sa.text("UPDATE inbound_texts SET sealed = :sealed WHERE id = :id"), sealed)


def downgrade() -> None:
    op.execute("DROP INDEX ix_inbound_texts_kept")
    op.execute("ALTER TABLE inbound_texts ADD number TEXT, ADD words TEXT")
    _open_what_is_there()
    op.execute("ALTER TABLE inbound_texts DROP sealed")
    op.execute("CREATE INDEX ix_inbound_texts_kept ON inbound_texts (at) WHERE words IS NOT NULL")


def _open_what_is_there() -> None:
    bind = op.get_bind()
    kept = (
        "SELECT t.id, t.sealed, k.subject, k.wrapped FROM inbound_texts t "
        "JOIN vault.person_keys k ON k.subject = :first - t.id WHERE t.sealed IS NOT NULL"
    )
    rows = bind.execute(sa.text(kept), {"first": _FIRST}).all()
    if not rows:
        return
    wrapping, opened = _wrapping(), []
    for row_id, sealed, _, wrapped in rows:
        key = Fernet(wrapping.decrypt(wrapped))
        opened.append({"id": row_id, **json.loads(key.decrypt(sealed.encode("ascii")))})
    bind.execute(sa.text("UPDATE inbound_texts SET number = :number, words = :words WHERE id = :id"), opened)
    bind.execute(
        sa.text("DELETE FROM vault.person_keys WHERE subject = :subject"), [{"subject": r[2]} for r in rows]
    )
