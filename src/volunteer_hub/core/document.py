"""A text with tables, before it is a page, a file to print or lines on a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """``numbers``: the columns set to the right, counted from 0."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Section:
    """A part under a heading: paragraphs, then a table where there is one with rows."""

    title: str
    text: Sequence[str]
    table: Table | None = None


@dataclass(frozen=True)
class Document:
    """``banner``: said before anything else, in a band. ``upright``: set for paper held so. ``code``: an
    address that is printed as a QR code at the end, with ``code_text`` beside it."""

    lang: str
    banner: str
    title: str
    under: str
    sections: Sequence[Section]
    upright: bool = False
    code: str = ""
    code_text: Sequence[str] = ()
