"""Who stands by is judged again when a place becomes free: passed over where they may serve no longer."""

from collections.abc import Iterator

import pytest

from tests.flows import callouts
from tests.flows.callouts import Sent, answer, messages, minutes_later, sent
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import mobilize, respond
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status


@pytest.fixture(autouse=True)
def ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from callouts.at_ten(monkeypatch)


def crowded(tx: Tx, *, way: int | None = None) -> Sent:
    """Ten have a place; crowd 9 and 10 stand by, the first of them ``way`` minutes away."""
    out = sent(tx, helpers=12)
    for person in [out.world.lin, *out.world.crowd[:9]]:
        answer(respond.accept, out.token(tx, person))
    answer(respond.accept, out.token(tx, out.world.crowd[9]), way)
    answer(respond.accept, out.token(tx, out.world.crowd[10]))
    return out


def states(tx: Tx, out: Sent) -> list[OfferState]:
    return [out.offer(tx, person).state for person in out.world.crowd[9:11]]


def test_who_was_suspended_meanwhile_is_passed_over_and_the_next_moves_up_and_is_told(tx: Tx) -> None:
    out = crowded(tx)
    tx.get_one(Volunteer, out.world.crowd[9].id).status = Status.SUSPENDED
    tx.flush()
    answer(respond.withdraw, out.token(tx, out.world.lin))
    assert states(tx, out) == [OfferState.STANDING_BY, OfferState.ACCEPTED]
    assert [one.volunteer_id for one in messages(tx, "promoted")] == [out.world.crowd[10].id]


def test_the_sweep_passes_over_them_too(tx: Tx) -> None:
    out = crowded(tx)
    first = tx.get_one(Volunteer, out.world.crowd[9].id)
    second = tx.get_one(Volunteer, out.world.crowd[10].id)
    first.status = second.status = Status.SUSPENDED
    tx.flush()
    answer(respond.withdraw, out.token(tx, out.world.lin))
    assert mobilize.move_up() == 0
    second.status = Status.ACTIVE
    tx.flush()
    assert mobilize.move_up() == 1
    assert states(tx, out) == [OfferState.STANDING_BY, OfferState.ACCEPTED]


def test_who_would_arrive_when_the_work_is_over_is_passed_over(tx: Tx) -> None:
    out = crowded(tx, way=120)
    with minutes_later(60 * 4):  # an hour before the end
        answer(respond.withdraw, out.token(tx, out.world.lin))
    assert states(tx, out) == [OfferState.STANDING_BY, OfferState.ACCEPTED]
