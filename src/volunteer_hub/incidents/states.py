"""An incident goes on: declared, mobilizing, active, demobilizing, closed, reviewed."""

from sqlmodel import col, update

from volunteer_hub.core.db import Tx
from volunteer_hub.incidents import command, levels, logbook, rules
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.rules import LogKind, RaiseState, State, TaskState


def move(tx: Tx, incident: Incident, to: State) -> Incident:
    """Brings the incident to another state. Raises Refused when the state table does not allow it.

    Closing ends its open tasks and whatever was still asked or offered.
    """
    ending = to not in rules.OPEN
    tx.actor.must_cover("incident.close" if ending else "incident.write", incident.area)
    return advance(tx, incident, to)


def advance(tx: Tx, incident: Incident, to: State, *, event: str = "state", text: str = "") -> Incident:
    """`move` as the consequence of something else that was allowed, such as a cancelled alert."""
    tx.refresh(incident, with_for_update={"key_share": True})  # rows that point here are not kept waiting
    rules.check_move(incident.state, to)
    before, incident.state = incident.state, to
    incident.version += 1
    if to is State.CLOSED:
        _close(tx, incident)
    names = {"state_before": before.value, "state_after": to.value}
    logbook.record(tx, incident, LogKind.STATE, event, text=text, **names)
    tx.flush()
    return incident


def _close(tx: Tx, incident: Incident) -> None:
    incident.closed_at = tx.now
    open_tasks = (col(Task.incident_id) == incident.id, col(Task.state) == TaskState.OPEN)
    done = update(Task).where(*open_tasks).values(state=TaskState.DONE, version=col(Task.version) + 1)
    tx.execute(done.returning(col(Task.id)))  # the ids go into the audit trail
    question = levels.asked(tx, incident)
    if question is not None:
        question.state, question.answered_at = RaiseState.REFUSED, tx.now
    handover = command.offered(tx, incident)
    if handover is not None:
        handover.withdrawn_at = tx.now
