"""A running callout asks on: by the forecast, held back, hurried, widened; every wave written down."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from tests.flows.callouts import NOW, Sent, answer, at_ten, messages, minutes_later, planned, sent
from tests.world import world
from volunteer_hub.boards import promises
from volunteer_hub.core import clock, policy
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Malformed, Refused
from volunteer_hub.core.site import Night, Site
from volunteer_hub.flows import mobilize, respond, waves
from volunteer_hub.incidents import logbook
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization import waves as stored
from volunteer_hub.mobilization.models import Callout, Offer, PlanRun
from volunteer_hub.mobilization.rules import PlanState, WaveSource
from volunteer_hub.mobilization.wave_models import Wave, Widening
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import State
from volunteer_hub.volunteers import skills
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def out(tx: Tx) -> Sent:
    """Ten helpers chosen, and so many reserves besides as the minimum of 6 needs; Bo alone for first aid."""
    return sent(tx, helpers=10, reserves=120, crowd=140, nested=False)


def helpers(tx: Tx, out: Sent, wave: int) -> list[Offer]:
    """The helpers asked in a wave."""
    wanted = select(Offer).where(
        col(Offer.callout_id) == out.callout.id, col(Offer.slot_id) == out.helpers, col(Offer.wave) == wave
    )
    return list(tx.exec(wanted.order_by(col(Offer.id)).execution_options(populate_existing=True)))


def token_of(tx: Tx, out: Sent, offer: Offer) -> str:
    return out.token(tx, tx.get_one(Volunteer, offer.volunteer_id))


def all_sent(tx: Tx) -> None:
    """What waits to be sent has gone out."""
    for message in tx.exec(select(Message).where(col(Message.state) == State.QUEUED)):
        message.state, message.sent_at, message.next_at = State.SENT, tx.now, tx.now
    tx.flush()


def decided(tx: Tx, out: Sent) -> list[Wave]:
    return stored.of_callout(tx, out.callout.id)


def log(tx: Tx, out: Sent) -> list[str]:
    return [logbook.words("en", line) for line in logbook.entries(tx, out.world.incident)]


def test_sending_writes_down_the_first_wave_with_what_it_is_worth(tx: Tx, out: Sent) -> None:
    (first,) = decided(tx, out)
    assert (first.number, first.source, first.decided_by) == (1, WaveSource.PLAN, out.world.mei.id)
    assert first.people == len(messages(tx, "offer"))
    assert first.need == 6 + 1
    by_slot = {share["slot"]: share for share in first.slots}
    assert by_slot[out.helpers]["after"] >= 0.95
    assert first.after == pytest.approx(by_slot[out.aid]["after"], abs=1e-5)  # Bo alone is not sure
    assert {offer.chance for offer in helpers(tx, out, 1)} == {0.24}


def test_refusals_send_the_next_wave_within_moments_of_the_last_answer(tx: Tx, out: Sent) -> None:
    with minutes_later(3):
        waves.top_up()
    with minutes_later(4):
        for offer in helpers(tx, out, 1)[:8]:
            answer(respond.decline, token_of(tx, out, offer))
    with clock.fixed(NOW + timedelta(minutes=4, seconds=2)):
        asked = waves.top_up()
    assert asked > 0
    wave = decided(tx, out)[-1]
    (share,) = [share for share in wave.slots if share["slot"] == out.helpers]
    assert (wave.source, wave.decided_by) == (WaveSource.FORECAST, None)
    assert share["before"] < 0.95 <= share["after"]
    assert share["people"] == len(helpers(tx, out, wave.number))
    assert f"Wave {wave.number}: {asked} more people asked" in log(tx, out)


def test_while_nothing_is_heard_and_the_forecast_stands_nobody_more_is_asked(tx: Tx, out: Sent) -> None:
    answer(respond.accept, out.token(tx, out.world.bo))
    for offer in helpers(tx, out, 1)[:2]:
        answer(respond.accept, token_of(tx, out, offer))
    with minutes_later(3):
        assert waves.top_up() == 0
    callout = tx.get_one(Callout, out.callout.id, populate_existing=True)
    assert callout.looked_at == NOW + timedelta(minutes=3)
    assert callout.next_look_at is not None
    assert callout.looked_at < callout.next_look_at <= callout.looked_at + timedelta(minutes=10)


def test_enough_yeses_stop_the_waves(tx: Tx, out: Sent) -> None:
    answer(respond.accept, out.token(tx, out.world.bo))
    for offer in helpers(tx, out, 1)[:6]:
        answer(respond.accept, token_of(tx, out, offer))
    for minutes in (4, 15, 31, 59):
        with minutes_later(minutes):
            assert waves.top_up() == 0
    assert len(decided(tx, out)) == 1


def test_a_look_that_comes_after_the_end_changes_nothing(tx: Tx, out: Sent) -> None:
    mobilize.close(tx, out.callout)
    tx.now = NOW + timedelta(days=1)  # when all its work is over too
    assert waves.look(tx, out.callout) == 0


def test_a_yes_for_when_it_is_too_late_does_not_stop_them(tx: Tx, out: Sent) -> None:
    answer(respond.accept, out.token(tx, out.world.bo))
    first = helpers(tx, out, 1)
    for offer in first[:5]:
        answer(respond.accept, token_of(tx, out, offer), 20)
    answer(respond.accept, token_of(tx, out, first[5]), 3 * 60)  # two hours after the start
    for offer in first[6:]:
        answer(respond.decline, token_of(tx, out, offer))
    with minutes_later(4):
        assert waves.top_up() > 0
    assert decided(tx, out)[-1].need == 1


def test_silence_counts_from_when_the_question_went_out(tx: Tx, out: Sent) -> None:
    answer(respond.accept, out.token(tx, out.world.bo))
    with minutes_later(4):
        assert waves.top_up() == 0  # nothing was sent yet: nobody is silent
    all_sent(tx)
    with minutes_later(14):
        assert waves.top_up() > 0


def test_who_was_never_reached_is_neither_waited_for_nor_taken_as_a_refusal(tx: Tx, out: Sent) -> None:
    answer(respond.accept, out.token(tx, out.world.bo))
    with minutes_later(3):
        assert waves.top_up() == 0
    for message in tx.exec(select(Message).where(col(Message.purpose) == "offer")):
        if message.state is not State.CANCELLED:
            message.state = State.FAILED
    tx.flush()
    with minutes_later(13):
        assert waves.top_up() > 30


def test_a_held_callout_asks_nobody_until_it_goes_on(tx: Tx, out: Sent) -> None:
    with transaction(out.world.mei, "callout.hold") as mei:
        waves.hold(mei, mei.get_one(Callout, out.callout.id))
        waves.hold(mei, mei.get_one(Callout, out.callout.id))
    for offer in helpers(tx, out, 1)[:30]:
        answer(respond.decline, token_of(tx, out, offer))
    with minutes_later(9):
        assert waves.top_up() == 0
        with transaction(out.world.mei, "callout.resume") as mei:
            waves.resume(mei, mei.get_one(Callout, out.callout.id))
        assert waves.top_up() > 0
    said = log(tx, out)
    assert said.count("Callout held: no further wave goes out by itself") == 1
    assert "Callout goes on: waves go out by the forecast again" in said


def test_a_wave_by_hand_goes_at_once_even_while_held(tx: Tx, out: Sent) -> None:
    with minutes_later(1), transaction(out.world.mei, "callout.send") as mei:
        callout = mei.get_one(Callout, out.callout.id)
        waves.hold(mei, callout)
        assert waves.send_now(mei, callout, 4) == 4
    wave = decided(tx, out)[-1]
    assert (wave.number, wave.source, wave.decided_by, wave.people) == (
        2,
        WaveSource.PERSON,
        out.world.mei.id,
        4,
    )
    assert "Wave 2, sent by hand: 4 more people asked" in log(tx, out)
    assert len(helpers(tx, out, 2)) == 4


def test_by_hand_as_many_go_as_are_needed_without_the_silent(tx: Tx, out: Sent) -> None:
    with minutes_later(1), transaction(out.world.mei, "callout.send") as mei:
        asked = waves.send_now(mei, mei.get_one(Callout, out.callout.id))
    assert asked == len(helpers(tx, out, 2)) > 30


def test_nobody_is_asked_by_hand_when_all_is_met_or_nobody_is_left(tx: Tx) -> None:
    out = sent(tx, helpers=10, crowd=20)
    with pytest.raises(Refused) as refused, transaction(out.world.mei, "callout.send") as mei:
        waves.send_now(mei, mei.get_one(Callout, out.callout.id))
    assert refused.value.code == "callout.nobody_left"
    for offer in helpers(tx, out, 1):
        answer(respond.accept, token_of(tx, out, offer))
    answer(respond.accept, out.token(tx, out.world.bo))
    with transaction(out.world.mei, "callout.send") as mei:
        stored_fill = mei.get_one(Callout, out.callout.id)
        with pytest.raises(Refused) as enough:
            waves.send_now(mei, stored_fill)
    assert enough.value.code == "callout.nobody_left"  # first aid could still use a second
    with pytest.raises(Malformed), transaction(out.world.mei, "callout.send") as mei:
        waves.send_now(mei, mei.get_one(Callout, out.callout.id), 0)


def test_widening_asks_for_a_plan_whose_people_become_reserves(tx: Tx) -> None:
    out = sent(tx, helpers=10, crowd=140)
    w = out.world
    with transaction(w.mei, "callout.widen") as mei:
        wider = waves.widen(mei, mei.get_one(Callout, out.callout.id), 60)
        with pytest.raises(Refused) as again:
            waves.widen(mei, mei.get_one(Callout, out.callout.id), 60)
    assert again.value.code == "callout.widening"
    assert plans.latest(tx, w.incident.id) == out.plan  # not the incident's own plan
    assert stored.reach_of(tx, wider.id) == 60
    assert plans.claim(tx, 60) is not None
    found = [{"slot": out.helpers, "volunteer": person.id} for person in w.crowd[20:120]]
    with minutes_later(4):
        plans.finish(
            tx, wider.id, {"pairs": found[:2], "reserves": found[2:]}, objective={}, problem_digest="d"
        )
        assert waves.top_up() > 0
        with pytest.raises(Refused) as refused, transaction(w.mei, "plan.approve") as mei:
            plans.approve(
                mei, wider.id, local=NOW.time(), rules_of=mobilize.rules_of(), night=_night(), reason="x"
            )
    assert refused.value.code == "plan.widens"
    assert {offer.volunteer_id for offer in helpers(tx, out, 2)} <= {person.id for person in w.crowd[20:120]}
    assert "Callout widened: further people looked for, up to 60 km away" in log(tx, out)
    with pytest.raises(Malformed), transaction(w.mei, "callout.widen") as mei:
        waves.widen(mei, mei.get_one(Callout, out.callout.id), 0)


def test_what_was_approved_is_asked(tx: Tx) -> None:
    w = world(tx, crowd=140)
    plan = planned(tx, w, [(w.slots[0], w.lin)], [(w.slots[0], person) for person in w.crowd])
    with transaction(w.mei, "plan.approve") as mei:
        approved = plans.approve(
            mei,
            plan.id,
            local=NOW.time(),
            rules_of=mobilize.rules_of(),
            night=_night(),
            reason="rising",
            confidence=0.8,
        )
        assert approved.state is PlanState.APPROVED
    with transaction(w.mei, "callout.send") as mei:
        callout = mobilize.send(mei, mei.get_one(PlanRun, plan.id))
    assert callout.confidence == 0.8
    (first,) = stored.of_callout(tx, callout.id)
    assert 0.8 <= first.after < 0.85


def test_the_auditor_finds_a_wave_that_did_not_go_out(tx: Tx, out: Sent) -> None:
    late = timedelta(minutes=11)
    with clock.fixed(NOW + late), transaction(out.world.mei, "x") as later:
        assert [one for one in promises.broken(later) if one.code == "wave_unsent"] == []
    unsent = Wave(
        callout_id=out.callout.id,
        number=2,
        decided_at=NOW,
        source=WaveSource.FORECAST,
        before=0.1,
        after=0.95,
        need=1,
        people=3,
        slots=[],
    )
    tx.add(unsent)
    tx.flush()
    with clock.fixed(NOW + late), transaction(out.world.mei, "x") as later:
        (broken,) = [one for one in promises.broken(later) if one.code == "wave_unsent"]
    assert (broken.table, broken.ids) == ("waves", (unsent.id,))
    assert tx.exec(select(Widening)).all() == []


def test_a_first_aider_still_missing_among_enough_helpers_is_what_the_next_wave_asks_for(tx: Tx) -> None:
    out = sent(tx, helpers=10, reserves=60, crowd=140)
    able = [person for person in out.world.crowd[60:] if int(person.name.split()[1]) % 5 == 0][:12]
    for person in able:
        skills.certify(tx, person, "first_aid", number="1", expires_on=date(2099, 1, 1))
    plan = planned(tx, out.world, [], [(out.helpers, person) for person in out.world.crowd[60:]])
    tx.add(Widening(plan_run_id=plan.id, callout_id=out.callout.id, reach_km=60))
    answer(respond.accept, out.token(tx, out.world.bo))
    for offer in helpers(tx, out, 1)[:6]:
        answer(respond.accept, token_of(tx, out, offer))
    with minutes_later(4):
        assert waves.top_up() > 0
    asked = {offer.volunteer_id for offer in helpers(tx, out, 2)}
    assert asked <= {person.id for person in able}
    assert decided(tx, out)[-1].need == 1
    (share,) = decided(tx, out)[-1].slots
    assert share["before"] < 0.95 <= share["after"]


def _night() -> Night:
    site: Site = policy.load("hub", Site)
    return site.night
