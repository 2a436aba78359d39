"""What is written is read back the same, and no cell is a formula."""

import io
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlmodel import text

from tests.volunteers.conftest import LIN
from tests.volunteers.files import texts
from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers import registry, stored
from volunteer_hub.volunteers.exchange import importing, writing
from volunteer_hub.volunteers.exchange.importing import Applied
from volunteer_hub.volunteers.exchange.layout import COLUMNS, guarded, unguarded

signs = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff") | st.sampled_from(
    ["=", "+", "-", "@", "'", '"', ",", ";", "|", "\\", "\u202e", "א", "🙂", "<", "{", "&"]
)
word = st.text(signs, min_size=1, max_size=20).map(str.strip).filter(bool)
paragraph = st.text(signs | st.sampled_from(["\n", "\t"]), max_size=60).map(str.strip)
written = ["=cmd|' /C calc'!A0", "'=x", "''", "+1", "@a", "-", "'", "_x000D_", "&lt;"]
hostile = st.fixed_dictionaries(
    {
        "name": word
        | st.sampled_from(["=cmd|' /C calc'!A0", "'=x", "''", "+1", "@a", "-", "'", "_x000D_", "&lt;"]),
        "address": paragraph,
        "insurer": paragraph.map(lambda s: s.replace("\n", " ")),
        "number": word,
        "issuer": word,
        "lat": st.floats(-90, 90),
        "lon": st.floats(-180, 180),
        "max_km": st.floats(0.001, 500),
        "availability": st.integers(0, 16383).map(lambda n: f"{n:014b}"),
    }
)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=st.lists(hostile, min_size=1, max_size=4))
def test_what_is_written_is_read_back_the_same(
    mei: Tx, form: Literal["csv", "xlsx"], people: list[dict[str, Any]]
) -> None:
    with mei.begin_nested() as undone:
        for number, person in enumerate(people):
            paper = f"nursing|{stored.escaped(person['number'])}|{stored.escaped(person['issuer'])}||"
            cells = {k: v for k, v in person.items() if k not in ("number", "issuer")}
            more = {"community": "DQ-ST-001", "phone": f"139{number:08}", "certifications": paper}
            registry.register(mei, cells | more)
        before = texts(mei)
        assert [(cells["name"], cells["address"]) for cells in before] == sorted(
            (p["name"], p["address"]) for p in people
        ) or len({p["name"] for p in people}) < len(people)
        file = io.BytesIO()
        assert writing.export(mei, file, form) == len(people)
        for name in ("contacts", "skill_claims", "certifications", "volunteers"):
            mei.execute(text(f"DELETE FROM {name}"))
        mei.expunge_all()
        assert importing.apply(mei, file) == Applied(len(people), 0, 0, 0)
        assert texts(mei) == before
        undone.rollback()


@given(st.text(max_size=30))
def test_a_guarded_cell_is_never_a_formula_and_comes_back(value: str) -> None:
    assert guarded(value)[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert unguarded(guarded(value)) == value


def test_no_cell_of_a_workbook_is_a_formula(mei: Tx) -> None:
    registry.register(mei, LIN | {"name": "=1+1"})
    file = io.BytesIO()
    writing.export(mei, file, "xlsx")
    sheet = load_workbook(file).worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert sheet.cell(2, COLUMNS.index("name") + 1).value == "'=1+1"
