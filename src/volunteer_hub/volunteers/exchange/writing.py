"""Writing people to CSV or XLSX so that reading the file back gives the same people."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Final, Literal

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from sqlalchemy import ARRAY, BigInteger, any_, column, literal, table
from sqlalchemy import select as sql_select
from sqlmodel import col

from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers import queries, stored
from volunteer_hub.volunteers.exchange.layout import COLUMNS, guarded
from volunteer_hub.volunteers.models import Certification, SkillClaim, Volunteer
from volunteer_hub.volunteers.queries import Wanted

Format = Literal["csv", "xlsx"]
Progress = Callable[[int, int], None]
Record = Callable[[str, str, int], None]
_PAGE: Final = 2_000
_CLAIM: Final = ("volunteer_id", "skill", "level", "state")
_PAPER: Final = ("volunteer_id", "id", "skill", "number", "issuer", "issued_on", "expires_on")


def export(
    tx: Tx,
    file: BinaryIO,
    form: Format,
    wanted: Wanted | None = None,
    *,
    record: Record | None = None,
    progress: Progress | None = None,
) -> int:
    """Writes the people of the actor's areas, page by page, and returns how many.

    What leaves is noted through ``record(action, table, count)``. Contacts beyond telephone and e-mail,
    exceptions, on-call duty and consents are not part of the format.
    """
    total = queries.count(tx, wanted, permission="volunteer.export")
    rows = _counted(_rows(tx, wanted), total, progress)
    written = _csv(file, rows) if form == "csv" else _xlsx(file, rows)
    if record is not None:
        record("volunteer.export", "volunteers", written)
    return written


def _rows(tx: Tx, wanted: Wanted | None) -> Iterator[list[str]]:
    """Rows of cells, read as plain columns: an object a person would cost ten times as much."""
    places = table("jurisdictions", column("path"), column("code"))
    codes: dict[str, str] = {row.path: row.code for row in tx.execute(places.select())}
    names = (*stored.SAME, *stored.RENAMED, "id", "area")
    people = (
        sql_select(*(getattr(Volunteer, name) for name in names)).order_by(col(Volunteer.id)).limit(_PAGE)
    )
    people = people.where(*queries.clauses(tx, wanted, "volunteer.export"))
    after = 0
    while page := tx.execute(people.where(col(Volunteer.id) > after)).all():
        ids = [row.id for row in page]
        claims, papers = _parts(tx, SkillClaim, _CLAIM, ids), _parts(tx, Certification, _PAPER, ids)
        for row in page:
            cells = stored.texts(row, codes[row.area], claims.get(row.id, ()), papers.get(row.id, ()))
            yield [guarded(cells[name]) for name in COLUMNS]
        after = page[-1].id


def _parts(
    tx: Tx, model: type[SkillClaim] | type[Certification], names: Sequence[str], ids: list[int]
) -> dict[int, list[Any]]:
    """The rows of these people, by person."""
    found: dict[int, list[Any]] = defaultdict(list)
    chosen = [getattr(model, name) for name in names]
    these = col(model.volunteer_id) == any_(literal(ids, ARRAY(BigInteger)))
    for row in tx.execute(sql_select(*chosen).where(these).order_by(*chosen[:2])):
        found[row.volunteer_id].append(row)
    return found


def _counted(rows: Iterator[list[str]], total: int, progress: Progress | None) -> Iterator[list[str]]:
    for done, row in enumerate(rows, start=1):
        yield row
        if progress is not None and done % _PAGE == 0:
            progress(done, max(done, total))


def _csv(file: BinaryIO, rows: Iterator[list[str]]) -> int:
    """UTF-8 with its mark, without which spreadsheets take Chinese for something else."""
    text = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    text.flush()
    text.detach()
    return count


def _xlsx(file: BinaryIO, rows: Iterator[list[str]]) -> int:
    """Every cell is text, so that no program turns a telephone into a number."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("volunteers")
    sheet.append(list(COLUMNS))
    count = 0
    for row in rows:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, value=value or None)
            if value:
                cell.data_type, cell.number_format = "s", "@"
            cells.append(cell)
        sheet.append(cells)
        count += 1
    book.save(file)
    return count
