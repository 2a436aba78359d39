"""What is read of callouts: the board, lists, the offer's page, and what the planner asks."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import event

from tests.mobilization import rows
from tests.mobilization.rows import HOUR, NOW, RULES, World
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.mobilization import answers, attendance, busy, offers, places, queries
from volunteer_hub.mobilization.queries import SlotFigures
from volunteer_hub.mobilization.rules import Evidence, Kind, OfferState, Outcome

EPOCH_MINUTES = int(NOW.timestamp() // 60)


@pytest.fixture
def world(tx: Tx) -> World:
    """Two places in one slot, none asked for yet in the other's hours; seven people asked for both."""
    return rows.plant(tx, [2, 1], 7, [(1, 9), (20, 21)])


def play(tx: Tx, world: World) -> None:
    """On site, accepted, standing by, declined, withdrawn, not me, silent."""
    for person in (0, 1, 2):
        offers.accept(tx, world.offer(person))
    duty = attendance.of_offer(tx, world.offer(0))
    assert duty is not None
    attendance.confirm_in(tx, duty, Evidence.LEADER)
    offers.decline(tx, world.offer(3), RULES)
    offers.accept(tx, world.offer(4))
    offers.withdraw(tx, world.offer(4), RULES)
    offers.not_me(tx, world.offer(5), RULES)


def queries_of(tx: Tx, read: Callable[[], object]) -> int:
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    connection = tx.connection()
    event.listen(connection, "before_cursor_execute", counted)
    read()
    event.remove(connection, "before_cursor_execute", counted)
    return count


def test_the_board_counts_people_by_what_they_do(tx: Tx, world: World) -> None:
    play(tx, world)
    tx.now = NOW + HOUR
    first, second = queries.board(tx, [world.callout.id])[world.callout.id]
    assert first == SlotFigures(
        slot_id=world.slots[0],
        minimum=1,
        target=1,
        maximum=2,
        filled=2,
        queued=0,
        asked=7,
        accepted=1,
        standing_by=1,
        declined=3,
        silent=1,
        on_site=1,
        done=0,
        no_show=0,
    )
    assert (second.asked, second.filled, second.silent) == (7, 0, 7)


def test_nobody_is_silent_before_the_time_to_answer_has_passed(tx: Tx, world: World) -> None:
    assert [slot.silent for slot in queries.board(tx, [world.callout.id])[world.callout.id]] == [0, 0]


def test_a_slot_without_offers_is_on_the_board_with_zeros(tx: Tx, world: World) -> None:
    other = rows.send(tx, [3], [])
    assert queries.board(tx, [other.callout.id])[other.callout.id][0].asked == 0


def test_the_board_of_three_callouts_is_one_query_as_of_one(tx: Tx, world: World) -> None:
    ids = [world.callout.id, *(rows.send(tx, [1], world.people).callout.id for _ in range(2))]
    assert queries_of(tx, lambda: queries.board(tx, ids[:1])) == 1
    assert queries_of(tx, lambda: queries.board(tx, ids)) == 1
    assert sorted(queries.board(tx, ids)) == ids
    tx.actor = rows.staff(1, "/1/4/")
    assert queries.board(tx, ids) == {}


def test_offers_are_paged_by_id_without_gap_or_repeat(tx: Tx, world: World) -> None:
    play(tx, world)
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page, after = queries.offers_of(tx, world.callout.id, after=after, limit=4)
        seen += [offer.id for offer in page]
    assert seen == [offer.id for offer in world.offers]
    standing, _ = queries.offers_of(tx, world.callout.id, states=(OfferState.STANDING_BY,))
    assert standing == [world.offer(2)]
    second, _ = queries.offers_of(tx, world.callout.id, slot_id=world.slots[1])
    assert len(second) == 7
    tx.actor = rows.staff(1, "/1/4/")
    assert queries.offers_of(tx, world.callout.id) == ([], None)


def test_a_volunteer_sees_their_offers_latest_duty_first(tx: Tx, world: World) -> None:
    assert queries.offers_of_volunteer(tx, world.people[0]) == [world.offer(0, 1), world.offer(0, 0)]


