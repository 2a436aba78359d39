"""The tables `volunteer-hub plan` reads: people, slots, travel times. CSV or JSON, one row a person or slot.

A column left out or a cell left empty means what `PEOPLE` and `SLOTS` say. Times are ISO 8601 (without an
offset: UTC, all alike) or whole minutes; lists are separated by semicolons. Every bad cell is named.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from volunteer_hub.core.errors import FieldError, Malformed

REQUIRED: Final = object()
MOST_NAMED: Final = 50  # bad cells
_YES, _NO = frozenset({"yes", "true", "1", "y", "是"}), frozenset({"no", "false", "0", "n", "否"})


@dataclass(frozen=True)
class Skill:
    """A skill at a level, and the minute its proof lapses (None: never)."""

    code: str
    level: int = 1
    until: int | None = None


@dataclass(frozen=True)
class Column:
    """How a cell is read (ValueError: not like that), and what an empty one means."""

    read: Callable[[str], Any]
    otherwise: Any = REQUIRED


def number(low: float, high: float) -> Callable[[str], float]:
    """Reads a number within bounds."""

    def read(cell: str) -> float:
        value = float(cell)
        if not low <= value <= high or math.isnan(value):
            raise ValueError(cell)
        return value

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number within bounds."""
    return lambda cell: int(number(low, high)(str(int(cell))))


def flag(cell: str) -> bool:
    """Yes or no."""
    if cell.lower() not in _YES | _NO:
        raise ValueError(cell)
    return cell.lower() in _YES


def minute(cell: str) -> int:
    """Whole minutes, or those since 1970 of a time."""
    if cell.lstrip("-").isdigit():
        return int(number(-1e9, 1e9)(cell))
    when = datetime.fromisoformat(cell)
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() // 60)


def windows(cell: str) -> tuple[tuple[int, int], ...]:
    """Stretches of time, as "start/end; start/end"."""
    found = tuple((minute(start), minute(end)) for start, end in (one.split("/") for one in _listed(cell)))
    if any(end <= start for start, end in found):
        raise ValueError(cell)
    return found


def _listed(cell: str) -> list[str]:
    return [one.strip() for one in cell.split(";") if one.strip()]


def skill(cell: str) -> Skill:
    """ "medic", "medic:2" or "medic:2@2027-05-01": code, level, last day or minute of its proof."""
    held, _, until = cell.partition("@")
    code, _, level = held.partition(":")
    if not code:
        raise ValueError(cell)
    return Skill(code.strip(), whole(1, 3)(level or "1"), minute(until) if until else None)


def skills(cell: str) -> tuple[Skill, ...]:
    """Any number of skills."""
    return tuple(map(skill, _listed(cell)))


def _nested(cell: str) -> tuple[tuple[Skill, int], ...]:
    """ "driver x1; first_aid:2 x2": how many heads at least hold each skill."""
    found = []
    for one in _listed(cell):
        holds, _, heads = one.rpartition("x")
        found.append((skill(holds.strip()), whole(1, 10**6)(heads)))
    return tuple(found)


def _heads(cell: str) -> tuple[int, int]:
    """ "12" people or none, or between "5-12"."""
    least, _, most = cell.partition("-")
    found = whole(1, 10**5)(least), whole(1, 10**5)(most or least)
    if found[0] > found[1]:
        raise ValueError(cell)
    return found


