"""Every flush leaves a line for each row it inserts, updates or deletes, in the same transaction."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Column, LargeBinary, event, inspect
from sqlalchemy.orm import InstanceState, Mapper, UOWTransaction
from sqlmodel import col, select

from volunteer_hub.audit import statements
from volunteer_hub.audit.lines import Line, write
from volunteer_hub.audit.rules import HIDDEN, PERSONAL, UNKNOWN, Operation
from volunteer_hub.audit.values import MACHINERY, NOT_AUDITED, plain
from volunteer_hub.core import together, vault
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.together import Written

Pair = tuple[Any, Any]
"""An old and a new value."""


def install() -> None:
    """Makes every transaction of this process keep the trail; doing it twice changes nothing."""
    for name, listener in (("after_flush", _after_flush), ("do_orm_execute", statements.after_execute)):
        if not event.contains(Tx, name, listener):
            event.listen(Tx, name, listener)
    together.keep(_after_writing)


@dataclass(frozen=True)
class _Change:
    """One changed row: its columns with old and new values, and whose personal values they are."""

    op: Operation
    table: str
    row_id: str
    area: str | None
    actor: Actor | None
    subject: int | None
    pairs: tuple[tuple[Column[Any], Pair], ...]

    @property
    def personal(self) -> bool:
        return any(column.info.get("personal") for column, _ in self.pairs)


def _after_flush(tx: Tx, _context: UOWTransaction) -> None:
    changes = list(_changes(tx))
    if not changes:
        return
    subjects = {change.subject for change in changes if change.subject is not None and change.personal}
    if not subjects:
        write(tx, [_line(change, None) for change in changes])
        return
    with _Seals(tx, subjects) as seals:
        lines = [_line(change, seals) for change in changes]
    write(tx, lines)


def _after_writing(tx: Tx, rows: Sequence[Written]) -> None:
    """The lines of rows that were written past the session."""
    write(tx, [_line(_written(row), None) for row in rows])


def _written(row: Written) -> _Change:
    return _Change(
        Operation.INSERT if row.new else Operation.UPDATE,
        row.table.name,
        _row_id(row.key),
        row.area,
        row.actor,
        None,
        tuple((row.table.c[name], pair) for name, pair in row.pairs.items()),
    )


def _changes(tx: Tx) -> Iterator[_Change]:
    groups: tuple[tuple[Operation, Iterable[Any]], ...] = (
        (Operation.INSERT, tx.new),
        (Operation.UPDATE, tx.dirty),
        (Operation.DELETE, tx.deleted),
    )
    for op, rows in groups:
        for row in rows:
            if not getattr(row, "__audit__", True) or row.__tablename__ in NOT_AUDITED:
                continue
            change = _change(op, inspect(row), tx.actor)
            if op is Operation.DELETE or not {column.name for column, _ in change.pairs} <= MACHINERY:
                yield change


def _change(op: Operation, state: InstanceState[Any], actor: Actor) -> _Change:
    row, mapper = state.dict, state.mapper
    key = state.identity or mapper.primary_key_from_instance(state.object)
    subject = row.get(_attribute(mapper, "__subject__", "volunteer_id"))
    return _Change(
        op,
        mapper.local_table.name,  # type: ignore[attr-defined]  # a mapper's table is typed as any selectable
        _row_id(key),
        row.get(_attribute(mapper, "__area__", "area")),
        actor,
        subject,
        tuple(_pairs(op, state)),
    )


def _row_id(key: Iterable[Any]) -> str:
    return "/".join(str(plain(part)) for part in key)


def _attribute(mapper: Mapper[Any], mark: str, usual: str) -> str:
    return str(getattr(mapper.class_, mark, usual))


def _pairs(op: Operation, state: InstanceState[Any]) -> Iterator[tuple[Column[Any], Pair]]:
    columns, row = _columns(state.mapper), state.dict
    if op is Operation.UPDATE:
        for key in state.committed_state.keys() & columns.keys():
            history = state.attrs[key].history
            if history.has_changes():
                yield columns[key], (history.deleted[0] if history.deleted else UNKNOWN, row.get(key))
        return
    for key in row.keys() & columns.keys():
        if (value := row[key]) is not None:
            yield columns[key], ((None, value) if op is Operation.INSERT else (value, None))


@cache
def _columns(mapper: Mapper[Any]) -> dict[str, Column[Any]]:
    return {attribute.key: attribute.columns[0] for attribute in mapper.column_attrs}  # type: ignore[misc]  # never a label


class _Seals:
    """Seals values of some people, in a session of its own on the same connection.

    The flushing session may not query and add in the midst of its flush. An old value is sealed only under
    a key that was there before: when the person has been forgotten in this transaction, a fresh key would
    bring back what is just being erased.
    """

    def __init__(self, tx: Tx, subjects: set[int]) -> None:
        self._session = Tx(
            tx.connection(), join_transaction_mode="rollback_only", expire_on_commit=False, autoflush=True
        )
        self._session.actor, self._session.action, self._session.now = tx.actor, tx.action, tx.now
        wanted = select(vault.PersonKey).where(col(vault.PersonKey.subject).in_(subjects))
        self._keys = {key.subject: key for key in self._session.exec(wanted)}  # held, so read once
        self._sealers: dict[int, Callable[[str], str]] = {}

    def __enter__(self) -> "_Seals":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.flush()
        self._session.close()

    def pair(self, subject: int, pair: Pair) -> list[Any]:
        """Old and new, sealed."""
        old, new = pair
        if _blank(new) or subject not in self._keys:
            return [None if _blank(old) else PERSONAL, self._sealed(subject, new)]
        return [self._sealed(subject, old), self._sealed(subject, new)]

    def _sealed(self, subject: int, value: Any) -> Any:
        if _blank(value) or value == UNKNOWN:
            return value
        if subject not in self._sealers:
            self._sealers[subject] = vault.sealer(self._session, subject)
        words = json.dumps(plain(value), ensure_ascii=False)
        return {"sealed": self._sealers[subject](words), "of": subject}


def _blank(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _line(change: _Change, seals: _Seals | None) -> Line:
    changes: dict[str, Any] = {}
    for column, pair in change.pairs:
        if column.info.get("secret") or isinstance(column.type, LargeBinary):
            shown = _covered(pair, HIDDEN)
        elif not column.info.get("personal"):
            shown = [plain(value) for value in pair]
        elif change.subject is None or seals is None:
            shown = _covered(pair, PERSONAL)
        else:
            shown = seals.pair(change.subject, pair)
        changes[column.name] = shown
    return Line(change.op, change.table, change.row_id, change.area, changes, change.actor)


def _covered(pair: Pair, word: str) -> list[Any]:
    return [None if _blank(value) else word for value in pair]
