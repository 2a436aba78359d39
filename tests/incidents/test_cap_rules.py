from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.incidents.cap_documents import SENDER, SENT, document, info, reference, stamp
from volunteer_hub.core.i18n import has
from volunteer_hub.core.policy import SHIPPED, read
from volunteer_hub.incidents.cap import parse
from volunteer_hub.incidents.cap_model import CapAlert, Severity
from volunteer_hub.incidents.cap_rules import Colour, Decision, Kind, KnownAlert, Why, decide
from volunteer_hub.incidents.policy import Hazards

HOUR = timedelta(hours=1)
NOW = SENT + 2 * HOUR
INCIDENT = 7
TABLES = read(SHIPPED / "hazards.toml", Hazards)


def alert(*infos: str, **fields: Any) -> CapAlert:
    return parse(document(*(infos or (info(),)), **fields))


def stored(message: CapAlert, incident: int | None = None) -> KnownAlert:
    return KnownAlert(message.reference, message.status, message.msg_type, message.references, incident)


def outcome(message: CapAlert, *known: KnownAlert, now: datetime = NOW) -> tuple[Kind, Why | None]:
    decision = decide(message, known, now, TABLES)
    return decision.kind, decision.why


FIRST = alert()
UPDATE = alert(identifier="snow-2", msg_type="Update", sent=SENT + HOUR, references=reference())
CANCEL = alert(identifier="snow-3", msg_type="Cancel", sent=SENT + 2 * HOUR, references=reference())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("Actual", Kind.PROPOSE),
        ("Exercise", Kind.PROPOSE_DRILL),
        ("Test", Kind.IGNORE_TEST),
        ("System", Kind.IGNORE_TEST),
        ("Draft", Kind.IGNORE_TEST),
    ],
)
def test_the_status_is_a_gate(status: str, kind: Kind) -> None:
    assert outcome(alert(status=status)) == (kind, None)


def test_a_repeat_changes_nothing_whatever_its_status() -> None:
    assert decide(FIRST, [stored(FIRST, INCIDENT)], NOW, TABLES) == Decision(Kind.REPEAT)
    test = alert(status="Test")
    assert decide(test, [stored(test)], NOW, TABLES) == Decision(Kind.REPEAT)


def test_an_alert_whose_every_block_is_over_is_only_shown() -> None:
    old = alert(info(expires=NOW))
    assert outcome(old) == (Kind.EXPIRED, None)
    assert decide(old, [], NOW, TABLES).expired
    assert outcome(old, now=SENT) == (Kind.PROPOSE, None)


def test_one_block_still_in_force_is_enough_and_only_it_counts() -> None:
    message = alert(info(severity="Extreme", event="x", expires=SENT), info(severity="Minor", event="y"))
    decision = decide(message, [], NOW, TABLES)
    assert (decision.kind, decision.severity, decision.expired) == (Kind.PROPOSE, Severity.MINOR, False)
    assert [block.event for block in decision.infos] == ["y"]


def test_an_alert_without_an_end_lasts_a_day() -> None:
    message = alert(info(expires=None))
    assert outcome(message, now=SENT + 23 * HOUR) == (Kind.PROPOSE, None)
    assert outcome(message, now=SENT + 24 * HOUR) == (Kind.EXPIRED, None)


def test_an_alert_without_an_end_lasts_a_day_from_its_onset_or_when_it_takes_effect() -> None:
    onset = f"<onset>{stamp(SENT + 10 * HOUR)}</onset>"
    effective = f"<effective>{stamp(SENT + 5 * HOUR)}</effective>"
    for more, hours in ((onset, 34), (effective, 29), (effective + onset, 34)):
        message = alert(info(expires=None, more=more))
        assert outcome(message, now=SENT + hours * HOUR - timedelta(seconds=1)) == (Kind.PROPOSE, None)
        assert outcome(message, now=SENT + hours * HOUR) == (Kind.EXPIRED, None)


