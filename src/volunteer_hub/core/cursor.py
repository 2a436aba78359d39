"""The opaque mark behind the last row of a page: where the next page begins."""

import base64
import binascii
from collections.abc import Sequence
from typing import Final

from volunteer_hub.core.errors import Malformed

_BIGGEST: Final = 2**63
_FARTHEST: Final = 2**57  # microseconds; a moment after the year 6000 is none of ours


def encode_cursor(after: int | str) -> str:
    """An opaque cursor behind the last row shown."""
    return base64.urlsafe_b64encode(str(after).encode()).decode().rstrip("=")


def encode_place(place: Sequence[int]) -> str:
    """The same for a row whose place in the order takes several numbers."""
    return encode_cursor(".".join(str(part) for part in place))


def decode_place(cursor: str | None) -> tuple[int, int, int] | None:
    """The three numbers behind a cursor. Raises Malformed for one we did not make."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        moment, kind, key = (int(part) for part in text.split("."))
    except (binascii.Error, ValueError):
        raise Malformed("cursor") from None
    if not (0 <= moment < _FARTHEST and 0 <= kind < _BIGGEST and 0 <= key < _BIGGEST):
        raise Malformed("cursor")
    return moment, kind, key


def decode_cursor(cursor: str | None) -> int | None:
    """The id behind a cursor. Raises Malformed for one we did not make."""
    if cursor is None:
        return None
    try:
        value = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii"))
    except (binascii.Error, ValueError):
        raise Malformed("cursor") from None
    if not 0 <= value < _BIGGEST:
        raise Malformed("cursor")
    return value
