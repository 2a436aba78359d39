"""The code on a screen at the place of work: whoever scans it stands before it.

It changes every minute and needs no keeping, because it follows from the task, the moment and the key of the
house; a picture of it sent on is of no use once its time is over.
"""

import base64
import uuid
from datetime import datetime
from typing import Final

from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.core.signing import derived_token, same
from volunteer_hub.mobilization import check_rules
from volunteer_hub.mobilization.policy import PresenceRules

_PURPOSE: Final = "screen"
_TASK: Final = 22  # characters of an id, in URL-safe base 64 without padding


def code(task: uuid.UUID, now: datetime, limits: PresenceRules) -> str:
    """What the screen of a task says now: 44 URL-safe characters, the task and the proof of the moment."""
    return _told(task) + _proof(task, check_rules.screen_steps(now, limits)[0])


def task_of(scanned: str) -> uuid.UUID:
    """Which task a scanned code is about, whether it still counts or not. Raises NotFound."""
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(scanned[:_TASK] + "=="))
    except ValueError:
        raise NotFound("duty.no_screen") from None


def counts(scanned: str, now: datetime, limits: PresenceRules) -> bool:
    """Whether a screen says this now, or did so just before."""
    task = task_of(scanned)
    proofs = (_proof(task, step) for step in check_rules.screen_steps(now, limits))
    return any(same((_told(task) + proof).encode(), scanned.encode()) for proof in proofs)


def must_count(scanned: str, task: uuid.UUID, now: datetime, limits: PresenceRules) -> None:
    """Raises Refused for the code of another task, and for one whose time is over."""
    if task_of(scanned) != task:
        raise Refused("duty.other_screen")
    if not counts(scanned, now, limits):
        raise Refused("duty.old_screen")


def _told(task: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(task.bytes).decode().rstrip("=")


def _proof(task: uuid.UUID, step: int) -> str:
    return derived_token(_PURPOSE, f"{task}:{step}")