def test_an_update_acts_on_the_incident_it_references() -> None:
    decision = decide(UPDATE, [stored(FIRST, INCIDENT)], NOW, TABLES)
    assert (decision.kind, decision.incident_ids) == (Kind.UPDATE, (INCIDENT,))
    assert decision.acts_on == (FIRST.reference,)


def test_an_update_of_an_alert_that_led_to_nothing_is_proposed() -> None:
    decision = decide(UPDATE, [stored(FIRST)], NOW, TABLES)
    assert (decision.kind, decision.why) == (Kind.PROPOSE, None)
    assert (decision.acts_on, decision.incident_ids) == ((FIRST.reference,), ())


def test_an_update_or_cancellation_of_something_never_seen_is_kept() -> None:
    assert outcome(UPDATE) == (Kind.KEEP, Why.REFERENCE_UNSEEN)
    assert outcome(CANCEL) == (Kind.KEEP, Why.REFERENCE_UNSEEN)
    assert outcome(replace(UPDATE, references=())) == (Kind.KEEP, Why.NO_REFERENCES)


def test_a_cancellation_needs_no_block_and_no_incident() -> None:
    bare = replace(CANCEL, infos=())
    decision = decide(bare, [stored(FIRST)], NOW, TABLES)
    assert (decision.kind, decision.incident_ids, decision.acts_on) == (Kind.CANCEL, (), (FIRST.reference,))
    assert decide(bare, [stored(FIRST, INCIDENT)], NOW + 48 * HOUR, TABLES).kind is Kind.CANCEL


@pytest.mark.parametrize("msg_type", ["Update", "Cancel"])
def test_nobody_else_may_touch_an_incident(msg_type: str) -> None:
    foreign = alert(
        identifier="x", sender="mallory@example", msg_type=msg_type, sent=SENT + HOUR, references=reference()
    )
    assert outcome(foreign, stored(FIRST, INCIDENT)) == (Kind.KEEP, Why.OTHER_SENDER)


@pytest.mark.parametrize("msg_type", ["Update", "Cancel"])
def test_an_exercise_cannot_touch_a_real_incident_nor_the_reverse(msg_type: str) -> None:
    drill = alert(
        identifier="d", status="Exercise", msg_type=msg_type, sent=SENT + HOUR, references=reference()
    )
    assert outcome(drill, stored(FIRST, INCIDENT)) == (Kind.KEEP, Why.OTHER_STATUS)
    real = alert(identifier="r", msg_type=msg_type, sent=SENT + HOUR, references=reference())
    assert outcome(real, stored(alert(status="Exercise"), INCIDENT)) == (Kind.KEEP, Why.OTHER_STATUS)


def test_a_test_cancellation_does_nothing() -> None:
    test = alert(identifier="t", status="Test", msg_type="Cancel", sent=SENT + HOUR, references=reference())
    assert outcome(test, stored(FIRST, INCIDENT)) == (Kind.IGNORE_TEST, None)


def test_an_older_update_that_comes_late_is_ignored() -> None:
    newer = alert(identifier="snow-9", msg_type="Update", sent=SENT + 90 * HOUR / 60, references=reference())
    assert outcome(UPDATE, stored(FIRST, INCIDENT), stored(newer, INCIDENT)) == (Kind.STALE, None)
    before = replace(UPDATE, sent=SENT - HOUR)
    assert outcome(before, stored(FIRST, INCIDENT)) == (Kind.STALE, None)


def test_an_alert_whose_update_led_to_an_incident_comes_too_late() -> None:
    assert outcome(FIRST, stored(UPDATE, INCIDENT)) == (Kind.STALE, None)
    assert outcome(FIRST, stored(UPDATE)) == (Kind.PROPOSE, None)


def test_of_two_messages_of_one_moment_the_second_to_come_is_ignored() -> None:
    twin = replace(UPDATE, sent=SENT)
    assert outcome(twin, stored(FIRST, INCIDENT)) == (Kind.STALE, None)


