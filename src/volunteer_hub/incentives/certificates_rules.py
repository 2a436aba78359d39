"""What a certificate may say, what its holder lets others read, and the hash of what was issued. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from volunteer_hub.core.errors import FieldError, Malformed

_EARLIEST: Final = 1900


class Paper(StrEnum):
    """A record of service, or a letter that somebody is called out, for whoever they work for."""

    HOURS = "hours"
    ABSENCE = "absence"


class Named(StrEnum):
    """How the page behind a certificate's code calls its holder."""

    MASKED = "masked"
    FULL = "full"


class Standing(StrEnum):
    """What that page says of it. ``changed``: the records it was made from say something else today."""

    VALID = "valid"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Shows:
    """What the holder lets anybody read who has the code."""

    named: Named = Named.MASKED
    hours: bool = False
    duties: bool = False


def check_period(begins: date, ends: date, today: date) -> None:
    """Raises Malformed for a period that ends before it begins, and for days that have not been yet or of
    which no clock tells."""
    if begins.year < _EARLIEST:
        raise Malformed("form", fields=[FieldError("begins", "certificate.early")])
    if ends < begins:
        raise Malformed("form", fields=[FieldError("ends", "certificate.period")])
    if ends > today:
        raise Malformed("form", fields=[FieldError("ends", "certificate.future")])


def canonical(content: Mapping[str, Any]) -> str:
    """What is sealed and hashed: JSON with its keys in order, in UTF-8."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> bytes:
    """SHA-256 of what was issued."""
    return hashlib.sha256(text.encode()).digest()


def standing(*, withdrawn: bool, figures: Mapping[str, Any], today: Mapping[str, Any]) -> Standing:
    """What holds of a certificate whose records said ``figures`` when it was issued."""
    if withdrawn:
        return Standing.WITHDRAWN
    return Standing.VALID if canonical(figures) == canonical(today) else Standing.CHANGED
