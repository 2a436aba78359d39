"""What happened in an incident, minute by minute, beside the plans it was called out by: people as counts,
decisions with whoever took them. Read after the action; nobody asked is named."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Subquery, func
from sqlalchemy import select as columns  # SQLModel's select is typed for four at most
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from volunteer_hub.access.models import Account, Jurisdiction
from volunteer_hub.boards import command, situation, slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident, LogEntry
from volunteer_hub.mobilization.models import AnswerEvent, Callout, Duty, Offer, PlanRun
from volunteer_hub.mobilization.rules import Answer
from volunteer_hub.mobilization.wave_models import Wave
from volunteer_hub.notify.models import Message, Receipt
from volunteer_hub.notify.rules import Channel, Heard, State, Subject

RIGHT: Final = "plan.read"


class Step(StrEnum):
    """What becomes of an ask. ``delivered``: a receipt says so, or a gateway took it that gives none;
    ``declined``: any answer but yes; ``stood_down``: thanked and told that nobody is needed any more."""

    ASKED = "asked"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDREW = "withdrew"
    ARRIVED = "arrived"
    LEFT = "left"
    STOOD_DOWN = "stood_down"


@dataclass(frozen=True)
class Track:
    """One ask and when each step of it came first."""

    callout_id: int
    slot_id: int
    steps: Mapping[Step, datetime]


@dataclass(frozen=True)
class Minute:
    """A minute in which anything happened: how many took each step in it, and how many by its end had said
    yes without taking it back, and were on site."""

    at: datetime
    counts: Mapping[Step, int]
    coming: int
    there: int


@dataclass(frozen=True)
class Role:
    """One slot of one callout, the plan beside what came. ``need``: heads wanted at least when it was sent,
    ``chosen`` by the plan, ``sure``: the chance of the need as it was told then; ``met_at``: when so many had
    said yes who did not take it back, ``there_at``: when so many had come; None where that never was."""

    facts: SlotFacts
    need: int
    chosen: int
    sure: float | None
    counts: Mapping[Step, int]
    met_at: datetime | None
    there_at: datetime | None


@dataclass(frozen=True)
class Called:
    """One callout with its frozen plan and its waves, by the slots they asked for."""

    callout: Callout
    plan: PlanRun
    waves: tuple[Wave, ...]
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Deed:
    """Something decided or said: a line of the log, a plan approved or a wave; ``by`` whom, None for the
    program itself."""

    at: datetime
    by: Account | None
    entry: LogEntry | None = None
    plan: PlanRun | None = None
    second: Account | None = None
    wave: Wave | None = None


@dataclass(frozen=True)
class Replay:
    """All of it, in the order of time."""

    incident: Incident
    area: Jurisdiction
    callouts: tuple[Called, ...]
    minutes: tuple[Minute, ...]
    deeds: tuple[Deed, ...]


def view(tx: Tx, incident: Incident) -> Replay:
    """The replay of an incident whose plans the actor may read. The number of queries does not grow with it.
    Raises Forbidden, NotFound."""
    tx.actor.must_cover(RIGHT, incident.area)
    wanted = select(Callout, PlanRun).join(PlanRun, col(PlanRun.id) == col(Callout.plan_run_id))
    mine = col(Callout.incident_id) == incident.id, tx.actor.scope("callout.read", Callout.area)
    rows = tx.exec(wanted.where(*mine).order_by(col(Callout.id))).all()
    ids = [callout.id for callout, _ in rows]
    waves = _waves(tx, ids)
    known = tracks(tx, ids)
    return Replay(
        incident=incident,
        area=command.way(tx, incident.area)[-1],
        callouts=tuple(_called(tx, rows, waves, known)),
        minutes=minutes(known),
        deeds=_deeds(tx, incident, waves),
    )


def tracks(tx: Tx, callout_ids: Sequence[int]) -> list[Track]:
    """Every ask of these callouts, in one query."""
    mine = select(Offer.id).where(col(Offer.callout_id).in_(callout_ids))
    answers, letters, told = _answers(mine), _letters(mine), _told(mine)
    wanted = (
        columns(
            col(Offer.callout_id),
            col(Offer.slot_id),
            col(Offer.asked_at),
            letters.c.at,
            answers.c.accepted,
            answers.c.declined,
            answers.c.withdrew,
            col(Duty.checked_in_at),
            col(Duty.checked_out_at),
            told.c.at,
        )
        .outerjoin(answers, answers.c.offer == col(Offer.id))
        .outerjoin(letters, letters.c.offer == col(Offer.id))
        .outerjoin(told, told.c.offer == col(Offer.id))
        .outerjoin(Duty, col(Duty.offer_id) == col(Offer.id))
        .where(col(Offer.callout_id).in_(callout_ids))
        .order_by(col(Offer.id))
    )
    return [
        Track(callout, slot, {step: at for step, at in zip(Step, times, strict=True) if at is not None})
        for callout, slot, *times in tx.execute(wanted)
    ]


def _answers(mine: SelectOfScalar[int]) -> Subquery:
    """Offer -> when each answer came first."""
    at, kind = func.min(col(AnswerEvent.at)), col(AnswerEvent.kind)
    first: tuple[Any, ...] = (
        at.filter(kind == Answer.ACCEPT).label("accepted"),
        at.filter(kind.in_([Answer.DECLINE, Answer.LATER, Answer.NOT_ME])).label("declined"),
        at.filter(kind == Answer.WITHDRAW).label("withdrew"),
    )
    offer = col(AnswerEvent.offer_id)
    return columns(offer.label("offer"), *first).where(offer.in_(mine)).group_by(offer).subquery()


def _letters(mine: SelectOfScalar[int]) -> Subquery:
    """Offer -> when its question first arrived, as far as is known."""
    heard = (col(Receipt.message_id) == col(Message.id)) & (col(Receipt.kind) == Heard.DELIVERED)
    arrived = col(Message.state).in_([State.SENT, State.DELIVERED]) & (
        (col(Message.channel) != Channel.WEBPUSH) | col(Receipt.at).is_not(None)
    )
    return (
        columns(
            col(Message.subject_id).label("offer"),
            func.min(func.coalesce(col(Receipt.at), col(Message.sent_at))).label("at"),
        )
        .outerjoin(Receipt, heard)
        .where(_about(mine), col(Message.purpose) == "offer", arrived)
        .group_by(col(Message.subject_id))
        .subquery()
    )


def _told(mine: SelectOfScalar[int]) -> Subquery:
    """Offer -> when its person was told to stand down."""
    ends = col(Message.purpose).in_(["stood_down", "cancelled"])
    return (
        columns(col(Message.subject_id).label("offer"), func.min(col(Message.created_at)).label("at"))
        .where(_about(mine), ends)
        .group_by(col(Message.subject_id))
        .subquery()
    )


def _about(mine: SelectOfScalar[int]) -> ColumnElement[bool]:
    return (col(Message.subject_kind) == Subject.OFFER) & col(Message.subject_id).in_(mine)


def minutes(known: Iterable[Track]) -> tuple[Minute, ...]:
    """Minute by minute, those in which nothing happened left out."""
    counts: dict[datetime, Counter[Step]] = defaultdict(Counter)
    for track in known:
        for step, at in track.steps.items():
            counts[at.replace(second=0, microsecond=0)][step] += 1
    found, coming, there = [], 0, 0
    for at, one in sorted(counts.items()):
        coming += one[Step.ACCEPTED] - one[Step.WITHDREW]
        there += one[Step.ARRIVED] - one[Step.LEFT]
        found.append(Minute(at, one, coming, there))
    return tuple(found)


def _called(
    tx: Tx, rows: Sequence[tuple[Callout, PlanRun]], waves: Sequence[Wave], known: Iterable[Track]
) -> Iterable[Called]:
    by_place: dict[tuple[int, int], list[Track]] = defaultdict(list)
    for track in known:
        by_place[track.callout_id, track.slot_id].append(track)
    facts = slots.of(tx, {slot for _, slot in by_place} | {s["slot"] for wave in waves for s in wave.slots})
    for callout, plan in rows:
        own = tuple(wave for wave in waves if wave.callout_id == callout.id)
        first = {share["slot"]: share for share in own[0].slots} if own else {}
        chosen = Counter(pair["slot"] for pair in (plan.result or {}).get("pairs", ()))
        roles = tuple(
            role(one, by_place[callout.id, key], chosen[key], first.get(key))
            for key, one in facts.items()
            if key in first or (callout.id, key) in by_place
        )
        yield Called(callout, plan, own, roles)


def role(facts: SlotFacts, own: Sequence[Track], chosen: int, share: Mapping[str, Any] | None) -> Role:
    """One slot of a callout. ``share``: its part of the first wave, where it had one."""
    need = share["need"] if share is not None else facts.slot.minimum
    firm = sorted(
        track.steps[Step.ACCEPTED]
        for track in own
        if Step.ACCEPTED in track.steps and Step.WITHDREW not in track.steps
    )
    there = sorted(track.steps[Step.ARRIVED] for track in own if Step.ARRIVED in track.steps)
    return Role(
        facts=facts,
        need=need,
        chosen=chosen,
        sure=share["after"] if share is not None else None,
        counts=Counter(step for track in own for step in track.steps),
        met_at=_nth(firm, need),
        there_at=_nth(there, need),
    )


def _nth(moments: Sequence[datetime], number: int) -> datetime | None:
    return moments[number - 1] if 0 < number <= len(moments) else None


def _waves(tx: Tx, callout_ids: Sequence[int]) -> list[Wave]:
    wanted = select(Wave).where(col(Wave.callout_id).in_(callout_ids))
    return list(tx.exec(wanted.order_by(col(Wave.decided_at), col(Wave.id))))


def _deeds(tx: Tx, incident: Incident, waves: Sequence[Wave]) -> tuple[Deed, ...]:
    entries = logbook.entries(tx, incident)
    approved = select(PlanRun).where(
        col(PlanRun.incident_id) == incident.id,
        col(PlanRun.approved_at).is_not(None),
        tx.actor.scope(RIGHT, PlanRun.area),
    )
    plans = tx.exec(approved.order_by(col(PlanRun.id))).all()
    people = situation.accounts(
        tx,
        [
            *(entry.account_id for entry in entries),
            *(wave.decided_by for wave in waves),
            *(one for plan in plans for one in (plan.approved_by, plan.second_by)),
        ],
    )
    found = [Deed(entry.at, people.get(entry.account_id or 0), entry=entry) for entry in entries]
    found += [Deed(wave.decided_at, people.get(wave.decided_by or 0), wave=wave) for wave in waves]
    found += [
        Deed(plan.approved_at, people.get(plan.approved_by or 0), plan=plan, second=_second(people, plan))
        for plan in plans
        if plan.approved_at is not None
    ]
    return tuple(sorted(found, key=lambda deed: deed.at))


def _second(people: Mapping[int, Account], plan: PlanRun) -> Account | None:
    return people.get(plan.second_by or 0)
