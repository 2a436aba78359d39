"""Every way of reading the pool gives the same: from rows, from kept blocks, from what is in memory."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from struct import pack

import pytest
from sqlalchemy import text
from sqlmodel import col, delete

from tests import areas, databases
from tests.volunteers.conftest import CLERK
from tests.volunteers.files import table, thousand
from tests.volunteers.test_queries import statements
from volunteer_hub.access import jurisdictions
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.jobs import table as jobs
from volunteer_hub.volunteers import availability, forgetting, merging, registry, skills, standing
from volunteer_hub.volunteers.exchange import importing
from volunteer_hub.volunteers.models import SkillClaim, Volunteer
from volunteer_hub.volunteers.pool import blocks, reading
from volunteer_hub.volunteers.pool.loading import Warm
from volunteer_hub.volunteers.pool.rows import Rows, empty
from volunteer_hub.volunteers.rules import Status

CITY, SARTU, DATONG = "/1/", "/1/2/", "/1/4/"
PLACES = ("DQ-ST-001", "DQ-DT-001")


def from_rows(area: str) -> Rows:
    with db.read(CLERK) as tx:
        return reading.read(tx, reading.inside([area]))


def by(warm: Warm, area: str) -> Rows:
    """What a pool kept in memory holds once it is up to date."""
    with db.read(CLERK) as tx:
        warm.pool(tx, area)
    return warm._kept[area].rows


def keep() -> int:
    """The sweep."""
    return next(job for job in jobs.JOBS if job.name == "pool_blocks").sweep()


def settle() -> None:
    """Until all transactions that run on this server, other tests' too, are younger than ours so far."""
    with db.transaction(SYSTEM, "test") as tx:
        ours = tx.execute(text("SELECT pg_current_xact_id()::text::bigint")).scalar_one()
    oldest = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    for _ in range(2400):
        with db.engine().connect() as connection:
            if connection.execute(oldest).scalar_one() > ours:
                return
        time.sleep(0.05)
    raise AssertionError("somebody's transaction never ends")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of four ids, written anew after two changes, so that a few people fill some."""
    monkeypatch.setattr(blocks, "SHIFT", 2)
    monkeypatch.setattr(blocks, "CHANGED", 1)


@pytest.fixture
def city(fresh_database: str, small_blocks: None) -> list[int]:
    """Twelve people in two districts, committed; their ids."""
    with db.transaction(SYSTEM, "test") as tx:
        areas.plant(tx)
        return [
            registry.register(tx, {"name": f"P{n}", "community": PLACES[n % 2], "skills": "nursing:2"}).id
            for n in range(12)
        ]


class Walk:
    """Any change of anybody, one after the other, by a draw."""

    def __init__(self, people: list[int], seed: int) -> None:
        self.people, self.draw = people, Random(seed)
        self.slow, self.held = ExitStack(), 0
        self.deeds: list[Callable[[], None]] = [
            lambda: self.change(lambda tx, row: availability.set_week(tx, row, self.draw.randrange(2**14))),
            lambda: self.edit(community=self.draw.choice(PLACES)),
            lambda: self.edit(lat=f"{self.draw.uniform(45, 47):.6f}", lon="125.1"),
            lambda: self.edit(max_km=self.draw.choice(["", "3", "7.3"]), insured_until="2030-01-01"),
            lambda: self.edit(birthday="2001-02-03", fit=self.draw.choice(["yes", "no"])),
            lambda: self.edit(travel_mode=self.draw.choice(["car", "foot", "none_at_night"])),
            lambda: self.change(lambda tx, row: skills.claim(tx, row, self.skill(), self.draw.randint(1, 3))),
            lambda: self.change(self.certify),
            lambda: self.change(self.loses_every_claim),
            lambda: self.change(self.pauses_or_comes_back),
            self.is_forgotten_and_somebody_new_comes,
            self.moves_a_node,
            self.begins_or_ends_a_long_change,
        ]

    def step(self) -> None:
        self.draw.choice(self.deeds)()

    def skill(self) -> str:
        return self.draw.choice(["nursing", "crowd", "first_aid"])

    def change(self, deed: Callable[[Tx, Volunteer], object]) -> None:
        who = self.draw.choice([key for key in self.people if key != self.held])
        with db.transaction(SYSTEM, "test") as tx:
            deed(tx, registry.one(tx, who, lock=True))

    def edit(self, **fields: str) -> None:
        self.change(lambda tx, row: registry.change(tx, row, row.version, fields, "volunteer.write"))

    def certify(self, tx: Tx, row: Volunteer) -> None:
        year = self.draw.randint(2020, 2040)
        skills.certify(tx, row, self.skill(), number=str(year), expires_on=date(year, 5, 1))

    def loses_every_claim(self, tx: Tx, row: Volunteer) -> None:
        """By a statement that passes the verbs by."""
        tx.exec(delete(SkillClaim).where(col(SkillClaim.volunteer_id) == row.id))

    def pauses_or_comes_back(self, tx: Tx, row: Volunteer) -> None:
        if row.status is Status.PAUSED:
            standing.resume(tx, row)
        else:
            standing.pause(tx, row, tx.now.date() + timedelta(days=3))

    def is_forgotten_and_somebody_new_comes(self) -> None:
        gone: list[int] = []
        self.change(lambda tx, row: gone.append(forgetting.erase(tx, row).id))
        with db.transaction(SYSTEM, "test") as tx:
            new = registry.register(tx, {"name": "New", "community": self.draw.choice(PLACES)})
            self.people[self.people.index(gone[0])] = new.id

    def moves_a_node(self) -> None:
        """The path of a community changes, and with it the homes of all its people."""
        if not self.held:
            with db.transaction(SYSTEM, "test") as tx:
                node = jurisdictions.by_code(tx, PLACES[0])
                parent = self.draw.choice(["DQ-ST", "DQ-DT"])
                jurisdictions.move(tx, node, jurisdictions.by_code(tx, parent))

    def begins_or_ends_a_long_change(self) -> None:
        """Its number is drawn now, and later ones commit before it."""
        if self.held:
            self.slow.close()
            self.held = 0
        else:
            tx = self.slow.enter_context(db.transaction(SYSTEM, "test"))
            self.held = self.draw.choice(self.people)
            row = registry.one(tx, self.held, lock=True)
            availability.set_week(tx, row, self.draw.randrange(2**14))


@pytest.mark.parametrize("seed", range(3))
def test_memory_blocks_and_rows_are_one_pool_after_any_changes(city: list[int], seed: int) -> None:
    walk = Walk(city, seed)
    warm = {area: Warm() for area in (CITY, SARTU)}
    with walk.slow:
        for _ in range(60):
            walk.step()
            if not walk.held and walk.draw.random() < 0.2:
                keep()
            for area, memory in warm.items():
                rows = from_rows(area)
                assert by(Warm(), area).same(rows)
                assert by(memory, area).same(rows)


def test_a_change_that_commits_late_is_not_missed(city: list[int]) -> None:
    warm = Warm()
    with ExitStack() as slow:
        early = slow.enter_context(db.transaction(SYSTEM, "test"))
        availability.set_week(early, registry.one(early, city[0], lock=True), 5)
        with db.transaction(SYSTEM, "test") as later:
            availability.set_week(later, registry.one(later, city[1], lock=True), 6)
        assert by(warm, CITY).same(from_rows(CITY))
    masks = by(warm, CITY).tables["people"]["bits"] & 0x3FFF
    assert masks[:2].tolist() == [5, 6]


def test_what_a_transaction_wrote_itself_is_not_kept_in_memory(city: list[int]) -> None:
    warm = Warm()
    with db.transaction(CLERK, "test") as tx:
        registry.register(tx, {"name": "Perhaps", "community": PLACES[0]})
        assert len(warm.pool(tx, CITY)) == len(city) + 1
        tx.rollback()
    assert warm.areas == ()


def test_a_pool_in_memory_reads_no_more_than_what_is_new(
    city: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()
    warm = Warm()
    by(warm, CITY)
    read = reading.read
    seen: list[tuple[int, int]] = []

    def noted(*given: object, **more: object) -> Rows:
        rows = read(*given, **more)  # type: ignore[arg-type]  # passed on as they come
        seen.append((len(rows), len(rows.holders)))
        return rows

    monkeypatch.setattr(reading, "read", noted)
    by(warm, CITY)
    with db.transaction(SYSTEM, "test") as tx:
        availability.set_week(tx, registry.one(tx, city[3], lock=True), 5)
        registry.count_asked(tx, city)  # which the pool does not read
    settle()  # while an older transaction runs, what is new since it began is read again next time
    by(warm, CITY)
    with db.transaction(SYSTEM, "test") as tx:
        tx.execute(text("UPDATE skill_claims SET level = 3 WHERE volunteer_id = :id"), {"id": city[4]})
    by(warm, CITY)
    assert seen == [(1, 0), (1, 1)]


def test_memory_is_bounded_and_the_area_used_longest_ago_goes_first(city: list[int]) -> None:
    one = by(Warm(), SARTU).nbytes
    warm = Warm(most_bytes=2 * one)
    for area in (SARTU, DATONG, SARTU):
        by(warm, area)
    assert warm.areas == (DATONG, SARTU)
    by(warm, "/1/2/3/")
    assert warm.areas == (SARTU, "/1/2/3/")
    assert warm.nbytes <= 2 * one
    by(warm, CITY)  # more than all there may be: it stays alone
    assert warm.areas == (CITY,)


def test_memory_of_another_server_is_not_trusted(city: list[int]) -> None:
    warm = Warm()
    by(warm, CITY)
    kept = warm._kept[CITY]
    warm._kept[CITY] = replace(kept, rows=empty(), moment=replace(kept.moment, server="before the crash"))
    assert by(warm, CITY).same(from_rows(CITY))


def test_the_sweep_writes_what_is_missing_or_changed_and_no_more(city: list[int]) -> None:
    settle()
    blocks_of_four = max(city) // 4 + 1
    assert keep() == blocks_of_four
    assert keep() == 0
    with db.transaction(SYSTEM, "test") as tx:
        availability.set_week(tx, registry.one(tx, city[0], lock=True), 5)
    assert keep() == 0  # one change is quicker read than a block written
    with db.transaction(SYSTEM, "test") as tx:
        for key in city[:4]:
            availability.set_week(tx, registry.one(tx, key, lock=True), 6)
    settle()
    assert keep() == len({key // 4 for key in city[:4] if sum(k // 4 == key // 4 for k in city[:4]) > 1})


def test_beside_a_long_transaction_the_sweep_does_not_write_again_and_again(city: list[int]) -> None:
    settle()
    keep()
    with db.transaction(SYSTEM, "test") as long:
        long.execute(text("SELECT pg_current_xact_id()"))
        with db.transaction(SYSTEM, "test") as tx:
            for key in city:
                availability.set_week(tx, registry.one(tx, key, lock=True), 6)
        assert keep() == 0
    settle()
    assert keep() > 0


@pytest.mark.parametrize("column", ["cluster", "shape"])
def test_blocks_of_another_server_or_other_skills_are_not_read_but_written_anew(
    city: list[int], column: str
) -> None:
    settle()
    written = keep()
    with db.transaction(SYSTEM, "test") as tx:
        tx.execute(text(f"UPDATE pool_blocks SET {column} = 'other', data = ''"))
    assert by(Warm(), CITY).same(from_rows(CITY))
    assert keep() == written


def test_after_forgetting_no_block_holds_the_person_or_where_they_live(city: list[int]) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        row = registry.one(tx, city[5], lock=True)
        registry.change(tx, row, row.version, {"lat": "46.612345", "lon": "125.123456"}, "volunteer.write")
    keep()
    needles = [pack("<d", 46.612345), pack("<d", 125.123456)]
    assert all(any(needle in data for data in stored()) for needle in needles)
    with db.transaction(SYSTEM, "test") as tx:
        forgetting.erase(tx, registry.one(tx, city[5], lock=True))
    assert not any(needle in data for data in stored() for needle in needles)
    assert all(city[5] not in blocks.decoded([data]).ids for data in stored())


def test_a_block_being_written_while_somebody_is_forgotten_does_not_bring_them_back(city: list[int]) -> None:
    keep()
    with db.transaction(SYSTEM, "test") as more:
        for key in city[1:4]:
            availability.set_week(more, registry.one(more, key, lock=True), 6)
    settle()
    with ExitStack() as forgetter:
        tx = forgetter.enter_context(db.transaction(SYSTEM, "test"))
        forgetting.erase(tx, registry.one(tx, city[0], lock=True))
        sweeping = threading.Thread(target=keep)
        sweeping.start()
        databases.wait_for_somebody_waiting()
    sweeping.join()
    assert all(city[0] not in blocks.decoded([data]).ids for data in stored())
    assert by(Warm(), CITY).same(from_rows(CITY))


def test_merging_leaves_nothing_of_the_dropped_entry_in_a_block(city: list[int]) -> None:
    keep()
    with db.transaction(CLERK, "test") as tx:
        keeps, drops = (registry.one(tx, city[n]).public_id for n in (0, 2))
        merging.merge(tx, keeps, drops)
    assert all(city[2] not in blocks.decoded([data]).ids for data in stored())


def test_every_way_takes_as_many_queries_for_a_thousand_as_for_ten(city: list[int]) -> None:
    keep()
    few = queries(Warm())
    with db.transaction(SYSTEM, "test") as tx:
        importing.apply(tx, table(*thousand()))
    keep()
    assert queries(Warm()) == few


def queries(warm: Warm) -> int:
    with db.read(CLERK) as tx:
        return statements(tx, lambda: warm.pool(tx, CITY))


def stored() -> list[bytes]:
    with db.read(SYSTEM) as tx:
        return [bytes(row[0]) for row in tx.execute(text("SELECT data FROM pool_blocks"))]
