"""Whoever leads a task keeps its list from their own link: who has come and gone, and its roll.

The link of their place is all they need: for the time of the deed it gives them the rights of the staff in
the field, and these deeds touch the people of their own task alone.
"""

import uuid
from dataclasses import replace
from typing import Final

from volunteer_hub.boards import leading, slots
from volunteer_hub.boards.leading import Led
from volunteer_hub.core.actor import Grant
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import respond, roll_call
from volunteer_hub.flows.duty import CheckedOut
from volunteer_hub.mobilization import attendance
from volunteer_hub.mobilization.models import Duty, Offer, RollCall
from volunteer_hub.mobilization.rules import Evidence

_RIGHTS: Final = frozenset({"duty.read", "duty.write", "volunteer.read"})


def by_link(tx: Tx, token: str) -> Led:
    """What the person behind a link leads; from here on the transaction acts as them. Raises NotFound for
    whoever leads nothing as for an unknown token."""
    offer = respond.by_link(tx, token)
    duty = attendance.of_offer(tx, offer)
    facts = slots.of(tx, [offer.slot_id])[offer.slot_id]
    led = leading.of(tx, duty, facts) if duty is not None else None
    if led is None:
        raise NotFound("not_found")
    tx.actor = replace(tx.actor, grants=(Grant(led.facts.incident.area, _RIGHTS),))
    return led


def came(tx: Tx, token: str, duty: uuid.UUID) -> Duty:
    """The leader has seen somebody of their task arrive. Raises as `by_link`, NotFound for anybody else and
    for the leader themselves, and as `duties.confirm_in`."""
    return duties.confirm_in(tx, _theirs(tx, by_link(tx, token), duty), Evidence.LEADER)


def went(tx: Tx, token: str, duty: uuid.UUID) -> CheckedOut:
    """The leader has seen somebody of their task leave; as `came`."""
    return duties.confirm_out(tx, _theirs(tx, by_link(tx, token), duty), Evidence.LEADER)


def theirs(tx: Tx, token: str, duty: uuid.UUID) -> Duty:
    """The duty of somebody of the leader's task. Raises as `came`."""
    return _theirs(tx, by_link(tx, token), duty)


def call_roll(tx: Tx, token: str) -> RollCall:
    """Tells everybody at the task to leave and to answer; a roll call that runs there is returned as it is.

    Raises as `by_link` and `roll_call.start`.
    """
    led = by_link(tx, token)
    if led.call is not None and led.running:
        return led.call
    return roll_call.start(tx, led.facts.incident, led.facts.task)


def mark(tx: Tx, token: str, duty: uuid.UUID) -> RollCall:
    """The leader has seen somebody of their task, safe. Raises as `by_link` and `roll_call.mark`, and
    NotFound for anybody else."""
    led = by_link(tx, token)
    found = _at_task(tx, led, duty)
    if led.call is None:
        raise NotFound("not_found")
    return roll_call.mark(tx, led.call, found)


def _theirs(tx: Tx, led: Led, duty: uuid.UUID) -> Duty:
    """Nobody vouches for themselves."""
    found = _at_task(tx, led, duty)
    if found.volunteer_id == tx.actor.id:
        raise NotFound("not_found")
    return found


def _at_task(tx: Tx, led: Led, duty: uuid.UUID) -> Duty:
    found = attendance.find(tx, "duty.write", duty)
    if tx.get_one(Offer, found.offer_id).slot_id not in led.slots:
        raise NotFound("not_found")
    return found
