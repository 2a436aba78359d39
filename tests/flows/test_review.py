"""Doubtful hours wait for a second person: not for whoever entered them, not for the person themselves."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests import people
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, messages, minutes_later
from tests.flows.callouts import duty_of as duty
from tests.mobilization import rows
from volunteer_hub.access.models import Account
from volunteer_hub.core.actor import GUEST, Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import review as flow
from volunteer_hub.incentives import queries as points
from volunteer_hub.incentives import review
from volunteer_hub.incentives.models import ServiceHours
from volunteer_hub.incentives.review import Decision
from volunteer_hub.incentives.rules import Review
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.attendance import Seen
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import Evidence
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    """Bo and Lin have said that they come."""
    return made.coming(tx)


def typed(tx: Tx, sent: Sent, person: Volunteer, minutes: int = 185) -> ServiceHours:
    """Mei types in afterwards when somebody came and went."""
    key = duty(tx, sent, person).id
    with minutes_later(300), transaction(sent.world.mei, "duty.check_out") as mei:
        came = NOW + timedelta(minutes=60)
        duties.confirm_in(mei, mei.get_one(Duty, key), Evidence.TYPED, came)
        out = duties.confirm_out(
            mei, mei.get_one(Duty, key), Evidence.TYPED, came + timedelta(minutes=minutes)
        )
    assert (out.points, out.held) == (None, True)
    return hours(tx, key)


def hours(tx: Tx, duty_id: int) -> ServiceHours:
    found = review.of_duty(tx, duty_id)
    assert found is not None
    tx.refresh(found)
    return found


def decide(tx: Tx, actor: Actor, held: ServiceHours, *more: object) -> ServiceHours:
    with minutes_later(400), transaction(actor, "hours.decide") as own:
        return flow.decide(own, held.public_id, *more)  # type: ignore[arg-type]  # as the door gives them


def second(tx: Tx) -> Actor:
    """Another coordinator of Mei's district."""
    return rows.staff(rows.account(tx, "Wei"))


def test_hours_typed_in_pay_once_somebody_else_has_accepted_them(tx: Tx, sent: Sent) -> None:
    bo, wei = sent.world.bo, second(tx)
    held = typed(tx, sent, bo)
    assert (held.state, [flag["code"] for flag in held.flags], held.counts) == (
        Review.WAITING,
        ["typed"],
        False,
    )
    assert points.hours(tx, bo.id) == points.Hours(counted=0, other=0, duties=1, waiting=185)
    assert [m.volunteer_id for m in messages(tx, "hours_held")] == [bo.id]
    with rows.raises(Refused, "hours.entered"):
        decide(tx, sent.world.mei, held, Decision.ACCEPT)
    with pytest.raises(NotFound):
        decide(tx, people.kai(tx), held, Decision.ACCEPT)

    assert decide(tx, wei, held, Decision.ACCEPT).decided_by == wei.id
    assert points.balance(tx, bo.id) == 30
    assert points.hours(tx, bo.id) == points.Hours(counted=185, other=0, duties=1)
    [told] = messages(tx, "hours_decided")
    assert (told.volunteer_id, told.params["result"]["en"]) == (bo.id, "Accepted: 185 min, 30 points.")
    with rows.raises(Refused, "hours.decided"):
        decide(tx, wei, held, Decision.REFUSE, "too late")


def test_nobody_decides_on_their_own_hours(tx: Tx, sent: Sent) -> None:
    bo, wei = sent.world.bo, second(tx)
    held = typed(tx, sent, bo)
    tx.get_one(Volunteer, bo.id).email = tx.get_one(Account, wei.id or 0).email.upper()
    tx.flush()
    with rows.raises(Refused, "hours.own"):
        decide(tx, wei, held, Decision.ACCEPT)


def test_a_refusal_needs_a_reason_and_somebody_else_decides_the_appeal(tx: Tx, sent: Sent) -> None:
    bo, wei = sent.world.bo, second(tx)
    held = typed(tx, sent, bo)
    with rows.raises(Malformed, "points.reason"):
        decide(tx, wei, held, Decision.REFUSE)
    with rows.raises(Malformed, "hours.minutes"):
        decide(tx, wei, held, Decision.CORRECT, "less", None)
    decide(tx, wei, held, Decision.CORRECT, "He left after an hour.", 70)
    assert (points.balance(tx, bo.id), points.hours(tx, bo.id).counted) == (10, 70)

    with transaction(GUEST, "hours.appeal") as own:
        mine = duties.by_link(own, sent.token(tx, bo))
        flow.appeal(own, mine, "I left at two, ask Lin.")
        with rows.raises(Refused, "hours.no_appeal"):
            flow.appeal(own, mine, "And again.")
    tx.refresh(held)
    assert held.state is Review.WAITING
    with rows.raises(Refused, "hours.appeal_other"):
        decide(tx, wei, held, Decision.REFUSE, "No.")
    other = rows.staff(rows.account(tx, "Hua"))
    with rows.raises(Malformed, "points.reason"):
        decide(tx, other, held, Decision.ACCEPT)
    decide(tx, other, held, Decision.ACCEPT, "Lin says so too.")
    assert (points.balance(tx, bo.id), points.hours(tx, bo.id).counted) == (30, 185)
    assert [line.entry.points for line in points.statement(tx, bo.id)] == [20, 10]
    review.forget(tx, bo.id)
    assert hours(tx, held.duty_id).appeal is None


def test_an_appeal_that_changes_no_whole_hour_writes_no_entry(tx: Tx, sent: Sent) -> None:
    bo = sent.world.bo
    held = typed(tx, sent, bo)
    decide(tx, second(tx), held, Decision.CORRECT, "He left after an hour.", 70)
    with transaction(GUEST, "hours.appeal") as own:
        flow.appeal(own, duties.by_link(own, sent.token(tx, bo)), "It was a little longer.")
    tx.refresh(held)
    decide(tx, rows.staff(rows.account(tx, "Hua")), held, Decision.CORRECT, "Ten minutes longer.", 80)
    assert points.hours(tx, bo.id).counted == 80
    assert [line.entry.points for line in points.statement(tx, bo.id)] == [10]


def test_refused_hours_never_pay(tx: Tx, sent: Sent) -> None:
    bo = sent.world.bo
    held = typed(tx, sent, bo)
    decide(tx, second(tx), held, Decision.REFUSE, "He was at work.")
    assert points.balance(tx, bo.id) == 0
    assert points.hours(tx, bo.id) == points.Hours(counted=0, other=0, duties=0)


def test_own_check_ins_by_one_telephone_for_many_wait(tx: Tx) -> None:
    out = made.sent(tx, helpers=4, nested=False)
    crew = [out.world.bo, out.world.lin, *out.world.crowd[:2]]
    for person in crew:
        made.answer(made.respond.accept, out.token(tx, person))
    held = []
    for n, person in enumerate(crew):
        link, digits = out.token(tx, person), places.duty_code(out.offer(tx, person))
        for minute, deed in ((60 + n, duties.check_in), (200 + n, duties.check_out)):
            with minutes_later(minute), transaction(GUEST, "duty.check_in") as own:
                deed(own, duties.by_link(own, link), digits, Seen(device=b"one", metres=20 + n))
        held.append([flag["code"] for flag in hours(tx, duty(tx, out, person).id).flags])
    assert held == [[], [], [], ["device"]]
    paid = points.balances(tx, [person.id for person in crew])
    assert list(paid.values()) == [20, 20, 20, 0]
