"""The columns of a file of people, and how a cell is kept from being a formula."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from volunteer_hub.core.i18n import LANGUAGES, t
from volunteer_hub.volunteers.checking import READ

COLUMNS: Final = tuple(READ)
# A spreadsheet runs a cell that begins so; one quotation mark in front makes it text. Marks already there
# are kept apart by one more, so that import undoes exactly what export did.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")


def guarded(value: str) -> str:
    """A cell that no spreadsheet runs."""
    return "'" + value if _FORMULA.match(value) else value


def unguarded(cell: str) -> str:
    """What was written before `guarded`."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell


@cache
def by_heading() -> Mapping[str, str]:
    """Column by what may head it: its own name, or the words for it in any language."""
    headings = {folded(name): name for name in COLUMNS}
    for lang in LANGUAGES:
        headings |= {folded(t(lang, f"volunteers.field.{name}")): name for name in COLUMNS}
    return headings


def folded(heading: str) -> str:
    """A heading without case, blanks, underscores and stars."""
    return re.sub(r"[\s_*＊-]+", "", heading.casefold())
