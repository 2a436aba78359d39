"""Results of training: by course, by community, by how well, and by age."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import bulk
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import catalogue
from volunteer_hub.training import courses, results, rules
from volunteer_hub.training.results import Taken
from volunteer_hub.training.rules import AgeBand
from volunteer_hub.volunteers.models import Volunteer


class By(StrEnum):
    """What results are told by."""

    COURSE = "course"
    COMMUNITY = "community"
    LEVEL = "level"
    AGE = "age"


@dataclass(frozen=True)
class Group:
    """People at courses: ``taken`` of them, of whom ``passed``. ``key`` is the machine's ``name``."""

    by: By
    key: str
    name: Mapping[str, str]
    taken: int
    passed: int

    @property
    def percent(self) -> int:
        """How many of a hundred passed."""
        return self.passed * 100 // self.taken


def groups(tx: Tx, since: date, until: date) -> list[Group]:
    """Every group that anybody is in, in the order of `By`, each in its own."""
    rows = results.taken(tx, since, until)
    born = _birthdays(tx, {row.volunteer_id for row in rows})
    known = courses.every(tx)
    bands = courses.shipped().bands
    places = {row.area for row in rows}
    names, codes = jurisdictions.names(tx, places), jurisdictions.codes(tx, places)

    def level(row: Taken) -> str:
        return rules.band(row.score, bands)

    def age(row: Taken) -> str:
        return rules.age_band(born.get(row.volunteer_id), row.on).value

    of_course = {code: one.name for code, one in known.items()}
    of_band = {band.code: {"en": band.name.en, "zh": band.name.zh} for band in bands}
    of_band |= {rules.UNTESTED: _words("training.results.untested")}
    of_age = {band.value: _words(f"training.age.{band.value}") for band in AgeBand}
    found = [
        *_grouped(By.COURSE, rows, lambda row: row.course, of_course),
        *_grouped(By.COMMUNITY, rows, lambda row: row.area, names),
        *_grouped(By.LEVEL, rows, level, of_band),
        *_grouped(By.AGE, rows, age, of_age),
    ]
    return [
        Group(one.by, codes[one.key], one.name, one.taken, one.passed) if one.by is By.COMMUNITY else one
        for one in found
    ]


def _grouped(
    by: By, rows: Iterable[Taken], key: Callable[[Taken], str], names: Mapping[str, Mapping[str, str]]
) -> list[Group]:
    counts: dict[str, list[int]] = {}
    for row in rows:
        count = counts.setdefault(key(row), [0, 0])
        count[0] += 1
        count[1] += row.passed
    order = {name: n for n, name in enumerate(names)}
    return [
        Group(by, one, names.get(one, {"en": one, "zh": one}), *counts[one])
        for one in sorted(counts, key=lambda name: (order.get(name, len(order)), name))
    ]


def _birthdays(tx: Tx, people: set[int]) -> dict[int, date | None]:
    wanted = select(col(Volunteer.id), col(Volunteer.birthday)).where(bulk.among(col(Volunteer.id), people))
    return dict(tx.exec(wanted).all())


def _words(key: str) -> dict[str, str]:
    return {lang: str(catalogue(lang)[key]) for lang in ("en", "zh")}
