"""Reports of a foreign table become tasks: every row is a draft, or is refused by line, column and reason."""

import csv
import io
import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from sqlmodel import col, select

from volunteer_hub.core import geo
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.core.i18n import pick
from volunteer_hub.core.policy import Name
from volunteer_hub.incidents import rules, tasks
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.report_map import Category, ReportMap, plain
from volunteer_hub.incidents.rules import SlotSpec, TaskSpec

MAX_BYTES = 50_000_000
MAX_ROWS = 200_000


@dataclass(frozen=True)
class TaskDraft:
    """The task that one report asks for. Position WGS-84; ``categories`` of the map, most urgent first."""

    reference: str
    reported_at: datetime
    lat: float
    lon: float
    categories: tuple[str, ...]
    title: Name
    priority: int
    hazards: tuple[str, ...]
    hazardous: bool
    outdoor: bool
    minutes: int
    slots: tuple[SlotSpec, ...]


@dataclass(frozen=True)
class Reading:
    """What a table held. ``refused`` names places as "line:column"; ``unread`` columns are not in the map."""

    drafts: tuple[TaskDraft, ...]
    refused: tuple[FieldError, ...]
    rows: int
    unread: tuple[str, ...]


@dataclass(frozen=True)
class Imported:
    """The tasks made, and the reports that were tasks of this incident already."""

    tasks: tuple[Task, ...]
    repeated: tuple[str, ...]


@dataclass(frozen=True)
class _Row:
    line: int
    draft: TaskDraft


def read(document: bytes, source: ReportMap) -> Reading:
    """Reads a whole table.

    Raises Malformed for one that cannot be read at all: too large, in another encoding, or without a column
    that the map names.
    """
    text = io.StringIO(_text(document, source), newline="")
    table = csv.reader(text, delimiter=source.delimiter, strict=True)
    header, unread = _header(table, source)
    refused: list[FieldError] = []
    rows: list[_Row] = []
    seen: set[str] = set()
    count = 0
    for line, cells in _lines(table):
        count += 1
        if count > MAX_ROWS:
            raise Malformed("report.too_many", most=MAX_ROWS)
        found, wrong = _row(line, dict(zip(header, cells, strict=False)), source, seen)
        refused += wrong
        if found is not None:
            rows.append(found)
    inside, outside = _within(_in_wgs84(rows, source), source)
    refused = sorted([*refused, *outside], key=lambda error: int(error.params["line"]))
    return Reading(tuple(row.draft for row in inside), tuple(refused), count, unread)


def task_specs(drafts: Iterable[TaskDraft], starts_at: datetime, lang: str) -> list[TaskSpec]:
    """Drafts as tasks from ``starts_at`` on, titled in one language."""
    return [
        TaskSpec(
            title=f"{pick(draft.title, lang)} · {draft.reference}"[: rules.LONGEST_TITLE],
            reference=draft.reference,
            lat=draft.lat,
            lon=draft.lon,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=draft.minutes),
            priority=draft.priority,
            hazards=draft.hazards,
            hazardous=draft.hazardous,
            outdoor=draft.outdoor,
            slots=draft.slots,
        )
        for draft in drafts
    ]


def import_drafts(
    tx: Tx, incident: Incident, drafts: Sequence[TaskDraft], skills: Collection[str], starts_at: datetime
) -> Imported:
    """Adds the drafts to an incident as tasks, all or none; a report that is a task already stays one task.

    Raises Malformed naming every wrong field, Refused when the incident is closed.
    """
    tx.actor.must_cover("report.import", incident.area)
    tasks.hold_alone(tx, incident)
    references = select(col(Task.reference)).where(
        col(Task.incident_id) == incident.id, col(Task.reference).in_([d.reference for d in drafts])
    )
    present = set(tx.exec(references))
    specs = task_specs((d for d in drafts if d.reference not in present), starts_at, tx.actor.lang)
    rules.check_tasks(specs, skills)
    made = tasks.insert(tx, incident, specs)
    return Imported(tuple(made), tuple(d.reference for d in drafts if d.reference in present))


