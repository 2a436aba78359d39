"""People at work: on the way, well, overdue once, hurt; forgotten when they ask for it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from tests import people
from tests.databases import building
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, messages, minutes_later
from tests.flows.callouts import duty_of as duty
from tests.flows.test_forget import dump
from tests.mobilization.rows import raises
from volunteer_hub.audit.models import AuditLine
from volunteer_hub.core import db, vault
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Forbidden, Malformed, NotFound, Refused
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import field, forget, respond
from volunteer_hub.incidents.models import Incident, LogEntry, Task
from volunteer_hub.mobilization import injuries, places
from volunteer_hub.mobilization.field_rules import Harm, Severity, Treated
from volunteer_hub.mobilization.injuries import Happened
from volunteer_hub.mobilization.models import Duty, Injury
from volunteer_hub.mobilization.rules import DutyState
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    return coming(tx)


def coming(tx: Tx) -> Sent:
    """Bo and Lin are expected at eleven."""
    return made.coming(tx, helpers=3, crowd=4)


def check_in(tx: Tx, sent: Sent, person: Volunteer, minutes: float = 60) -> Duty:
    """They are there, by their own code."""
    token, code = sent.token(tx, person), places.duty_code(sent.offer(tx, person))
    with minutes_later(minutes), transaction(GUEST, "duty.check_in") as own:
        duties.check_in(own, duties.by_link(own, token), code)
    return duty(tx, sent, person)


def timer(sent: Sent, minutes: int | None, at: float = 0) -> None:
    """Mei sets how often everybody at the task says that they are OK."""
    with minutes_later(at), transaction(sent.world.mei, "field.timer") as mei:
        field.set_timer(mei, mei.get_one(Task, sent.task(mei)), minutes)


def say_ok(tx: Tx, sent: Sent, person: Volunteer, minutes: float) -> None:
    with minutes_later(minutes), transaction(GUEST, "field.ok") as own:
        field.ok(own, duties.by_link(own, sent.token(tx, person)))


def logged(tx: Tx) -> list[str | None]:
    return [line.event for line in tx.exec(select(LogEntry).order_by(LogEntry.id))]


def test_whoever_is_on_the_way_says_when_they_are_there_and_is_waited_for(tx: Tx, sent: Sent) -> None:
    token = sent.token(tx, sent.world.bo)
    with minutes_later(50), transaction(GUEST, "duty.on_my_way") as own:
        field.on_my_way(own, duties.by_link(own, token), 90)
    bo = duty(tx, sent, sent.world.bo)
    assert (bo.en_route_at, bo.arrives_at) == (NOW + timedelta(minutes=50), NOW + timedelta(minutes=140))
    with minutes_later(199):
        assert duties.no_shows() == 1
    assert duty(tx, sent, sent.world.lin).state is DutyState.NO_SHOW
    assert duty(tx, sent, sent.world.bo).state is DutyState.EXPECTED
    with minutes_later(200):
        assert duties.no_shows() == 1


def test_setting_out_is_for_the_expected_and_for_a_day_at_most(tx: Tx, sent: Sent) -> None:
    bo = check_in(tx, sent, sent.world.bo)
    with raises(Refused, "field.not_expected"):
        field.on_my_way(tx, bo, 5)
    with raises(Malformed, "offer.minutes_there"):
        field.on_my_way(tx, duty(tx, sent, sent.world.lin), 1441)


def test_whoever_gives_the_place_back_and_takes_it_again_is_not_on_the_way(tx: Tx, sent: Sent) -> None:
    token = sent.token(tx, sent.world.bo)
    field.on_my_way(tx, duty(tx, sent, sent.world.bo), 20)
    made.answer(respond.withdraw, token)
    made.answer(respond.accept, token)
    assert duty(tx, sent, sent.world.bo).en_route_at is None


def test_they_are_reminded_once_then_command_is_alerted_once_and_an_ok_begins_it_anew(
    tx: Tx, sent: Sent
) -> None:
    timer(sent, 20)
    bo = check_in(tx, sent, sent.world.bo)
    assert bo.ok_due_at == NOW + timedelta(minutes=80)
    with minutes_later(73.9):
        assert field.sweep() == 0
    for minutes in (74, 75, 79):
        with minutes_later(minutes):
            field.sweep()
    assert [m.volunteer_id for m in messages(tx, "ok_reminder")] == [sent.world.bo.id]
    for minutes in (80, 81, 95):
        with minutes_later(minutes):
            field.sweep()
    assert {m.params["missing"] for m in messages(tx, "alert_ok_overdue")} == {1}
    assert len({m.dedupe_key.partition(":alert_")[0] for m in messages(tx, "alert_ok_overdue")}) == 1
    say_ok(tx, sent, sent.world.bo, 96)
    bo = duty(tx, sent, sent.world.bo)
    assert (bo.ok_at, bo.ok_due_at) == (NOW + timedelta(minutes=96), NOW + timedelta(minutes=116))
    assert logged(tx)[-2:] == ["ok_overdue", "ok_back"]
    with minutes_later(116):
        field.sweep()
    assert len({m.dedupe_key.partition(":alert_")[0] for m in messages(tx, "alert_ok_overdue")}) == 2


def test_an_ok_takes_the_reminder_back_and_a_check_out_ends_the_waiting(tx: Tx, sent: Sent) -> None:
    timer(sent, 20)
    check_in(tx, sent, sent.world.bo)
    lin = check_in(tx, sent, sent.world.lin)
    with minutes_later(75):
        assert field.sweep() == 2
    say_ok(tx, sent, sent.world.bo, 76)
    with minutes_later(77), transaction(sent.world.mei, "duty.release") as mei:
        duties.release(mei, mei.get_one(Duty, lin.id))
    assert {m.state.value for m in messages(tx, "ok_reminder")} == {"cancelled"}
    with minutes_later(95):
        assert field.sweep() == 1
    assert messages(tx, "alert_ok_overdue") == []


def test_a_timer_begins_for_those_on_site_when_it_is_set_and_ends_when_it_is_taken_away(
    tx: Tx, sent: Sent
) -> None:
    assert check_in(tx, sent, sent.world.bo).ok_due_at is None
    timer(sent, 30, at=70)
    assert duty(tx, sent, sent.world.bo).ok_due_at == NOW + timedelta(minutes=100)
    timer(sent, None, at=80)
    assert duty(tx, sent, sent.world.bo).ok_due_at is None
    with minutes_later(200):
        assert field.sweep() == 0
    assert logged(tx)[-2:] == ["ok_timer_set", "ok_timer_off"]


def test_a_hazard_may_ask_for_it_by_itself(tx: Tx, sent: Sent) -> None:
    sent.world.incident.hazard = tx.get_one(Incident, sent.world.incident.id).hazard = "gas_leak"
    tx.flush()
    assert check_in(tx, sent, sent.world.bo).ok_due_at == NOW + timedelta(minutes=80)
    timer(sent, None, at=61)
    assert check_in(tx, sent, sent.world.lin, 62).ok_due_at is None


def test_only_who_may_write_duties_there_sets_timers_and_speaks_for_others(tx: Tx, sent: Sent) -> None:
    bo, task = check_in(tx, sent, sent.world.bo), tx.get_one(Task, sent.task(tx))
    for actor, error in ((people.kai(tx), NotFound), (people.council(tx), Forbidden)):
        with transaction(actor, "field.timer") as other:
            with pytest.raises(error):
                field.set_timer(other, task, 20)
            with pytest.raises(error):
                field.ok(other, bo)
    with minutes_later(70), transaction(sent.world.mei, "field.ok") as mei:
        field.ok(mei, mei.get_one(Duty, bo.id))
    assert duty(tx, sent, sent.world.bo).ok_at == NOW + timedelta(minutes=70)
    with minutes_later(70), pytest.raises(Refused, match=r"field\.not_on_site"):
        say_ok(tx, sent, sent.world.lin, 70)
    with pytest.raises(Malformed, match=r"field\.ok_minutes"):
        timer(sent, 4)


WORDS = "Zhao Xiaofeng-Uniquename cut his hand at Lane Quietwater"


def test_an_injury_is_written_down_counted_and_command_hears_of_it_without_a_word(tx: Tx, sent: Sent) -> None:
    bo = check_in(tx, sent, sent.world.bo)
    what = Happened(Harm.INJURY, Severity.SERIOUS, WORDS, NOW, "Lane Quietwater", Treated.ON_SITE)
    field.injured_by_own(tx, bo, what, to_me=True)
    with transaction(sent.world.mei, "field.injury") as mei:
        incident = mei.get_one(Incident, sent.world.incident.id)
        near = Happened(Harm.NEAR_MISS, Severity.MINOR, "A beam fell beside us", NOW)
        field.injured(mei, incident, None, near)
        field.injured(mei, incident, None, near, person=bo.public_id)
        with pytest.raises(NotFound):
            field.injured(mei, incident, None, near, person=incident.public_id)
        with pytest.raises(Malformed, match=r"field\.words_missing"):
            field.injured(mei, incident, None, Happened(Harm.INJURY, Severity.MINOR, "  ", NOW))
        assert injuries.counts(mei, incident.id) == {
            (Harm.INJURY, Severity.SERIOUS): 1,
            (Harm.NEAR_MISS, Severity.MINOR): 2,
        }
        assert [row.volunteer_id for row in injuries.of_incident(mei, incident.id)] == [
            sent.world.bo.id,
            None,
            sent.world.bo.id,
        ]
    alerts = messages(tx, "alert_injury")
    assert {m.params["what"]["en"] for m in alerts} == {"injury"}  # Mei knows what she wrote herself
    said = [f"{line.text}{line.data}" for line in tx.exec(select(LogEntry))]
    assert not any("Xiaofeng" in one or "beam" in one for one in said + [str(m.params) for m in alerts])
    with transaction(people.kai(tx), "field.injury") as kai, pytest.raises(NotFound):
        field.injured(kai, incident, None, near)


def test_the_trail_holds_what_happened_sealed_and_only_as_long_as_the_person_is_known(
    tx: Tx, sent: Sent
) -> None:
    bo = check_in(tx, sent, sent.world.bo)
    with transaction(sent.world.mei, "field.injury") as mei:
        incident = mei.get_one(Incident, sent.world.incident.id)
        field.injured(
            mei, incident, None, Happened(Harm.INJURY, Severity.MINOR, WORDS, NOW), person=bo.public_id
        )
    lines = [line for line in tx.exec(select(AuditLine)) if line.table_name == "injuries"]
    assert len(lines) == 1
    sealed = lines[0].changes["words"][1]
    assert "Xiaofeng" not in str(lines[0].changes)
    assert WORDS in str(vault.unseal(tx, sealed["of"], sealed["sealed"]))
    with minutes_later(90), transaction(sent.world.mei, "duty.release") as mei:
        duties.release(mei, mei.get_one(Duty, bo.id))
    forget.erase(tx, registry.one(tx, sent.world.bo.id, lock=True))
    assert vault.unseal(tx, sealed["of"], sealed["sealed"]) is None


def test_after_forgetting_a_dump_holds_no_word_of_it_and_the_count_stays(fresh_database: str) -> None:
    with building() as tx:
        sent = coming(tx)
        bo, lin = sent.world.bo, sent.world.lin
        duty_of_bo, duty_of_lin = (duty(tx, sent, person) for person in (bo, lin))
        of_bo = Happened(Harm.INJURY, Severity.MINOR, WORDS, NOW, "Lane Quietwater")
    with db.transaction(sent.world.mei, "field.injury") as mei:
        incident = mei.get_one(Incident, sent.world.incident.id)
        field.injured(mei, incident, None, of_bo, person=duty_of_bo.public_id)
    with db.transaction(GUEST, "field.injury") as own:
        by_lin = Happened(Harm.NEAR_MISS, Severity.MINOR, "Lin Seldomname saw it", NOW)
        field.injured_by_own(own, duties.by_link(own, sent.token(own, lin)), by_lin, to_me=False)
    assert duty_of_lin.volunteer_id == lin.id
    before = dump(fresh_database)
    assert [word in before for word in ("Uniquename", "Quietwater", "Seldomname")] == [True] * 3
    with db.transaction(sent.world.mei, "volunteer.erase") as mei:
        for person in (bo, lin):
            forget.by_staff(mei, person.public_id)
    after = dump(fresh_database)
    assert [word in after for word in ("Uniquename", "Quietwater", "Seldomname")] == [False] * 3
    with db.transaction(SYSTEM, "test") as tx:
        assert len(tx.exec(select(Injury)).all()) == 2
