"""On the way, and well on site: what people say of themselves, and what nobody has heard in time."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from volunteer_hub.core import bulk
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed
from volunteer_hub.mobilization import field_rules, places
from volunteer_hub.mobilization.desk import LONGEST_WAY
from volunteer_hub.mobilization.models import Duty, Offer, OkTimer
from volunteer_hub.mobilization.policy import FieldRules
from volunteer_hub.mobilization.rules import DutyState

_BATCH = 200


def set_out(tx: Tx, duty: Duty, minutes: int, at: datetime | None = None) -> Duty:
    """On the way, now or ``at`` an earlier hour, there in so many minutes; of two words the later counts.

    Raises Refused for whoever is not expected, Malformed for a way of more than a day.
    """
    if not 0 <= minutes <= LONGEST_WAY:
        raise Malformed("offer.minutes_there", longest=LONGEST_WAY)
    _lock(tx, duty)
    field_rules.may_set_out(duty.state)
    said = at or tx.now
    if duty.en_route_at is None or duty.en_route_at <= said:
        duty.en_route_at, duty.arrives_at = said, said + timedelta(minutes=minutes)
        tx.flush()
    return duty


def ok(tx: Tx, duty: Duty, minutes: int | None, rules: FieldRules, at: datetime | None = None) -> bool:
    """Somebody on site is well, now or ``at`` an earlier hour; from then on begins the time to say so again,
    if there is one. Whether command had been alerted. Raises Refused for whoever is not on site."""
    _lock(tx, duty)
    field_rules.may_be_ok(duty.state)
    alerted = duty.ok_alerted_at is not None
    said = at or tx.now
    duty.ok_at = max(said, duty.ok_at or said)
    if minutes is not None and said + timedelta(minutes=minutes) < tx.now:
        return False  # they were well then; that they are now is yet to be said
    _wait(duty, minutes, rules, said)
    tx.flush()
    return alerted


def wait_for_ok(tx: Tx, duty: Duty, minutes: int | None, rules: FieldRules) -> None:
    """Begins the time in which somebody who has just come says that they are OK."""
    if duty.state is DutyState.ON_SITE and duty.ok_due_at is None:
        _wait(duty, minutes, rules, tx.now)
        tx.flush()


def timer_of(tx: Tx, task_id: int) -> OkTimer | None:
    """The timer set for a task; None while its hazard's own holds."""
    return tx.get(OkTimer, task_id)


def set_timer(
    tx: Tx, task_id: int, area: str, slot_ids: Collection[int], minutes: int | None, rules: FieldRules
) -> OkTimer:
    """Sets how often everybody at a task says that they are OK, or that nobody is asked (None); for everybody
    on site it begins now. Raises Malformed."""
    tx.actor.must_cover("duty.write", area)
    field_rules.check_ok_minutes(minutes)
    timer = tx.get(OkTimer, task_id, with_for_update=True) or OkTimer(
        task_id=task_id, area=area, set_at=tx.now
    )
    timer.minutes, timer.set_at = minutes, tx.now
    timer.set_by = tx.actor.id if tx.actor.kind == "account" else None
    tx.add(timer)
    here = col(Offer.slot_id).in_(slot_ids) & col(Offer.id).in_(
        select(Duty.offer_id).where(col(Duty.state) == DutyState.ON_SITE)
    )
    for duty in _duties(tx, places.locked_all(tx, here)):
        _wait(duty, minutes, rules, tx.now)
    tx.flush()
    return timer


def remind(tx: Tx, limit: int = _BATCH) -> list[Duty]:
    """Whoever is to be reminded that they say they are OK, marked as reminded; any number may run it."""
    due = col(Duty.ok_remind_at) <= tx.now
    found = [duty for duty in _due(tx, due, limit) if duty.ok_remind_at and duty.ok_remind_at <= tx.now]
    for duty in found:
        duty.ok_remind_at = None
    tx.flush()
    return [duty for duty in found if duty.ok_due_at is not None and duty.ok_due_at > tx.now]


def unheard(tx: Tx, limit: int = _BATCH) -> list[Duty]:
    """Whoever has not said in time that they are OK, marked so that command is alerted of each once; any
    number of workers may run it."""
    due = (col(Duty.ok_due_at) <= tx.now) & col(Duty.ok_alerted_at).is_(None)
    found = [
        duty
        for duty in _due(tx, due, limit)
        if duty.ok_due_at and duty.ok_due_at <= tx.now and duty.ok_alerted_at is None
    ]
    for duty in found:
        duty.ok_alerted_at = tx.now
    tx.flush()
    return found


def offers_of(tx: Tx, duties: Sequence[Duty]) -> Sequence[Offer]:
    """The offers behind duties."""
    return tx.exec(select(Offer).where(bulk.among(col(Offer.id), [d.offer_id for d in duties]))).all()


def _due(tx: Tx, due: ColumnElement[bool], limit: int) -> Sequence[Duty]:
    """Due duties of people on site, none that another worker holds; read again once they are locked, because
    another may have been faster between the two."""
    wanted = (
        select(Offer)
        .join(Duty, col(Duty.offer_id) == col(Offer.id))
        .where(due, col(Duty.state) == DutyState.ON_SITE)
        .order_by(col(Offer.id))
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True, of=Offer)
    )
    return [duty for duty in _duties(tx, tx.exec(wanted).all()) if duty.state is DutyState.ON_SITE]


def _duties(tx: Tx, offers: Sequence[Offer]) -> Sequence[Duty]:
    """The duties of locked offers, as they are now."""
    if not offers:
        return ()
    wanted = select(Duty).where(bulk.among(col(Duty.offer_id), [offer.id for offer in offers]))
    return tx.exec(wanted.order_by(col(Duty.id)).execution_options(populate_existing=True)).all()


def _wait(duty: Duty, minutes: int | None, rules: FieldRules, since: datetime) -> None:
    duty.ok_alerted_at = None
    if minutes is None:
        duty.ok_due_at = duty.ok_remind_at = None
    else:
        duty.ok_due_at, duty.ok_remind_at = field_rules.ok_times(since, minutes, rules)


def _lock(tx: Tx, duty: Duty) -> None:
    """Offer before duty, as everywhere: the offer's lock covers its duty."""
    places.locked(tx, duty.offer_id)
    tx.refresh(duty)
