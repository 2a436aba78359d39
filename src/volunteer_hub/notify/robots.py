"""Chat robots of areas: added, listed, removed, and found for what happens somewhere."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Text, literal
from sqlmodel import col, select

from volunteer_hub.core import vault
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.notify.channels import robot
from volunteer_hub.notify.robot_models import Robot

RIGHT: Final = "jurisdiction.write"


def add(tx: Tx, *, area: str, name: str, url: str, lang: str) -> Robot:
    """A robot told of callouts in an area and below. Raises Malformed for an address it cannot have."""
    tx.actor.must_cover(RIGHT, area)
    robot.check(url)
    by = tx.actor.id if tx.actor.kind == "account" else None
    row = Robot(
        area=area, name=name, lang=lang, sealed=vault.seal_here(url), created_by=by, created_at=tx.now
    )
    tx.add(row)
    tx.flush()
    return row


def listed(tx: Tx) -> Sequence[Robot]:
    """The robots of the actor's areas, the oldest first."""
    tx.actor.must(RIGHT)
    return tx.exec(select(Robot).where(tx.actor.scope(RIGHT, Robot.area)).order_by(col(Robot.id))).all()


def remove(tx: Tx, public_id: uuid.UUID) -> None:
    """Takes a robot away; what waits to be sent to it fails. Raises NotFound."""
    tx.actor.must(RIGHT)
    wanted = select(Robot).where(col(Robot.public_id) == public_id, tx.actor.scope(RIGHT, Robot.area))
    row = tx.exec(wanted).first()
    if row is None:
        raise NotFound("not_found")
    tx.delete(row)
    tx.flush()


def told_of(tx: Tx, area: str) -> Sequence[Robot]:
    """The robots that hear of what happens in an area: its own, and those of the areas above."""
    above = literal(area, Text).startswith(col(Robot.area))
    return tx.exec(select(Robot).where(above).order_by(col(Robot.id))).all()
