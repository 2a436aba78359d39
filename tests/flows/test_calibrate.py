"""Callouts that are over teach the answer model, which the next one asks; who is forgotten is not in it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from tests.flows import callouts
from tests.flows.callouts import NOW, Sent, answer, minutes_later, sent
from volunteer_hub.boards import slots
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.engine.answer_model.data import Fitted
from volunteer_hub.flows import beliefs, calibrate, close, forget, mobilize, respond
from volunteer_hub.flows.beliefs import Belief, Beliefs
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization import answers
from volunteer_hub.mobilization.answer_models import AnswerVersion
from volunteer_hub.mobilization.answer_rules import cell
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Channel, State

MAIL_BY_DAY = cell("email", "day", "real")


@pytest.fixture(autouse=True)
def ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from callouts.at_ten(monkeypatch)


def handed_over(tx: Tx, *unless: int) -> None:
    """Every question has gone out, but to these people, whom it did not reach."""
    for message in tx.exec(select(Message).where(col(Message.purpose) == "offer")):
        message.state = State.FAILED if message.volunteer_id in unless else State.SENT
        message.sent_at = tx.now
    tx.flush()


def sums(tx: Tx) -> dict[int, tuple[int, float, float]]:
    """Person -> cell, asks and yeses, as if all were asked on the first day."""
    rows = tx.execute(text("SELECT volunteer_id, cell, asks, yes FROM answer_people"))
    day = (NOW - NOW.replace(year=2020, month=1, day=1, hour=0)) / timedelta(days=1)
    return {who: (at, asks / 2 ** (day / 365), yes / 2 ** (day / 365)) for who, at, asks, yes in rows}


@pytest.fixture
def out(tx: Tx) -> Sent:
    """Lin said yes, two said no, one was not reached; Bo and five more are silent."""
    out = sent(tx, helpers=9)
    handed_over(tx, out.world.crowd[2].id)
    with minutes_later(4):
        answer(respond.accept, out.token(tx, out.world.lin))
        for person in out.world.crowd[:2]:
            answer(respond.decline, out.token(tx, person))
    return out


def swept(minutes: float) -> int:
    with minutes_later(minutes):
        mobilize.expire()
        return calibrate.sweep()


def test_a_callout_that_is_over_teaches_once_and_only_what_reached_people(tx: Tx, out: Sent) -> None:
    assert swept(60) == 0
    assert (swept(13 * 60), swept(14 * 60)) == (1, 0)
    found = sums(tx)
    w = out.world
    assert set(found) == {w.lin.id, w.bo.id, *(p.id for p in w.crowd[:2]), *(p.id for p in w.crowd[3:8])}
    assert found[w.lin.id] == (MAIL_BY_DAY, pytest.approx(1, rel=1e-3), pytest.approx(1, rel=1e-3))
    assert found[w.crowd[0].id][2] == 0
    first, second = tx.exec(select(AnswerVersion).order_by(col(AnswerVersion.id))).all()
    assert (first.anew, second.anew, second.callouts, second.asks) == (False, True, 1, 9)
    one, other = (Fitted.of(version.fitted) for version in (first, second))
    assert one.asks[0, MAIL_BY_DAY] == pytest.approx(other.asks[0, MAIL_BY_DAY])
    assert one.delays[MAIL_BY_DAY].sum() == pytest.approx(one.yes[0, MAIL_BY_DAY])


def test_the_next_callout_believes_of_each_what_was_learned(tx: Tx, out: Sent) -> None:
    fact = next(iter(slots.of(tx, [out.helpers]).values()))
    w, people = out.world, [out.world.lin.id, out.world.crowd[0].id, out.world.crowd[12].id]
    assert {of(tx, people, one, fact) for one in people} == {Belief(0.24, 36.0)}
    swept(13 * 60)
    with clock.fixed(NOW + timedelta(days=1)), db.read(SYSTEM) as later:
        yes, no, never = (of(later, people, one, fact) for one in people)
    assert yes.chance > never.chance > no.chance
    assert never.chance < 0.24  # one yes of nine in this community
    assert 36 < yes.strength == no.strength < 36 + 9
    assert not yes.measured
    assert beliefs.basis([yes, no]).asks == round(yes.strength)
    assert w.lin.id in people


def of(tx: Tx, people: list[int], one: int, fact: slots.SlotFacts) -> Belief:
    return Beliefs(tx, people).of(Channel.EMAIL, fact, one)


def test_silence_that_was_cut_short_tells_less(tx: Tx, out: Sent) -> None:
    with minutes_later(6), db.transaction(out.world.mei, "incident.close") as as_mei:
        close.close(as_mei, as_mei.merge(out.world.incident))
    swept(60)
    found = sums(tx)
    assert found[out.world.crowd[0].id][1] == pytest.approx(1, rel=1e-3)
    assert 0.3 < found[out.world.crowd[5].id][1] < 0.6
    delays = Fitted.of(answers.latest(tx).fitted).delays if answers.latest(tx) else None
    assert delays is not None
    assert not delays.any()


def test_a_person_forgotten_is_in_no_sum(tx: Tx, out: Sent) -> None:
    swept(13 * 60)
    gone = out.world.crowd[0]
    with clock.fixed(NOW + timedelta(days=2)):
        with db.transaction(SYSTEM, "volunteer.erase") as as_system:
            forget.by_staff(as_system, gone.public_id)
        assert gone.id not in sums(tx)
        assert calibrate.anew() is not None
    assert gone.id not in sums(tx)
    assert tx.execute(text("SELECT count(*) FROM answer_asks")).scalar_one() == 8


def test_drills_teach_of_drills(tx: Tx) -> None:
    out = sent(tx, helpers=5, kind=Kind.DRILL)
    handed_over(tx)
    swept(13 * 60)
    assert {at for at, _, _ in sums(tx).values()} == {cell("email", "day", "drill")}
    assert out.callout.id
