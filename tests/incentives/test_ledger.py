from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, func, select, text

from tests import people
from tests.incentives import served
from tests.incentives.served import DAQING, DONGFENG, MORNING, Served, later, service
from tests.mobilization.rows import raises
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Forbidden, Malformed, NotFound, Refused
from volunteer_hub.core.i18n import LANGUAGES, say
from volunteer_hub.incentives import expiry, ledger, queries
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry, ServiceHours
from volunteer_hub.incentives.rules import AccountKind, Basis, EntryKind, Grade, Kind


@pytest.fixture
def world(tx: Tx) -> Served:
    return served.plant(tx)


def survey(tx: Tx, world: Served, number: int, person: int = 0) -> list[LedgerEntry]:
    return ledger.settle_survey(tx, number, world.people[person], DONGFENG, DAQING, world.by)


def refused(tx: Tx, statement: str) -> str:
    with pytest.raises(DBAPIError) as caught, tx.begin_nested():
        tx.execute(text(statement))
    return str(caught.value.orig).split("\n", maxsplit=1)[0]


def test_a_duty_moves_points_from_the_pool_to_the_person(tx: Tx, world: Served) -> None:
    mine, pools = ledger.settle_duty(tx, world.facts(), world.by)
    assert (mine.points, pools.points, mine.transfer_id) == (30, -30, pools.transfer_id)
    assert (mine.kind, mine.source, mine.grade) == (EntryKind.DUTY, f"duty:{world.duties[0]}", Grade.A)
    assert (mine.rule_version, mine.policy_version) == (1, world.by.policy_version)
    assert tx.get_one(LedgerAccount, pools.account_id).kind is AccountKind.POOL
    assert queries.balance(tx, world.bo) == 30
    assert queries.balance(tx, world.lin) == 0


def test_settled_twice_it_is_paid_once(tx: Tx, world: Served) -> None:
    first = ledger.settle_duty(tx, world.facts(), world.by)
    changed = world.facts(served=replace(MORNING, hazardous=True))
    assert ledger.settle_duty(tx, changed, world.by) == first
    assert queries.balance(tx, world.bo) == 30


def test_the_hours_are_kept_with_the_basis_they_count_by(tx: Tx, world: Served) -> None:
    ledger.settle_duty(tx, world.facts(0), world.by)
    ledger.settle_duty(tx, world.facts(1, replace(MORNING, basis=Basis.EMPLOYMENT)), world.by)
    assert queries.hours(tx, world.bo) == queries.Hours(counted=180, other=0, duties=1)
    assert queries.hours(tx, world.lin) == queries.Hours(counted=0, other=180, duties=1)


def test_the_same_drill_is_paid_once_whichever_way_it_is_settled(tx: Tx, world: Served) -> None:
    answered = ledger.settle_drill(tx, world.incident, world.bo, DONGFENG, DAQING, world.by)
    came = ledger.settle_duty(tx, world.facts(served=replace(MORNING, kind=Kind.DRILL)), world.by)
    assert came == answered
    assert queries.balance(tx, world.bo) == 15
    assert queries.hours(tx, world.bo).counted == 180


def test_everybody_is_paid_for_the_same_drill(tx: Tx, world: Served) -> None:
    for person in world.people:
        ledger.settle_drill(tx, world.incident, person, DONGFENG, DAQING, world.by)
    assert queries.balances(tx, world.people) == {world.bo: 15, world.lin: 15}


def test_an_answered_survey_and_standing_by_are_paid_once_each(tx: Tx, world: Served) -> None:
    assert survey(tx, world, 7) == survey(tx, world, 7)
    survey(tx, world, 8)
    first = ledger.settle_standby(tx, 5, world.bo, DONGFENG, 130, DAQING, world.by)
    assert ledger.settle_standby(tx, 5, world.bo, DONGFENG, 600, DAQING, world.by) == first
    assert queries.balance(tx, world.bo) == 3 + 3 + 4


def test_the_cap_of_a_day_counts_every_deed_of_it(tx: Tx, world: Served) -> None:
    ledger.settle_duty(tx, world.facts(0, service("2031-01-20T00:00", "2031-01-20T20:00")), world.by)
    assert queries.balance(tx, world.bo) == 230
    mine, _ = ledger.settle_standby(tx, 1, world.bo, DONGFENG, 60 * 7, DAQING, world.by)
    assert [(line["code"], line["points"]) for line in mine.lines] == [("standby", 14), ("cap_day", -4)]
    assert queries.balance(tx, world.bo) == 240
    assert survey(tx, world, 1)[0].points == 0


