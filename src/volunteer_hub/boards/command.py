"""The board of one incident: its work, how much of it is covered, the plan, the callouts, the log.

The number of queries does not depend on how many tasks, slots, callouts or people there are.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from sqlmodel import col, select

from volunteer_hub.access.models import Account, Jurisdiction
from volunteer_hub.boards import situation
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents import command, levels
from volunteer_hub.incidents import queries as incidents
from volunteer_hub.incidents.models import Handover, Incident, LogEntry, RaiseRequest, SlotMinimum, Task
from volunteer_hub.incidents.models import RoleSlot as Slot
from volunteer_hub.mobilization import plans, proposals, queries
from volunteer_hub.mobilization.models import Callout, PlanRun
from volunteer_hub.mobilization.queries import SlotFigures
from volunteer_hub.mobilization.replan_models import ReplanRule
from volunteer_hub.mobilization.rules import LIVE
from volunteer_hub.volunteers.models import Volunteer

LOG_LINES: Final = 40


@dataclass(frozen=True)
class SlotLine:
    """One role slot and the people it has, through all callouts together. ``coming``: accepted, not there."""

    slot: Slot
    minima: tuple[SlotMinimum, ...]
    coming: int
    on_site: int
    done: int

    @property
    def placed(self) -> int:
        """Who is there or on the way."""
        return self.coming + self.on_site


@dataclass(frozen=True)
class TaskLine:
    """One task with its slots."""

    task: Task
    slots: tuple[SlotLine, ...]


@dataclass(frozen=True)
class Counts:
    """The people of a callout by what became of them. ``waiting``: asked and still to answer."""

    asked: int = 0
    queued: int = 0
    accepted: int = 0
    standing_by: int = 0
    declined: int = 0
    silent: int = 0
    on_site: int = 0
    done: int = 0
    no_show: int = 0


@dataclass(frozen=True)
class CalloutLine:
    """One callout and its counts."""

    callout: Callout
    counts: Counts

    @property
    def live(self) -> bool:
        """Whether it still takes people."""
        return self.callout.state in LIVE


@dataclass(frozen=True)
class LogLine:
    """One line of the log and who wrote it."""

    entry: LogEntry
    account: Account | None


@dataclass(frozen=True)
class Person:
    """A volunteer as a plan names them."""

    public_id: str
    name: str


@dataclass(frozen=True)
class Board:
    """All that the page of an incident shows. ``log`` holds the newest lines, the newest first; ``people``
    are those of the plan whom the reader may know; ``accounts`` whoever is named anywhere on the page;
    ``rule`` lets re-plans be applied by themselves."""

    incident: Incident
    way: tuple[Jurisdiction, ...]
    handover: Handover | None
    question: RaiseRequest | None
    tasks: tuple[TaskLine, ...]
    plan: PlanRun | None
    callouts: tuple[CalloutLine, ...]
    log: tuple[LogLine, ...]
    accounts: Mapping[int, Account]
    people: Mapping[int, Person]
    rule: ReplanRule | None = None

    @property
    def area(self) -> Jurisdiction:
        """The node in which it happens."""
        return self.way[-1]

    @property
    def live(self) -> CalloutLine | None:
        """The callout that still takes people, the newest where there are several."""
        return next((line for line in self.callouts if line.live), None)

    @property
    def sent(self) -> bool:
        """Whether the plan shown has been sent out."""
        return self.plan is not None and (
            self.plan.applied_at is not None
            or any(line.callout.plan_run_id == self.plan.id for line in self.callouts)
        )

    def account(self, number: int | None) -> Account | None:
        """An account by its id."""
        return self.accounts.get(number) if number is not None else None


def board(tx: Tx, incident: Incident) -> Board:
    """The board of an incident the actor may read. Raises NotFound outside their areas."""
    view = incidents.whole(tx, incident)
    plan = plans.latest(tx, incident.id)
    callouts = _callouts(tx, incident)
    figures = queries.board(tx, [callout.id for callout in callouts])
    log, rule = _log(tx, incident), proposals.rule(tx, incident.id)
    handover, question = command.offered(tx, incident), levels.asked(tx, incident)
    mentioned = [
        incident.commander_id,
        incident.declared_by,
        *(entry.account_id for entry in log),
        *((handover.to_account, handover.from_account) if handover else ()),
        *((question.asked_by,) if question else ()),
        *((rule.set_by,) if rule else ()),
        *((plan.requested_by, plan.approved_by, plan.second_by) if plan else ()),
    ]
    accounts = situation.accounts(tx, mentioned)
    return Board(
        incident=incident,
        way=tuple(way(tx, incident.area)),
        handover=handover,
        question=question,
        tasks=tuple(_tasks(view, [one for slots in figures.values() for one in slots])),
        plan=plan,
        callouts=tuple(CalloutLine(callout, _counts(figures.get(callout.id, ()))) for callout in callouts),
        log=tuple(LogLine(entry, accounts.get(entry.account_id or 0)) for entry in log),
        accounts=accounts,
        people=people_of(tx, plan),
        rule=rule,
    )


def people_of(tx: Tx, plan: PlanRun | None, further: Collection[int] = ()) -> dict[int, Person]:
    """Volunteer id -> person, of those a plan chose and others, if the actor may know them; one query."""
    ids = {pair["volunteer"] for pair in (plan.result or {}).get("pairs", ())} if plan is not None else set()
    ids |= set(further)
    wanted = select(Volunteer.id, Volunteer.public_id, Volunteer.name).where(
        col(Volunteer.id).in_(ids), tx.actor.scope("volunteer.read", Volunteer.area)
    )
    return {number: Person(str(public), name or "–") for number, public, name in tx.exec(wanted)}


def _callouts(tx: Tx, incident: Incident) -> Sequence[Callout]:
    wanted = select(Callout).where(
        col(Callout.incident_id) == incident.id, tx.actor.scope("callout.read", Callout.area)
    )
    return tx.exec(wanted.order_by(col(Callout.id).desc())).all()


def _log(tx: Tx, incident: Incident) -> Sequence[LogEntry]:
    order = (col(LogEntry.at).desc(), col(LogEntry.id).desc())
    wanted = select(LogEntry).where(col(LogEntry.incident_id) == incident.id)
    return tx.exec(wanted.order_by(*order).limit(LOG_LINES)).all()


def way(tx: Tx, path: str) -> list[Jurisdiction]:
    """The nodes from the root down to a path, in one query."""
    parts = path.strip("/").split("/")
    paths = ["/" + "/".join(parts[: n + 1]) + "/" for n in range(len(parts))]
    found = situation.areas(tx, paths)
    return [found[each] for each in paths if each in found]


def _tasks(view: incidents.IncidentView, figures: Iterable[SlotFigures]) -> Iterable[TaskLine]:
    placed: dict[int, list[SlotFigures]] = {}
    for figure in figures:
        placed.setdefault(figure.slot_id, []).append(figure)
    for each in view.tasks:
        yield TaskLine(each.task, tuple(_slot(one, placed.get(one.slot.id, ())) for one in each.slots))


def _slot(view: incidents.SlotView, figures: Iterable[SlotFigures]) -> SlotLine:
    known = list(figures)
    return SlotLine(
        view.slot,
        view.minima,
        coming=sum(figure.accepted for figure in known),
        on_site=sum(figure.on_site for figure in known),
        done=sum(figure.done for figure in known),
    )


def _counts(figures: Iterable[SlotFigures]) -> Counts:
    known = list(figures)
    return Counts(**{f.name: sum(getattr(one, f.name) for one in known) for f in fields(Counts)})
