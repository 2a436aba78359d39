"""Text messages at the same moment as each other and as links: one place, one letter, nobody lost."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest
from sqlmodel import select

from tests.flows.callouts import Sent, answer, at_ten, messages
from tests.flows.test_at_once import at_once, made, out, tokens
from tests.world import World
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.db import transaction
from volunteer_hub.flows import reply, respond
from volunteer_hub.notify import replies, reply_rules
from volunteer_hub.notify.models import ReplyLetter


@pytest.fixture(autouse=True)
def _ten_o_clock(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def texted(number: str, words: str, sid: str) -> str:
    """What the door does with one text."""
    form = {"MessageSid": sid, "From": number, "Body": words}
    with transaction(SYSTEM, "reply.receive") as tx:
        kept = reply.receive(tx, form)
    with transaction(GUEST, "offer.answer") as tx:
        return reply.judge(tx, kept)


def everybody(w: World) -> list[str]:
    return [f"+86139{n:08d}" for n in range(1, 9)]  # Bo, Lin and the crowd of six


def states(callout: Sent) -> Counter[str]:
    with transaction(SYSTEM, "test") as tx:
        return Counter(callout.states(tx))


def test_by_text_and_by_link_at_once_is_one_place_and_one_letter() -> None:
    w = made()
    callout = out(w, [w.lin])
    (token,) = tokens(callout, [w.lin])
    at_once(
        [
            partial(texted, everybody(w)[1], "1", "SM1"),
            partial(answer, respond.accept, token, 20),
            partial(texted, everybody(w)[1], "yes", "SM2"),
            partial(texted, everybody(w)[1], "yes", "SM2"),
        ]
    )
    assert states(callout) == {"accepted": 1}
    with transaction(SYSTEM, "test") as tx:
        assert len(messages(tx, "accepted")) == 1


def test_a_storm_of_yes_in_two_hours_fills_the_places_and_no_more() -> None:
    w = made()
    callout = out(w, [w.bo, w.lin, *w.crowd])
    words = [
        "yes in 2 hours",
        "两小时后到",
        "2小时",
        "A1 120",
        "Yes, in two hours",
        "A3 120",
        "好的 2小时后到",
        "1 120",
    ]
    with transaction(SYSTEM, "test") as tx:
        offers = [callout.offer(tx, person) for person in (w.bo, w.lin, *w.crowd)]
        replies.give_letters(tx, {offer.id: offer.volunteer_id for offer in offers})
    at_once([partial(texted, n, said, f"SM{n}") for n, said in zip(everybody(w), words, strict=True)])
    assert states(callout) == {"accepted": 2, "standing_by": 6}
    with transaction(SYSTEM, "test") as tx:
        offers = [callout.offer(tx, person) for person in (w.bo, w.lin, *w.crowd)]
        assert {offer.minutes_there for offer in offers} == {120}


def test_two_senders_never_give_one_person_the_same_letter_twice() -> None:
    w = made()
    first, second = out(w, [w.lin]), out(w, [w.lin])

    def give(callout: Sent) -> None:
        with transaction(SYSTEM, "message.take") as tx:
            replies.give_letters(tx, {callout.offer(tx, w.lin).id: w.lin.id})

    at_once([partial(give, first), partial(give, second), partial(give, first), partial(give, second)])
    with transaction(SYSTEM, "test") as tx:
        numbers = sorted(tx.exec(select(ReplyLetter.number)).all())
    assert [reply_rules.letter(number) for number in numbers] == ["A", "B"]
