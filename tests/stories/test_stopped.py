"""The process stops at every single call to the database, of each deed in turn: all of it is done or nothing.

A fork does the deed and ends itself, without a word, at the N-th call; COMMIT counts as one. The next fork
tries again and gets one call further, until one lives to the end; then everything is repeated, as a client
would who never heard. After every death the promises hold and no row has been left behind.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select
from sqlmodel import SQLModel

from tests.databases import building
from tests.flows.callouts import NOW, Sent, approved, coming, duty_of, planned, sent
from tests.invariants import broken
from tests.world import world
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import mobilize
from volunteer_hub.mobilization import attendance, offers, places
from volunteer_hub.mobilization.desk import Reply
from volunteer_hub.mobilization.models import Offer, PlanRun
from volunteer_hub.mobilization.rules import Answer, Evidence, OfferState
from volunteer_hub.web import answer_batch

DIED, LIVED, FAILED = 0, 10, 20
Deed = Callable[[], object]


@pytest.fixture(autouse=True)
def _ten_o_clock(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    with clock.fixed(NOW):
        yield
    monkeypatch.undo()
    settings.cache_clear()


def rows() -> dict[str, int]:
    """How many rows each table holds."""
    tables = SQLModel.metadata.tables
    counts = [select(func.count()).select_from(table).scalar_subquery() for table in tables.values()]
    with db.read(SYSTEM) as tx:
        return dict(zip(tables, tx.execute(select(*counts)).one(), strict=True))


def faults() -> dict[str, int]:
    with db.read(SYSTEM) as tx:
        return broken(tx)


def stopped_at(call: int, deed: Deed) -> int:
    """What became of a process that does the deed and dies at that call to the database."""
    child = os.fork()
    if child == 0:
        ended = FAILED
        try:
            db.engine().dispose(close=False)  # the parent's connections are not ours
            _die_at(call)
            deed()
            ended = LIVED
        finally:
            os._exit(ended)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _die_at(call: int) -> None:
    left = [call]

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os._exit(DIED)

    event.listen(db.engine(), "before_cursor_execute", count)
    event.listen(db.engine(), "commit", count)


def stopped_everywhere(deed: Deed) -> int:
    """Stops the deed at each of its calls; how many there are. It is done once at the end, and then again."""
    before, call = (rows(), faults()), 1
    while (ended := stopped_at(call, deed)) == DIED:
        assert (rows(), faults()) == before, f"stopped at call {call}"
        call += 1
    assert ended == LIVED
    done = rows()
    assert done != before[0]
    assert stopped_at(10**6, deed) == LIVED
    assert (rows(), faults()) == (done, {})
    return call - 1


def the_offer(out: Sent) -> Offer:
    with db.read(SYSTEM) as tx:
        return out.offer(tx, out.world.lin)


def answering(out: Sent) -> Deed:
    token = offers.link_token(the_offer(out).public_id)

    def deed() -> None:
        [result] = answer_batch.record([(token, Reply(Answer.ACCEPT, 20))])
        if isinstance(result, Exception):
            raise result

    return deed


def on_duty(out: Sent, verb: Callable[..., object]) -> Deed:
    offer = the_offer(out)

    def deed() -> None:
        with db.transaction(GUEST, "duty.link") as tx:
            duty = duties.by_link(tx, offers.link_token(offer.public_id))
            verb(tx, duty, places.duty_code(offer))

    return deed


def test_an_answer_a_check_in_and_its_settlement_are_whole_or_nothing() -> None:
    with building() as tx:
        out = sent(tx, helpers=3, crowd=3)
    assert stopped_everywhere(answering(out)) > 10
    with clock.fixed(NOW + timedelta(hours=1)):
        assert stopped_everywhere(on_duty(out, duties.check_in)) > 5
    with clock.fixed(NOW + timedelta(hours=4)):
        assert stopped_everywhere(on_duty(out, duties.check_out)) > 10
    with db.read(SYSTEM) as tx:
        assert out.offer(tx, out.world.lin).state is OfferState.DONE


def test_a_callout_goes_out_whole_or_not_at_all() -> None:
    with building() as tx:
        w = world(tx, crowd=3)
        plan = approved(w, planned(tx, w, [(w.slots[0], w.lin), (w.slots[1], w.bo)]))

    def deed() -> None:
        # Sent again, it is refused in words.
        with suppress(Refused), db.transaction(w.mei, "callout.send") as as_mei:
            mobilize.send(as_mei, as_mei.get_one(PlanRun, plan.id))

    assert stopped_everywhere(deed) > 10


def test_duties_settled_together_are_all_settled_or_none() -> None:
    with building() as tx:
        out = coming(tx, helpers=2, crowd=2)
        for person in (out.world.bo, out.world.lin):
            duty = duty_of(tx, out, person)
            attendance.check_in_here(tx, duty, Evidence.POSITION)
            attendance.check_out_here(tx, duty, Evidence.POSITION)
    assert faults() == {"duties done without hours": 2}
    assert stopped_everywhere(duties.settle_ended) > 10
