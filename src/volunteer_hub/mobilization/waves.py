"""Waves of a callout: decided once, frozen, sent in the same transaction; and holding them back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.i18n import Text
from volunteer_hub.mobilization import callouts, places, plans, rules
from volunteer_hub.mobilization.callouts import Ask, New, Slot
from volunteer_hub.mobilization.models import Callout, Offer, PlanRun
from volunteer_hub.mobilization.rules import DeclineReason, OfferState, PlanState, WaveSource
from volunteer_hub.mobilization.wave_models import Wave, Widening


@dataclass(frozen=True)
class Share:
    """One slot's part of a wave: the heads still wanted, whom it asks, the chance without and with them."""

    slot_id: int
    need: int
    people: int
    before: float
    after: float


def locked(tx: Tx, callout_id: int) -> Callout:
    """The callout, held against other looks and deeds until the end; answers need not wait for it."""
    wanted = select(Callout).where(col(Callout.id) == callout_id).with_for_update(key_share=True)
    return tx.exec(wanted.execution_options(populate_existing=True)).one()


def check_live(callout: Callout) -> None:
    """Raises Refused when it takes nobody any more, and when it asks nobody, being on paper."""
    if callout.state not in rules.LIVE:
        raise Refused("callout.ended", state=Text(f"callout.state.{callout.state}"))
    if callout.on_paper:
        raise Refused("callout.on_paper")


def send(
    tx: Tx,
    callout: Callout,
    source: WaveSource,
    slots: Sequence[Slot],
    asks: Sequence[Ask],
    shares: Sequence[Share],
) -> tuple[Wave, list[Offer | New]]:
    """Decides the next wave of a callout that is `locked` and asks its people: who waits in a wave of the
    plan, who said "later" and is asked again, and who is new. Raises Refused when the callout has ended."""
    tx.actor.must_cover("callout.send", callout.area)
    check_live(callout)
    callout.wave += 1
    waiting = _called_up(tx, callout, {(ask.slot_id, ask.volunteer_id): ask for ask in asks})
    known = {(offer.slot_id, offer.volunteer_id) for offer in waiting}
    new = [ask for ask in asks if (ask.slot_id, ask.volunteer_id) not in known]
    made = callouts.ask(
        tx, callout, slots, [Ask(a.slot_id, a.volunteer_id, callout.wave, a.chance) for a in new]
    )
    asked: list[Offer | New] = [*waiting, *made]
    return record(tx, callout, source, shares), asked


def record(tx: Tx, callout: Callout, source: WaveSource, shares: Sequence[Share]) -> Wave:
    """Writes down the callout's present wave as decided now."""
    wave = Wave(
        callout_id=callout.id,
        number=callout.wave,
        decided_at=tx.now,
        source=source,
        decided_by=plans.person(tx),
        before=min((share.before for share in shares), default=1.0),
        after=min((share.after for share in shares), default=1.0),
        need=sum(share.need for share in shares),
        people=sum(share.people for share in shares),
        slots=[
            {
                "slot": share.slot_id,
                "need": share.need,
                "people": share.people,
                "before": round(share.before, 6),
                "after": round(share.after, 6),
            }
            for share in shares
        ],
    )
    tx.add(wave)
    tx.flush()
    return wave


def _called_up(tx: Tx, callout: Callout, asks: Mapping[tuple[int, int], Ask]) -> list[Offer]:
    """Those of the people who wait in a wave of the plan, or said "later" to the same, asked now."""
    waiting = (col(Offer.callout_id) == callout.id) & (
        (col(Offer.state) == OfferState.QUEUED)
        | (col(Offer.decline_reason) == DeclineReason.LATER)
        & col(Offer.state).in_((OfferState.DECLINED, OfferState.WITHDRAWN))
    )
    keys = select(Offer.id, Offer.slot_id, Offer.volunteer_id).where(waiting)
    ids = [key for key, slot, person in tx.exec(keys) if (slot, person) in asks]
    if not ids:
        return []
    called = list(places.locked_all(tx, waiting & col(Offer.id).in_(ids)))
    for offer in called:
        offer.state = rules.step("offer", rules.OFFER_ALLOWED, offer.state, OfferState.ASKED)
        offer.asked_at, offer.expires_at, offer.wave = tx.now, callout.expires_at, callout.wave
        offer.chance = asks[offer.slot_id, offer.volunteer_id].chance
        offer.answered_at = offer.decline_reason = offer.later_from = None
    tx.flush()
    return called


def hold(tx: Tx, callout: Callout) -> bool:
    """No wave goes by the forecast from now on; whether that is new. Raises Refused when it has ended."""
    tx.actor.must_cover("callout.send", callout.area)
    callout = locked(tx, callout.id)
    check_live(callout)
    if callout.held_at is not None:
        return False
    callout.held_at, callout.held_by = tx.now, plans.person(tx)
    tx.flush()
    return True


def resume(tx: Tx, callout: Callout) -> bool:
    """The forecast decides again, at once; whether that is new. Raises Refused when it has ended."""
    tx.actor.must_cover("callout.send", callout.area)
    callout = locked(tx, callout.id)
    check_live(callout)
    if callout.held_at is None:
        return False
    callout.held_at = callout.held_by = None
    callout.next_look_at = tx.now
    tx.flush()
    return True


def of_callout(tx: Tx, callout_id: int) -> list[Wave]:
    """Every wave that was decided, the first first; whoever asks may read the callout."""
    return list(tx.exec(select(Wave).where(col(Wave.callout_id) == callout_id).order_by(col(Wave.number))))


def last_decided(tx: Tx, callout_id: int) -> datetime | None:
    """When the newest wave was decided."""
    wanted = select(Wave.decided_at).where(col(Wave.callout_id) == callout_id)
    return tx.exec(wanted.order_by(col(Wave.number).desc()).limit(1)).first()


def widenings(tx: Tx, callout_id: int, states: Collection[PlanState] = tuple(PlanState)) -> list[PlanRun]:
    """The plans asked for to find further people, the oldest first."""
    wanted = (
        select(PlanRun)
        .join(Widening, col(Widening.plan_run_id) == col(PlanRun.id))
        .where(col(Widening.callout_id) == callout_id, col(PlanRun.state).in_(states))
    )
    return list(tx.exec(wanted.order_by(col(PlanRun.id))))


def reach_of(tx: Tx, plan_id: int) -> float | None:
    """How far, in km, a plan that widens a callout looks; None for any other plan."""
    return tx.exec(select(Widening.reach_km).where(col(Widening.plan_run_id) == plan_id)).first()