def test_a_clock_that_is_an_hour_ahead_is_believed_and_not_a_second_more() -> None:
    twin = replace(UPDATE, sent=SENT)
    assert outcome(twin, stored(FIRST, INCIDENT), now=SENT - HOUR) == (Kind.STALE, None)
    sooner = SENT - HOUR - timedelta(seconds=1)
    assert outcome(twin, stored(FIRST, INCIDENT), now=sooner) == (Kind.KEEP, Why.SENT_IN_FUTURE)
    late = replace(UPDATE, sent=SENT - HOUR)
    assert outcome(late, stored(FIRST, INCIDENT), now=sooner) == (Kind.KEEP, Why.REFERENCE_UNSEEN)


def test_an_older_cancellation_does_not_undo_a_newer_update() -> None:
    newer = alert(identifier="snow-9", msg_type="Update", sent=SENT + 2.5 * HOUR, references=reference())
    known = (stored(FIRST, INCIDENT), stored(newer, INCIDENT))
    assert outcome(CANCEL, *known, now=NOW + HOUR) == (Kind.STALE, None)


def test_what_was_cancelled_stays_cancelled() -> None:
    known = (stored(FIRST, INCIDENT), stored(CANCEL, INCIDENT))
    later = alert(identifier="snow-9", msg_type="Update", sent=SENT + 3 * HOUR, references=reference())
    again = alert(identifier="snow-9", msg_type="Cancel", sent=SENT + 3 * HOUR, references=reference())
    assert outcome(later, *known, now=NOW + HOUR) == (Kind.KEEP, Why.CANCELLED_BEFORE)
    assert outcome(again, *known, now=NOW + HOUR) == (Kind.KEEP, Why.CANCELLED_BEFORE)


def test_an_alert_overtaken_by_its_cancellation_is_not_proposed() -> None:
    assert outcome(FIRST, stored(CANCEL)) == (Kind.KEEP, Why.CANCELLED_BEFORE)
    foreign = stored(replace(CANCEL, sender="mallory@example"))
    assert outcome(FIRST, foreign) == (Kind.PROPOSE, None)


def test_an_alert_names_what_waited_for_it_in_the_order_sent() -> None:
    second = replace(UPDATE, identifier="snow-5", sent=SENT + 1.5 * HOUR)
    decision = decide(FIRST, [stored(second), stored(UPDATE)], NOW, TABLES)
    assert decision.kind is Kind.PROPOSE
    assert decision.then == (UPDATE.reference, second.reference)


def settle(order: tuple[CapAlert, ...]) -> tuple[int, str]:
    """A miniature of the caller: every proposal opens an incident, waiting messages are decided again.
    How many incidents were opened, and which message they follow in the end."""
    shelf: dict[str, tuple[CapAlert, int | None]] = {}
    opened, state = 0, "none"

    def take(message: CapAlert) -> None:
        nonlocal opened, state
        shelf.pop(message.identifier, None)
        known = [stored(m, incident) for m, incident in shelf.values()]
        decision = decide(message, known, NOW + HOUR, TABLES)
        incident = decision.incident_ids[0] if decision.incident_ids else None
        if decision.kind is Kind.PROPOSE:
            opened += 1
            state, incident = message.identifier, INCIDENT
        elif decision.kind is Kind.UPDATE:
            state = message.identifier
        elif decision.kind is Kind.CANCEL and decision.incident_ids:
            state = "cancelled"
        shelf[message.identifier] = (message, incident)
        for waiting in decision.then:
            take(shelf[waiting.identifier][0])

    for message in order:
        take(message)
    return opened, state


LAST_UPDATE = alert(
    identifier="snow-4",
    msg_type="Update",
    sent=SENT + 1.5 * HOUR,
    references=f"{reference()} {reference('snow-2')}",
)


