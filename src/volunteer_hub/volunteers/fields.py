"""One field at a time: from the text of a form, a file or a message to the value that is stored.

Every reader takes text without blanks at its edges, never empty, and raises `Wrong` with a catalogue code.
"""

import math
import re
import unicodedata
from datetime import date, datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import phonenumbers

from volunteer_hub.volunteers import week
from volunteer_hub.volunteers.rules import OLDEST, YOUNGEST, age_on

# Mainland mobile prefixes of which the phonenumbers library accepts every number; a test holds them to it.
_USUAL_PHONE: Final = re.compile(
    r"(?:\+?86[ -]?)?(1(?:3\d|4[57]|5[0-35-9]|6[2567]|7[0-35-8]|8\d|9[0-35-9]))[ -]?(\d{4})[ -]?(\d{4})",
    re.ASCII,
)
_PHONE_SIGNS: Final = re.compile(r"\+?[0-9 ().\-/]{3,40}")
_MAIL_SIGN: Final = r"""[^\s@,;:<>()\[\]"\\]"""
_EMAIL: Final = re.compile(rf"{_MAIL_SIGN}{{1,64}}@{_MAIL_SIGN}{{1,180}}\.{_MAIL_SIGN}{{2,60}}")
_DATE: Final = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})", re.ASCII)
_YES: Final = frozenset({"yes", "y", "true", "1", "是"})
_NO: Final = frozenset({"no", "n", "false", "0", "否"})
_SHORT: Final = 100
_LONG: Final = 300


class Wrong(ValueError):
    """What is wrong with one field: a code and its parameters."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = f"volunteer.{code}"
        self.params = params


def as_text(value: Any) -> str:  # noqa: PLR0911  (one line a kind)
    """The text of a spreadsheet's cell, a form's field or a value of JSON; None is empty."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            midnight = value.time() == time() and not value.utcoffset()
            return value.date().isoformat() if midnight else value.isoformat()
        case time():
            return f"{value:%H:%M}"
        case date():
            return value.isoformat()
        case list() | tuple():
            return ";".join(map(as_text, value))
        case _:
            return str(value)


def line(raw: str, longest: int = _SHORT) -> str:
    """Text on one line."""
    text = lines(raw, longest)
    if "\n" in text:
        raise Wrong("one_line")
    return text


def lines(raw: str, longest: int = _LONG) -> str:
    """Text of several lines; other control characters, and what no file can hold, are refused."""
    if len(raw) > longest:
        raise Wrong("too_long", longest=longest)
    if raw.isprintable():
        return raw
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    for sign in text:
        if (sign not in "\n\t" and unicodedata.category(sign) in ("Cc", "Cs")) or sign in "\ufffe\uffff":
            raise Wrong("control", sign=f"U+{ord(sign):04X}")
    return text


def phone(raw: str, region: str) -> str:
    """The number as E.164. The usual form takes a fast path: the library costs 30 microseconds a number."""
    if region == "CN" and (usual := _USUAL_PHONE.fullmatch(raw)) is not None:
        return "+86" + "".join(usual.groups())
    return _unusual_phone(raw, region)


@lru_cache(maxsize=4096)
def _unusual_phone(raw: str, region: str) -> str:
    if _PHONE_SIGNS.fullmatch(raw) is None:  # the library would drop words and extensions without a word
        raise Wrong("phone")
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        raise Wrong("phone") from None
    if not phonenumbers.is_valid_number(number):
        raise Wrong("phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email(raw: str) -> str:
    """An e-mail address."""
    if len(raw) > 254 or not raw.isprintable() or _EMAIL.fullmatch(raw) is None:
        raise Wrong("email")
    return raw


def day(raw: str) -> date:
    """A day: 2026-07-31, 2026/7/31, 20260731."""
    try:
        return date.fromisoformat(raw)
    except ValueError:
        pass
    parts = _DATE.fullmatch(raw)
    if parts is None:
        raise Wrong("date")
    try:
        return date(int(parts[1]), int(parts[3]), int(parts[4]))
    except ValueError:
        raise Wrong("date") from None


def birthday(raw: str, today: date) -> date:
    """A day of birth of somebody who may be in the pool."""
    born = day(raw)
    if born > today:
        raise Wrong("birthday.future")
    age = age_on(born, today)
    if age > OLDEST:
        raise Wrong("birthday.too_old", oldest=OLDEST)
    if age < YOUNGEST:
        raise Wrong("birthday.too_young", youngest=YOUNGEST)
    return born


def degrees(raw: str, most: float, code: str) -> float:
    """Latitude or longitude; ``code`` names which."""
    number = _number(raw)
    if abs(number) > most:
        raise Wrong(code, value=raw)
    return number


def kilometres(raw: str) -> float:
    """How far a person goes: more than nothing, at most 500 km."""
    number = _number(raw)
    if not 0 < number <= 500:
        raise Wrong("max_km")
    return number


def _number(raw: str) -> float:
    try:
        number = float(raw)
    except ValueError:
        raise Wrong("number") from None
    if len(raw) > 40 or "_" in raw or not math.isfinite(number):
        raise Wrong("number")
    return number


def yes_no(raw: str) -> bool:
    """Yes or no, in the words people use."""
    word = raw.casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise Wrong("yes_no")


def minute_of_day(raw: str) -> int:
    """22:30, or minutes from midnight."""
    hours, colon, minutes = raw.partition(":")
    if not (hours.isascii() and hours.isdigit() and len(raw) <= 8):
        raise Wrong("hour")
    if colon and not (minutes[:2].isascii() and minutes[:2].isdigit() and minutes[2:] in ("", ":00")):
        raise Wrong("hour")
    count = int(hours) * 60 + int(minutes[:2]) if colon else int(hours)
    if count >= 24 * 60 or (colon and int(minutes[:2]) > 59):
        raise Wrong("hour")
    return count


def hour_text(minute: int | None) -> str:
    """What `minute_of_day` reads."""
    return "" if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def cells(raw: str) -> int:
    """The weekly pattern of 14 characters."""
    try:
        return week.from_text(raw)
    except ValueError:
        raise Wrong("availability") from None


def one_of(raw: str, kind: type[StrEnum]) -> StrEnum:
    """A member of an enumeration by its value."""
    try:
        return kind(raw.casefold())
    except ValueError:
        raise Wrong("one_of", value=raw[:40], values=", ".join(kind)) from None


def search_keys(name: str | None, number: str | None) -> list[str]:
    """What a person is found by: pairs of neighbouring signs of a name, its first sign, last four digits."""
    folded = folded_name(name or "")
    keys = {folded[i : i + 2] for i in range(len(folded) - 1)}
    if folded:
        keys.add("^" + folded[0])
    if number:
        keys.add("#" + number[-4:])
    return sorted(keys)


def folded_name(name: str) -> str:
    """A name without case and blanks."""
    return "".join(name.casefold().split())
