"""Reading a table of people from CSV or XLSX, row by row: the file is never held in memory.

CSV may be UTF-8 (with or without a mark), UTF-16 with a mark, or GB 18030, with commas, semicolons or tabs.
XLSX is read in openpyxl's read-only mode, which holds the shared strings of the workbook and nothing else.
"""

import codecs
import csv
import difflib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.volunteers.checking import REQUIRED
from volunteer_hub.volunteers.exchange.layout import by_heading, folded, unguarded
from volunteer_hub.volunteers.fields import as_text

_CHUNK: Final = 1 << 20
_DELIMITERS: Final = ",;\t"
_MOST_COLUMNS: Final = 200
_MOST_UNPACKED: Final = 1 << 30
# What zipfile, the XML parser (a SyntaxError) and openpyxl raise on a file that is not what it says.
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    SyntaxError,
    EOFError,
    KeyError,
    IndexError,
    AttributeError,
    ValueError,
    TypeError,
    NotImplementedError,
)
_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class Row:
    """One row: the line it starts on, its cells by column, and what made it unreadable."""

    line: int
    cells: dict[str, str]
    wrong: FieldError | None = None


@dataclass(frozen=True)
class Table:
    """A table whose rows are read as they are asked for, from the start each time.

    ``total`` is how many rows to expect: for CSV its lines, so never too few.
    """

    columns: tuple[str, ...]
    total: int
    rows: Callable[[], Iterator[Row]]


def open_table(file: BinaryIO) -> Table:
    """The table in a seekable file. Raises Malformed, saying what to do, for an unknown encoding or format,
    a missing or unknown column, a column headed twice."""
    start = _head(file, 8)
    if start.startswith(_OLD_EXCEL):
        raise Malformed("import.old_excel")
    if start.startswith(_ZIP):
        return _workbook(file)
    return _csv(file)


def _head(file: BinaryIO, size: int) -> bytes:
    file.seek(0)
    data = file.read(size)
    file.seek(0)
    return data


# CSV ------------------------------------------------------------------------------------------------------


def _csv(file: BinaryIO) -> Table:
    encoding, lines = _encoding(file)
    heading = _text(file, encoding).readline()
    delimiter = max(_DELIMITERS, key=heading.count)
    records = _records(file, encoding, delimiter)
    first = next(records, (1, []))
    columns = _columns(first[1])

    def rows() -> Iterator[Row]:
        for line, cells in _records(file, encoding, delimiter, skip=1):
            if any(cells):
                yield _row(columns, line, cells)

    return Table(columns, max(lines - 1, 0), rows)


def _encoding(file: BinaryIO) -> tuple[str, int]:
    """The first encoding that reads the whole file, and how many lines it has. Raises Malformed."""
    start = _head(file, 2)
    utf16 = start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    place = 0
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "gb18030"):
        file.seek(0)
        decoder, lines, place = codecs.getincrementaldecoder(encoding)(), 0, 0
        try:
            while True:
                chunk = file.read(_CHUNK)
                text = decoder.decode(chunk, final=not chunk)
                if "\0" in text:
                    raise Malformed("import.not_text")
                lines += text.count("\n")
                if not chunk:
                    return encoding, lines + 1
                place += len(chunk)
        except UnicodeDecodeError:
            continue
    raise Malformed("import.encoding", byte=place)


def _text(file: BinaryIO, encoding: str) -> io.TextIOWrapper:
    file.seek(0)
    return io.TextIOWrapper(_Kept(file), encoding, newline="")


class _Kept(io.BufferedIOBase):
    """A view of a file that a text layer may close without closing the file."""

    name = ""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._file.read(size)


def _records(
    file: BinaryIO, encoding: str, delimiter: str, *, skip: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Records with the line each starts on. Raises Malformed where the file is no CSV."""
    reader = csv.reader(_text(file, encoding), delimiter=delimiter, strict=True)
    line = 1
    try:
        for number, cells in enumerate(reader):
            if number >= skip:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error:
        raise Malformed("import.csv", line=line) from None


# XLSX -----------------------------------------------------------------------------------------------------


def _workbook(file: BinaryIO) -> Table:
    with _sheet(file) as sheet:
        total = (sheet.max_row or 1) - 1
        sheet.reset_dimensions()
        heading = next(sheet.iter_rows(values_only=True), ())
        columns = _columns([as_text(cell) for cell in heading])

    def rows() -> Iterator[Row]:
        with _sheet(file) as sheet:
            sheet.reset_dimensions()
            for line, cells in enumerate(sheet.iter_rows(min_row=2, values_only=True), start=2):
                if any(cell is not None for cell in cells):
                    yield _row(columns, line, [as_text(cell) for cell in cells])

    return Table(columns, total, rows)


@contextmanager
def _sheet(file: BinaryIO) -> Iterator[Any]:
    """The first sheet of a workbook. Raises Malformed for a file that is none, or unpacks to over 1 GiB."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(part.file_size for part in packed.infolist()) > _MOST_UNPACKED:
                raise Malformed("import.too_large")
        file.seek(0)
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        yield sheet
    except _BROKEN as error:
        raise Malformed("import.not_excel") from error
    book.close()


# Both -----------------------------------------------------------------------------------------------------


def _columns(heading: Sequence[str]) -> tuple[str, ...]:
    """The column under each heading, "" for one left blank. Raises Malformed naming every wrong one."""
    while heading and not heading[-1].strip():
        heading = heading[:-1]
    if not heading:
        raise Malformed("import.empty")
    if len(heading) > _MOST_COLUMNS:
        raise Malformed("import.too_many_columns", most=_MOST_COLUMNS)
    known = by_heading()
    columns = tuple(known.get(folded(name), "") for name in heading)
    wrong = [
        _unknown(number, name, list(known.values()))
        for number, (name, column) in enumerate(zip(heading, columns, strict=True), start=1)
        if not column and name.strip()
    ]
    found = [column for column in columns if column]
    wrong += [
        FieldError(column, "import.column_twice", {"column": column})
        for column in dict.fromkeys(found)
        if found.count(column) > 1
    ]
    wrong += [
        FieldError(column, "import.column_missing", {"column": column})
        for column in REQUIRED
        if column not in found
    ]
    if wrong:
        raise Malformed("import.columns", fields=wrong)
    return columns


def _unknown(number: int, name: str, columns: Sequence[str]) -> FieldError:
    shown = name.strip()[:40]
    nearest = difflib.get_close_matches(shown.casefold(), columns, 1)
    code = "import.column_nearest" if nearest else "import.column_unknown"
    return FieldError(shown, code, {"column": shown, "number": number, "nearest": "".join(nearest)})


def _row(columns: Sequence[str], line: int, cells: Sequence[str]) -> Row:
    values = {
        column: unguarded(cell) if cell[0] == "'" else cell
        for column, cell in zip(columns, cells, strict=False)
        if cell and column
    }
    if any(cells[len(columns) :]):
        more = {"line": line, "column": "", "cells": len(cells), "columns": len(columns)}
        return Row(line, values, FieldError(str(line), "import.more_cells", more))
    return Row(line, values)