def test_an_offers_page_says_what_accepting_would_come_to(tx: Tx, world: World) -> None:
    def page(person: int) -> queries.OfferPage:
        return queries.offer_page(tx, offers.link_token(world.offer(person).public_id))

    assert (page(0).would, page(0).code, page(0).duty) == (Outcome.ACCEPTED, None, None)
    play(tx, world)
    assert [page(person).would for person in (0, 2, 3, 5, 6)] == [
        Outcome.STANDS,
        Outcome.STANDS,
        Outcome.STANDING_BY,
        Outcome.NOT_ME,
        Outcome.STANDING_BY,
    ]
    shown = page(1)
    assert (shown.filled, shown.maximum, shown.code) == (2, 2, places.duty_code(world.offer(1)))
    assert shown.duty == attendance.of_offer(tx, world.offer(1))
    assert shown.changed is False
    offers.change(tx, world.slots[0])
    assert (page(1).changed, page(3).changed) == (True, False)
    with rows.raises(NotFound, "offer.link_unknown"):
        queries.offer_page(tx, "nothing")


def test_the_planner_learns_who_is_held_when(tx: Tx, world: World) -> None:
    play(tx, world)
    offers.accept(tx, world.offer(1, 1))
    held = busy.held(tx, NOW, NOW + 24 * HOUR)
    assert list(zip(held.volunteer, held.starts - EPOCH_MINUTES, held.ends - EPOCH_MINUTES, strict=True)) == [
        (world.people[0], 60, 540),
        (world.people[1], 60, 540),
        (world.people[1], 1200, 1260),
    ]
    assert list(busy.held(tx, NOW + 9 * HOUR, NOW + 20 * HOUR).volunteer) == []
    assert list(busy.held(tx, NOW, NOW + 2 * HOUR, [world.people[0], 0]).volunteer) == [world.people[0]]


def test_the_planner_learns_what_people_have_behind_them(tx: Tx, world: World) -> None:
    play(tx, world)
    tx.now = NOW + 3 * HOUR
    duty = attendance.of_offer(tx, world.offer(1))
    assert duty is not None
    attendance.confirm_in(tx, duty, Evidence.LEADER)
    tx.now = NOW + 5 * HOUR
    attendance.confirm_out(tx, duty, Evidence.LEADER)

    def known(hours_from_now: float, window: int = 24) -> list[tuple[int, int, int]]:
        work = busy.served(tx, NOW + timedelta(hours=hours_from_now), window)
        table = zip(work.volunteer, work.last_end - EPOCH_MINUTES, work.minutes, strict=True)
        return [tuple(int(value) for value in row) for row in table]

    bo, lin = world.people[:2]
    assert known(6) == [(bo, 360, 360), (lin, 300, 120)]
    assert known(4) == [(bo, 240, 240), (lin, 240, 60)]
    assert known(6, window=2) == [(bo, 360, 120), (lin, 300, 60)]
    assert known(8, window=2) == [(bo, 480, 120)]
    assert known(0) == []
    assert busy.served(tx, NOW, volunteers=[bo]).minutes.dtype == np.int64


def test_the_planner_learns_who_was_asked_and_served_lately(tx: Tx, world: World) -> None:
    play(tx, world)
    duty = attendance.of_offer(tx, world.offer(0))
    assert duty is not None
    attendance.confirm_out(tx, duty, Evidence.LEADER)
    burden = busy.burden(tx, NOW - HOUR, world.people[:2])
    assert [tuple(row) for row in zip(burden.volunteer, burden.asked, burden.served, strict=True)] == [
        (world.people[0], 2, 1),
        (world.people[1], 2, 0),
    ]
    assert len(busy.burden(tx, NOW + HOUR).volunteer) == 0


def test_answers_are_counted_by_kind_since_a_moment(tx: Tx, world: World) -> None:
    play(tx, world)
    assert answers.counts(tx, Kind.DRILL, NOW) == answers.Counts(asked=14, answered=5, accepted=3)
    assert answers.counts(tx, Kind.REAL, NOW) == answers.Counts(0, 0, 0)
    assert answers.counts(tx, Kind.DRILL, NOW + HOUR) == answers.Counts(0, 0, 0)
