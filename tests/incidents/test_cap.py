import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import yardstick
from tests.incidents.cap_documents import POLYGON, SENDER, SENT, document, info, reference
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.core.i18n import t
from volunteer_hub.incidents import cap_model as m
from volunteer_hub.incidents.cap import parse


def test_a_whole_alert_is_read() -> None:
    more = (
        "<senderName>大庆市气象局</senderName><headline>暴雪橙色预警信号</headline>"
        "<description>未来6小时 <![CDATA[<10 毫米>]]></description><instruction>减少外出</instruction>"
        "<parameter><valueName>colour</valueName><value>橙色</value></parameter>"
    )
    area = (
        f"{POLYGON}<circle>46.6,125.1 12.5</circle>"
        "<geocode><valueName>adcode</valueName><value>230602</value></geocode>"
    )
    alert = parse(document(info(area=area, more=more), references=reference("snow-0"), msg_type="Update"))
    ring = ((46.5, 125.0), (46.5, 125.2), (46.7, 125.2), (46.7, 125.0), (46.5, 125.0))
    assert alert == m.CapAlert(
        identifier="snow-1",
        sender=SENDER,
        sent=SENT,
        status=m.Status.ACTUAL,
        msg_type=m.MsgType.UPDATE,
        scope=m.Scope.PUBLIC,
        version="1.2",
        references=(m.Reference(SENDER, "snow-0", SENT),),
        infos=(
            m.CapInfo(
                event="暴雪橙色预警",
                categories=(m.Category.MET,),
                urgency=m.Urgency.EXPECTED,
                severity=m.Severity.SEVERE,
                certainty=m.Certainty.LIKELY,
                language="zh-CN",
                expires=SENT + timedelta(hours=12),
                sender_name="大庆市气象局",
                headline="暴雪橙色预警信号",
                description="未来6小时 <10 毫米>",
                instruction="减少外出",
                parameters=(m.Named("colour", "橙色"),),
                areas=(
                    m.CapArea(
                        "萨尔图区", (ring,), (m.Circle((46.6, 125.1), 12.5),), (m.Named("adcode", "230602"),)
                    ),
                ),
            ),
        ),
    )


def test_version_one_point_one_becomes_the_same_values() -> None:
    old, new = (parse(document(info(), version=version)) for version in ("1.1", "1.2"))
    assert (old.version, new.version) == ("1.1", "1.2")
    assert old.infos == new.infos


def test_elements_of_other_namespaces_are_not_the_alerts() -> None:
    signed = document(info()).replace(
        b"</alert>",
        b'<s:Signature xmlns:s="urn:x"><status>Test</status><s:status>Test</s:status></s:Signature></alert>',
    )
    assert parse(signed) == parse(document(info()))


def test_empty_optional_elements_are_as_good_as_absent() -> None:
    blank = info(area=f"{POLYGON}<polygon></polygon><circle/>", more="<headline/><onset> </onset>")
    assert parse(document(blank)) == parse(document(info()))


def test_a_missing_language_is_american_english() -> None:
    data = document(info()).replace(b"<language>zh-CN</language>", b"")
    assert parse(data).infos[0].language == "en-US"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb2312", "GBK", "gb18030"])
def test_encodings_sent_in_china_are_read(encoding: str) -> None:
    text = document(info()).decode().replace('encoding="UTF-8"', f'encoding="{encoding}"')
    assert parse(text.encode(encoding)) == parse(document(info()))


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert parse(b"\xef\xbb\xbf" + document(info())) == parse(document(info()))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-13T02:30:00+08:00", SENT),
        ("2026-01-12T18:30:00Z", SENT),
        ("2026-01-12T18:30:00.500-00:00", SENT + timedelta(milliseconds=500)),
    ],
)
def test_times_are_read_with_their_zone(written: str, meant: datetime) -> None:
    data = document().replace(b"2026-01-12T18:30:00-00:00", written.encode())
    sent = parse(data).sent
    assert (sent, sent.tzinfo) == (meant, UTC)


def changed(old: str, new: str) -> bytes:
    text = document(info()).decode()
    assert text.count(old) >= 1
    return text.replace(old, new, 1).encode()


