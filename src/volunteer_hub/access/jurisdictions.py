"""The tree of jurisdictions: adding, finding, walking, moving, and loading a whole city at once."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import literal, text
from sqlmodel import col, select

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.access.rules import NodeKind, may_hold
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound, Refused

ROOT: Final = "/"
ZONE: Final = "Asia/Shanghai"


@dataclass(frozen=True)
class Node:
    """A node to be made: what `add` and `load_tree` take. ``name`` is ``{en, zh}``, ``shape`` GeoJSON."""

    code: str
    kind: NodeKind
    name: Mapping[str, str]
    lat: float
    lon: float
    parent: str | None = None
    street: str | None = None
    zone: str = ZONE
    residents: int = 0
    shape: Mapping[str, Any] | None = field(default=None, hash=False)


def faults(node: Node, where: str) -> list[FieldError]:
    """What is wrong with a node by itself."""
    wrong = []
    if not node.code.strip():
        wrong.append("tree.code")
    if not all(node.name.get(lang, "").strip() for lang in ("en", "zh")):
        wrong.append("tree.name")
    if not (-90 <= node.lat <= 90 and -180 <= node.lon <= 180):  # false for NaN too
        wrong.append("tree.position")
    if node.zone not in available_timezones():
        wrong.append("tree.zone")
    if node.residents < 0:
        wrong.append("tree.residents")
    return [FieldError(where, code, {"node": node.code}) for code in wrong]


def add(tx: Tx, node: Node) -> Jurisdiction:
    """A new node below ``node.parent`` (a code), or a root.

    Raises Malformed, Refused when the code is taken or the kinds do not fit, NotFound for the parent.
    """
    parent = by_code(tx, node.parent) if node.parent is not None else None
    tx.actor.must_cover("jurisdiction.write", parent.path if parent is not None else ROOT)
    if found := faults(node, "node"):
        raise Malformed("tree.invalid", fields=found)
    if parent is not None and not may_hold(parent.kind, node.kind):
        raise Refused("tree.kind", node=node.code)
    if tx.exec(select(Jurisdiction.id).where(col(Jurisdiction.code) == node.code)).first() is not None:
        raise Refused("tree.duplicate", node=node.code)
    number = _draw(tx, 1)[0]
    row = Jurisdiction(
        id=number,
        parent_id=parent.id if parent is not None else None,
        path=f"{parent.path if parent is not None else ROOT}{number}/",
        code=node.code,
        kind=node.kind,
        name=dict(node.name),
        street=node.street,
        zone=node.zone,
        lat=node.lat,
        lon=node.lon,
        residents=node.residents,
        shape=dict(node.shape) if node.shape is not None else None,
    )
    tx.add(row)
    tx.flush()
    return row


def find(tx: Tx, permission: str, public_id: UUID) -> Jurisdiction:
    """A node by its outer id, within the actor's areas. Raises NotFound."""
    wanted = select(Jurisdiction).where(
        col(Jurisdiction.public_id) == public_id, tx.actor.scope(permission, Jurisdiction.path)
    )
    return _found(tx.exec(wanted).first())


def by_code(tx: Tx, code: str) -> Jurisdiction:
    """A node by its official code, wherever it is. Raises NotFound."""
    return _found(tx.exec(select(Jurisdiction).where(col(Jurisdiction.code) == code)).first())


def within(tx: Tx, permission: str, code: str) -> Jurisdiction:
    """A node by its official code, within the actor's areas. Raises NotFound."""
    wanted = select(Jurisdiction).where(
        col(Jurisdiction.code) == code, tx.actor.scope(permission, Jurisdiction.path)
    )
    return _found(tx.exec(wanted).first())


def by_path(tx: Tx, path: str) -> Jurisdiction:
    """The node that a row's area names. Raises NotFound."""
    return _found(tx.exec(select(Jurisdiction).where(col(Jurisdiction.path) == path)).first())


def root(tx: Tx) -> Jurisdiction:
    """The first node above which there is none: for what belongs to no area. Raises NotFound."""
    above = select(Jurisdiction).where(col(Jurisdiction.parent_id).is_(None))
    return _found(tx.exec(above.order_by(col(Jurisdiction.id)).limit(1)).first())


def listed(tx: Tx, permission: str, kind: NodeKind | None = None) -> Sequence[Jurisdiction]:
    """Every node in the actor's areas, in the order of the tree."""
    wanted = select(Jurisdiction).where(tx.actor.scope(permission, Jurisdiction.path))
    if kind is not None:
        wanted = wanted.where(col(Jurisdiction.kind) == kind)
    return tx.exec(wanted.order_by(col(Jurisdiction.path))).all()


def everywhere(tx: Tx) -> Sequence[Jurisdiction]:
    """Every node, in the order of the tree: where people may live is no secret."""
    return tx.exec(select(Jurisdiction).order_by(col(Jurisdiction.path))).all()


def children(tx: Tx, node: Jurisdiction) -> Sequence[Jurisdiction]:
    """The nodes right below, by code."""
    below = select(Jurisdiction).where(col(Jurisdiction.parent_id) == node.id)
    return tx.exec(below.order_by(col(Jurisdiction.code))).all()


def subtree(tx: Tx, path: str) -> Sequence[Jurisdiction]:
    """The node of that path and all below it, parents first."""
    below = select(Jurisdiction).where(col(Jurisdiction.path).like(path + "%"))
    return tx.exec(below.order_by(col(Jurisdiction.path))).all()


def parent_of(tx: Tx, node: Jurisdiction) -> Jurisdiction | None:
    """The node above; None for a root."""
    return tx.get(Jurisdiction, node.parent_id) if node.parent_id is not None else None


