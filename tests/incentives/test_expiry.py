"""Points that nobody has used in time lapse: what was used first was earned first."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import col, func, select

from tests.incentives import served
from tests.incentives.served import DAQING, DONGFENG, REWARDS, Served
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import award
from volunteer_hub.incentives import expiry, ledger, queries, rules
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry
from volunteer_hub.incentives.rules import AccountKind, EntryKind


@pytest.mark.parametrize(
    ("today", "months", "first"),
    [
        (date(2031, 1, 20), 24, date(2029, 1, 20)),
        (date(2031, 12, 31), 1, date(2031, 11, 30)),
        (date(2032, 2, 29), 12, date(2031, 2, 28)),
        (date(2031, 1, 1), 1, date(2030, 12, 1)),
    ],
)
def test_points_are_good_for_whole_months(today: date, months: int, first: date) -> None:
    policy = REWARDS.model_copy(update={"expiry_months": months})
    assert rules.expired_before(today, policy) == first


def _earn(tx: Tx, world: Served, days_ago: int, points: int, source: str) -> LedgerEntry:
    now = tx.now
    tx.now = now - timedelta(days=days_ago)
    paid = ledger.settle_deed(tx, EntryKind.TRAINING, source, points, world.bo, DONGFENG, DAQING, world.by)
    tx.now = now
    return paid[0]


def test_what_was_earned_long_ago_and_not_used_lapses_once(tx: Tx) -> None:
    world = served.plant(tx)
    tx.actor = SYSTEM
    year = replace(world.by, rewards=REWARDS.model_copy(update={"expiry_months": 12}))
    _earn(tx, world, 800, 100, "course:1")
    undone = _earn(tx, world, 700, 40, "course:2")
    ledger.reverse(tx, undone, "a slip")
    ledger.adjust(tx, world.bo, DONGFENG, -30, "used", world.by)
    _earn(tx, world, 20, 50, "course:3")
    today = tx.now.date()

    assert len(expiry.expire(tx, today, year)) == 1
    assert expiry.expire(tx, today, year) == []
    assert expiry.expire(tx, today + timedelta(days=30), year) == []
    assert queries.balance(tx, world.bo) == 50
    lapsed = queries.statement(tx, world.bo)[0].entry
    assert (lapsed.kind, lapsed.points) == (EntryKind.EXPIRY, -70)
    where = tx.exec(select(LedgerAccount.id).where(col(LedgerAccount.kind) == AccountKind.EXPIRY)).one()
    held = select(func.sum(LedgerEntry.points)).where(col(LedgerEntry.account_id) == where)
    assert tx.exec(held).one() == 70

    ledger.reverse(tx, lapsed, "he was in hospital")
    assert expiry.expire(tx, today + timedelta(days=1), year) == []
    assert queries.balance(tx, world.bo) == 120


def test_a_deed_of_another_part_is_paid_once_and_lapses_by_the_job(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        world = served.plant(tx, 3)
        tx.now -= timedelta(days=800)
        for person in world.people:
            assert award.deed(tx, EntryKind.TRAINING, "course:1", person) == 20
            assert award.deed(tx, EntryKind.TRAINING, "course:1", person, 500) == 20
        assert award.deed(tx, EntryKind.REPORT, "report:1", world.bo) == 5
        with pytest.raises(ValueError, match="duty"):
            award.deed(tx, EntryKind.DUTY, "duty:1", world.bo)
    with clock.fixed(tx.now + timedelta(days=800)):
        assert award.expire() == 3
        assert award.expire() == 0
    with db.read(SYSTEM) as tx:
        assert queries.balances(tx, world.people) == dict.fromkeys(world.people, 0)
