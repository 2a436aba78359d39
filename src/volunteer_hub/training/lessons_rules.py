"""Lessons without a database: their words as blocks, how long they take, which files stand beside them."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import ceil
from typing import Final
from urllib.parse import quote

from volunteer_hub.core.errors import Malformed, Refused
from volunteer_hub.training.policy import Lesson, Lessons

KB: Final = 1024
LONGEST_NAME: Final = 120
_SIGN: Final = re.compile(r"[\u3400-\u9fff]")
_WORD: Final = re.compile(r"[A-Za-z0-9][\w'’-]*")
_STEP: Final = re.compile(r"\d{1,2}(?:[.)]\s+|[、．]\s*)")
_BULLET: Final = re.compile(r"[-*•·]\s+")
_STARTS: Final[Mapping[bytes, str]] = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}
ENDINGS: Final[Mapping[str, str]] = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


class BlockKind(StrEnum):
    """What a block of a lesson is shown as."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    STEPS = "steps"


@dataclass(frozen=True)
class Block:
    """Lines that belong together: of a paragraph, or the entries of a list."""

    kind: BlockKind
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """How far somebody is: lessons done of all, and the first that is not, None when all are."""

    done: frozenset[str]
    total: int
    next: str | None


def blocks(text: str) -> tuple[Block, ...]:
    """Words as they are written: an empty line ends a paragraph, ``# `` begins a heading, ``- `` an entry of
    a list, ``1. `` a numbered step. Everything else stands as it is typed."""
    found: list[Block] = []
    fresh = True
    for line in (each.strip() for each in text.splitlines()):
        if line:
            kind, words = _read(line)
            if found and not fresh and kind is found[-1].kind is not BlockKind.HEADING:
                found[-1] = Block(kind, (*found[-1].lines, words))
            else:
                found.append(Block(kind, (words,)))
        fresh = not line
    return tuple(found)


def _read(line: str) -> tuple[BlockKind, str]:
    if line.startswith("# "):
        return BlockKind.HEADING, line[2:].strip()
    for kind, mark in ((BlockKind.LIST, _BULLET), (BlockKind.STEPS, _STEP)):
        begins = mark.match(line)
        if begins and line[begins.end() :]:
            return kind, line[begins.end() :]
    return BlockKind.PARAGRAPH, line


def minutes(text: str, pace: Lessons) -> int:
    """Whole minutes that reading takes, at least one: English by words, Chinese by characters."""
    signs, words = len(_SIGN.findall(text)), len(_WORD.findall(text))
    return max(1, ceil(signs / pace.signs_minute + words / pace.words_minute))


def progress(lessons: Sequence[Lesson], read: Mapping[str, datetime], since: datetime | None) -> Progress:
    """How far somebody is by what they marked; marks before ``since`` belong to the time before."""
    done = frozenset(
        one.code for one in lessons if one.code in read and (since is None or read[one.code] > since)
    )
    return Progress(done, len(lessons), next((one.code for one in lessons if one.code not in done), None))


def check_file(name: str, content: bytes, others: int, rules: Lessons) -> tuple[str, str]:
    """The name and media type that a file is kept under: told by how it begins, never by what was said of it.

    Raises Malformed for no file, another kind or one too large, Refused where the lesson has enough.
    """
    if not content:
        raise Malformed("training.file_missing")
    if len(content) > rules.largest_file_kb * KB:
        raise Malformed("training.file_large", kb=rules.largest_file_kb)
    kind = next((media for start, media in _STARTS.items() if content.startswith(start)), None)
    if kind is None:
        raise Malformed("training.file_kind")
    if others >= rules.most_files:
        raise Refused("training.files_enough", most=rules.most_files)
    return _plain(name, ENDINGS[kind]), kind


def _plain(name: str, ending: str) -> str:
    """A file's name without folders and signs that mean something to a shell, ending as its kind does."""
    stem = re.split(r"[/\\]", name)[-1].rsplit(".", 1)[0]
    kept = re.sub(r"[^\w .()-]", "", stem).strip(" .")[:LONGEST_NAME]
    return f"{kept or 'file'}.{ending}"


def headers(name: str) -> dict[str, str]:
    """What a file is handed out with: to be kept, not shown as a page of ours, with nothing run in it."""
    plain = f'filename="lesson.{name.rsplit(".", 1)[-1]}"'
    return {
        "Content-Disposition": f"attachment; {plain}; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def moved(codes: Sequence[str], code: str) -> list[str]:
    """The order with one lesson a place nearer the start."""
    at = codes.index(code)
    before = list(codes)
    before[max(0, at - 1)], before[at] = before[at], before[max(0, at - 1)]
    return before


def fresh_code(taken: Collection[str]) -> str:
    """A code for a new lesson."""
    return next(f"l{n}" for n in range(1, len(taken) + 2) if f"l{n}" not in taken)