@pytest.mark.parametrize("order", list(permutations((FIRST, UPDATE, LAST_UPDATE))))
def test_updates_in_any_order_end_at_the_newest(order: tuple[CapAlert, ...]) -> None:
    assert settle(order) == (1, "snow-4")


@pytest.mark.parametrize("order", list(permutations((FIRST, UPDATE, LAST_UPDATE, CANCEL))))
def test_a_cancellation_in_any_order_leaves_no_open_incident(order: tuple[CapAlert, ...]) -> None:
    opened, state = settle(order)
    assert (opened, state) == ((1, "cancelled") if opened else (0, "none"))


def test_an_alert_issued_again_under_its_identifier_is_an_update() -> None:
    again = alert(sent=SENT + HOUR)
    assert outcome(again, stored(FIRST, INCIDENT)) == (Kind.UPDATE, None)
    assert outcome(FIRST, stored(again, INCIDENT)) == (Kind.STALE, None)


@pytest.mark.parametrize("msg_type", ["Ack", "Error"])
def test_acknowledgements_do_nothing(msg_type: str) -> None:
    message = alert(identifier="a", msg_type=msg_type, references=reference())
    assert outcome(message, stored(FIRST, INCIDENT)) == (Kind.KEEP, Why.ACKNOWLEDGEMENT)


def test_an_alert_without_blocks_proposes_nothing() -> None:
    assert outcome(replace(FIRST, infos=())) == (Kind.KEEP, Why.NO_INFO)
    decision = decide(replace(FIRST, infos=()), [], NOW, TABLES)
    assert (decision.info("en"), decision.colour, decision.hazard, decision.place) == (None,) * 4


def test_an_all_clear_proposes_nothing_but_updates_an_incident() -> None:
    clear = info(more="<responseType>AllClear</responseType>")
    assert outcome(alert(clear)) == (Kind.KEEP, Why.ALL_CLEAR)
    update = alert(clear, identifier="c", msg_type="Update", sent=SENT + HOUR, references=reference())
    assert outcome(update, stored(FIRST)) == (Kind.KEEP, Why.ALL_CLEAR)
    assert outcome(update, stored(FIRST, INCIDENT)) == (Kind.UPDATE, None)


def test_an_expired_update_changes_nothing() -> None:
    late = alert(
        info(expires=NOW), identifier="u", msg_type="Update", sent=SENT + HOUR, references=reference()
    )
    assert outcome(late, stored(FIRST, INCIDENT)) == (Kind.EXPIRED, None)


def test_a_message_from_the_future_is_kept_and_blocks_no_later_one() -> None:
    future = replace(UPDATE, identifier="f", sent=NOW + 24 * HOUR)
    assert outcome(future, stored(FIRST, INCIDENT)) == (Kind.KEEP, Why.SENT_IN_FUTURE)
    assert outcome(UPDATE, stored(FIRST, INCIDENT), stored(future)) == (Kind.UPDATE, None)


def test_the_reader_gets_their_language_and_the_gravest_block_in_it() -> None:
    message = alert(
        info(language="en-CA", event="snow", severity="Minor"),
        info(language="en", event="blizzard", severity="Severe", urgency="Expected"),
        info(language="EN_us", event="blizzard now", severity="Severe", urgency="Immediate"),
        info(language="fr-CA", event="blizzard", severity="Extreme"),
        info(language="zh-TW", event="大雪", severity="Minor"),
    )
    decision = decide(message, [], NOW, TABLES)
    english, chinese = decision.info("en"), decision.info("zh")
    assert english is not None
    assert chinese is not None
    assert (english.event, chinese.event) == ("blizzard now", "大雪")
    assert decision.severity is Severity.EXTREME


def test_a_reader_without_their_language_gets_the_gravest_of_all() -> None:
    message = alert(
        info(language="fr", event="neige", severity="Severe"), info(language="de", severity="Minor")
    )
    shown = decide(message, [], NOW, TABLES).info("zh")
    assert shown is not None
    assert shown.event == "neige"


