"""What a line of the trail says of a change, and how lines are chained so that no byte changes unseen."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import takewhile
from typing import Final, Literal


class Operation(StrEnum):
    """What happened to the rows."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


HIDDEN: Final = "[hidden]"
"""Stands for hashes and other secrets."""

UNKNOWN: Final = "[unknown]"
"""Stands for an old value that was not read."""

PERSONAL: Final = "[personal]"
"""Stands for a personal value that there is no key, or no right, to keep."""

LONGEST_VALUE: Final = 2_000
"""Characters of JSON; what is longer is kept as its SHA-256, which proves it as well."""

GENESIS: Final = bytes(32)
_LEAF: Final = 8


@dataclass(frozen=True)
class StoredLine:
    """A line as it is stored; ``changes`` is the text that PostgreSQL gives of the jsonb."""

    id: int
    at: datetime
    actor_kind: str
    actor_id: int | None
    action: str
    table_name: str
    row_id: str | None
    area: str | None
    op: str
    changes: str


Finding = Literal[
    "sound", "line_changed", "line_missing", "line_added", "seal_changed", "seal_missing", "noted_missing"
]


@dataclass(frozen=True)
class Verdict:
    """What checking the trail found; words for it are under ``audit.verdict.<finding>``.

    ``head`` is the digest, in hex, of the last seal that held: whoever notes it down can ask for it later.
    """

    finding: Finding
    head: str
    lines: int
    seal_id: int | None = None
    line_id: int | None = None

    @property
    def sound(self) -> bool:
        return self.finding == "sound"


def line_digest(line: StoredLine) -> bytes:
    """SHA-256 over the line as a JSON array of its fields, in UTF-8, the moment in UTC."""
    fields = [
        line.id,
        line.at.astimezone(UTC).isoformat(timespec="microseconds"),
        line.actor_kind,
        line.actor_id,
        line.action,
        line.table_name,
        line.row_id,
        line.area,
        line.op,
        line.changes,
    ]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()).digest()


def seal_digest(previous: bytes, lines: Iterable[bytes]) -> bytes:
    """SHA-256 over the digest of the seal before and those of the lines, by id."""
    total = hashlib.sha256(previous)
    for digest in lines:
        total.update(digest)
    return total.digest()


def leaves(lines: Iterable[bytes]) -> bytes:
    """Eight bytes a line: enough to name the line that was changed."""
    return b"".join(digest[:_LEAF] for digest in lines)


def first_unlike(kept: bytes, lines: Sequence[bytes]) -> int | None:
    """The position of the first line whose kept leaf differs; None when all agree."""
    now = leaves(lines)
    differing = (
        place for place in range(len(lines)) if kept[place * _LEAF :][:_LEAF] != now[place * _LEAF :][:_LEAF]
    )
    return next(differing, None)


def common_area(areas: Iterable[str]) -> str | None:
    """The smallest area that holds them all: ``/1/`` for ``/1/2/3/`` and ``/1/4/``; None for none."""
    parts = [area.split("/") for area in areas]
    if not parts:
        return None
    shared = takewhile(lambda pair: pair[0] == pair[1], zip(min(parts)[:-1], max(parts)[:-1], strict=False))
    return "/".join([*(step for step, _ in shared), ""])