def test_what_is_taken_back_leaves_room_under_the_cap(tx: Tx, world: Served) -> None:
    whole_day = service("2031-01-20T00:00", "2031-01-21T00:00")
    mine, _ = ledger.settle_duty(tx, world.facts(0, whole_day), world.by)
    assert mine.points == 240
    ledger.reverse(tx, mine, "it was Lin")
    assert survey(tx, world, 1)[0].points == 3


def test_badly_evidenced_time_leaves_an_entry_that_says_why(tx: Tx, world: Served) -> None:
    mine, pools = ledger.settle_duty(tx, world.facts(0, replace(MORNING, grade=Grade.C)), world.by)
    assert (mine.points, pools.points, mine.days, mine.last_day) == (0, 0, {}, None)
    assert queries.hours(tx, world.bo) == queries.Hours(counted=0, other=180, duties=1)
    line = queries.statement(tx, world.bo)[0]
    assert [say("en", part) for part in line.explanation] == [
        "180 minutes with evidence of grade C, which earns no points: 0"
    ]


def test_an_old_entry_explains_itself_when_the_rules_have_changed(tx: Tx, world: Served) -> None:
    saturday = service("2031-01-25T20:00", "2031-01-26T00:00", leader=True, hazardous=True)
    ledger.settle_duty(tx, world.facts(0, saturday), world.by)
    dearer = world.by.rewards.model_copy(update={"version": 2})
    ledger.settle_survey(tx, 1, world.bo, DONGFENG, DAQING, replace(world.by, rewards=dearer))
    new, old = queries.statement(tx, world.bo)
    assert (new.entry.rule_version, old.entry.rule_version) == (2, 1)
    assert [say("en", part) for part in old.explanation] == [
        "Whole hours on duty: 4 × 10 = 40",
        "At night, whole hours: 2 × 5 = 10",
        "At the weekend, whole hours: 4 × 2 = 8",
        "Leading the team: 4 × 3 = 12",
        "Hazardous task: 50 % on 40 = 20",
    ]
    assert sum(line["points"] for line in old.entry.lines) == old.entry.points == 90


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_part_of_a_sum_can_be_told(tx: Tx, world: Served, lang: str) -> None:
    most = service("2031-01-03T20:00", "2031-01-19T20:00", leader=True, hazardous=True)
    ledger.settle_duty(tx, world.facts(0, most), world.by)
    ledger.settle_standby(tx, 1, world.bo, DONGFENG, 60, DAQING, world.by)
    ledger.settle_drill(tx, world.incident, world.bo, DONGFENG, DAQING, world.by)
    survey(tx, world, 1)
    ledger.settle_deed(tx, EntryKind.TRAINING, "course:1", 20, world.bo, DONGFENG, DAQING, world.by)
    ledger.settle_deed(tx, EntryKind.REPORT, "report:1", 5, world.bo, DONGFENG, DAQING, world.by)
    expiry.expire(tx, date(2034, 1, 1), world.by)
    ledger.adjust(tx, world.bo, DONGFENG, 5, "the boat", world.by)
    ledger.reverse(tx, queries.statement(tx, world.bo)[0].entry, "a slip")
    ledger.settle_duty(tx, world.facts(1, replace(MORNING, grade=Grade.C)), world.by)
    both = [*queries.statement(tx, world.bo), *queries.statement(tx, world.lin)]
    codes = {line["code"] for part in both for line in part.entry.lines}
    assert codes == {
        "hours", "night", "weekend", "leader", "hazard", "cap_day", "cap_month", "standby", "drill", "survey",
        "training", "report", "expiry", "adjustment", "reversal", "unproven",
    }  # fmt: skip
    assert all(say(lang, text) for part in both for text in part.explanation)


def test_a_statement_is_read_in_pages(tx: Tx, world: Served) -> None:
    for number in range(5):
        survey(tx, world, number)
    first = queries.statement(tx, world.bo, limit=2)
    assert [line.entry.source for line in first] == ["survey:4", "survey:3", "survey:2"]
    rest = queries.statement(tx, world.bo, before=first[1].entry.id, limit=3)
    assert [line.entry.source for line in rest] == ["survey:2", "survey:1", "survey:0"]


def test_taking_back_needs_a_reason_and_leaves_both(tx: Tx, world: Served) -> None:
    mine, _ = ledger.settle_duty(tx, world.facts(), world.by)
    with raises(Malformed, "points.reason"):
        ledger.reverse(tx, mine, "  ")
    back = ledger.reverse(tx, mine, " He was at home. ")
    assert [(entry.points, entry.reason) for entry in back] == [
        (-30, "He was at home."),
        (30, "He was at home."),
    ]
    assert queries.balance(tx, world.bo) == 0
    assert queries.hours(tx, world.bo) == queries.Hours(counted=0, other=0, duties=0)
    kept = tx.exec(select(ServiceHours).where(col(ServiceHours.volunteer_id) == world.bo)).one()
    assert (kept.minutes, kept.counts, kept.reversed_at) == (180, False, tx.now)
    assert len(queries.statement(tx, world.bo)) == 2


