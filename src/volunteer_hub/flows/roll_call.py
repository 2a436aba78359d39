"""Everybody leaves and is accounted for: told at once, marked safe by themselves or by their leader."""

from collections.abc import Sequence
from typing import Final

from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.flows import field, letters
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.rules import OPEN, LogKind
from volunteer_hub.mobilization import places, presence, roll_calls
from volunteer_hub.mobilization.field_rules import Accounted
from volunteer_hub.mobilization.models import Duty, RollCall
from volunteer_hub.mobilization.rules import DutyState
from volunteer_hub.notify import outbox
from volunteer_hub.notify.rules import Subject

EVACUATE: Final = "evacuate"


def start(tx: Tx, incident: Incident, task: Task | None = None) -> RollCall:
    """Everybody on site or on the way, at one task or in the whole incident, is told to leave and to answer.

    One that runs already is returned as it is. Raises Refused for an incident that is over or has nobody
    there, NotFound for a foreign area.
    """
    tx.actor.must_cover("duty.write", incident.area)
    if task is not None and task.incident_id != incident.id:
        raise NotFound("not_found")
    # Whoever checks in meanwhile is found by the sweep: no lock holds up people at the gate.
    if incident.state not in OPEN:
        raise Refused("field.over")
    slots = field.slots_of(tx, task.id) if task is not None else None
    call, told = roll_calls.start(tx, incident.id, incident.area, task.id if task else None, slots)
    if not told:
        if not roll_calls.entries(tx, call):
            raise Refused("field.nobody_there")
        return call
    letters.tell(tx, EVACUATE, told)
    logbook.record(tx, incident, LogKind.SAFETY, "roll_call_started", n=len(told))
    tx.flush()
    return call


def safe(tx: Tx, duty: Duty) -> Duty:
    """The person says that they are safe. Where no roll call waits for them any more, it still says so."""
    places.locked(tx, duty.offer_id)
    tx.refresh(duty)
    if duty.state is DutyState.ON_SITE:
        presence.ok(tx, duty, field.ok_minutes(tx, duty), field.rules_of())
    _account(tx, duty, Accounted.SELF)
    return duty


def mark(tx: Tx, call: RollCall, duty: Duty) -> RollCall:
    """The leader says that somebody is safe. Raises as `roll_calls.account_in`."""
    places.locked(tx, duty.offer_id)
    ended = roll_calls.account_in(tx, call, duty)
    outbox.cancel(tx, Subject.OFFER, [duty.offer_id], purposes=(EVACUATE,))
    _note_ends(tx, [call] if ended else [])
    return call


def left(tx: Tx, duty: Duty) -> None:
    """Somebody has checked out: they are accounted for. Their offer is locked by now."""
    _account(tx, duty, Accounted.LEFT)


def end(tx: Tx, call: RollCall) -> RollCall:
    """Ends it by hand, with whoever is missing. Again, it changes nothing."""
    if roll_calls.end(tx, call):
        _note_ends(tx, [call])
    return call


def end_all(tx: Tx, incident: Incident) -> None:
    """Ends whatever runs in an incident that closes."""
    for call in roll_calls.of_incident(tx, incident.id):
        if call.ended_at is None:
            end(tx, call)


def sweep() -> int:
    """Puts on the roll calls that run whoever has come or set out since, and tells them; ends those on which
    nobody is missing. How many people were added."""
    with db.transaction(SYSTEM, "roll_call.keep") as tx:
        return sum(_keep(tx, call) for call in roll_calls.running(tx))


def _keep(tx: Tx, call: RollCall) -> int:
    joined = roll_calls.join(tx, call, field.slots_of(tx, call.task_id) if call.task_id else None)
    letters.tell(tx, EVACUATE, joined)
    roll_calls.account_for_gone(tx, call)
    _note_ends(tx, [call] if roll_calls.end_if_complete(tx, call) else [])
    return len(joined)


def _account(tx: Tx, duty: Duty, how: Accounted) -> None:
    if not roll_calls.open_for(tx, duty.id):
        return
    ended = roll_calls.account_for(tx, duty, how)
    outbox.cancel(tx, Subject.OFFER, [duty.offer_id], purposes=(EVACUATE,))
    _note_ends(tx, ended)


def _note_ends(tx: Tx, ended: Sequence[RollCall]) -> None:
    for call in ended:
        n = len(roll_calls.entries(tx, call))
        minutes = int((tx.now - call.started_at).total_seconds() // 60)
        incident = tx.get_one(Incident, call.incident_id)
        event = "roll_call_ended" if call.missing else "roll_call_complete"
        logbook.record(tx, incident, LogKind.SAFETY, event, n=n, missing=call.missing, minutes=minutes)
    tx.flush()
