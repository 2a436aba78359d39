"""Duties settled together are what they would be one after the other, and each is settled once."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlmodel import col, select

from tests.databases import building
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, answer, duty_of, messages
from tests.incentives import served
from tests.incentives.served import DAQING, DONGFENG, REWARDS, Served, service
from tests.invariants import broken
from volunteer_hub.access.models import Account
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.policy import Name
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import respond, settle
from volunteer_hub.incentives import ledger, levels_rules, queries, settlement, time_served
from volunteer_hub.incentives.flag_rules import Doubt, Flag
from volunteer_hub.incentives.levels_policy import Ladder, Level
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry, ServiceHours
from volunteer_hub.incentives.rules import AccountKind, Basis, Grade, Kind
from volunteer_hub.incentives.settlement import Due
from volunteer_hub.incentives.time_served import DutyFacts
from volunteer_hub.mobilization import attendance
from volunteer_hub.mobilization.attendance import Seen
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import Evidence
from volunteer_hub.volunteers.models import Volunteer

LADDER = Ladder(
    steps=(
        Level(name=Name(en="One", zh="一"), hours=5, percent=110),
        Level(name=Name(en="Two", zh="二"), hours=12, percent=150),
    )
)
TYPED = (Flag(Doubt.TYPED),)
Stored = tuple[list[Any], list[Any]]


def stored(tx: Tx) -> Stored:
    """Every entry and all hours, but for ids and the names that were drawn."""
    tx.expire_all()
    whose = {account.id: (account.kind, account.volunteer_id) for account in tx.exec(select(LedgerAccount))}
    drawn = {"id", "public_id", "transfer_id", "account_id"}
    entries = tx.exec(select(LedgerEntry).order_by(col(LedgerEntry.id))).all()
    hours = tx.exec(select(ServiceHours).order_by(col(ServiceHours.duty_id))).all()
    paid_by = {entry.transfer_id: entry.source for entry in entries}
    sides = [(whose[entry.account_id], entry.model_dump(exclude=drawn)) for entry in entries]
    return (
        sorted(sides, key=lambda side: side[0][0] is AccountKind.POOL),  # whose sides may come later
        [(one.transfer_id and paid_by[one.transfer_id], one.model_dump(exclude=drawn)) for one in hours],
    )


def of(tx: Tx, deed: Callable[[], object]) -> Stored:
    """What a deed leaves behind, before it is undone."""
    with tx.begin_nested() as undone:
        deed()
        tx.flush()
        found = stored(tx)
        undone.rollback()
    return found


def story(tx: Tx, seed: int) -> tuple[Served, list[Due]]:
    """Some weeks of three people: long days, drills come to twice or answered before, doubts, typed hours."""
    random, world = Random(seed), served.plant(tx, 3)
    worlds = [world, *(served.again(tx, world) for _ in range(7))]
    dues = []
    for one in worlds:
        for person, (who, duty) in enumerate(zip(one.people, one.duties, strict=True)):
            begins = f"2031-01-{random.randint(3, 9):02}T{random.randint(0, 23):02}:30"
            run = service(begins, begins, grade=random.choice(list(Grade)), basis=random.choice(list(Basis)))
            run = replace(
                run,
                ends=run.ends + timedelta(minutes=random.randint(0, 60 * 24)),
                kind=random.choice([Kind.REAL, Kind.REAL, Kind.DRILL]),
                hazardous=random.random() < 0.3,
                leader=random.random() < 0.3,
            )
            incident = worlds[person % 2].incident if run.kind is Kind.DRILL else one.incident
            flags = TYPED if random.random() < 0.2 else ()
            dues.append(Due(DutyFacts(duty, incident, who, DONGFENG, run), flags, LADDER))
    ledger.settle_drill(tx, worlds[0].incident, world.lin, DONGFENG, DAQING, world.by)
    return world, sorted(dues, key=lambda due: due.facts.duty_id)


@pytest.mark.parametrize("seed", range(3))
def test_together_they_leave_the_same_entries_and_hours_as_one_by_one(tx: Tx, seed: int) -> None:
    world, dues = story(tx, seed)
    caps = REWARDS.caps.model_copy(update={"day": 150, "month": 320})
    by = replace(world.by, rewards=REWARDS.model_copy(update={"caps": caps}))
    points: dict[int, int | None] = {}

    def one_by_one() -> None:
        for due in dues:
            facts = due.facts
            if due.flags:
                time_served.hold(tx, facts, due.flags)
                points[facts.duty_id] = None
                continue
            reached = levels_rules.reached(queries.hours(tx, facts.volunteer_id).counted, LADDER)
            run = replace(facts.service, level_percent=reached.percent)
            points[facts.duty_id] = ledger.settle_duty(tx, replace(facts, service=run), by)[0].points

    apart = of(tx, one_by_one)
    codes = {line["code"] for _, entry in apart[0] for line in entry["lines"]}
    assert {"hours", "level", "cap_day", "cap_month", "unproven", "drill"} <= codes
    assert of(tx, lambda: settlement.settle(tx, dues, by)) == apart
    assert settlement.settle(tx, dues, by) == points
    assert settlement.settle(tx, dues, by) == {}
    assert settlement.settle(tx, [], by) == {}


@pytest.fixture
def ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


def unsettled(tx: Tx) -> Sent:
    """Ten people have come and gone, by many kinds of evidence; nobody is paid yet."""
    out = made.coming(tx)
    people = [out.world.bo, out.world.lin, *out.world.crowd[:8]]
    for person in people[2:]:
        answer(respond.accept, out.token(tx, person))
    with clock.fixed(NOW + timedelta(minutes=600)):
        for number, person in enumerate(people):
            _served(tx, out, duty_of(tx, out, person), number)
    with db.transaction(SYSTEM, "test") as own:
        mail = own.exec(select(Account.email).where(col(Account.id) == out.world.mei.id)).one()
        own.get_one(Volunteer, out.world.crowd[0].id).email = mail
    return out


def _served(tx: Tx, out: Sent, duty: Duty, number: int) -> None:
    """Four by one telephone, two typed in, the others confirmed on site, one of them by themselves."""
    came = NOW + timedelta(minutes=60 + 7 * number)
    went = came + timedelta(minutes=61 * (1 + number % 4))
    if number >= 6:
        with db.transaction(SYSTEM, "test") as own:
            mine, seen = own.get_one(Duty, duty.id), Seen(device=b"telephone")
            attendance.check_in_here(own, mine, Evidence.POSITION, seen, came)
            attendance.check_out_here(own, mine, Evidence.POSITION, seen, went)
        return
    with db.transaction(out.world.mei, "test") as mei:
        how = Evidence.TYPED if number in (3, 4) else Evidence.LEADER
        attendance.confirm_in(mei, mei.get_one(Duty, duty.id), how, came)
        attendance.confirm_out(mei, mei.get_one(Duty, duty.id), how, went)


@pytest.mark.usefixtures("ten_o_clock")
def test_flags_and_minutes_of_many_are_those_of_each(tx: Tx) -> None:
    out = unsettled(tx)
    done = tx.exec(select(Duty).order_by(col(Duty.id)).where(col(Duty.minutes).is_not(None))).all()
    assert len(done) == 10
    apart = of(tx, lambda: [settle.duty(tx, duty) for duty in done])
    assert of(tx, lambda: settle.duties(tx, {duty.id: duty.volunteer_id for duty in done})) == apart
    assert {flag["code"] for _, one in apart[1] for flag in one["flags"]} == {"typed", "device", "self"}
    assert duties.settle_ended() == 10
    assert duties.settle_ended() == 0
    tx.expire_all()
    assert tx.get_one(Volunteer, out.world.bo.id).served_minutes == 61
    assert (len(messages(tx, "thanks")), len(messages(tx, "hours_held"))) == (3, 7)
    assert broken(tx) == {}


@pytest.mark.usefixtures("fresh_database", "ten_o_clock")
def test_several_who_settle_at_once_settle_each_duty_once() -> None:
    with building() as tx:
        out = unsettled(tx)
    people = [out.world.bo, out.world.lin, *out.world.crowd[:8]]

    def alone(person: Volunteer) -> Mapping[int, int | None]:
        with db.transaction(SYSTEM, "duty.settle") as own:
            duty = attendance.of_offer(own, out.offer(own, person))
            assert duty is not None
            return settle.duties(own, {duty.id: person.id})

    with ThreadPoolExecutor(8) as pool:
        sweeps = [pool.submit(duties.settle_ended) for _ in range(4)]
        each = [pool.submit(alone, person) for person in people]
        assert sum(one.result() for one in sweeps) + sum(len(one.result()) for one in each) == 10
    with db.read(SYSTEM) as tx:
        assert broken(tx) == {}
        assert len(tx.exec(select(ServiceHours)).all()) == 10
        assert tx.get_one(Volunteer, out.world.bo.id).served_minutes == 61


@pytest.mark.usefixtures("fresh_database", "ten_o_clock")
def test_what_one_transaction_does_not_hold_is_shared_out_by_person(monkeypatch: pytest.MonkeyPatch) -> None:
    with building() as tx:
        out = unsettled(tx)
    monkeypatch.setattr(duties, "_TOGETHER", 2)
    assert duties.settle_ended(workers=3) == 10
    assert duties.settle_ended(workers=3) == 0
    with db.read(SYSTEM) as tx:
        assert broken(tx) == {}
        assert len(tx.exec(select(ServiceHours)).all()) == 10
        assert tx.get_one(Volunteer, out.world.bo.id).served_minutes == 61
