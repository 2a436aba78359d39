"""Points given to a person in need or to an area's fund: how many at most, and what looks like a sale.

Points are given, not sold: to people whom the staff has named as in need, unseen by name; little a month,
less to the same person; and nobody gives back to who gave to them before somebody has looked at it.
"""

from dataclasses import dataclass
from enum import StrEnum

from volunteer_hub.core.errors import Malformed, Refused
from volunteer_hub.incentives.gifts_policy import Gifts

LONGEST_WORDS = 200


class GiftState(StrEnum):
    """Moved; or held until a second person has looked at it; or refused by them, and never moved."""

    GIVEN = "given"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True)
class Standing:
    """Points of a giver: all, those paid for well-evidenced duties, all given, those given in this month, and
    of that to the person who is to have them. What waits counts as given."""

    balance: int
    earned: int
    given: int
    month: int
    pair: int = 0


def most(who: Standing, policy: Gifts) -> int:
    """How many points may be given now, to somebody who has had ``pair`` of them in this month."""
    rest = (
        who.balance - policy.keep,
        who.earned - who.given,
        policy.month - who.month,
        policy.pair_month - who.pair,
    )
    return max(0, min(rest))


def check(points: int, who: Standing, policy: Gifts) -> None:
    """Raises Malformed for less than one point, Refused for more than may be given."""
    if points < 1:
        raise Malformed("gift.points")
    if points > (n := most(who, policy)):
        raise Refused("gift.too_many", n=n)


def check_grant(points: int, have: int) -> None:
    """Raises Malformed for less than one point, Refused where the fund has fewer."""
    if points < 1:
        raise Malformed("gift.points")
    if points > have:
        raise Refused("gift.fund_short", n=max(0, have))


def words_of(words: str) -> str:
    """What the need is, trimmed. Raises Malformed without words, for too many and for a NUL."""
    trimmed = words.strip()
    if not trimmed or len(trimmed) > LONGEST_WORDS or "\0" in trimmed:
        raise Malformed("gift.words", longest=LONGEST_WORDS)
    return trimmed
