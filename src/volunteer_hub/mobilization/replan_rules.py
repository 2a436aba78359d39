"""What speaks for planning a running callout anew, and whether a re-plan may be applied by itself. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from volunteer_hub.core.errors import Malformed

MOST_CHANGES: Final = 1000


class News(StrEnum):
    """What has happened since a plan was asked for. ``lost``: people with a place who may serve there no
    longer; ``tasks``: added, changed, called off."""

    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    SILENT = "silent"
    NO_SHOW = "no_show"
    LOST = "lost"
    TASKS = "tasks"


def rested(now: datetime, asked_at: datetime, minutes: int) -> bool:
    """Whether so many minutes have passed since the last plan was asked for."""
    return now >= asked_at + timedelta(minutes=minutes)


def check_rule(most: int | None, reason: str | None) -> str | None:
    """The reason, trimmed. Raises Malformed for a wild number of orders."""
    if most is not None and not 1 <= most <= MOST_CHANGES:
        raise Malformed("replan.rule.most", most=MOST_CHANGES)
    return (reason or "").strip() or None


def by_itself(changes: Sequence[Mapping[str, Any]], most: int | None) -> bool:
    """Whether a rule that allows ``most`` orders to change lets these through: nobody who has said yes may be
    moved or released by it."""
    return most is not None and len(changes) <= most and all(one["before"] is None for one in changes)
