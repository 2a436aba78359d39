"""The screen at the place of work: its code, and who scans it. Looking at the page behind it does nothing.

A telephone that carries the link or the session of somebody with a place here checks that person in; any
other asks for their six digits.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from volunteer_hub.access import login
from volunteer_hub.boards import duties as board
from volunteer_hub.boards.duties import DutyLine
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.settings import settings
from volunteer_hub.core.signing import same
from volunteer_hub.flows import presence
from volunteer_hub.flows.presence import Proof
from volunteer_hub.incidents.models import Task
from volunteer_hub.mobilization import places, screens
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import DutyState, Way


@dataclass(frozen=True)
class Shown:
    """What a screen shows: the address in its QR code, and for how many seconds at least it counts."""

    address: str
    seconds: int


@dataclass(frozen=True)
class Phone:
    """What comes with a scan: the links and the session that the telephone carries, where it is in the
    network, and a keyed hash that tells it from others."""

    links: tuple[str, ...]
    volunteer_id: int | None
    address: str
    device: bytes | None


def shown(task: Task, now: datetime) -> Shown:
    """The code of a task's screen at this moment."""
    limits = presence.rules_of()
    code = screens.code(task.public_id, now, limits)
    return Shown(f"{settings().base_url.rstrip('/')}/here/{code}", limits.screen_seconds)


def task_of(tx: Tx, code: str) -> Task:
    """The task that a scanned code is about, whether it still counts or not. Raises NotFound."""
    task = tx.exec(select(Task).where(col(Task.public_id) == screens.task_of(code))).first()
    if task is None:
        raise NotFound("duty.no_screen")
    return task


def counts(code: str, now: datetime) -> bool:
    """Whether a scanned code still counts."""
    return screens.counts(code, now, presence.rules_of())


def check_carried(tx: Tx, code: str, phone: Phone, duty: uuid.UUID, way: Way) -> DutyLine:
    """In or out, one of those whose link or session the telephone carries. Raises NotFound for anybody else,
    Refused for a code whose time is over, and as `presence.check_in`."""
    lines = board.carried(tx, task_of(tx, code).id, phone.links, phone.volunteer_id)
    found = next((line for line in lines if line.duty.public_id == duty), None)
    if found is None:
        raise NotFound("not_found")
    _check(tx, found.duty, way, code, phone)
    return found


def check_digits(tx: Tx, code: str, phone: Phone, digits: str) -> DutyLine | None:
    """In, or out of whoever is here, by their six digits; None when they are nobody's, or those of two.

    Every try counts, for they could be tried out one after the other. Raises TooMany, and as `check_carried`.
    """
    task = task_of(tx, code)
    screens.must_count(code, task.public_id, tx.now, presence.rules_of())
    login.count_try(tx, phone.address, of="screen", allowed=presence.rules_of().codes_per_address)
    typed = digits.strip()
    found = [
        line
        for line in board.of_task(tx, task.id)
        if same(places.code_hash(line.offer, typed), line.duty.code_hash)
    ]
    if len(found) != 1:
        return None
    [line] = found
    _check(tx, line.duty, due(line.duty), code, phone)
    return line


def due(duty: Duty) -> Way:
    """Which of its two ends a duty comes to next."""
    return Way.OUT if duty.state in (DutyState.ON_SITE, DutyState.DONE) else Way.IN


def _check(tx: Tx, duty: Duty, way: Way, code: str, phone: Phone) -> None:
    tx.actor = Actor("volunteer", duty.volunteer_id)
    deed = presence.check_in if way is Way.IN else presence.check_out
    deed(tx, duty, Proof(screen=code, device=phone.device))
