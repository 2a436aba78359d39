"""Writing people to CSV or XLSX so that reading the file back gives the same people."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, Literal

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers import queries, stored
from volunteer_hub.volunteers.exchange.layout import COLUMNS, guarded
from volunteer_hub.volunteers.queries import Wanted

Format = Literal["csv", "xlsx"]
Progress = Callable[[int, int], None]
Record = Callable[[str, str, int], None]
_PAGE: Final = 2_000


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
    after = None
    while people := queries.people(tx, wanted, permission="volunteer.export", after=after, limit=_PAGE):
        for person in people:
            cells = stored.texts(person.row, person.community, person.skills, person.certifications)
            yield [guarded(cells[column]) for column in COLUMNS]
        after = people[-1].row.id
        for person in people:  # what was written need not be held
            for part in (person.row, *person.skills, *person.certifications, *person.contacts):
                tx.expunge(part)


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
