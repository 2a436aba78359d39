from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from volunteer_hub.incidents import cap_model as m
from volunteer_hub.incidents.cap import parse
from volunteer_hub.incidents.cap_write import write

SENT = datetime(2026, 1, 12, 18, 30, 5, tzinfo=UTC)


def drill(**fields: object) -> m.CapAlert:
    values: dict[str, object] = {
        "identifier": "drill-1",
        "sender": "hub@daqing.example",
        "sent": SENT,
        "status": m.Status.EXERCISE,
        "msg_type": m.MsgType.ALERT,
        "scope": m.Scope.PUBLIC,
    }
    return m.CapAlert(**{**values, **fields})


def test_the_document_is_plain_cap() -> None:
    local = datetime(2026, 1, 13, 2, 30, 5, tzinfo=timezone(timedelta(hours=8)))
    assert write(drill(sent=local)).decode().splitlines()[1] == (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>drill-1</identifier>'
        "<sender>hub@daqing.example</sender><sent>2026-01-12T18:30:05-00:00</sent><status>Exercise</status>"
        "<msgType>Alert</msgType><scope>Public</scope></alert>"
    )


def test_characters_that_xml_cannot_hold_become_spaces() -> None:
    assert parse(write(drill(note="a\x00b\x0bc\ud800d\r\ne\rf<&>"))).note == "a b c d\ne\nf<&>"


def test_a_version_1_1_alert_is_written_as_1_2() -> None:
    assert parse(write(drill(version="1.1"))) == drill()


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30).filter(
    lambda t: not set(t) & {"\ufffe", "\uffff"}
)
LINE = TEXT.map(str.strip)
FULL = LINE.filter(bool)
NAME = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=20)
MOMENT = st.integers(0, 7_258_118_400_000_000).map(
    lambda us: datetime(1970, 1, 2, tzinfo=UTC) + timedelta(microseconds=us)
)
POINT = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
NAMED = st.lists(st.builds(m.Named, FULL, FULL), max_size=2).map(tuple)
RING = st.lists(POINT, min_size=3, max_size=6).map(lambda ring: (*ring, ring[0]))
AREA = st.builds(
    m.CapArea,
    FULL,
    st.lists(RING, max_size=2).map(tuple),
    st.lists(st.builds(m.Circle, POINT, st.floats(0, 20_000)), max_size=2).map(tuple),
    NAMED,
)
INFO = st.builds(
    m.CapInfo,
    event=FULL,
    categories=st.lists(st.sampled_from(m.Category), min_size=1, max_size=3).map(tuple),
    urgency=st.sampled_from(m.Urgency),
    severity=st.sampled_from(m.Severity),
    certainty=st.sampled_from(m.Certainty),
    language=st.sampled_from(["en-US", "zh-CN", "fr"]),
    response_types=st.lists(st.sampled_from(["Monitor", "AllClear"]), max_size=2).map(tuple),
    event_codes=NAMED,
    effective=st.none() | MOMENT,
    onset=st.none() | MOMENT,
    expires=st.none() | MOMENT,
    sender_name=LINE,
    headline=LINE,
    description=LINE,
    instruction=LINE,
    web=LINE,
    contact=LINE,
    parameters=NAMED,
    areas=st.lists(AREA, max_size=2).map(tuple),
)
ALERT = st.builds(
    m.CapAlert,
    identifier=NAME,
    sender=NAME,
    sent=MOMENT,
    status=st.sampled_from([m.Status.ACTUAL, m.Status.EXERCISE]),
    msg_type=st.sampled_from(m.MsgType),
    scope=st.sampled_from(m.Scope),
    references=st.lists(st.builds(m.Reference, NAME, NAME, MOMENT), max_size=2).map(tuple),
    note=LINE,
    infos=st.lists(INFO, max_size=2).map(tuple),
)


@settings(max_examples=200, deadline=None)
@given(alert=ALERT)
def test_what_we_write_we_read_back_equal(alert: m.CapAlert) -> None:
    assert parse(write(alert)) == alert