def polygon(points: str) -> bytes:
    return changed(POLYGON, f"<polygon>{points}</polygon>")


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        (changed("<scope>Public</scope>", ""), "cap.missing", "scope"),
        (changed("<scope>Public</scope>", "<scope> </scope>"), "cap.missing", "scope"),
        (changed("<identifier>snow-1</identifier>", ""), "cap.missing", "identifier"),
        (changed("<category>Met</category>", ""), "cap.missing", "category"),
        (changed("<event>暴雪橙色预警</event>", ""), "cap.missing", "event"),
        (changed("<areaDesc>萨尔图区</areaDesc>", ""), "cap.missing", "areaDesc"),
        (changed("<scope>", "<status>Test</status><scope>"), "cap.repeated", "status"),
        (changed("Actual", "actual"), "cap.code", "status"),
        (changed("Severe", "Very bad"), "cap.code", "severity"),
        (changed("Met", "Weather"), "cap.code", "category"),
        (changed("18:30:00-00:00", "18:30:00"), "cap.time", "sent"),
        (changed("2026-01-12T18:30:00-00:00", "2026-02-30T18:30:00-00:00"), "cap.time", "sent"),
        (changed("2026-01-12T18:30:00-00:00", "0001-01-01T00:00:00+08:00"), "cap.time", "sent"),
        (changed("2026-01-13T06:30:00-00:00", "tomorrow"), "cap.time", "expires"),
        (changed("snow-1", "snow 1"), "cap.name", "identifier"),
        (changed("snow-1", "snow,1"), "cap.name", "identifier"),
        (changed("snow-1", "s" * 251), "cap.too_long", "identifier"),
        (changed("暴雪橙色预警", "雪" * 1001), "cap.too_long", "event"),
        (document(info(), references="only,two"), "cap.reference", "references"),
        (document(info(), references="a,b,yesterday"), "cap.time", "references"),
        (document(info(), references=f"a,{'b' * 300},x"), "cap.reference", "references"),
        (document(info(), references=reference() + " a,b,x" * 1000), "cap.too_many", "references"),
        (polygon("46.5,125.0 46.5,125.2 46.5,125.0"), "cap.polygon_short", "polygon"),
        (polygon("46.5,125.0 46.5,125.2 46.7,125.2 46.7,125.0"), "cap.polygon_open", "polygon"),
        (polygon("125.0,46.5 125.2,46.5 125.2,46.7 125.0,46.5"), "cap.position_swapped", "polygon"),
        (polygon("91,225 1,1 1,2 91,225"), "cap.position", "polygon"),
        (polygon("NaN,1 1,1 1,2 NaN,1"), "cap.position", "polygon"),
        (polygon("1e999,1 1,1 1,2 1e999,1"), "cap.position", "polygon"),
        (polygon("46.5, 125.0 46.5,125.2 46.7,125.2 46.5,125.0"), "cap.position", "polygon"),
        (changed(POLYGON, "<circle>46.5,125.0</circle>"), "cap.circle", "circle"),
        (changed(POLYGON, "<circle>46.5,125.0 -1</circle>"), "cap.circle", "circle"),
        (changed(POLYGON, "<circle>46.5,125.0 20039</circle>"), "cap.circle", "circle"),
        (changed(POLYGON, "<circle>146.5,25.0 3</circle>"), "cap.position_swapped", "circle"),
        (changed("cap:1.2", "cap:1.3"), "cap.version", "alert"),
        (b'<feed xmlns="http://www.w3.org/2005/Atom"/>', "cap.not_alert", "alert"),
        (b"", "cap.not_xml", "alert"),
        (b"{}", "cap.not_xml", "alert"),
        (document(info())[:-9], "cap.not_xml", "alert"),
        (changed("snow-1", "snow\x001"), "cap.not_xml", "alert"),
        (changed("snow-1", "&nbsp;"), "cap.not_xml", "alert"),
        (changed('encoding="UTF-8"', 'encoding="klingon"'), "cap.not_xml", "alert"),
        (changed('encoding="UTF-8"', 'encoding="shift_jis"'), "cap.not_xml", "alert"),
    ],
)
def test_what_is_wrong_is_refused_naming_the_field(data: bytes, code: str, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse(data)
    assert (caught.value.code, caught.value.params["field"]) == (code, where)
    assert [(field.where, field.code) for field in caught.value.fields] == [(where, code)]
    english, chinese = (t(lang, f"error.{code}", **caught.value.params) for lang in ("en", "zh"))
    assert english != chinese


HEAD, TAIL = (part.encode() for part in document(info(area="|")).decode().split("|"))
DTD = b'<!DOCTYPE alert [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
BOMBS = {
    "entities": DTD + b"<alert>" + b"&b;" * 1000 + b"</alert>",
    "many declarations": b"<!DOCTYPE a [" + b'<!ENTITY e "x">' * 60_000 + b"]><a/>",
    "external entity": b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
    "plain doctype": b'<!DOCTYPE alert SYSTEM "http://127.0.0.1/x.dtd">' + document(info())[38:],
    "ten megabytes": HEAD + b"x" * 10_000_000 + TAIL,
    "100,000 polygons": HEAD + b"<polygon>1,1 1,2 2,2 1,1</polygon>" * 100_000 + TAIL,
    "small polygons in one megabyte": HEAD + b"<polygon/>" * 99_000 + TAIL,
    "1,001 polygons": HEAD + b"<polygon>1,1 1,2 2,2 1,1</polygon>" * 1_001 + TAIL,
    "100,000 points": HEAD + b"<polygon>" + b"1,1 " * 100_000 + b"</polygon>" + TAIL,
    "points over many polygons": HEAD + (b"<polygon>" + b"1,1 " * 20 + b"</polygon>") * 501 + TAIL,
    "deep": b"<a>" * 300_000,
    "deep with namespaces": b"".join(b'<a%d xmlns="u%d">' % (i, i) for i in range(40_000)),
    "elements": HEAD + b"<a/>" * 240_000 + TAIL,
    "comments": HEAD + b"<!---->" * 140_000 + TAIL,
    "instructions": HEAD + b"<?a?>" * 190_000 + TAIL,
    "attributes": b"<alert " + b" ".join(b'a%d=""' % i for i in range(90_000)) + b"/>",
    "namespaces": b"<alert " + b" ".join(b'xmlns:a%d="b"' % i for i in range(50_000)) + b"/>",
    "one long name": b"<" + b"a" * 999_000,
    "references": document(info(), references="s,i,2026-01-01T00:00:00-00:00 " * 30_000),
    "digits": HEAD + b"<circle>1,1 " + b"9" * 990_000 + b"</circle>" + TAIL,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_document_is_refused_at_once(name: str) -> None:
    with yardstick.at_most(6), pytest.raises(Malformed):
        parse(BOMBS[name])


@pytest.mark.parametrize(
    "filling", [b"<![CDATA[]]>" * 82_000, b"&#65;" * 190_000, b"\n" * 990_000, b"<polygon>" + b" " * 900_000]
)
def test_a_large_document_costs_no_more_whatever_fills_it(filling: bytes) -> None:
    end = b"</polygon>" if filling.startswith(b"<polygon>") else b""
    with yardstick.at_most(6):
        assert len(parse(HEAD + filling + end + TAIL).infos) == 1


def test_no_doctype_passes_even_in_utf_16() -> None:
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE alert [<!ENTITY e "x">]><alert>&e;</alert>'
    with pytest.raises(Malformed) as caught:
        parse(text.encode("utf-16"))
    assert caught.value.code == "cap.doctype"


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=2000))
@example(b"\xff\xfe<\x00")
@example(b"<?xml version='1.0' encoding='utf-7'?><alert/>")
@example(b"<?xml version='1.0' encoding='idna'?><alert/>")
@example(b"<?xml version='1.0' encoding='gbk'?><alert>\xff</alert>")
def test_any_bytes_are_read_or_refused_in_words(data: bytes) -> None:
    with pytest.raises(HubError):
        parse(data)


VALID = document(info(area=f"{POLYGON}<circle>46.6,125.1 3</circle>"), references=reference("snow-0"))
FRAGMENTS = st.sampled_from(
    [
        b"<info>",
        b"</info>",
        b"<area/>",
        b"&lt;",
        b"&#0;",
        b"<!--",
        b"]]>",
        b"<status>Test</status>",
        b"\x00",
        b"-1e9",
    ]
)


@settings(max_examples=500, deadline=None)
@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(VALID)), st.integers(0, 40), st.one_of(st.binary(max_size=8), FRAGMENTS)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_damaged_alert_is_read_or_refused_in_words(edits: list[tuple[int, int, bytes]]) -> None:
    data = VALID
    for at, length, new in edits:
        data = data[:at] + new + data[at + length :]
    with contextlib.suppress(HubError):
        alert = parse(data)
        assert all(-90 <= lat <= 90 for i in alert.infos for a in i.areas for p in a.polygons for lat, _ in p)
        assert alert.sent.tzinfo is UTC
