"""People at work: on the way, well, overdue, hurt. What each of them says is told on to whoever commands."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from volunteer_hub.boards import field as board
from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import db, live, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import LANGUAGES, t
from volunteer_hub.flows import letters
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident, RoleSlot, Task
from volunteer_hub.incidents.rules import LogKind
from volunteer_hub.mobilization import injuries, presence
from volunteer_hub.mobilization.injuries import Happened
from volunteer_hub.mobilization.models import Duty, Injury, Offer, OkTimer
from volunteer_hub.mobilization.policy import Callouts, FieldRules
from volunteer_hub.notify import outbox
from volunteer_hub.notify.rules import Subject

REMINDER: Final = "ok_reminder"


def rules_of() -> FieldRules:
    """[field] of config/callouts.toml."""
    policies: Callouts = policy.load("callouts", Callouts)
    return policies.field


def on_my_way(tx: Tx, duty: Duty, minutes: int, at: datetime | None = None) -> Duty:
    """The person is on the way, now or ``at`` an earlier hour, and there in so many minutes. Raises as
    `presence.set_out`."""
    shown(tx, duty)
    return presence.set_out(tx, duty, minutes, at)


def shown(tx: Tx, duty: Duty) -> None:
    """Whoever watches the callout of a duty sees at once what is happening to it."""
    live.changed(tx, [tx.get_one(Offer, duty.offer_id).callout_id])


def ok(tx: Tx, duty: Duty, at: datetime | None = None) -> Duty:
    """The person is well, now or ``at`` an earlier hour, or whoever is in charge has heard from them: the
    reminder still waiting is taken back, and the log says so where command had been alerted. Raises as
    `presence.ok`, NotFound for a foreign area."""
    if tx.actor.kind != "volunteer":
        tx.actor.must_cover("duty.write", duty.area)
    was_missed = presence.ok(tx, duty, ok_minutes(tx, duty), rules_of(), at)
    outbox.cancel(tx, Subject.OFFER, [duty.offer_id], purposes=(REMINDER,))
    shown(tx, duty)
    if was_missed:
        logbook.record(tx, tx.get_one(Incident, duty.incident_id), LogKind.SAFETY, "ok_back", duty=duty.id)
        tx.flush()
    return duty


def arrived(tx: Tx, duty: Duty) -> None:
    """Somebody has come: from now on they say that they are OK, where that is asked at their task."""
    presence.wait_for_ok(tx, duty, ok_minutes(tx, duty), rules_of())
    shown(tx, duty)


def ok_minutes(tx: Tx, duty: Duty) -> int | None:
    """How often a person says that they are OK: as set for their task, else by its hazard. None: never."""
    facts = _facts(tx, duty)
    timer = presence.timer_of(tx, facts.task.id)
    return board.ok_minutes(facts, {} if timer is None else {timer.task_id: timer.minutes})


def set_timer(tx: Tx, task: Task, minutes: int | None) -> OkTimer:
    """Sets how often everybody at a task says that they are OK; None: not at all. Raises as
    `presence.set_timer`."""
    timer = presence.set_timer(tx, task.id, task.area, slots_of(tx, task.id), minutes, rules_of())
    incident = tx.get_one(Incident, task.incident_id)
    event = "ok_timer_set" if minutes is not None else "ok_timer_off"
    logbook.record(tx, incident, LogKind.SAFETY, event, title=task.title, minutes=minutes or 0)
    tx.flush()
    return timer


def slots_of(tx: Tx, task_id: int) -> Sequence[int]:
    """The slots of a task."""
    return tx.exec(select(RoleSlot.id).where(col(RoleSlot.task_id) == task_id)).all()


def sweep() -> int:
    """Reminds whoever is to say that they are OK, and alerts command of whoever has not; how many of both."""
    with db.transaction(SYSTEM, "field.remind") as tx:
        reminded = presence.remind(tx)
        _remind(tx, reminded)
    with db.transaction(SYSTEM, "field.alert") as tx:
        unheard = presence.unheard(tx)
        _alert_unheard(tx, unheard)
    return len(reminded) + len(unheard)


def _remind(tx: Tx, duties: Sequence[Duty]) -> None:
    """Those who came together are told together."""
    offers = {offer.id: offer for offer in presence.offers_of(tx, duties)}
    for due in sorted({duty.ok_due_at for duty in duties if duty.ok_due_at is not None}):
        together = [offers[duty.offer_id] for duty in duties if duty.ok_due_at == due]
        letters.tell(tx, REMINDER, together, due_at=due.isoformat())


def _alert_unheard(tx: Tx, duties: Sequence[Duty]) -> None:
    for incident_id, count in sorted(Counter(duty.incident_id for duty in duties).items()):
        incident = tx.get_one(Incident, incident_id)
        first = next(duty for duty in duties if duty.incident_id == incident_id)
        facts = {"title": incident.title, "missing": count}
        deed = f"duty:{first.id}:ok:{tx.now.timestamp():.6f}"
        letters.alert(tx, "alert_ok_overdue", incident, deed, facts)
        logbook.record(tx, incident, LogKind.SAFETY, "ok_overdue", n=count)
    tx.flush()


def injured(
    tx: Tx, incident: Incident, task: Task | None, what: Happened, person: uuid.UUID | None = None
) -> Injury:
    """Whoever is in charge records an injury, an exposure or a near miss. ``person``: the duty of whom it
    happened to. Raises as `injuries.record`, NotFound for a foreign area or somebody else's duty."""
    tx.actor.must_cover("duty.write", incident.area)
    if task is not None and task.incident_id != incident.id:
        raise NotFound("not_found")
    if person is not None:
        found = tx.exec(
            select(Duty).where(col(Duty.public_id) == person, col(Duty.incident_id) == incident.id)
        ).first()
        if found is None:
            raise NotFound("not_found")
        what = _of(what, found)
        task = task or _facts(tx, found).task
    return _recorded(tx, incident, task, what)


def injured_by_own(tx: Tx, duty: Duty, what: Happened, *, to_me: bool) -> Injury:
    """A person records it from their own duty: of themselves, or of nobody who is named. Raises as
    `injuries.record`."""
    facts = _facts(tx, duty)
    return _recorded(tx, facts.incident, facts.task, _of(what, duty) if to_me else what)


def _of(what: Happened, duty: Duty) -> Happened:
    return replace(what, volunteer_id=duty.volunteer_id)


def _recorded(tx: Tx, incident: Incident, task: Task | None, what: Happened) -> Injury:
    made = injuries.record(tx, incident.id, incident.area, task.id if task is not None else None, what)
    logbook.record(tx, incident, LogKind.SAFETY, f"recorded_{made.kind}", number=made.id)
    if tx.actor.kind != "account" or tx.actor.id != incident.commander_id:
        facts = {
            "title": incident.title,
            "what": {lang: t(lang, f"field.harm.{made.kind}") for lang in LANGUAGES},
            "how_bad": {lang: t(lang, f"field.severity.{made.severity}") for lang in LANGUAGES},
        }
        letters.alert(tx, "alert_injury", incident, f"injury:{made.id}", facts)
    tx.flush()
    return made


def _facts(tx: Tx, duty: Duty) -> SlotFacts:
    slot = tx.get_one(Offer, duty.offer_id).slot_id
    return slots.of(tx, [slot])[slot]
