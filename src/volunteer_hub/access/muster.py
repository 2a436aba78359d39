"""Standing muster points, and the passphrases that open printed call-downs."""

from typing import TypeVar

from sqlalchemy import func, literal
from sqlmodel import col, select

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.access.muster_models import CallDownKey, MusterPoint
from volunteer_hub.access.rules import check_muster_point, check_passphrase
from volunteer_hub.core import strongbox
from volunteer_hub.core.db import Tx

RIGHT = "volunteer.export"
"""Who may take people's data out of the house keeps what opens it, and says where they gather."""

Row = TypeVar("Row", MusterPoint, CallDownKey)


def set_point(tx: Tx, node: Jurisdiction, *, name: str, lat: float, lon: float, words: str) -> MusterPoint:
    """Sets where the people of a node gather. Raises Malformed with every wrong field."""
    tx.actor.must_cover(RIGHT, node.path)
    check_muster_point(name, lat, lon, words)
    row = _own(tx, MusterPoint, node.path) or MusterPoint(
        area=node.path, name=name, lat=lat, lon=lon, set_at=tx.now
    )
    row.name, row.lat, row.lon, row.words = name.strip(), lat, lon, words.strip()
    row.set_at, row.set_by = tx.now, _account(tx)
    tx.add(row)
    tx.flush()
    return row


def set_passphrase(tx: Tx, node: Jurisdiction, passphrase: str) -> CallDownKey:
    """What opens the call-downs written from now on; those written before keep theirs. Raises Malformed."""
    tx.actor.must_cover(RIGHT, node.path)
    check_passphrase(passphrase)
    salt, public_key = strongbox.lock(passphrase)
    row = _own(tx, CallDownKey, node.path) or CallDownKey(
        area=node.path, salt=salt, public_key=public_key, set_at=tx.now
    )
    row.salt, row.public_key, row.set_at, row.set_by = salt, public_key, tx.now, _account(tx)
    tx.add(row)
    tx.flush()
    return row


def point_for(tx: Tx, path: str) -> MusterPoint | None:
    """Where people of an area gather: its own point, else that of the nearest node above."""
    return _nearest(tx, MusterPoint, path)


def key_for(tx: Tx, path: str) -> CallDownKey | None:
    """What call-downs of an area are sealed with; None where nobody has set a passphrase."""
    return _nearest(tx, CallDownKey, path)


def _own(tx: Tx, kind: type[Row], path: str) -> Row | None:
    return tx.exec(select(kind).where(col(kind.area) == path).with_for_update()).first()


def _nearest(tx: Tx, kind: type[Row], path: str) -> Row | None:
    above = select(kind).where(literal(path).startswith(col(kind.area)))
    return tx.exec(above.order_by(func.length(col(kind.area)).desc()).limit(1)).first()


def _account(tx: Tx) -> int | None:
    return tx.actor.id if tx.actor.kind == "account" else None
