"""The chain: it holds under concurrency, and one changed byte, one removed and one added line are found."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, func, select, text

from tests import people
from tests.areas import AREAS
from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Account
from volunteer_hub.audit import lines, trail
from volunteer_hub.audit.models import AuditLine, AuditPending, AuditSeal
from volunteer_hub.audit.rules import Operation, Verdict
from volunteer_hub.core import db, i18n
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.errors import NotFound

DONGFENG, KAIFA = AREAS["dongfeng"][0], AREAS["kaifa"][0]


def note(tx: db.Tx, count: int, area: str = DONGFENG) -> None:
    lines.record(tx, Operation.UPDATE, "tasks", range(count), area, {"state": ["open", "done"]})


def chain(tx: db.Tx, seals: int = 3) -> list[AuditSeal]:
    made = []
    for _ in range(seals):
        note(tx, 10)
        link = trail.seal(tx)
        assert link is not None
        made.append(link)
    return made


@contextmanager
def tampering(tx: db.Tx) -> Iterator[None]:
    """Within the block the owner of the database has switched the triggers off."""
    tx.flush()
    tx.execute(text("SET LOCAL session_replication_role = replica"))
    yield
    tx.execute(text("SET LOCAL session_replication_role = origin"))
    tx.expire_all()


def test_a_sealed_trail_is_sound_and_its_head_can_be_noted(tx: db.Tx) -> None:
    assert trail.seal(tx) is None
    links = chain(tx)
    note(tx, 5)  # not sealed yet
    assert [link.count for link in links] == [10, 10, 10]
    assert links[1].previous == links[0].digest
    head = links[-1].digest.hex()
    assert trail.verify(tx) == Verdict("sound", head, 30)
    assert trail.verify(tx, links[0].digest.hex()).sound
    assert trail.verify(tx, "00" * 32).sound
    assert trail.verify(tx, "11" * 32).finding == "noted_missing"


def test_a_seal_takes_no_more_lines_than_it_is_told(tx: db.Tx) -> None:
    note(tx, 25)
    counts = []
    while (link := trail.seal(tx, limit=10)) is not None:
        counts.append(link.count)
    assert counts == [10, 10, 5]
    assert trail.verify(tx).sound


@pytest.mark.parametrize(
    "change",
    [
        'changes = \'{"state": ["open", "dons"]}\'',
        "at = at + interval '1 microsecond'",
        "actor_kind = 'guest'",
        "actor_id = 1",
        "action = action || ' '",
        "table_name = 'task'",
        "row_id = '99'",
        "area = NULL",
        "op = 'insert'",
    ],
)
def test_one_changed_byte_of_any_field_is_found_and_named(tx: db.Tx, change: str) -> None:
    links = chain(tx)
    with tampering(tx):
        victim = links[1].first_id + 4
        tx.execute(text(f"UPDATE audit_lines SET {change} WHERE id = :id"), {"id": victim})
    verdict = trail.verify(tx)
    assert (verdict.finding, verdict.seal_id, verdict.line_id) == ("line_changed", links[1].id, victim)
    assert verdict.head == links[0].digest.hex()


def test_one_removed_line_is_found_and_named(tx: db.Tx) -> None:
    links = chain(tx)
    with tampering(tx):
        tx.execute(text("DELETE FROM audit_lines WHERE id = :id"), {"id": links[2].last_id})
    verdict = trail.verify(tx)
    assert (verdict.finding, verdict.seal_id, verdict.line_id) == (
        "line_missing",
        links[2].id,
        links[2].last_id,
    )


def test_one_old_line_put_in_is_found_and_named(tx: db.Tx) -> None:
    chain(tx)
    with tampering(tx):
        number = tx.execute(
            text(
                "INSERT INTO audit_lines (at, actor_kind, action, table_name, op, changes) "
                "VALUES ('2020-01-01Z', 'system', 'x', 'tasks', 'insert', '{}') RETURNING id"
            )
        ).scalar_one()
    verdict = trail.verify(tx)
    assert (verdict.finding, verdict.line_id) == ("line_added", number)


@pytest.mark.parametrize(
    "change",
    [
        "digest = decode(repeat('ab', 32), 'hex')",
        "count = 9",
        "leaves = leaves || decode('00', 'hex')",
        "first_id = first_id - 1",
    ],
)
def test_a_changed_seal_is_found(tx: db.Tx, change: str) -> None:
    links = chain(tx)
    with tampering(tx):
        tx.execute(text(f"UPDATE audit_seals SET {change} WHERE id = :id"), {"id": links[2].id})
    verdict = trail.verify(tx)
    assert (verdict.finding, verdict.seal_id) == ("seal_changed", links[2].id)


def test_a_removed_seal_is_found(tx: db.Tx) -> None:
    links = chain(tx)
    with tampering(tx):
        tx.execute(text("DELETE FROM audit_seals WHERE id = :id"), {"id": links[1].id})
    verdict = trail.verify(tx)
    assert (verdict.finding, verdict.seal_id) == ("seal_missing", links[2].id)


def test_a_trail_cut_at_its_end_is_found_by_whoever_noted_the_head(tx: db.Tx) -> None:
    links = chain(tx)
    noted = trail.verify(tx).head
    with tampering(tx):
        tx.execute(text("DELETE FROM audit_lines WHERE id >= :id"), {"id": links[2].first_id})
        tx.execute(text("DELETE FROM audit_seals WHERE id = :id"), {"id": links[2].id})
    assert trail.verify(tx).sound
    assert trail.verify(tx, noted).finding == "noted_missing"


def test_the_chain_does_not_depend_on_the_sessions_time_zone(tx: db.Tx) -> None:
    chain(tx)
    tx.execute(text("SET LOCAL TIME ZONE 'Asia/Shanghai'"))
    assert trail.verify(tx).sound


def test_lines_that_commit_late_are_sealed_later(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "early") as early:
        note(early, 3)  # has the lowest ids, and commits last
        with db.transaction(SYSTEM, "late") as late:
            note(late, 2)
        with db.transaction(SYSTEM, "seal") as tx:
            first = trail.seal(tx)
            assert first is not None
            assert first.count == 2
    with db.transaction(SYSTEM, "seal") as tx:
        second = trail.seal(tx)
        assert second is not None
        assert second.last_id < first.first_id
        assert trail.verify(tx).lines == 5


def test_many_writers_and_sealers_at_once_leave_one_sound_chain(fresh_database: str) -> None:
    def write() -> None:
        for _ in range(20):
            with db.transaction(SYSTEM, "write") as tx:
                note(tx, 5)

    def seal() -> None:
        for _ in range(20):
            with db.transaction(SYSTEM, "seal") as tx:
                trail.seal(tx, limit=7)

    threads = [threading.Thread(target=deed) for deed in (write, write, write, seal, seal)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.transaction(SYSTEM, "seal") as tx:
        while trail.seal(tx) is not None:
            pass
        verdict = trail.verify(tx)
        assert (verdict.finding, verdict.lines) == ("sound", 300)
        assert tx.exec(select(func.count()).select_from(AuditPending)).one() == 0
        assert tx.exec(select(func.sum(col(AuditSeal.count)))).one() == 300


def test_a_second_sealer_steps_aside(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "write") as tx:
        note(tx, 4)
    with db.transaction(SYSTEM, "one") as one:
        assert trail.seal(one, limit=2) is not None
        with db.transaction(SYSTEM, "two") as two:
            assert trail.seal(two) is None


def test_mei_and_the_council_read_their_own_areas_lines_only(tx: db.Tx) -> None:
    council, mei, kai = people.council(tx), people.mei(tx), people.kai(tx)
    note(tx, 3)
    note(tx, 2, KAIFA)
    for actor, count in ((council, 3), (mei, 3), (kai, 2), (people.wen(tx), 0)):
        tx.actor = actor
        assert len(trail.lines(tx, table="tasks")) == count
    tx.actor = mei
    newest = trail.lines(tx, table="tasks", limit=1)
    rest = trail.lines(tx, table="tasks", before=newest[0].id)
    assert [line.row_id for line in [*newest, *rest]] == ["2", "1", "0"]
    assert [line.row_id for line in trail.lines(tx, table="tasks", row_id="1", action="test")] == ["1"]


def test_the_council_recounts_what_was_done_by_local_day(tx: db.Tx) -> None:
    council = people.council(tx)
    tx.now = datetime(2026, 1, 20, 15, 59, tzinfo=UTC)
    tx.action = "callout.send"
    note(tx, 3)
    tx.now += timedelta(minutes=1)  # midnight in Daqing
    note(tx, 2)
    note(tx, 9, KAIFA)
    tx.actor = council
    since, until = datetime(2026, 1, 20, tzinfo=UTC), datetime(2026, 1, 21, tzinfo=UTC)
    assert trail.figures(tx, DONGFENG, since, until, "Asia/Shanghai") == [
        trail.Figure("2026-01-20", "callout.send", 3),
        trail.Figure("2026-01-21", "callout.send", 2),
    ]
    with pytest.raises(NotFound):
        trail.figures(tx, KAIFA, since, until, "Asia/Shanghai")


def test_lines_of_the_trail_itself_are_never_written(tx: db.Tx) -> None:
    chain(tx, seals=1)
    tables = set(tx.exec(select(AuditLine.table_name)))
    assert tables == {"tasks"}
    assert jurisdictions.listed(tx, "jurisdiction.read") == []
    assert tx.exec(select(Account)).all() == []


def test_every_verdict_has_words() -> None:
    findings = Verdict.__annotations__["finding"].__args__
    keys = [f"audit.verdict.{finding}" for finding in findings]
    assert [(lang, key) for lang in i18n.LANGUAGES for key in keys if not i18n.has(lang, key)] == []
