"""The roll call: everybody told at once, accounted for once, whoever marks them; then it stays as it was."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select, text

from tests import people
from tests.databases import building
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, messages, minutes_later
from tests.flows.test_at_once import at_once
from tests.flows.test_field import check_in, coming, duty, logged
from tests.mobilization.rows import raises
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Gone, NotFound, Refused
from volunteer_hub.flows import close, field, respond, roll_call
from volunteer_hub.flows import duty as duties
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.mobilization import roll_calls
from volunteer_hub.mobilization.field_rules import Accounted, Place
from volunteer_hub.mobilization.models import Duty, RollCall, RollCallEntry
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def there(tx: Tx) -> Sent:
    """Bo is on site, Lin is on the way, one of the crowd is still at home."""
    sent = coming(tx)
    made.answer(respond.accept, sent.token(tx, sent.world.crowd[0]))
    check_in(tx, sent, sent.world.bo)
    field.on_my_way(tx, duty(tx, sent, sent.world.lin), 20)
    return sent


def started(sent: Sent, *, at: float = 70, task: bool = False) -> RollCall:
    """Mei starts one."""
    with minutes_later(at), transaction(sent.world.mei, "roll_call.start") as mei:
        incident = mei.get_one(Incident, sent.world.incident.id)
        return roll_call.start(mei, incident, mei.get_one(Task, sent.task(mei)) if task else None)


def says_safe(tx: Tx, sent: Sent, person: Volunteer, minutes: float = 72) -> None:
    with minutes_later(minutes), transaction(GUEST, "duty.safe") as own:
        roll_call.safe(own, duties.by_link(own, sent.token(tx, person)))


def marked(sent: Sent, call: RollCall, found: Duty, minutes: float = 73) -> RollCall:
    with minutes_later(minutes), transaction(sent.world.mei, "roll_call.mark") as mei:
        return roll_call.mark(mei, mei.get_one(RollCall, call.id), mei.get_one(Duty, found.id))


def listed(tx: Tx, call: RollCall) -> dict[int, tuple[str, Accounted | None]]:
    tx.expire_all()
    return {e.volunteer_id: (e.place.value, e.accounted) for e in roll_calls.entries(tx, call)}


def stored(tx: Tx, call: RollCall) -> RollCall:
    found = tx.get_one(RollCall, call.id)
    tx.refresh(found)
    return found


def test_whoever_is_there_or_on_the_way_is_told_and_it_ends_when_all_are_accounted_for(
    tx: Tx, there: Sent
) -> None:
    bo, lin = there.world.bo, there.world.lin
    call = started(there)
    assert listed(tx, call) == {bo.id: ("on_site", None), lin.id: ("en_route", None)}
    assert {m.volunteer_id for m in messages(tx, "evacuate")} == {bo.id, lin.id}
    says_safe(tx, there, bo)
    assert stored(tx, call).ended_at is None
    marked(there, call, duty(tx, there, lin))
    assert listed(tx, call) == {
        bo.id: ("on_site", Accounted.SELF),
        lin.id: ("en_route", Accounted.LEADER),
    }
    ended = stored(tx, call)
    assert (ended.ended_at, ended.missing, ended.ended_by) == (NOW + timedelta(minutes=73), 0, None)
    assert {m.state.value for m in messages(tx, "evacuate")} == {"cancelled"}
    assert logged(tx)[-2:] == ["roll_call_started", "roll_call_complete"]


def test_it_is_started_once_and_told_once(tx: Tx, there: Sent) -> None:
    first, again = started(there), started(there, at=71)
    of_task = started(there, at=71, task=True)
    assert (first.id == again.id, first.id == of_task.id) == (True, False)
    assert len(messages(tx, "evacuate")) == 4
    says_safe(tx, there, there.world.bo)
    assert [listed(tx, call)[there.world.bo.id][1] for call in (first, of_task)] == [Accounted.SELF] * 2


def test_whoever_checks_out_during_it_is_accounted_for(tx: Tx, there: Sent) -> None:
    call = started(there)
    with minutes_later(75), transaction(there.world.mei, "duty.release") as mei:
        duties.release(mei, mei.get_one(Duty, duty(tx, there, there.world.bo).id))
    assert listed(tx, call)[there.world.bo.id] == ("on_site", Accounted.LEFT)
    assert stored(tx, call).ended_at is None


def test_whoever_comes_while_it_runs_is_put_on_it_and_told(tx: Tx, there: Sent) -> None:
    call = started(there)
    late = there.world.crowd[0]
    with minutes_later(71):
        assert roll_call.sweep() == 0
    check_in(tx, there, late, 72)
    for minutes in (73, 74):
        with minutes_later(minutes):
            roll_call.sweep()
    assert listed(tx, call)[late.id] == (Place.ON_SITE.value, None)
    assert [m.volunteer_id for m in messages(tx, "evacuate")].count(late.id) == 1


def test_ended_by_hand_it_says_who_is_missing_and_is_frozen(tx: Tx, there: Sent) -> None:
    call = started(there)
    says_safe(tx, there, there.world.bo)
    with minutes_later(80), transaction(there.world.mei, "roll_call.end") as mei:
        roll_call.end(mei, mei.get_one(RollCall, call.id))
    ended = stored(tx, call)
    assert (ended.missing, ended.ended_by) == (1, there.world.mei.id)
    with raises(Gone, "field.roll_call_ended"):
        marked(there, call, duty(tx, there, there.world.lin), 81)
    says_safe(tx, there, there.world.lin, 82)  # late, but heard
    assert listed(tx, call)[there.world.lin.id] == ("en_route", None)
    for change in ("roll_calls SET missing = 0", "roll_call_entries SET accounted_by = NULL, place = 'left'"):
        with pytest.raises(IntegrityError, match="frozen"), tx.begin_nested():
            tx.execute(text(f"UPDATE {change}"))
    assert logged(tx)[-1] == "roll_call_ended"
    with minutes_later(85), transaction(there.world.mei, "roll_call.end") as mei:
        assert roll_call.end(mei, mei.get_one(RollCall, call.id)).ended_at == NOW + timedelta(minutes=80)


def test_there_is_none_where_nobody_is_or_all_is_over_and_closing_ends_it(tx: Tx, there: Sent) -> None:
    call = started(there)
    with minutes_later(90), transaction(there.world.mei, "incident.close") as mei:
        close.close(mei, mei.get_one(Incident, there.world.incident.id))
    assert stored(tx, call).missing == 1  # Lin, on the way, told that she need not come; nobody has seen her
    with raises(Refused, "field.over"):
        started(there, at=91)


def test_nobody_there_nothing_started(tx: Tx) -> None:
    with raises(Refused, "field.nobody_there"):
        started(coming(tx))
    assert tx.exec(select(RollCall)).all() == []


def test_only_who_may_write_duties_there_starts_marks_and_ends(tx: Tx, there: Sent) -> None:
    call, bo = started(there), duty(tx, there, there.world.bo)
    deeds: list[Any] = [
        lambda kai: roll_call.start(kai, kai.get_one(Incident, there.world.incident.id)),
        lambda kai: roll_call.mark(kai, call, bo),
        lambda kai: roll_call.end(kai, call),
        lambda kai: roll_calls.find(kai, "duty.write", call.public_id),
    ]
    for deed in deeds:
        with transaction(people.kai(tx), "roll_call") as kai, pytest.raises(NotFound):
            deed(kai)
    with pytest.raises(NotFound):
        marked(there, call, duty(tx, there, there.world.crowd[0]))


def test_two_leaders_who_mark_the_last_two_at_once_end_it_and_one_who_starts_it_twice_tells_once(
    fresh_database: str,
) -> None:
    with building() as tx:
        sent = coming(tx)
        crew = [check_in(tx, sent, person) for person in (sent.world.bo, sent.world.lin)]
    for minutes in (70, 80, 90):
        call, *others = at_once([partial(started, sent, at=minutes)] * 4)
        assert {one.id for one in others} == {call.id}
        at_once([partial(marked, sent, call, one, minutes + 1) for one in crew * 2])
        with transaction(SYSTEM, "test") as tx:
            assert stored(tx, call).missing == 0
    with transaction(SYSTEM, "test") as tx:
        assert len(messages(tx, "evacuate")) == 6
        entries = tx.exec(select(RollCallEntry)).all()
        assert [(len(entries), {entry.accounted for entry in entries})] == [(6, {Accounted.LEADER})]


def test_two_workers_alert_command_of_each_person_once(fresh_database: str) -> None:
    with building() as tx:
        sent = coming(tx)
        with transaction(sent.world.mei, "field.timer") as mei:
            field.set_timer(mei, mei.get_one(Task, sent.task(mei)), 20)
        for person in (sent.world.bo, sent.world.lin):
            check_in(tx, sent, person)
    with minutes_later(75):
        assert sum(at_once([field.sweep] * 4)) == 2
    with minutes_later(81):
        assert sum(at_once([field.sweep] * 4)) == 2
    with transaction(SYSTEM, "test") as tx:
        deeds = {m.dedupe_key.partition(":alert_")[0]: m.params for m in messages(tx, "alert_ok_overdue")}
        assert sum(params["missing"] for params in deeds.values()) == 2
        assert len(messages(tx, "ok_reminder")) == 2
