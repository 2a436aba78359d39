"""Points taken by hand, and the appeal against it: what may follow on what, and by when."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from volunteer_hub.core.errors import Refused


class DeductionState(StrEnum):
    """It stands; the person has appealed; somebody else has confirmed it, or given the points back."""

    STANDS = "stands"
    APPEALED = "appealed"
    CONFIRMED = "confirmed"
    GIVEN_BACK = "given_back"


class Verdict(StrEnum):
    """What somebody makes of an appeal."""

    GIVE_BACK = "give_back"
    CONFIRM = "confirm"


AFTER: Final = {Verdict.GIVE_BACK: DeductionState.GIVEN_BACK, Verdict.CONFIRM: DeductionState.CONFIRMED}


def may_appeal(state: DeductionState, until: datetime, now: datetime) -> bool:
    """Once, while it stands, until the day that the notice named."""
    return state is DeductionState.STANDS and now <= until


def check_appeal(state: DeductionState, until: datetime, now: datetime) -> None:
    """Raises Refused for a second appeal, and for one too late."""
    if state is not DeductionState.STANDS:
        raise Refused("deduction.no_appeal")
    if not may_appeal(state, until, now):
        raise Refused("deduction.too_late")


def check_decider(entered_by: int | None, decider: int | None) -> None:
    """Raises Refused where whoever took the points would decide on the appeal too."""
    if decider is not None and decider == entered_by:
        raise Refused("deduction.appeal_other")
