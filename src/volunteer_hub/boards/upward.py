"""The reports upward of an incident: those sent, the draft, what is known for the next, when it is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, or_, select

from volunteer_hub.access.models import Account, Jurisdiction
from volunteer_hub.boards import command, field, situation
from volunteer_hub.boards.command import Board
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents import upward, upward_rules
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.policy import Hazards, Upward
from volunteer_hub.incidents.rules import Kind, TaskState
from volunteer_hub.incidents.upward_models import UpwardReport
from volunteer_hub.incidents.upward_rules import UpwardKind
from volunteer_hub.mobilization.field_rules import Harm
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import State, Subject

LOOKED_BACK: Final = timedelta(days=7)
"""Closed longer ago, nobody is reminded of a final report any more; the board still says that it is due."""


@dataclass(frozen=True)
class Owed:
    """The next report of an incident and when it is due. ``kind`` is None after the final one; ``due_at``
    of a drill, which owes none but may have some."""

    kind: UpwardKind | None
    due_at: datetime | None

    def overdue(self, now: datetime) -> bool:
        """Whether it should have been sent by now."""
        return self.due_at is not None and self.due_at <= now


@dataclass(frozen=True)
class UpwardView:
    """All reports of an incident. ``sent``: the newest first; ``mailed``: report id -> what became of its
    letter."""

    incident: Incident
    way: Sequence[Jurisdiction]
    owed: Owed
    draft: UpwardReport | None
    sent: tuple[UpwardReport, ...]
    accounts: Mapping[int, Account]
    mailed: Mapping[int, State]

    @property
    def zone(self) -> str:
        """The time zone of the place."""
        return self.way[-1].zone

    def report(self, number: int) -> UpwardReport | None:
        """One that was sent, by its number."""
        return next((one for one in self.sent if one.number == number), None)


@dataclass(frozen=True)
class Missing:
    """A role of an open task that has fewer people than it must have, those who have served counted in."""

    line: command.TaskLine
    slot: command.SlotLine
    heads: int


@dataclass(frozen=True)
class Known:
    """What the program knows of an incident just now: a number for each of `upward_rules.FIGURES`."""

    board: Board
    figures: Mapping[str, int]
    missing: tuple[Missing, ...]


def rules() -> Upward:
    """The rules in force."""
    hazards: Hazards = policy.load("hazards", Hazards)
    return hazards.upward


def owed(tx: Tx, incident: Incident) -> Owed:
    """The next report of one incident."""
    standing = upward.standings(tx, [incident])[incident.id]
    return Owed(upward_rules.next_kind(standing), upward.due_at(rules(), incident, standing))


def due_by(tx: Tx, moment: datetime) -> list[tuple[Incident, Owed]]:
    """The incidents whose next report is due by a moment; the number of queries does not grow with them."""
    recent = or_(col(Incident.closed_at).is_(None), col(Incident.closed_at) > tx.now - LOOKED_BACK)
    wanted = select(Incident).where(
        recent, col(Incident.kind) == Kind.REAL, tx.actor.scope("incident.write", Incident.area)
    )
    incidents = tx.exec(wanted.order_by(col(Incident.id))).all()
    standings = upward.standings(tx, incidents)
    found = []
    for incident in incidents:
        standing = standings[incident.id]
        due = upward.due_at(rules(), incident, standing)
        if due is not None and due <= moment:
            found.append((incident, Owed(upward_rules.next_kind(standing), due)))
    return found


def view(tx: Tx, incident: Incident) -> UpwardView:
    """The reports of an incident that the actor may write in. Raises Forbidden, NotFound."""
    reports = upward.of_incident(tx, incident)
    sent = tuple(one for one in reports if one.sent_at is not None)
    letters = select(Message.subject_id, Message.state).where(
        col(Message.subject_kind) == Subject.UPWARD, col(Message.subject_id).in_([one.id for one in sent])
    )
    return UpwardView(
        incident=incident,
        way=command.way(tx, incident.area),
        owed=owed(tx, incident),
        draft=next((one for one in reports if one.sent_at is None), None),
        sent=sent,
        accounts=situation.accounts(tx, [one.sent_by for one in sent]),
        mailed={number: State(state) for number, state in tx.exec(letters)},
    )


def known(tx: Tx, incident: Incident) -> Known:
    """What the program counts just now."""
    tx.actor.must_cover("incident.write", incident.area)
    board = command.board(tx, incident)
    counts = [line.counts for line in board.callouts]
    harm = dict.fromkeys(Harm, 0)
    for (kind, _), count in field.injuries(tx, incident).items():
        harm[kind] += count
    there, done = sum(one.on_site for one in counts), sum(one.done for one in counts)
    opened = [line for line in board.tasks if line.task.state is TaskState.OPEN]
    missing = tuple(
        Missing(line, slot, slot.slot.minimum - slot.placed - slot.done)
        for line in opened
        for slot in line.slots
        if slot.placed + slot.done < slot.slot.minimum
    )
    figures = {
        "asked": sum(one.asked for one in counts),
        "accepted": sum(one.accepted for one in counts) + there + done,
        "on_site": there,
        "done": done,
        "no_show": sum(one.no_show for one in counts),
        "short": sum(one.heads for one in missing),
        "injured": harm[Harm.INJURY],
        "exposed": harm[Harm.EXPOSURE],
        "near_misses": harm[Harm.NEAR_MISS],
        "tasks_open": len(opened),
        "tasks_done": sum(line.task.state is TaskState.DONE for line in board.tasks),
    }
    return Known(board, figures, missing)