@pytest.mark.parametrize(
    ("block", "colour"),
    [
        (info(event="暴雪蓝色预警", severity="Extreme"), "blue"),
        (info(event="暴雨红色预警", severity="Minor"), "red"),
        (info(event="暴雪", more="<headline>气象台发布暴雪黄色预警</headline>"), "yellow"),
        (
            info(
                event="水庫洩洪",
                more="<parameter><valueName>alert_color</valueName><value>紅色</value></parameter>",
            ),
            "red",
        ),
        (
            info(more="<parameter><valueName>team</valueName><value>红色救援队</value></parameter>"),
            "orange",
        ),
        (info(event="大雪", severity="Extreme"), "red"),
        (info(event="大雪", severity="Severe"), "orange"),
        (info(event="大雪", severity="Moderate"), "yellow"),
        (info(event="大雪", severity="Minor"), "blue"),
    ],
)
def test_the_colour_named_wins_over_the_severity(block: str, colour: Colour) -> None:
    assert decide(alert(block), [], NOW, TABLES).colour == colour


def test_the_gravest_colour_of_all_blocks_counts_in_whatever_language() -> None:
    message = alert(info(event="暴雪黄色预警"), info(language="en", event="暴雪橙色预警"))
    assert decide(message, [], NOW, TABLES).colour == "orange"


def test_a_hazard_is_found_by_the_operators_words() -> None:
    assert decide(alert(info(event="暴雪橙色预警")), [], NOW, TABLES).hazard == "blizzard"
    named = info(event="Warning", more="<headline>Blizzard expected</headline>")
    assert decide(alert(named), [], NOW, TABLES).hazard == "blizzard"
    coded = info(
        event="Warning", more="<eventCode><valueName>c</valueName><value>blizzard</value></eventCode>"
    )
    assert decide(alert(coded), [], NOW, TABLES).hazard == "blizzard"
    assert decide(alert(info(event="xyzzy")), [], NOW, TABLES).hazard is None


def test_a_word_counts_only_for_hazards_of_the_alerts_categories() -> None:
    both = info(event="Explosion after a snowstorm")
    fire = both.replace("<category>Met</category>", "<category>Fire</category>")
    found = [decide(alert(block), [], NOW, TABLES).hazard for block in (both, fire)]
    assert found == ["blizzard", TABLES.match("explosion")]


def test_the_incident_is_put_in_the_middle_of_the_largest_shape() -> None:
    small = "<polygon>48,120 48,120.01 48.01,120.01 48,120</polygon>"
    large = "<polygon>46,125 46,126 47,126 47,125 46,125</polygon>"
    decision = decide(alert(info(area=small + large + "<circle>10,10 500</circle>")), [], NOW, TABLES)
    assert decision.place == pytest.approx((46.5, 125.5))
    circles = "<circle>46.6,125.1 3</circle><circle>46.7,125.2 4</circle>"
    assert decide(alert(info(area=circles)), [], NOW, TABLES).place == (46.7, 125.2)
    assert decide(alert(info(area="")), [], NOW, TABLES).place is None


def test_areas_named_by_several_blocks_are_listed_once() -> None:
    decision = decide(alert(info(), info(language="en")), [], NOW, TABLES)
    assert [area.description for area in decision.areas] == ["萨尔图区"]


def test_the_senders_name_is_part_of_an_alerts_name() -> None:
    other = stored(replace(FIRST, sender="other@example"), INCIDENT)
    assert outcome(FIRST, other) == (Kind.PROPOSE, None)
    assert FIRST.sender == SENDER


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_outcome_and_reason_can_be_said(lang: str) -> None:
    keys = [f"cap.kind.{kind}" for kind in Kind] + [f"cap.why.{why}" for why in Why]
    assert [key for key in keys if not has(lang, key)] == []
    assert len(keys) == 18
