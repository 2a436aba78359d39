"""The statements of one answer, taken down as the program makes them, as a script for pgbench.

Numbers of each table begin far from those of the others, so a value that was sent tells whose it is.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Engine, event

NUMBERS_FROM = {"offers": 10_000_000, "volunteers": 20_000_000, "contacts": 30_000_000,
                "role_slots": 40_000_000, "callouts": 50_000_000}  # fmt: skip
_PLACE = re.compile(r"%\((\w+)\)s")
_NUMBER = re.compile(r"\b\d{8,}\b")
_QUOTED = re.compile(r"(E?)'(.*)'([^']*)", re.DOTALL)
Statement = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Variables:
    """The values of one offer, and the name of the script's variable for each."""

    numbers: Mapping[int, str]
    token_hash: bytes


@contextmanager
def taken_down(engine: Engine) -> Iterator[list[Statement]]:
    """Every statement between BEGIN and COMMIT, savepoints included, with its parameters."""
    statements: list[Statement] = []

    def note(_connection: Any, _cursor: Any, text: str, parameters: Any, _context: Any, many: bool) -> None:
        assert not many
        statements.append((text, dict(parameters or {})))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def script(statements: list[Statement], of: Variables, connection: psycopg.Connection[Any]) -> str:
    """One answer as pgbench runs it, each client taking its own offers in turn from the table answers_due."""
    lines = [
        r"\set turn :turn + 1",
        r"\set n :first + :client_id + :clients * :turn",
        "SELECT offer, person, slot, callout, contact, token FROM answers_due WHERE n = :n \\gset",
        "BEGIN;",
        *(_line(text, parameters, of, connection) for text, parameters in statements),
        "COMMIT;",
    ]
    return "\n".join(lines) + "\n"


def _line(
    text: str, parameters: Mapping[str, Any], of: Variables, connection: psycopg.Connection[Any]
) -> str:
    def value(found: re.Match[str]) -> str:
        return _value(parameters[found[1]], of, connection)

    filled = _PLACE.sub(value, text).replace("%%", "%")
    return " ".join(filled.split()) + ";"


def _value(value: Any, of: Variables, connection: psycopg.Connection[Any]) -> str:
    if isinstance(value, int) and value in of.numbers:
        return f":{of.numbers[value]}"
    if value == of.token_hash:
        return ":token"
    if isinstance(value, uuid.UUID):
        return "uuidv7()"
    if isinstance(value, list) and any(number in of.numbers for number in value):
        return f"ARRAY[{', '.join(_value(number, of, connection) for number in value)}]"
    if isinstance(value, str) and not value.startswith(("{", "[")):
        return _joined(value, of, connection)
    return _literal(value, connection)


def _joined(text: str, of: Variables, connection: psycopg.Connection[Any]) -> str:
    """A text that names numbers of the offer, such as a key against doubles, put together anew each time."""
    parts: list[str] = []
    end = 0
    for found in _NUMBER.finditer(text):
        name = of.numbers.get(int(found[0]))
        if name is not None:
            parts += [_literal(text[end : found.start()], connection), f":{name}::text"]
            end = found.end()
    parts.append(_literal(text[end:], connection))
    return parts[0] if len(parts) == 1 else f"({' || '.join(parts)})"


def _literal(value: Any, connection: psycopg.Connection[Any]) -> str:
    """A constant. pgbench takes a colon and a word for a variable, even within quotes: colons are escaped."""
    text = sql.Literal(value).as_string(connection).strip()
    quoted = _QUOTED.fullmatch(text)
    if quoted is None or ":" not in quoted[2]:
        return text
    inner = quoted[2] if quoted[1] else quoted[2].replace("\\", "\\\\")
    return "E'" + inner.replace(":", r"\x3a") + "'" + quoted[3]
