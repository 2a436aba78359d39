"""To whom of an incident something can be written: its callouts, and the slots that people were asked for."""

from dataclasses import dataclass

from sqlmodel import col, select

from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.models import Callout, SlotFill


@dataclass(frozen=True)
class Places:
    """The newest callout first."""

    callouts: tuple[Callout, ...]
    slots: tuple[SlotFacts, ...]


def of(tx: Tx, incident: Incident) -> Places:
    """Those of the actor's areas, in three queries."""
    own = select(Callout).where(
        col(Callout.incident_id) == incident.id, tx.actor.scope("note.send", Callout.area)
    )
    callouts = tx.exec(own.order_by(col(Callout.id).desc())).all()
    asked = select(SlotFill.slot_id).where(col(SlotFill.callout_id).in_([one.id for one in callouts]))
    return Places(tuple(callouts), tuple(slots.of(tx, set(tx.exec(asked))).values()))