def test_taken_back_twice_it_is_taken_once(tx: Tx, world: Served) -> None:
    mine, pools = ledger.settle_duty(tx, world.facts(), world.by)
    first = ledger.reverse(tx, mine, "a slip")
    assert ledger.reverse(tx, pools, "a slip again") == first
    assert queries.balance(tx, world.bo) == 0
    with raises(Refused, "points.reversal"):
        ledger.reverse(tx, first[0], "and back again")


def test_a_deed_taken_back_is_not_paid_again(tx: Tx, world: Served) -> None:
    mine, _ = ledger.settle_duty(tx, world.facts(), world.by)
    ledger.reverse(tx, mine, "a slip")
    ledger.settle_duty(tx, world.facts(), world.by)
    assert queries.balance(tx, world.bo) == 0
    ledger.adjust(tx, world.bo, DONGFENG, 30, "it was him after all", world.by)
    assert queries.balance(tx, world.bo) == 30


def test_declining_or_silence_cannot_cost_by_any_road(tx: Tx, world: Served) -> None:
    """The database refuses a loss of any kind but those named below, and one without a reason it needs."""
    ledger.settle_duty(tx, world.facts(), world.by)
    copy = (
        "INSERT INTO ledger_entries (public_id, transfer_id, account_id, area, points, at, kind, source, "
        "reason, rule_version, policy_version, lines, days) SELECT gen_random_uuid(), '{transfer}', "
        "account_id, area, -points, at, '{kind}', 'x', {reason}, 1, policy_version, lines, days "
        "FROM ledger_entries; "
        "SET CONSTRAINTS ALL IMMEDIATE"
    )
    transfer = "00000000-0000-7000-8000-000000000001"
    # The calendar alone decides what lapses, the person what is spent or given, never more than they have.
    own_hand = {EntryKind.REDEMPTION, EntryKind.GIFT}
    for kind in set(EntryKind) - own_hand - {EntryKind.EXPIRY}:
        said = refused(tx, copy.format(transfer=transfer, kind=kind, reason="NULL"))
        if kind in (EntryKind.ADJUSTMENT, EntryKind.REVERSAL):
            assert "ck_ledger_entries_reason" in said
        else:
            assert said == "a person loses points only with a reason"
    assert "ck_ledger_entries_reason" in refused(
        tx, copy.format(transfer=transfer, kind="reversal", reason="' '")
    )
    for kind in own_hand:
        beyond = copy.replace("-points", "-2 * points").format(transfer=transfer, kind=kind, reason="NULL")
        assert refused(tx, beyond) == "a person spends no more than they have"
    tx.execute(text(copy.format(transfer=transfer, kind="reversal", reason="'a slip'")))
    assert queries.balance(tx, world.bo) == 0


def test_a_transfer_that_does_not_add_up_is_refused(tx: Tx, world: Served) -> None:
    ledger.settle_duty(tx, world.facts(), world.by)
    half = (
        "INSERT INTO ledger_entries (public_id, transfer_id, account_id, area, points, at, kind, source, "
        "rule_version, policy_version, lines, days) SELECT gen_random_uuid(), "
        "'00000000-0000-7000-8000-000000000001', account_id, area, 0, at, kind, 'x', 1, policy_version, "
        "lines, days FROM ledger_entries LIMIT {sides}; SET CONSTRAINTS ALL IMMEDIATE"
    )
    message = "transfer 00000000-0000-7000-8000-000000000001 does not add up to zero"
    assert refused(tx, half.format(sides=1)) == message
    assert refused(tx, half.format(sides=2).replace("area, 0, at", "area, 1, at")) == message
    tx.execute(text(half.format(sides=2)))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET points = points",
        "UPDATE ledger_entries SET reason = 'x'",
        "UPDATE ledger_entries SET area = '/1/4/'",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries CASCADE",
    ],
)
def test_the_ledger_is_only_added_to(tx: Tx, world: Served, statement: str) -> None:
    ledger.settle_duty(tx, world.facts(), world.by)
    tx.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert refused(tx, statement) == "the ledger is append-only; reverse the entry"


def test_a_community_that_moves_in_the_tree_takes_its_entries_along(tx: Tx, world: Served) -> None:
    mine, _ = ledger.settle_duty(tx, world.facts(), world.by)
    tx.execute(text("UPDATE jurisdictions SET path = '/1/4/3/', parent_id = 4 WHERE path = '/1/2/3/'"))
    tx.refresh(mine)
    assert (mine.area, mine.points) == ("/1/4/3/", 30)


