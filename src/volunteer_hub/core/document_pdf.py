"""A document as a PDF, with a font of this machine that has Chinese (none is shipped: they are large)."""

import logging
from pathlib import Path
from typing import Final

import segno
from fpdf import FPDF
from fpdf.enums import Align, TableCellFillMode, WrapMode
from fpdf.fonts import FontFace

from volunteer_hub.core.document import Document, Table
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.settings import settings

_KNOWN: Final = (  # a file, and the number of the simplified Chinese face in it
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/System/Library/Fonts/STHeiti Light.ttc", 1),
)
logging.getLogger("fontTools").setLevel(logging.WARNING)  # else a line for each table of each font
_PLAIN: Final = "helvetica"
_SMALL, _USUAL, _LARGE, _TITLE = 7.5, 9.5, 12.0, 16.0
_CODE: Final = 32.0
"""Width of a QR code, in mm: each square of it is over 0.6 mm, which any telephone reads."""
_SHARES: Final = 14
"""Widths of a table's columns are shares of at most so many to one."""


def pdf(document: Document) -> bytes:
    """The file. Raises Refused where it has letters that no font of this machine has."""
    paper = _Paper(orientation="portrait" if document.upright else "landscape", format="A4")
    family = _font(paper, document)
    wrap = WrapMode.CHAR if document.lang == "zh" else WrapMode.WORD
    paper.set_title(document.title)
    paper.set_lang({"zh": "zh-Hans"}.get(document.lang, document.lang))
    paper.add_page()
    paper.set_font(family, size=_LARGE)
    paper.multi_cell(0, 8, document.banner, border=1, align=Align.C, new_x="LMARGIN", new_y="NEXT")
    _say(paper, document.title, _TITLE, wrap)
    _say(paper, document.under, _USUAL, wrap)
    for section in document.sections:
        paper.ln(3)
        _say(paper, section.title, _LARGE, wrap)
        for line in section.text:
            _say(paper, line, _USUAL, wrap)
        if section.table is not None and section.table.rows:
            _table(paper, section.table, wrap)
    if document.code:
        _code(paper, document, wrap)
    return bytes(paper.output())


class _Paper(FPDF):
    """Numbers its pages."""

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font_size(_SMALL)
        self.cell(0, 6, f"{self.page_no()}", align=Align.R)


def _font(paper: FPDF, document: Document) -> str:
    given = settings().pdf_font
    known = [(given, 0)] if given else [(path, face) for path, face in _KNOWN if Path(path).is_file()]
    for path, face in known:
        paper.add_font("own", fname=path, collection_font_number=face)
        return "own"
    if not _latin(document):
        raise Refused("document.font")
    return _PLAIN


def _latin(document: Document) -> bool:
    try:
        repr(document).encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _say(paper: FPDF, text: str, size: float, wrap: WrapMode) -> None:
    paper.set_font_size(size)
    paper.multi_cell(0, size * 0.55, text, wrapmode=wrap, new_x="LMARGIN", new_y="NEXT")


def _code(paper: FPDF, document: Document, wrap: WrapMode) -> None:
    """The QR code as squares, which print sharp at any size, and its words to the right of it."""
    rows = [bytes(row) for row in segno.make(document.code, error="q", micro=False).matrix]
    size, words_at = _CODE / len(rows), paper.l_margin + _CODE + 6
    paper.ln(6)
    if paper.will_page_break(_CODE):
        paper.add_page()
    top = paper.get_y()
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                paper.rect(paper.l_margin + x * size, top + y * size, size, size, style="F")
    paper.link(paper.l_margin, top, _CODE, _CODE, document.code)
    left = paper.l_margin
    paper.set_left_margin(words_at)
    paper.set_xy(words_at, top)
    for line in document.code_text:
        _say(paper, line, _SMALL, wrap)
    paper.set_left_margin(left)
    paper.set_y(max(top + _CODE, paper.get_y()))


def _table(paper: FPDF, table: Table, wrap: WrapMode) -> None:
    paper.set_font_size(_SMALL)
    with paper.table(
        col_widths=_widths(table),
        text_align=tuple(Align.R if n in table.numbers else Align.L for n in range(len(table.head))),
        headings_style=FontFace(),
        cell_fill_color=245,
        cell_fill_mode=TableCellFillMode.ROWS,
        line_height=4,
        wrapmode=wrap,
    ) as rows:
        rows.row(table.head)
        for row in table.rows:
            rows.row(row)


def _widths(table: Table) -> tuple[int, ...]:
    """As wide as the longest text of each column, within bounds; a Chinese character is two wide."""
    longest = [
        max(sum(2 if ord(letter) > 0x2E80 else 1 for letter in row[n]) for row in (table.head, *table.rows))
        for n in range(len(table.head))
    ]
    return tuple(min(max(length, 5), 5 * _SHARES) for length in longest)
