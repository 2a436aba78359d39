"""Statements over many rows, which no flush sees, leave a line too: how many rows, which, what was set."""

from typing import Any, Final

from sqlalchemy import BindParameter, CursorResult, FrozenResult, LargeBinary, Result, Table
from sqlalchemy.orm import ORMExecuteState
from sqlmodel.main import default_registry

from volunteer_hub.audit.lines import Line, write
from volunteer_hub.audit.rules import HIDDEN, PERSONAL, UNKNOWN, Operation
from volunteer_hub.audit.values import MACHINERY, NOT_AUDITED, plain
from volunteer_hub.core.db import Tx

_MOST_IDS: Final = 1_000
_EXPRESSION: Final = "[computed]"


def after_execute(state: ORMExecuteState) -> Result[Any] | None:
    """Runs an INSERT, UPDATE or DELETE of an audited table and writes its line."""
    op = _operation(state)
    if op is None:
        return None
    statement: Any = state.statement
    table = statement.table
    tx = state.session
    if not isinstance(tx, Tx) or not isinstance(table, Table) or not _audited(table):
        return None
    changes = _set(statement) if op is Operation.UPDATE else {}
    if changes and set(changes) <= MACHINERY:
        return None
    result = state.invoke_statement()
    if statement._returning:
        frozen = result.freeze()
        _write(tx, op, table, changes, frozen)
        return frozen()
    rows = _count(result, state)
    if rows:
        write(tx, [Line(op, table.name, None, None, {**changes, "*": {"rows": rows}})])
    return result


def _operation(state: ORMExecuteState) -> Operation | None:
    if state.is_update:
        return Operation.UPDATE
    if state.is_delete:
        return Operation.DELETE
    return Operation.INSERT if state.is_insert else None


def _audited(table: Table) -> bool:
    silent = {
        mapper.local_table.name  # type: ignore[attr-defined]  # typed as any selectable
        for mapper in default_registry.mappers
        if not getattr(mapper.class_, "__audit__", True)
    }
    return table.name not in NOT_AUDITED | silent


def _set(statement: Any) -> dict[str, Any]:
    """Column -> [unknown, new] of an UPDATE's SET; its old values are not read."""
    changes: dict[str, Any] = {}
    # SQLAlchemy has no public way to read the values of an UPDATE, nor above whether there is a RETURNING.
    for key, value in (statement._values or {}).items():
        column = statement.table.c[key] if isinstance(key, str) else key
        if isinstance(value, BindParameter) and value.value is None:
            new: Any = None
        elif column.info.get("personal"):
            new = PERSONAL
        elif column.info.get("secret") or isinstance(column.type, LargeBinary):
            new = HIDDEN
        else:
            new = plain(value.value) if isinstance(value, BindParameter) else _EXPRESSION
        changes[column.name] = [UNKNOWN, new]
    return changes


def _count(result: Result[Any], state: ORMExecuteState) -> int:
    rows = result.rowcount if isinstance(result, CursorResult) else -1
    many = state.parameters
    return rows if rows >= 0 else (len(many) if isinstance(many, list) else 1)


def _write(tx: Tx, op: Operation, table: Table, changes: dict[str, Any], frozen: FrozenResult[Any]) -> None:
    """The line of a statement with RETURNING: with the ids, and the area, where they are returned."""
    rows = frozen().mappings().all()
    if not rows:
        return
    ids = [row["id"] for row in rows if "id" in row]
    areas = {row["area"] for row in rows if "area" in row}
    area = areas.pop() if len(areas) == 1 else None
    if len(rows) == 1 and ids:
        write(tx, [Line(op, table.name, str(ids[0]), area, changes)])
        return
    touched: dict[str, Any] = {"rows": len(rows)}
    if 0 < len(ids) <= _MOST_IDS:
        touched["ids"] = ids
    write(tx, [Line(op, table.name, None, area, {**changes, "*": touched})])
