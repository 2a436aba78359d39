"""A made-up language: every text of the catalogue accented, a third longer, in brackets. What a page shows
outside brackets does not come from the catalogue."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from sqlalchemy import text

from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import catalogue

OPEN, CLOSE = "⟦", "⟧"
_ACCENTS = str.maketrans("acdeghiklnorstuwyzACDEGHIKLNORSTUWYZ", "àçðéĝĥîķļñôŕşţûŵýžÀÇÐÉĜĤÎĶĻÑÔŔŞŢÛŴÝŽ")
_PLACE = re.compile(r"(\{[^{}]*\})")
_SAID = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
_WORD = re.compile(r"[A-Za-z]{2,}")
_CODE = re.compile(r"[a-z_.]+")
"""What a state or kind is called in the database: shown raw, it is a word that nobody translated."""
_MOMENT = re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b")
_ADDRESS = re.compile(r"(https?|tel|mailto):\S+|[\w.+-]+@[\w.-]+|(/[\w.{}-]+)+|\bHUB_\w+")
_NUMBERED = re.compile(r"\b[\w-]*\d[\w-]*|\bICS\b")
_SPOKEN = ("title", "placeholder", "aria-label", "aria-description", "alt", "data-said", "data-label")
_SILENT = frozenset({"script", "style", "code", "pre", "kbd"})


def accented(text: str) -> str:
    """Of "Send {n}": "⟦Şéñð {n}~~⟧"; what is added to long texts comes in words too."""
    parts = _PLACE.split(text)
    words = [part if n % 2 else part.translate(_ACCENTS) for n, part in enumerate(parts)]
    longer = "~" * (sum(map(len, parts[::2])) // 3)
    return OPEN + "".join(words) + " ".join(re.findall(".{1,6}", longer)) + CLOSE


def pseudo() -> dict[str, str | tuple[str, ...]]:
    """The English catalogue so written."""
    return {
        key: accented(each) if isinstance(each, str) else tuple(map(accented, each))
        for key, each in catalogue("en").items()
    }


class Shown(HTMLParser):
    """``words``: all that somebody reads or hears of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self._tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Its attributes that are read out."""
        held = dict(attrs)
        self.words += [value for name in _SPOKEN if (value := held.get(name))]
        if tag == "input" and held.get("type") in ("submit", "button"):
            self.words.append(held.get("value") or "")
        self._tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """As one that holds nothing."""
        self.handle_starttag(tag, attrs)
        self._tags.pop()

    def handle_data(self, data: str) -> None:
        """Text, but of scripts, styles and code."""
        if not _SILENT & set(self._tags):
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Closes the innermost of that name, and what stood open in it."""
        if tag in self._tags:
            while self._tags.pop() != tag:
                pass


def unsaid(html: str, known: re.Pattern[str]) -> set[str]:
    """The words of a page that are neither of the catalogue nor ``known``, nor dates and addresses."""
    return {" ".join(words.split()) for words in Shown(html).words if _WORD.search(_rest(words, known))}


def _rest(words: str, known: re.Pattern[str]) -> str:
    while _SAID.search(words):
        words = _SAID.sub(" ", words)
    for shape in (known, _ADDRESS, _MOMENT, _NUMBERED):
        words = shape.sub(" ", words)
    return words


def written(tx: Tx, folder: Path) -> re.Pattern[str]:
    """What people wrote, and what the policy files of ``folder`` call things."""
    columns = text(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND data_type IN ('text', 'character varying', 'jsonb', 'ARRAY')"
    )
    found = set[str]()
    for table, column in tx.execute(columns).all():
        rows = tx.execute(text(f'SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL'))
        for value in rows.scalars():
            found.update(_texts(value))
    for file in folder.glob("*.toml"):
        found.update(_texts(tomllib.loads(file.read_text(encoding="utf-8"))))
    wanted = {part.strip() for each in found for part in (each, *each.split("\n"))}
    words = sorted(
        (one for one in wanted if _WORD.search(one) and not _CODE.fullmatch(one)), key=len, reverse=True
    )
    return re.compile(rf"(?<![A-Za-z])({'|'.join(map(re.escape, words))})(?![A-Za-z])")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for each in value:
            yield from _texts(each)
