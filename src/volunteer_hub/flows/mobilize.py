"""From an approved plan to people asked, again and again until enough come, and called off when need be."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select

from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.log import logger
from volunteer_hub.engine import overcall
from volunteer_hub.flows import asking, letters, settle
from volunteer_hub.flows.asking import Candidates
from volunteer_hub.incidents import logbook, states
from volunteer_hub.incidents import rules as incident_rules
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import LogKind
from volunteer_hub.mobilization import callouts, offers, queries
from volunteer_hub.mobilization.callouts import Ask, Ended
from volunteer_hub.mobilization.models import Callout, Offer, PlanRun, SlotFill
from volunteer_hub.mobilization.policy import CalloutRules, Callouts
from volunteer_hub.mobilization.queries import SlotFigures
from volunteer_hub.mobilization.rules import LIVE, Kind, OfferState, PlanState
from volunteer_hub.notify import outbox
from volunteer_hub.notify.rules import Subject

_LEASE_SECONDS: Final = 60
_LOOKS: Final = 20
_log = logger("mobilize")


def rules_of() -> CalloutRules:
    """[callout] of config/callouts.toml."""
    policies: Callouts = policy.load("callouts", Callouts)
    return policies.callout


def send(tx: Tx, plan: PlanRun, *, answer_minutes: int | None = None) -> Callout:
    """Opens the callout of an approved plan: its first wave is asked, the incident is being mobilized.

    Everybody chosen is asked, and reserves of the plan until each slot's minimum is as sure as configured.
    Earlier callouts for the same slots close: who holds a place there keeps it, the rest is asked for anew.
    Raises Refused without approval, for a closed incident, a second time, and when nothing is left to do.
    """
    tx.actor.must_cover("callout.send", plan.area)
    if plan.state is not PlanState.APPROVED:
        raise Refused("plan.not_approved")
    incident = tx.get_one(Incident, plan.incident_id)
    tx.refresh(incident, with_for_update={"key_share": True})
    incident_rules.check_open(incident.state)
    wanted = asking.of_plan(tx, plan)
    if not any(slot.asks for slot in wanted):
        raise Refused("callouts.nobody")
    for earlier in _live_for(tx, plan, {slot.facts.slot.id for slot in wanted}):
        close(tx, earlier)
    wave = timedelta(minutes=rules_of().wave_minutes)
    answer_by, expires_at = _times(tx.now, answer_minutes, [slot.facts for slot in wanted])
    callout, made = callouts.open(
        tx,
        plan,
        kind=Kind(incident.kind.value),
        slots=[slot.slot for slot in wanted],
        asks=[ask for slot in wanted for ask in slot.asks],
        answer_by=answer_by,
        expires_at=expires_at,
        next_look_at=tx.now + wave,
    )
    if incident.state is incident_rules.State.DECLARED:
        states.advance(tx, incident, incident_rules.State.MOBILIZING)
    count = _ask(tx, [offer for offer in made if offer.state is OfferState.ASKED])
    logbook.record(tx, incident, LogKind.CALLOUT, "callout_sent", n=count)
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


def _ask(tx: Tx, asked: list[Offer]) -> int:
    letters.note_asked(tx, (offer.volunteer_id for offer in asked))
    letters.tell(tx, "offer", asked)
    return len(asked)


def cancel(tx: Tx, callout: Callout) -> Ended:
    """Calls it off: questions not yet sent are stopped, everybody who was asked is told."""
    ended = callouts.cancel(tx, callout)
    _stop_messages(tx, callout)
    letters.tell(tx, "cancelled", ended.told)
    incident = tx.get_one(Incident, callout.incident_id)
    logbook.record(tx, incident, LogKind.CALLOUT, "callout_cancelled", n=len(ended.told))
    tx.flush()
    return ended


def close(tx: Tx, callout: Callout) -> Ended:
    """Enough, or the end: nobody is asked any more, who stands by is thanked, paid for it and stood down."""
    ended = callouts.close(tx, callout)
    waiting = select(Offer.id).where(
        col(Offer.callout_id) == callout.id, col(Offer.state) == OfferState.RELEASED
    )
    outbox.cancel(tx, Subject.OFFER, tx.exec(waiting).all(), purposes=("offer", "reminder"))
    settle.standby(tx, ended.told)
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


def look(tx: Tx, callout: Callout) -> int:
    """One look at a live callout: asks more people where the forecast falls short; how many were asked.

    The forecast is the chance that those who hold a place and those still silent meet the minimum. Waves of
    the plan come first, then its reserves; when none are left, those in command are told, once a slot.
    When all its work is over, the callout is closed.
    """
    figures = {figure.slot_id: figure for figure in queries.board(tx, [callout.id])[callout.id]}
    facts = slots.of(tx, figures)
    open_slots = {key: slot for key, slot in facts.items() if slot.open(tx.now)}
    if not open_slots:
        close(tx, callout)
        return 0
    asked = _fill(tx, callout, figures, open_slots)
    callouts.looked(tx, callout, tx.now + timedelta(minutes=rules_of().wave_minutes))
    return asked


def _fill(tx: Tx, callout: Callout, figures: dict[int, SlotFigures], facts: dict[int, SlotFacts]) -> int:
    rows = tx.exec(select(Offer).where(col(Offer.callout_id) == callout.id)).all()
    taken = {offer.volunteer_id for offer in rows}
    spare = asking.reserves(tx.get_one(PlanRun, callout.plan_run_id))
    everybody = taken | {ask.volunteer_id for key in facts for ask in spare.get(key, ())}
    people = Candidates(tx, everybody, list(facts.values()))
    more: list[Ask] = []
    waiting = False
    for key, slot in facts.items():
        need = max(0, figures[key].minimum - figures[key].filled)
        silent = [
            people.still(offer.volunteer_id, slot, offer.asked_at)
            for offer in rows
            if offer.slot_id == key and offer.state is OfferState.ASKED and offer.asked_at is not None
        ]
        if overcall.at_least(silent, need) >= asking.confidence():
            continue
        if figures[key].queued:
            waiting = True
            continue
        wanted, enough = _further(people, people.further(spare.get(key, ()), slot, taken), slot, silent, need)
        more += [Ask(key, ask.volunteer_id, callout.wave + 1) for ask in wanted]
        taken |= {ask.volunteer_id for ask in wanted}
        if not enough:
            _alert_gap(tx, callout, slot, need)
    if not more and not waiting:
        return 0
    callouts.ask(tx, callout, [asking.as_slot(slot) for slot in facts.values()], more)
    count = _ask(tx, callouts.ask_wave(tx, callout))
    incident = tx.get_one(Incident, callout.incident_id)
    logbook.record(tx, incident, LogKind.CALLOUT, "callout_topped_up", n=count, wave=callout.wave)
    return count


def _further(
    people: Candidates, further: list[Ask], slot: SlotFacts, silent: list[float], need: int
) -> tuple[list[Ask], bool]:
    """(whom to ask besides, whether that is enough); everybody there is where it is not."""
    ps = [*silent, *(people.chance(ask.volunteer_id, slot) for ask in further)]
    enough = overcall.smallest_ask(ps, need, asking.confidence())
    return (further, False) if enough is None else (further[: max(0, enough - len(silent))], True)


def _alert_gap(tx: Tx, callout: Callout, slot: SlotFacts, need: int) -> None:
    params = {"title": slot.incident.title, "task": slot.title, "role": slot.role, "missing": need}
    new = letters.alert(tx, "alert_gap", slot.incident, f"callout:{callout.id}:gap:{slot.slot.id}", params)
    if new:
        logbook.record(tx, slot.incident, LogKind.CALLOUT, "callout_gap", n=need, title=slot.task.title)


def top_up() -> int:
    """The sweep over callouts whose next look is due; how many people were asked."""
    with db.transaction(SYSTEM, "callout.claim") as tx:
        due = [row.id for row in callouts.due_for_look(tx, lease_seconds=_LEASE_SECONDS, limit=_LOOKS)]
    asked = 0
    for callout_id in due:
        try:
            with db.transaction(SYSTEM, "callout.look") as tx:
                asked += look(tx, tx.get_one(Callout, callout_id))
        except (
            Exception
        ) as error:  # one bad callout must not keep the others waiting; its lease brings it back
            _log.error("look failed", callout=callout_id, exc_info=error)
    return asked


def expire() -> int:
    """The sweep over offers that nobody answered while their link was open; how many."""
    with db.transaction(SYSTEM, "offer.expire") as tx:
        silent = offers.expire(tx)
        outbox.cancel(tx, Subject.OFFER, [offer.id for offer in silent])
        return len(silent)


def move_up() -> int:
    """The sweep over free places with somebody standing by; how many moved up."""
    with db.transaction(SYSTEM, "offer.move_up") as tx:
        moved = offers.move_up(tx)
        letters.tell(tx, "promoted", moved)
        return len(moved)
