"""Values of columns as JSON can hold them."""

import hashlib
import json
import math
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from volunteer_hub.audit.rules import HIDDEN, LONGEST_VALUE

NOT_AUDITED: Final = frozenset({"clock_state", "idempotency_keys", "person_keys"})
"""Tables of the ground that are machinery; a column's own say so by ``__audit__ = False``."""

_WIDEST: Final = 6
"""Characters of JSON that one character takes at most."""

MACHINERY: Final = frozenset({"lease_until", "progress"})
"""Columns whose change alone is no deed: who works on a row, until when, and how far they are."""


def plain(value: Any) -> Any:
    """The value for a line: short JSON as it is, long JSON as its SHA-256, anything else in words."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return HIDDEN
    if isinstance(value, str | list | tuple | dict):
        return _short(value)
    return str(value)


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) * _WIDEST < LONGEST_VALUE:
        return value
    words = json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    if len(words) > LONGEST_VALUE:
        return {"sha256": hashlib.sha256(words.encode()).hexdigest(), "characters": len(words)}
    return value if isinstance(value, str) else json.loads(words)
