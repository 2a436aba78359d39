"""Who stands by is judged again when a place becomes free: passed over where they may serve no longer."""

from collections.abc import Callable, Iterator

import pytest

from tests.doors import client
from tests.flows import callouts
from tests.flows.callouts import Sent, answer, messages, minutes_later, sent
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import mobilize, respond
from volunteer_hub.incentives import queries as points
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.mobilization.standby_rules import PassedOver
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


def reasons(tx: Tx, out: Sent) -> list[PassedOver | None]:
    return [out.offer(tx, person).passed_over for person in out.world.crowd[9:11]]


def states(tx: Tx, out: Sent) -> list[OfferState]:
    return [out.offer(tx, person).state for person in out.world.crowd[9:11]]


def test_who_was_suspended_meanwhile_is_passed_over_and_the_next_moves_up_and_is_told(tx: Tx) -> None:
    out = crowded(tx)
    tx.get_one(Volunteer, out.world.crowd[9].id).status = Status.SUSPENDED
    tx.flush()
    answer(respond.withdraw, out.token(tx, out.world.lin))
    assert states(tx, out) == [OfferState.STANDING_BY, OfferState.ACCEPTED]
    assert reasons(tx, out) == [PassedOver.NOT_CALLABLE, None]
    assert [one.volunteer_id for one in messages(tx, "promoted")] == [out.world.crowd[10].id]
    page = client(out.world.mei).get(f"/callouts/{out.callout.public_id}?who=standing_by").text
    assert "Standing by, number 1, passed over: may not be called at present" in page


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
    assert reasons(tx, out) == [PassedOver.TOO_LATE, None]


@pytest.mark.parametrize("deed", [mobilize.close, mobilize.cancel])
def test_who_stood_by_is_told_and_paid_by_the_hour_when_let_go(
    tx: Tx, deed: Callable[[Tx, Callout], object]
) -> None:
    out = crowded(tx)
    first, second = out.world.crowd[9:11]
    with minutes_later(130), transaction(out.world.mei, "callout.cancel") as mei:
        deed(mei, mei.get_one(Callout, out.callout.id))
    told = messages(tx, "stood_down" if deed is mobilize.close else "cancelled")
    assert {first.id, second.id} <= {one.volunteer_id for one in told}
    rate = policy.load("rewards", Rewards).points.standby_hour
    assert [points.balance(tx, one.id) for one in (first, second, out.world.lin)] == [2 * rate, 2 * rate, 0]