def test_kai_cannot_see_or_take_back_what_meis_people_have_earned(tx: Tx, world: Served) -> None:
    mine, pools = ledger.settle_duty(tx, world.facts(), world.by)
    mei, kai, council = people.mei(tx), people.kai(tx), people.council(tx)
    tx.actor = kai
    with raises(NotFound, "not_found"):
        queries.find(tx, "points.read", mine.public_id)
    with raises(NotFound, "not_found"):
        ledger.reverse(tx, mine, "envy")
    with raises(NotFound, "not_found"):
        ledger.adjust(tx, world.bo, DONGFENG, 5, "a gift", world.by)
    assert queries.total(tx) == queries.AreaTotal(people=0, points=0)
    tx.actor = mei
    assert queries.find(tx, "points.read", mine.public_id) is mine
    assert queries.total(tx) == queries.AreaTotal(people=1, points=30)
    with raises(NotFound, "not_found"):
        queries.find(tx, "points.read", pools.public_id)
    tx.actor = council
    assert queries.total(tx) == queries.AreaTotal(people=1, points=30)
    with raises(Forbidden, "forbidden"):
        ledger.adjust(tx, world.bo, DONGFENG, 5, "a gift", world.by)
    tx.actor = GUEST
    with raises(Forbidden, "forbidden"):
        queries.total(tx)


def test_points_of_many_people_take_one_query(tx: Tx, world: Served) -> None:
    survey(tx, world, 1)
    assert queries.balances(tx, world.people) == {world.bo: 3, world.lin: 0}


def test_twenty_at_once_pay_a_duty_once(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        world = served.plant(tx)

    def settle(_: int) -> tuple[int, ...]:
        with db.transaction(SYSTEM, "duty.check_out") as own:
            return tuple(entry.id for entry in ledger.settle_duty(own, world.facts(), world.by))

    with ThreadPoolExecutor(20) as pool:
        paid = set(pool.map(settle, range(20)))
    with db.read(SYSTEM) as tx:
        assert len(paid) == 1
        assert tx.exec(select(func.count()).select_from(LedgerEntry)).one() == 2
        assert queries.balance(tx, world.bo) == 30
        assert queries.hours(tx, world.bo).duties == 1


def test_deeds_of_one_person_at_once_stay_under_the_cap(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        world = served.plant(tx)

    def stand_by(offer: int) -> None:
        with db.transaction(SYSTEM, "test") as own:
            own.now = tx.now
            ledger.settle_standby(own, offer, world.bo, DONGFENG, 60 * 20, DAQING, world.by)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(stand_by, range(10)))
    with db.read(SYSTEM) as tx:
        assert queries.balance(tx, world.bo) == 240


STEP = st.one_of(
    st.tuples(st.just("duty"), st.integers(0, 2), st.integers(0, 40)),
    st.tuples(st.just("drill"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("survey"), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("adjust"), st.integers(0, 2), st.integers(-50, 50).filter(bool)),
    st.tuples(st.just("reverse"), st.integers(0, 2), st.integers(0, 20)),
)


def take(tx: Tx, world: Served, step: tuple[str, int, int]) -> None:
    deed, person, number = step
    who = world.people[person]
    if deed == "duty":
        ledger.settle_duty(tx, world.facts(person, later(number)), world.by)
    elif deed == "drill":
        ledger.settle_drill(tx, world.incident, who, DONGFENG, DAQING, world.by)
    elif deed == "survey":
        survey(tx, world, 10 * number + person, person)
    elif deed == "adjust":
        ledger.adjust(tx, who, DONGFENG, number, "said so", world.by)
    else:
        entries = [line.entry for line in queries.statement(tx, who)]
        taken = [entry for entry in entries if entry.kind is not EntryKind.REVERSAL]
        if taken:
            ledger.reverse(tx, taken[number % len(taken)], "a slip")


@given(steps=st.lists(STEP, max_size=15))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_deeds_the_sum_over_all_accounts_is_zero_and_balances_are_sums(
    tx: Tx, steps: list[tuple[str, int, int]]
) -> None:
    with tx.begin_nested() as undone:
        world = served.plant(tx, 3)
        for step in steps:
            take(tx, world, step)
        tx.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        entries = tx.exec(select(LedgerEntry)).all()
        assert sum(entry.points for entry in entries) == 0
        whose = {account.id: account.volunteer_id for account in tx.exec(select(LedgerAccount))}
        for who in world.people:
            mine = [entry for entry in entries if whose[entry.account_id] == who]
            assert queries.balance(tx, who) == sum(entry.points for entry in mine)
            assert all(sum(line["points"] for line in entry.lines) == entry.points for entry in mine)
            assert all(entry.points >= 0 or entry.reason for entry in mine)
            assert len({(entry.kind, entry.source) for entry in mine}) == len(mine)
        tx.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        undone.rollback()
