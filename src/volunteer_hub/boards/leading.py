"""What whoever leads a task is responsible for: its people who are there, and the roll call that is held."""

from dataclasses import dataclass
from typing import Final

from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization import roll_calls
from volunteer_hub.mobilization.models import Duty, RollCall
from volunteer_hub.mobilization.rules import DutyState

_LEADS: Final = (DutyState.EXPECTED, DutyState.ON_SITE)


@dataclass(frozen=True)
class Led:
    """A task by who leads it; ``facts`` are those of the leader's own place. ``there``: its people on site or
    on the way; ``call``: the newest roll call of the task, or of the incident with any of its people."""

    facts: SlotFacts
    slots: frozenset[int]
    there: int
    call: RollCall | None

    @property
    def running(self) -> bool:
        """Whether the roll call has not ended."""
        return self.call is not None and self.call.ended_at is None


def of(tx: Tx, duty: Duty, facts: SlotFacts) -> Led | None:
    """What somebody leads who has a place in this slot; None for everybody else, and once they have left."""
    if not facts.leads or duty.state not in _LEADS:
        return None
    every = frozenset(slots.of_task(tx, facts.task.id))
    held = (
        call
        for call in roll_calls.of_incident(tx, facts.incident.id)
        if call.task_id == facts.task.id or (call.task_id is None and roll_calls.holds_any(tx, call, every))
    )
    there = roll_calls.there(tx, facts.incident.id, every)
    return Led(facts, every, there, next(held, None))
