"""From an approved plan to people asked, and called off when need be. How it asks on is told in waves.py."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import col, select

from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import bulk, db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.flows import asking, letters, replan, robots, settle
from volunteer_hub.flows import plan as planning
from volunteer_hub.flows.letters import Told
from volunteer_hub.flows.standby import why_not
from volunteer_hub.incidents import logbook, states
from volunteer_hub.incidents import rules as incident_rules
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import LogKind
from volunteer_hub.mobilization import callouts, offers, waves
from volunteer_hub.mobilization.callouts import Ended
from volunteer_hub.mobilization.models import Callout, Offer, PlanRun, SlotFill
from volunteer_hub.mobilization.policy import CalloutRules, Callouts
from volunteer_hub.mobilization.rules import LIVE, Kind, OfferState, PlanState, WaveSource
from volunteer_hub.mobilization.waves import Share
from volunteer_hub.notify import outbox
from volunteer_hub.notify.rules import Subject


def rules_of() -> CalloutRules:
    """[callout] of config/callouts.toml."""
    policies: Callouts = policy.load("callouts", Callouts)
    return policies.callout


def send(tx: Tx, plan: PlanRun, *, answer_minutes: int | None = None, on_paper: bool = False) -> Callout:
    """Opens the callout of an approved plan: its first wave is asked, the incident is being mobilized.

    Everybody chosen is asked, and reserves of the plan until each slot's minimum is as sure as approved, else
    as configured.
    Earlier callouts for the same slots close: who holds a place there keeps it, the rest is asked for anew.
    A re-plan is applied instead (flows.replan). ``on_paper``: a drill as if the network were down; its people
    are written nothing, now or later, and answer on paper (flows.paper).
    Raises Refused without approval, for a closed incident, a second time, when nothing is left to do, and for
    a real callout on paper.
    """
    if plan.predecessor_id is not None:
        return replan.apply(tx, plan)
    with bulk.uncollected():
        return _send(tx, plan, answer_minutes, on_paper)


def approve_and_send(
    tx: Tx, public_id: uuid.UUID, asked: int, reason: str | None = None, confidence: float | None = None
) -> Callout | None:
    """Both in one deed, where one person may and so many people are asked as they were told; else it is
    approved alone and None returned, to be looked at again.

    Raises as `plan.approve` and `send`, and Refused where a second person is needed and no reason stands in
    for them; nothing is noted then.
    """
    plan = planning.approve(tx, public_id, reason, confidence)
    if plan.state is not PlanState.APPROVED:
        raise Refused("plan.second_needed")
    return send(tx, plan) if asking.people(asking.sized(tx, plan).slots) == asked else None


def _send(tx: Tx, plan: PlanRun, answer_minutes: int | None, on_paper: bool) -> Callout:
    tx.actor.must_cover("callout.send", plan.area)
    if plan.state is not PlanState.APPROVED:
        raise Refused("plan.not_approved")
    incident = tx.get_one(Incident, plan.incident_id)
    tx.refresh(incident, with_for_update={"key_share": True})
    incident_rules.check_open(incident.state)
    size = asking.sized(tx, plan, answer_minutes=answer_minutes)
    wanted = size.slots
    if not any(slot.asks for slot in wanted):
        raise Refused("callouts.nobody")
    for earlier in _live_for(tx, plan, {slot.facts.slot.id for slot in wanted}):
        _close(tx, earlier)  # robots hear of the one that follows
    answer_by, expires_at = _times(tx.now, answer_minutes, [slot.facts for slot in wanted])
    callout, made = callouts.open(
        tx,
        plan,
        kind=Kind(incident.kind.value),
        slots=[slot.slot for slot in wanted],
        asks=[ask for slot in wanted for ask in slot.asks],
        answer_by=answer_by,
        expires_at=expires_at,
        next_look_at=tx.now + timedelta(minutes=rules_of().wave_minutes),
        confidence=size.confidence,
        on_paper=on_paper,
    )
    shares = [Share(s.facts.slot.id, s.slot.minimum, len(s.asks), 0.0, s.sure) for s in wanted if s.asks]
    waves.record(tx, callout, WaveSource.PLAN, shares)
    if incident.state is incident_rules.State.DECLARED:
        states.advance(tx, incident, incident_rules.State.MOBILIZING)
    count = _ask(tx, [offer for offer in made if offer.state is OfferState.ASKED])
    logbook.record(tx, incident, LogKind.CALLOUT, "callout_sent", n=count)
    if not on_paper:
        robots.tell(tx, "robot_sent", incident, callout.area, f"callout:{callout.id}", n=count)
    tx.flush()
    return callout


def _live_for(tx: Tx, plan: PlanRun, slot_ids: Collection[int]) -> Sequence[Callout]:
    """Callouts of the incident that still take people for one of these slots: two would overfill it."""
    sharing = select(SlotFill.callout_id).where(col(SlotFill.slot_id).in_(slot_ids))
    wanted = select(Callout).where(
        col(Callout.incident_id) == plan.incident_id,
        col(Callout.state).in_(LIVE),
        col(Callout.id).in_(sharing),
    )
    return tx.exec(wanted.order_by(col(Callout.id))).all()


def _times(now: datetime, answer_minutes: int | None, facts: list[SlotFacts]) -> tuple[datetime, datetime]:
    """(answer hoped for by, links take an answer until): never after the last of the work."""
    rules = rules_of()
    end = max(f.task.ends_at for f in facts)
    expires_at = min(now + timedelta(minutes=rules.link_minutes), end)
    return min(now + timedelta(minutes=answer_minutes or rules.answer_minutes), expires_at), expires_at


def _ask(tx: Tx, asked: Sequence[Told]) -> int:
    letters.note_asked(tx, (offer.volunteer_id for offer in asked))
    letters.tell(tx, "offer", asked)
    return len(asked)


def cancel(tx: Tx, callout: Callout) -> Ended:
    """Calls it off: questions not yet sent are stopped, all whom one may have reached are told, who stood by
    is paid."""
    ended = callouts.cancel(tx, callout)
    settle.standby(tx, ended.stood_by)
    _stop_messages(tx, callout)
    ended = replace(ended, told=tuple(letters.heard_of(tx, ended.told)))
    letters.tell(tx, "cancelled", ended.told)
    incident = tx.get_one(Incident, callout.incident_id)
    logbook.record(tx, incident, LogKind.CALLOUT, "callout_cancelled", n=len(ended.told))
    robots.tell(tx, "robot_cancelled", incident, callout.area, f"callout:{callout.id}")
    tx.flush()
    return ended


def close(tx: Tx, callout: Callout) -> Ended:
    """Enough, or the end: nobody is asked any more, who stands by is thanked, paid for it and stood down."""
    ended = _close(tx, callout)
    incident = tx.get_one(Incident, callout.incident_id)
    robots.tell(tx, "robot_ended", incident, callout.area, f"callout:{callout.id}")
    return ended


def _close(tx: Tx, callout: Callout) -> Ended:
    ended = callouts.close(tx, callout)
    waiting = select(Offer.id).where(
        col(Offer.callout_id) == callout.id, col(Offer.state) == OfferState.RELEASED
    )
    outbox.cancel(tx, Subject.OFFER, tx.exec(waiting).all(), purposes=("offer", "reminder"))
    settle.standby(tx, ended.stood_by)
    letters.tell(tx, "stood_down", ended.told)
    incident = tx.get_one(Incident, callout.incident_id)
    logbook.record(tx, incident, LogKind.CALLOUT, "callout_closed")
    tx.flush()
    return ended


def stand_down(tx: Tx, callout: Callout, slot_id: int | None = None) -> list[Offer]:
    """Thanks and pays everybody who stands by and lets them go, in the callout or one slot of it."""
    gone = offers.stand_down(tx, callout, slot_id)
    settle.standby(tx, gone)
    letters.tell(tx, "stood_down", gone)
    return gone


def _stop_messages(tx: Tx, callout: Callout) -> None:
    everybody = tx.exec(select(Offer.id).where(col(Offer.callout_id) == callout.id)).all()
    outbox.cancel(tx, Subject.OFFER, everybody)


def expire() -> int:
    """The sweep over offers that nobody answered while their link was open; how many."""
    with db.transaction(SYSTEM, "offer.expire") as tx:
        silent = offers.expire(tx)
        outbox.cancel(tx, Subject.OFFER, [offer.id for offer in silent])
        return len(silent)


def move_up() -> int:
    """The sweep over free places with somebody standing by; how many moved up."""
    with db.transaction(SYSTEM, "offer.move_up") as tx:
        moved = offers.move_up(tx, fit=why_not)
        letters.tell(tx, "promoted", moved)
        return len(moved)
