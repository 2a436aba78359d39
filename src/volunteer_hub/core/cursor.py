"""The opaque mark behind the last row of a page: where the next page begins."""

import base64
import binascii

from volunteer_hub.core.errors import Malformed


def encode_cursor(after: int | str) -> str:
    """An opaque cursor behind the last row shown."""
    return base64.urlsafe_b64encode(str(after).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> int | None:
    """The id behind a cursor. Raises Malformed for one we did not make."""
    if cursor is None:
        return None
    try:
        value = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii"))
    except (binascii.Error, ValueError):
        raise Malformed("cursor") from None
    if not 0 <= value < 2**63:
        raise Malformed("cursor")
    return value