def _text(document: bytes, source: ReportMap) -> str:
    if len(document) > MAX_BYTES:
        raise Malformed("report.too_large", most=MAX_BYTES // 1_000_000)
    try:
        return document.decode("utf-8-sig" if source.encoding == "utf-8" else source.encoding)
    except UnicodeDecodeError as error:
        line = document.count(b"\n", 0, error.start) + 1
        raise Malformed("report.encoding", encoding=source.encoding, line=line) from None


def _lines(table: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row that is not empty."""
    while True:
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            line = table.line_num  # type: ignore[attr-defined]  # of csv's own reader
            raise Malformed("report.not_csv", line=line, reason=str(error)) from None
        if any(cell.strip() for cell in cells):
            yield table.line_num, cells  # type: ignore[attr-defined]  # of csv's own reader


def _header(table: Iterator[list[str]], source: ReportMap) -> tuple[list[str], tuple[str, ...]]:
    """The header's names, and those that the map does not read."""
    _, header = next(_lines(table), (1, []))
    names = [name.strip() for name in header]
    wanted = list(source.columns.model_dump().values())
    missing = [name for name in wanted if name not in names]
    if missing:
        raise Malformed("report.columns", missing=", ".join(missing), found=", ".join(names))
    return names, tuple(name for name in names if name not in wanted)


def _row(
    line: int, cells: dict[str, str], source: ReportMap, seen: set[str]
) -> tuple[_Row | None, list[FieldError]]:
    """A row as a draft, or everything that is wrong with it."""
    columns = source.columns
    reference = cells.get(columns.id, "").strip()
    wrong: list[FieldError] = []

    def refuse(column: str, code: str) -> None:
        value = cells.get(column, "").strip()[:80]
        params = {"line": line, "column": column, "value": value, "report": reference}
        wrong.append(FieldError(f"{line}:{column}", code, params))

    if not reference or len(reference) > rules.LONGEST_TITLE or "\0" in reference:
        refuse(columns.id, "report.id")
    elif reference in seen:
        refuse(columns.id, "report.twice")
    seen.add(reference)
    reported = _moment(cells.get(columns.time, ""), source)
    if reported is None:
        refuse(columns.time, "report.time")
    position = _position(cells, source)
    if isinstance(position, str):
        refuse(columns.lat if position == "lat" else columns.lon, "report.position")
    codes = _codes(cells.get(columns.categories, ""), source)
    if codes is None:
        refuse(columns.categories, "report.category")
    if wrong or reported is None or isinstance(position, str) or codes is None:
        return None, wrong
    return _Row(line, _draft(reference, reported, position, codes, source)), []


def _moment(cell: str, source: ReportMap) -> datetime | None:
    try:
        moment = datetime.strptime(cell.strip(), source.time.format)  # noqa: DTZ007  the zone follows
        return (moment if moment.tzinfo else moment.replace(tzinfo=source.time.timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _position(cells: dict[str, str], source: ReportMap) -> tuple[float, float] | str:
    """Latitude and longitude, or "lat" or "lon": the one that is not on the earth."""
    values: dict[str, float] = {}
    for name, column, limit in (("lat", source.columns.lat, 90), ("lon", source.columns.lon, 180)):
        try:
            values[name] = float(cells.get(column, ""))
        except ValueError:
            return name
        if not math.isfinite(values[name]) or abs(values[name]) > limit:
            return name
    return values["lat"], values["lon"]


def _codes(cell: str, source: ReportMap) -> tuple[str, ...] | None:
    """The categories that a cell lists, the default for none; None when one of them is unknown."""
    known = {plain(label): code for code, category in source.categories.items() for label in category.labels}
    codes: list[str] = []
    for part in filter(str.strip, cell.split(source.cell.separator)):
        text = re.sub(source.cell.numbering, "", part.strip())
        found = [known[label] for label in map(plain, text.split(source.cell.languages)) if label in known]
        if not found:
            return None
        codes.append(found[0])
    return tuple(dict.fromkeys(codes)) or (source.default_category,)


def _draft(
    reference: str,
    reported: datetime,
    position: tuple[float, float],
    codes: tuple[str, ...],
    source: ReportMap,
) -> TaskDraft:
    ordered = tuple(sorted(codes, key=lambda code: source.categories[code].priority))
    asked = [source.categories[code] for code in ordered]
    return TaskDraft(
        reference=reference,
        reported_at=reported,
        lat=position[0],
        lon=position[1],
        categories=ordered,
        title=asked[0].name,
        priority=asked[0].priority,
        hazards=tuple(dict.fromkeys(category.hazard for category in asked)),
        hazardous=any(category.hazardous for category in asked),
        outdoor=any(category.outdoor for category in asked),
        minutes=max(category.minutes for category in asked),
        slots=_slots(asked),
    )


def _slots(asked: Sequence[Category]) -> tuple[SlotSpec, ...]:
    """One role a skill and level: where two categories want one skill, the greater number serves both."""
    joined: dict[tuple[str, int], SlotSpec] = {}
    for want in (slot for category in asked for slot in category.slots):
        before = joined.get((want.skill, want.level))
        heads = max(want.heads, before.maximum if before else 0)
        joined[want.skill, want.level] = SlotSpec(
            skill=want.skill,
            level=want.level,
            minimum=heads,
            target=heads,
            maximum=heads,
            adult_only=want.adult_only or (before is not None and before.adult_only),
            insured_only=want.insured_only or (before is not None and before.insured_only),
        )
    return tuple(joined.values())


def _in_wgs84(rows: Sequence[_Row], source: ReportMap) -> list[_Row]:
    if source.datum == "wgs84" or not rows:
        return list(rows)
    convert = geo.gcj02_to_wgs84 if source.datum == "gcj02" else geo.bd09_to_wgs84
    lats, lons = convert([row.draft.lat for row in rows], [row.draft.lon for row in rows])
    return [
        replace(row, draft=replace(row.draft, lat=float(lat), lon=float(lon)))
        for row, lat, lon in zip(rows, lats, lons, strict=True)
    ]


def _within(rows: Sequence[_Row], source: ReportMap) -> tuple[list[_Row], list[FieldError]]:
    """The rows inside the map's bounds, and an error for each of the others."""
    if source.bounds is None or not rows:
        return list(rows), []
    lats = np.array([row.draft.lat for row in rows])
    lons = np.array([row.draft.lon for row in rows])
    inside = geo.in_polygon(lats, lons, source.bounds.ring)
    outside = [_outside(row, source) for row, within in zip(rows, inside, strict=True) if not within]
    return [row for row, within in zip(rows, inside, strict=True) if within], outside


def _outside(row: _Row, source: ReportMap) -> FieldError:
    column = source.columns.lat
    value = f"{row.draft.lat}, {row.draft.lon}"
    params = {"line": row.line, "column": column, "value": value, "report": row.draft.reference}
    return FieldError(f"{row.line}:{column}", "report.outside", params)
