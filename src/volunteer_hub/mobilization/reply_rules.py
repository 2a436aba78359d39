"""What became of asking somebody, in ten words. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from volunteer_hub.mobilization.rules import DeclineReason, OfferState


class Reached(StrEnum):
    """How far the question got: the best of its messages."""

    NOT_SENT = "not_sent"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"


class Became(StrEnum):
    """What became of one question. ``later``: not now, but from an hour on; ``wrong_number``: it reached
    somebody else; ``inactive``: the person may be called no longer and has not answered."""

    NOT_SENT = "not_sent"
    SENT = "sent"
    NOT_DELIVERED = "not_delivered"
    DELIVERED = "delivered"
    SEEN = "seen"
    LATER = "later"
    DECLINED = "declined"
    ACCEPTED = "accepted"
    WRONG_NUMBER = "wrong_number"
    INACTIVE = "inactive"


@dataclass(frozen=True)
class Asked:
    """All that it is told by. ``active``: the person may be called today."""

    state: OfferState
    reason: DeclineReason | None
    seen: bool
    answered: bool
    reached: Reached
    active: bool


REASONS: Final = (
    DeclineReason.BUSY,
    DeclineReason.AWAY,
    DeclineReason.UNWELL,
    DeclineReason.TOO_FAR,
    DeclineReason.UNSUITED,
    DeclineReason.OTHER,
)
"""Why somebody says no, as they are given to choose from."""
_REASONS: Final = {DeclineReason.NOT_ME: Became.WRONG_NUMBER, DeclineReason.LATER: Became.LATER}
_NO: Final = frozenset({OfferState.DECLINED, OfferState.WITHDRAWN})
_HOW_FAR: Final = {
    Reached.NOT_SENT: Became.NOT_SENT,
    Reached.SENT: Became.SENT,
    Reached.FAILED: Became.NOT_DELIVERED,
    Reached.DELIVERED: Became.DELIVERED,
}


def became(it: Asked) -> Became:
    """What became of a question: what was answered, else what is known to have happened to it."""
    if it.reason in _REASONS:
        return _REASONS[it.reason]
    if it.state in _NO:
        return Became.DECLINED
    if it.answered:
        return Became.ACCEPTED
    if not it.active:
        return Became.INACTIVE
    return Became.SEEN if it.seen else _HOW_FAR[it.reached]


def teaches(reached: Reached, *, receipts: bool) -> bool:
    """Whether a question is taken to have reached its person, whatever became of it: by its receipt or, on a
    channel that gives none, by being handed over.

    An answer alone does not do: of questions without a receipt those answered would teach and those passed
    over in silence would not, and everybody would seem more willing than they are.
    """
    return reached is Reached.DELIVERED or (reached is Reached.SENT and not receipts)
