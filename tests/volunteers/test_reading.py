"""Files as spreadsheets write them, and files that are none."""

import io
import zipfile
from datetime import date

import pytest
from openpyxl import Workbook
from sqlmodel import select

from tests.volunteers.conftest import LIN
from tests.volunteers.files import refused, table, texts
from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers.exchange import importing
from volunteer_hub.volunteers.exchange.importing import Applied
from volunteer_hub.volunteers.exchange.reading import open_table
from volunteer_hub.volunteers.models import Volunteer


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ";"), ("gb18030", ","), ("utf-16", "\t")]
)
def test_encodings_and_separators_of_spreadsheets_are_read(mei: Tx, encoding: str, delimiter: str) -> None:
    assert importing.apply(mei, table(LIN, encoding=encoding, delimiter=delimiter)) == Applied(1, 0, 0, 0)
    assert mei.exec(select(Volunteer.name)).one() == "林小雨"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"name,community\n\xff\xfe\xff,x\n", "import.encoding"),
        (b"name,community\nA\0B,x\n", "import.not_text"),
        (b"\xd0\xcf\x11\xe0 old", "import.old_excel"),
        (b"PK\x03\x04 not a zip", "import.not_excel"),
        (b"", "import.empty"),
        (b'name,community\n"A,x\n', "import.csv"),
        (b"name,community\n" + b"A" * 1_000_000 + b",x\n", "import.csv"),
        ((",".join(["name"] * 300)).encode(), "import.too_many_columns"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(mei: Tx, data: bytes, code: str) -> None:
    assert refused(mei, io.BytesIO(data)).code == code


def test_columns_are_named_when_unknown_missing_or_doubled(mei: Tx) -> None:
    error = refused(mei, io.BytesIO(b"name,brithday,zzz,phone,phone\nA,,,,\n"))
    assert [(f.where, f.code, f.params.get("nearest")) for f in error.fields] == [
        ("brithday", "import.column_nearest", "birthday"),
        ("zzz", "import.column_unknown", ""),
        ("phone", "import.column_twice", None),
        ("community", "import.column_missing", None),
    ]


def test_headings_may_be_words_of_either_language(mei: Tx) -> None:
    assert open_table(io.BytesIO("姓名,Community,手机号\nA,B,C\n".encode())).columns == (
        "name",
        "community",
        "phone",
    )


def test_a_row_with_more_cells_than_headings_is_named(mei: Tx) -> None:
    error = refused(mei, io.BytesIO(b"name,community\nA,DQ-ST-001,extra\n"))
    assert [(f.where, f.code) for f in error.fields] == [("2", "import.more_cells")]


def test_lines_are_counted_as_an_editor_shows_them(mei: Tx) -> None:
    file = table(LIN | {"address": "one\ntwo\nthree"}, {**LIN, "phone": "1", "address": ""})
    assert [f.where for f in importing.preview(mei, file).errors] == ["5:phone"]


def test_a_workbook_gives_dates_and_numbers_as_they_were_meant(mei: Tx) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["name", "community", "birthday", "phone", "lat", "lon", "fit", "availability"])
    sheet.append(["Bo", "DQ-ST-001", date(1990, 4, 1), 13912345678, 46.6, 125.1, True, 11111111111110])
    file = io.BytesIO()
    book.save(file)
    importing.apply(mei, file)
    (found,) = texts(mei)
    assert {k: found[k] for k in ("birthday", "phone", "lat", "fit", "availability")} == {
        "birthday": "1990-04-01",
        "phone": "+8613912345678",
        "lat": "46.6",
        "fit": "yes",
        "availability": "11111111111110",
    }


def test_a_workbook_that_unpacks_without_end_is_refused(mei: Tx) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("xl/workbook.xml", b"small")
    data = bytearray(file.getvalue())
    size = data.index(b"PK\x01\x02") + 24  # the unpacked size in the central directory
    data[size : size + 4] = (3 << 30).to_bytes(4, "little")
    assert refused(mei, io.BytesIO(bytes(data))).code == "import.too_large"
