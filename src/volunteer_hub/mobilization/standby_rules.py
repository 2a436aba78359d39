"""How long somebody must be there to be of use, and why somebody who stands by is passed over. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

_ROUNDED: Final = timedelta(minutes=1)


class PassedOver(StrEnum):
    """Why a free place went to somebody further back. ``elsewhere``: promised to other work at that time."""

    TOO_LATE = "too_late"
    NOT_CALLABLE = "not_callable"
    SKILL = "skill"
    ELSEWHERE = "elsewhere"


def of_use(arrives_at: datetime, starts_at: datetime, ends_at: datetime, least: int) -> bool:
    """Whether somebody there from then on is there for at least so many minutes of the work, or for all of it
    where it is shorter. Ways are stated in whole minutes: whoever is late by part of one is not late."""
    left = ends_at - max(arrives_at, starts_at)
    return left > timedelta() and left > min(timedelta(minutes=least), ends_at - starts_at) - _ROUNDED
