"""Work that moves to another place or time, or is called off: whoever said yes hears of it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, select

from volunteer_hub.boards import slots
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import letters, robots
from volunteer_hub.flows.standby import why_not
from volunteer_hub.incidents import logbook, rules, tasks
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.rules import LogKind
from volunteer_hub.mobilization import offers, places
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.rules import OFFER_ALLOWED, OfferState
from volunteer_hub.notify import outbox
from volunteer_hub.notify.rules import Subject
from volunteer_hub.volunteers.policy import Skills


@dataclass(frozen=True)
class Told:
    """What a change came to, in people: ``told`` are to acknowledge it, ``released`` cannot come then."""

    fields: frozenset[str]
    told: int = 0
    released: int = 0
    promoted: int = 0


def change_task(tx: Tx, task: Task, version: int, **changes: Any) -> Told:
    """Changes a task; a new place or time goes to everybody who accepted, and is to be acknowledged.

    Questions not yet sent or answered are asked about the new place and time. Raises as `tasks.change`.
    """
    different = tasks.change(tx, task, version, policy.load("skills", Skills).skills, **changes)
    if not rules.told_again(different):
        return Told(different)
    moved = {"starts_at", "ends_at"} & different
    during = Range(task.starts_at, task.ends_at, bounds="[)") if moved else None
    changed = [offers.change(tx, slot_id, during, why_not) for slot_id in slots.of_task(tx, task.id)]
    told = [offer for one in changed for offer in one.told]
    clashing = [offer for one in changed for offer in one.clashing]
    promoted = [offer for one in changed for offer in one.promoted]
    asked = _asked(tx, task)
    letters.renew(tx, asked)
    outbox.cancel(tx, Subject.OFFER, [offer.id for offer in clashing])
    letters.tell(tx, "changed", [offer for offer in told if offer not in promoted])
    letters.tell(tx, "released", clashing)
    letters.tell(tx, "promoted", promoted)
    incident = tx.get_one(Incident, task.incident_id)
    if told or clashing:
        logbook.record(tx, incident, LogKind.CALLOUT, "change_told", title=task.title, n=len(told))
    if asked:
        _tell_robots(tx, task, incident)
    tx.flush()
    return Told(different, len(told), len(clashing), len(promoted))


def _tell_robots(tx: Tx, task: Task, incident: Incident) -> None:
    facts = next(iter(slots.of_task(tx, task.id).values()))
    known = {"task": facts.title, "place": facts.meeting, "starts_at": task.starts_at.isoformat()}
    robots.tell(tx, "robot_changed", incident, task.area, f"task:{task.id}:{task.version}", **known)


def cancel_task(tx: Tx, task: Task, reason: str) -> int:
    """Calls one task off; all whom its question may have reached are told, and how many is returned.

    Raises as `tasks.cancel`.
    """
    tasks.cancel(tx, task, reason)
    everybody = places.locked_all(tx, col(Offer.slot_id).in_(slots.of_task(tx, task.id)))
    ending = [offer for offer in everybody if OfferState.CANCELLED in OFFER_ALLOWED[offer.state]]
    asked = [offer for offer in ending if offer.state is not OfferState.QUEUED]
    places.leave_all(tx, ending, OfferState.CANCELLED)
    outbox.cancel(tx, Subject.OFFER, [offer.id for offer in ending])
    told = letters.heard_of(tx, asked)
    letters.tell(tx, "cancelled", told)
    return len(told)


def _asked(tx: Tx, task: Task) -> list[Offer]:
    """Offers that wait for an answer, or have a message on its way."""
    slot_ids = list(slots.of_task(tx, task.id))
    return list(tx.exec(select(Offer).where(col(Offer.slot_id).in_(slot_ids))).all())
