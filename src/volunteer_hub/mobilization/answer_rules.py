"""Ways of asking as the answer model numbers them, and days as it counts them. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from volunteer_hub.mobilization.policy import CalloutKind, Channel, When

CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
WHENS: Final[tuple[When, ...]] = get_args(When)
KINDS: Final[tuple[CalloutKind, ...]] = get_args(CalloutKind)
CELLS: Final = tuple((channel, when, kind) for channel in CHANNELS for when in WHENS for kind in KINDS)
"""By number; never reordered, what is stored rests on it."""
_FIRST_DAY: Final = datetime(2020, 1, 1, tzinfo=UTC)
SILENCE, NO, YES = range(3)


def cell(channel: Channel, when: When, kind: CalloutKind) -> int:
    """The number of a way of asking."""
    return CELLS.index((channel, when, kind))


def day(moment: datetime) -> float:
    """Days since 2020-01-01 UTC."""
    return (moment - _FIRST_DAY) / timedelta(days=1)


def moment(days: float) -> datetime:
    """When that was."""
    return _FIRST_DAY + timedelta(days=days)