def way_down(tx: Tx, path: str) -> Sequence[Jurisdiction]:
    """The nodes from the root down to that path: what a breadcrumb shows."""
    on_way = select(Jurisdiction).where(literal(path).startswith(col(Jurisdiction.path)))
    return tx.exec(on_way.order_by(col(Jurisdiction.path))).all()


def names(tx: Tx, paths: Iterable[str]) -> dict[str, dict[str, str]]:
    """Path -> name in both languages, in one query."""
    wanted = select(Jurisdiction.path, Jurisdiction.name).where(col(Jurisdiction.path).in_(set(paths)))
    return {path: dict(name) for path, name in tx.exec(wanted)}


def codes(tx: Tx, paths: Iterable[str]) -> dict[str, str]:
    """Path -> official code, in one query."""
    wanted = select(Jurisdiction.path, Jurisdiction.code).where(col(Jurisdiction.path).in_(set(paths)))
    return dict(tx.exec(wanted).all())


def move(tx: Tx, node: Jurisdiction, parent: Jurisdiction) -> Jurisdiction:
    """Puts a node and all below it under another; every row that names their paths follows.

    Raises Refused when it would stand below itself or below a lower kind.
    """
    tx.actor.must_cover("jurisdiction.write", node.path)
    tx.actor.must_cover("jurisdiction.write", parent.path)
    if parent.path.startswith(node.path):
        raise Refused("tree.circle", node=node.code)
    if not may_hold(parent.kind, node.kind):
        raise Refused("tree.kind", node=node.code)
    below = [row for row in subtree(tx, node.path) if row is not node]
    old, node.path = node.path, f"{parent.path}{node.id}/"
    node.parent_id = parent.id
    for row in below:
        row.path = node.path + row.path.removeprefix(old)
    tx.flush()
    return node


def load_tree(tx: Tx, nodes: Sequence[Node]) -> dict[str, str]:
    """Makes many nodes at once by COPY, in any order, and returns code -> path.

    A parent is another of the nodes or one that is there already. All or nothing: raises Malformed
    naming every bad node by its number from 1.
    """
    tx.actor.must_cover("jurisdiction.write", ROOT)
    known = {row.code: row for row in tx.exec(select(Jurisdiction))}
    wrong = [fault for number, node in enumerate(nodes, 1) for fault in faults(node, str(number))]
    wrong += _misfits(nodes, known)
    if wrong:
        raise Malformed("tree.invalid", fields=wrong)
    ids = dict(zip((node.code for node in nodes), _draw(tx, len(nodes)), strict=True))
    paths = {code: row.path for code, row in known.items()}
    for node in _parents_first(nodes):
        paths[node.code] = f"{paths[node.parent] if node.parent is not None else ROOT}{ids[node.code]}/"
    parents = ids | {code: row.id for code, row in known.items()}
    _copy(tx, nodes, ids, parents, paths)
    return {node.code: paths[node.code] for node in nodes}


def _misfits(nodes: Sequence[Node], known: Mapping[str, Jurisdiction]) -> list[FieldError]:
    kinds = {code: row.kind for code, row in known.items()} | {node.code: node.kind for node in nodes}
    placed = {node.code for node in _parents_first(nodes)}
    seen = set(known)
    wrong = []
    for number, node in enumerate(nodes, 1):
        fault = None
        if node.code in seen:
            fault = "tree.duplicate"
        elif node.parent is not None and node.parent not in kinds:
            fault = "tree.parent"
        elif node.code not in placed:
            fault = "tree.circle"
        elif node.parent is not None and not may_hold(kinds[node.parent], node.kind):
            fault = "tree.kind"
        if fault is not None:
            wrong.append(FieldError(str(number), fault, {"node": node.code}))
        seen.add(node.code)
    return wrong


def _parents_first(nodes: Sequence[Node]) -> list[Node]:
    """The nodes in an order that makes parents before children; those in a circle are left out."""
    below: dict[str | None, list[Node]] = {}
    codes = {node.code for node in nodes}
    for node in nodes:
        below.setdefault(node.parent if node.parent in codes else None, []).append(node)
    ordered = list(below.get(None, ()))
    for node in ordered:  # grows while it is walked
        ordered.extend(below.pop(node.code, ()))
    return ordered


def _draw(tx: Tx, count: int) -> list[int]:
    """Fresh ids: a path needs its own before the row is written."""
    sequence = "nextval(pg_get_serial_sequence('jurisdictions', 'id'))"
    drawn = text(f"SELECT {sequence} FROM generate_series(1, :count)")  # noqa: S608 (a constant)
    return list(tx.execute(drawn, {"count": count}).scalars())


_COLUMNS: Final = "id, public_id, parent_id, path, code, kind, name, street, zone, lat, lon, residents, shape"


def _copy(
    tx: Tx,
    nodes: Sequence[Node],
    ids: Mapping[str, int],
    parents: Mapping[str, int],
    paths: Mapping[str, str],
) -> None:
    driver = tx.connection().connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(f"COPY jurisdictions ({_COLUMNS}) FROM STDIN") as copy:
        for node in nodes:
            copy.write_row(
                (
                    ids[node.code],
                    uuid7(),
                    parents[node.parent] if node.parent is not None else None,
                    paths[node.code],
                    node.code,
                    node.kind.value,
                    json.dumps(dict(node.name), ensure_ascii=False),
                    node.street,
                    node.zone,
                    node.lat,
                    node.lon,
                    node.residents,
                    json.dumps(node.shape) if node.shape is not None else None,
                )
            )


def _found(row: Jurisdiction | None) -> Jurisdiction:
    if row is None:
        raise NotFound("not_found")
    return row
