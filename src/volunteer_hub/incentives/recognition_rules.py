"""Who is recognised for a month, by stated rules: time given out of the time they were asked for. Pure.

Whoever was asked for four hours and gave four stands as high as who was asked for forty and gave forty:
free time is no merit. Among equals more hours given come first, and who is level at the end is in as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.incentives.recognition_policy import Recognition

_EARLIEST: Final = 1900


@dataclass(frozen=True)
class Given:
    """Minutes that somebody was asked for in a month, in so many offers, and those of them they gave."""

    minutes: int
    asked: int
    offers: int

    @property
    def per_mille(self) -> int:
        """The share of what was asked that was given; who stays longer than asked has given all of it."""
        return 1000 * min(self.minutes, self.asked) // self.asked if self.asked else 0


@dataclass(frozen=True)
class Chosen:
    """Who is recognised: the id of a person or of a team's task, or an area's path, and by what figures."""

    who: int | str
    given: Given


def people(found: Mapping[int, Given], rules: Recognition) -> list[Chosen]:
    """The people of the month, the first first; none below the least hours and offers."""
    fit = {
        who: given
        for who, given in found.items()
        if given.minutes >= rules.least_hours * 60 and given.offers >= rules.least_offers
    }
    return _first(fit, rules.people)


def teams(found: Mapping[int, Given], sizes: Mapping[int, int], rules: Recognition) -> list[Chosen]:
    """The teams of the month: the people called to one task, by all the time they were asked for and gave."""
    fit = {
        which: given
        for which, given in found.items()
        if sizes[which] >= rules.least_people and given.minutes >= rules.least_hours * 60
    }
    return _first(fit, rules.teams)


def communities(found: Mapping[str, Given], rules: Recognition) -> list[Chosen]:
    """The communities of the month, by all the time their people were asked for and gave."""
    return _first({who: given for who, given in found.items() if given.minutes}, rules.communities)


def _first(found: Mapping[int, Given] | Mapping[str, Given], most: int) -> list[Chosen]:
    rows = [Chosen(who, given) for who, given in found.items()]
    rows.sort(key=lambda one: _rank(one.given), reverse=True)
    if len(rows) <= most:
        return rows
    last = _rank(rows[most - 1].given)
    return [one for one in rows if _rank(one.given) >= last]


def _rank(given: Given) -> tuple[int, int]:
    return given.per_mille, given.minutes


def month(text: str, today: date) -> date:
    """The first day of a month written as 2031-01; of the last full month when nothing is written. Raises
    Malformed for what is no month, and for one that has not ended."""
    this = today.replace(day=1)
    if not text:
        return previous(this)
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Malformed("form", fields=[FieldError("month", "recognition.month")]) from None
    if first >= this or first.year < _EARLIEST:
        raise Malformed("form", fields=[FieldError("month", "recognition.month")])
    return first


def previous(first: date) -> date:
    """The first day of the month before."""
    return date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1)


def following(first: date) -> date:
    """The first day of the month after."""
    return date(first.year + (first.month == 12), first.month % 12 + 1, 1)