PEOPLE: Final[Mapping[str, Column]] = {
    "id": Column(str),
    "lat": Column(number(-90, 90)),
    "lon": Column(number(-180, 180)),
    "skills": Column(skills, ()),
    "free": Column(windows, None),  # always
    "busy": Column(windows, ()),
    "adult": Column(flag, True),
    "insured": Column(flag, True),
    "fit": Column(flag, True),
    "night": Column(flag, True),
    "speed_kmh": Column(number(0.1, 1000), 30.0),
    "max_km": Column(number(0, 20_100), 50.0),
    "night_km": Column(number(0, 20_100), None),  # as by day
    "fatigue": Column(number(0, 10_000), 0.0),  # minutes of travel it is worth to spare them
    "night_cost": Column(number(0, 10_000), 0.0),
    "served": Column(whole(0, 10**6), 0),
    "last_duty": Column(minute, None),
    "worked": Column(whole(0, 1440), 0),  # minutes in the 24 hours before
    "locked": Column(str, None),  # the slot they are decided for
    "zone": Column(str, None),  # where the table of travel times has them start
    # with several duties (roster_files)
    "max_duties": Column(whole(1, 1000), None),
    "call_cost": Column(number(0, 10_000), 0.0),  # minutes of travel it is worth not to call them at all
    "team": Column(str, None),  # all of a team or none, and in the same slot
    "heads": Column(_heads, (1, 1)),  # an organisation's offer: "12", or "5-12"
}
SLOTS: Final[Mapping[str, Column]] = {
    "id": Column(str),
    "lat": Column(number(-90, 90)),
    "lon": Column(number(-180, 180)),
    "start": Column(minute),
    "end": Column(minute),
    "target": Column(whole(0, 10**6)),
    "minimum": Column(whole(0, 10**6), None),  # the target
    "maximum": Column(whole(0, 10**6), None),  # the target
    "priority": Column(whole(1, 5), 3),  # 1 is the most urgent
    "skill": Column(skill, None),
    "nested": Column(_nested, ()),
    "adult_only": Column(flag, False),
    "insured_only": Column(flag, False),
    "hazardous": Column(flag, False),
    "night": Column(flag, False),
    "max_km": Column(number(0, 20_100), 20_100.0),
    # with several duties (roster_files)
    "leader": Column(skill, None),  # nobody serves without somebody who holds it
    "pair_up": Column(flag, False),  # nobody serves alone
    "post": Column(str, None),  # the lasting place that crews of successive periods hand over
    "period": Column(whole(0, 10_000), None),
}
TRAVEL: Final[Mapping[str, Column]] = {
    "zone": Column(str),
    "slot": Column(str),
    "minutes": Column(number(0, 100_000), None),  # no way
}


@dataclass(frozen=True)
class Table:
    """Rows as read, with the line (JSON: the number) each stands on."""

    name: str
    lines: list[int]
    rows: list[dict[str, Any]]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    def wrong(self, row: int, column: str, code: str, **params: Any) -> FieldError:
        """An error at one cell, for the reader to find."""
        where = {"file": self.name, "line": self.lines[row], "column": column}
        return FieldError(f"{self.name}:{self.lines[row]}", code, where | params)


def read(path: Path, columns: Mapping[str, Column]) -> Table:
    """The table in a file. Raises Malformed: the file as a whole, unknown columns, or every bad cell."""
    found = _json(path) if path.suffix.lower() == ".json" else _csv(path)
    unknown = sorted({name for _, cells in found for name in cells} - set(columns))
    if unknown:
        known = ", ".join(columns)
        raise Malformed("plan_files.columns", file=path.name, columns=", ".join(unknown), known=known)
    table = Table(path.name, [line for line, _ in found], [])
    wrong: list[FieldError] = []
    for number, (_, cells) in enumerate(found):
        row: dict[str, Any] = {}
        for name, column in columns.items():
            cell = cells.get(name, "").strip()
            try:
                row[name] = column.read(cell) if cell else _absent(column)
            except (ValueError, OverflowError):
                code = "plan_files.cell" if cell else "plan_files.missing"
                wrong.append(table.wrong(number, name, code, value=cell[:60]))
        table.rows.append(row)
    refuse(wrong)
    return table


def twice(table: Table) -> list[FieldError]:
    """Ids that stand in more than one row."""
    seen: dict[str, int] = {}
    wrong = []
    for row, key in enumerate(table.column("id")):
        if seen.setdefault(key, row) != row:
            wrong.append(table.wrong(row, "id", "plan_files.twice", value=key, first=table.lines[seen[key]]))
    return wrong


def refuse(wrong: Sequence[FieldError]) -> None:
    """Raises Malformed naming the bad cells, if there are any."""
    if wrong:
        raise Malformed("plan_files.rows", n=len(wrong), fields=wrong[:MOST_NAMED])


def _absent(column: Column) -> Any:
    if column.otherwise is REQUIRED:
        raise ValueError
    return column.otherwise


def _csv(path: Path) -> list[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), restkey="", strict=True)
    rows = []
    line = 2
    try:
        for cells in reader:
            named = {name.strip(): cell or "" for name, cell in cells.items() if name}
            if any(cell.strip() for cell in named.values()):
                rows.append((line, named))
            line = reader.line_num + 1
    except csv.Error:
        raise Malformed("plan_files.csv", file=path.name, line=line) from None
    return rows


def _json(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        listed = json.loads(_text(path))
    except ValueError:
        raise Malformed("plan_files.json", file=path.name) from None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise Malformed("plan_files.json", file=path.name)
    cells = [{name: _cell(value) for name, value in one.items()} for one in listed]
    return list(enumerate(cells, start=1))


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(map(_cell, value))
    return "" if value is None else str(value)


def _text(path: Path) -> str:
    content = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Malformed("plan_files.encoding", file=path.name)
