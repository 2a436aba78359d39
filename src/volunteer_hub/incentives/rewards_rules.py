"""Rewards: what may be offered, who may have one, and the code that a counter takes. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from volunteer_hub.core.errors import FieldError, Malformed, Refused

LONGEST_TITLE: Final = 120
LONGEST_WORDS: Final = 500
MOST: Final = 1_000_000
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is taken for another when it is read out or copied from paper."""
_ALIKE: Final = str.maketrans("OIL", "011")
_LETTERS: Final = 11
_YEARS: Final = range(2000, 9000)
_FAULT: Final = {"per_person": "reward.per_person_number"}
_BITS: Final = 5


class RedemptionState(StrEnum):
    """What became of a reward somebody took. ``returned``: the points and the piece went back."""

    TAKEN = "taken"
    HANDED_OVER = "handed_over"
    RETURNED = "returned"


@dataclass(frozen=True)
class Offer:
    """A reward as it is put into the catalogue. ``per_person``: the most one person takes; ``keep_days``: how
    long a code can be handed in."""

    title: str
    cost: int
    stock: int
    sponsor: str = ""
    words: str = ""
    per_person: int | None = None
    keep_days: int = 90
    ends_at: datetime | None = None


def check(offer: Offer) -> None:
    """Raises Malformed with every wrong field."""
    wrong = (
        ("title", not offer.title.strip() or len(offer.title) > LONGEST_TITLE),
        ("sponsor", len(offer.sponsor) > LONGEST_TITLE),
        ("words", len(offer.words) > LONGEST_WORDS),
        ("cost", not 1 <= offer.cost <= MOST),
        ("stock", not 0 <= offer.stock <= MOST),
        ("per_person", offer.per_person is not None and not 1 <= offer.per_person <= MOST),
        ("keep_days", not 1 <= offer.keep_days <= 3650),
        ("ends", offer.ends_at is not None and offer.ends_at.year not in _YEARS),
    )
    faults = [FieldError(name, _FAULT.get(name, f"reward.{name}")) for name, holds in wrong if holds]
    if faults:
        raise Malformed("form", fields=faults)


def code(secret: bytes) -> str:
    """The twelve letters behind a redemption: eleven of a secret digest (55 bits) and one that tells a slip
    of the pen from a code of ours."""
    number = int.from_bytes(secret[:8]) >> (64 - _LETTERS * _BITS)
    letters = "".join(_ALPHABET[number >> _BITS * n & 31] for n in reversed(range(_LETTERS)))
    return letters + _check(letters)


def grouped(letters: str) -> str:
    """As it is printed: ABCD-EFGH-JKMN."""
    return "-".join(letters[n : n + 4] for n in range(0, len(letters), 4))


def read(typed: str) -> str:
    """A code as typed or scanned, an address too. Raises Malformed for a slip of the pen."""
    last = typed.strip().rstrip("/").rsplit("/", maxsplit=1)[-1].upper().translate(_ALIKE)
    letters = "".join(one for one in last if one in _ALPHABET)
    if len(letters) != _LETTERS + 1 or _check(letters[:-1]) != letters[-1]:
        raise Malformed("form", fields=[FieldError("code", "reward.code")])
    return letters


def _check(letters: str) -> str:
    """Weighted by place with odd numbers, so that one wrong letter, and most that were swapped, show."""
    return _ALPHABET[sum((2 * n + 1) * _ALPHABET.index(one) for n, one in enumerate(letters)) % 32]


def handed_over_at(now: datetime, taken_at: datetime, until: datetime, noted: datetime | None) -> datetime:
    """When a counter handed it over: now, or as it was noted on paper.

    Raises Malformed for a time that cannot be, Refused for a code that was too old then.
    """
    at = now if noted is None else noted
    if at > now or at < taken_at:
        raise Malformed("form", fields=[FieldError("at", "reward.at")])
    if at > until:
        raise Refused("reward.too_late")
    return at
