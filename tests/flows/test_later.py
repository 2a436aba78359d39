"""Who says "later" holds no place, and is asked first when their hour has come."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from tests.boards.cases import add_task
from tests.doors import client
from tests.flows.callouts import NOW, Sent, answer, at_ten, messages, minutes_later, send, sent
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Refused
from volunteer_hub.flows import respond, waves
from volunteer_hub.incidents.models import RoleSlot
from volunteer_hub.incidents.rules import SlotSpec
from volunteer_hub.mobilization.models import Callout, Offer, SlotFill
from volunteer_hub.mobilization.rules import DeclineReason, OfferState, Outcome
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def one_more(out: Sent) -> int:
    """Mei sends a wave of one person for each role that is short."""
    with transaction(out.world.mei, "callout.send") as tx:
        return waves.send_now(tx, tx.get_one(Callout, out.callout.id), 1)


def offers_to(tx: Tx, person: Volunteer) -> list[Offer]:
    mine = select(Offer).where(col(Offer.volunteer_id) == person.id).order_by(col(Offer.id))
    return list(tx.exec(mine.execution_options(populate_existing=True)))


def test_a_yes_for_when_too_little_is_left_holds_no_place_and_keeps_the_hour(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    lin, other = out.world.lin, out.world.crowd[0]
    last = int((out.offer(tx, lin).ends_at - NOW) / timedelta(minutes=1)) - 60
    answer(respond.accept, out.token(tx, other), last)
    assert answer(respond.accept, out.token(tx, lin), last + 1).outcome is Outcome.DECLINED
    offer = out.offer(tx, lin)
    assert (offer.state, offer.decline_reason) == (OfferState.DECLINED, DeclineReason.LATER)
    assert offer.later_from == NOW + timedelta(minutes=last + 1)
    assert out.offer(tx, other).state is OfferState.ACCEPTED
    page = client().get(f"/c/{out.token(tx, lin)}").text
    assert "We note it and ask again when somebody is needed then." in page
    answer(respond.accept, out.token(tx, lin), 30)  # they can come sooner after all
    assert (out.offer(tx, lin).state, out.offer(tx, lin).later_from) == (OfferState.ACCEPTED, None)


def test_a_slot_may_say_itself_how_long_is_of_use(tx: Tx) -> None:
    out = sent(tx, helpers=1)
    tx.get_one(RoleSlot, out.helpers).useful_minutes = 0
    again = send(tx, out.world, [(out.helpers, out.world.crowd[0])])
    fill = tx.get_one(SlotFill, (out.helpers, again.callout.id))
    assert fill.useful_minutes == 0
    left = int((again.offer(tx, out.world.crowd[0]).ends_at - NOW) / timedelta(minutes=1))
    answer(respond.accept, again.token(tx, out.world.crowd[0]), left - 1)
    assert again.offer(tx, out.world.crowd[0]).state is OfferState.ACCEPTED


def test_who_said_later_is_asked_first_when_the_hour_has_come(tx: Tx) -> None:
    out = sent(tx, helpers=10)
    lin = out.world.lin
    answer(respond.accept, out.token(tx, out.world.bo))
    answer(respond.accept, out.token(tx, lin))
    answer(respond.later, out.token(tx, lin), NOW + timedelta(minutes=20))
    assert out.offer(tx, lin).state is OfferState.WITHDRAWN
    with minutes_later(19), pytest.raises(Refused, match=r"callout\.nobody_left"):
        one_more(out)
    assert out.offer(tx, lin).state is OfferState.WITHDRAWN
    with minutes_later(20):
        one_more(out)
        asked = out.offer(tx, lin)
        assert (asked.state, asked.wave, asked.asked_at) == (OfferState.ASKED, 2, NOW + timedelta(minutes=20))
        assert [m.volunteer_id for m in messages(tx, "offer")].count(lin.id) == 2
        answer(respond.accept, out.token(tx, lin), 10)
    assert out.offer(tx, lin).state is OfferState.ACCEPTED


def test_the_next_period_with_the_same_need_asks_them_first(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    w, lin, bo = out.world, out.world.lin, out.world.bo
    same = SlotSpec(minimum=3, target=3, maximum=3)
    (night,) = add_task(tx, w, same, begin=8)
    for person in (lin, bo):  # first aid is another need
        answer(respond.later, out.token(tx, person), NOW + timedelta(hours=7))
    after = send(tx, w, [(night, w.crowd[1])], [(night, person) for person in w.crowd[5:10]])
    one_more(after)
    assert [offer.slot_id for offer in offers_to(tx, lin)] == [out.helpers, night]
    assert [offer.slot_id for offer in offers_to(tx, bo)] == [out.aid]
