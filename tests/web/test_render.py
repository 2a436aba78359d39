"""Pages speak the reader's language and clock, mark where one is, and say REAL or DRILL first."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from starlette.requests import Request

from tests.web.markup import Tags, a_request
from volunteer_hub.web.render import (
    CRITICAL_STYLE,
    CRITICAL_STYLE_SOURCE,
    NavEntry,
    Speech,
    language_of,
    page,
    static,
    theme_of,
)

SHANGHAI = "Asia/Shanghai"
NIGHT = datetime(2026, 3, 13, 19, 0, tzinfo=UTC)  # Saturday 14 March, 03:00 in Daqing


# -- language and theme ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("lang=zh", {"cookie": "hub_lang=en", "accept_language": "en"}, "zh"),
        ("lang=xx", {"cookie": "hub_lang=en", "accept_language": "zh"}, "en"),
        ("", {"accept_language": "zh-Hant-TW, en;q=0.9"}, "zh"),
        ("lang=zh-CN", {"accept_language": "en"}, "zh"),
        ("", {"accept_language": "en-GB"}, "en"),
    ],
)
def test_the_address_decides_the_language_then_the_cookie_then_the_browser(query, headers, expected):
    assert language_of(a_request(query=query, **headers)) == expected


def test_the_theme_follows_the_system_until_the_reader_chooses():
    assert theme_of(a_request()) == "auto"
    assert theme_of(a_request(cookie="hub_theme=dark")) == "dark"
    assert theme_of(a_request(query="theme=light", cookie="hub_theme=dark")) == "light"
    assert theme_of(a_request(query="theme=neon")) == "auto"


def error_page(request: Request, **changes: object) -> str:
    texts = dict.fromkeys(("title", "happened", "kept", "remedy", "next_text", "reference"), "words")
    return bytes(page(request, "layout/error.html", **{**texts, "next_href": "/", **changes}).body).decode()


def test_a_language_asked_for_in_the_address_is_remembered_and_one_from_the_browser_is_not():
    texts = dict.fromkeys(("title", "happened", "kept", "remedy", "next_text", "next_href", "reference"), "w")
    asked = page(a_request(query="lang=zh"), "layout/error.html", status=410, **texts)
    assert asked.status_code == 410
    assert asked.headers["content-language"] == "zh-Hans"
    assert asked.headers["set-cookie"].startswith("hub_lang=zh;")
    assert "set-cookie" not in page(a_request(accept_language="zh"), "layout/error.html", **texts).headers


def test_switching_language_stays_on_the_page_and_keeps_its_query():
    html = error_page(a_request("/volunteers", "q=Mei&lang=en"))
    assert 'href="/volunteers?q=Mei&amp;lang=zh"' in html


# -- times and figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        (
            "en",
            [
                "Sat 03:00",
                "Today 03:00–07:00",
                "Sat 14 Mar 03:00",
                "Sat 03:00 – Sun 03:00",
                "Sat 14 Mar 2026",
            ],
        ),
        (
            "zh",
            [
                "周六 03:00",
                "今天 03:00–07:00",
                "3月14日 周六 03:00",
                "周六 03:00 – 周日 03:00",
                "2026年3月14日 周六",
            ],
        ),
    ],
)
def test_times_are_said_on_the_areas_clock_in_the_readers_words(lang, expected):
    speech = Speech(lang, SHANGHAI)
    assert [
        speech.when(NIGHT),
        speech.span(NIGHT, NIGHT + timedelta(hours=4), now=NIGHT),
        speech.when(NIGHT, now=NIGHT - timedelta(days=8)),
        speech.span(NIGHT, NIGHT + timedelta(hours=24)),
        speech.day(date(2026, 3, 14), year=True),
    ] == expected


def test_another_year_is_named():
    assert Speech("en", "UTC").when(NIGHT, now=NIGHT - timedelta(days=365)) == "Fri 13 Mar 2026 19:00"


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        (
            "en",
            [
                "0 min",
                "2 h 15 min",
                "1 h",
                "2 days 2 h",
                "−5 min",
                "350 m",
                "1.8 km",
                "12 km",
                "2,140",
                "38%",
                "38.4%",
            ],
        ),
        (
            "zh",
            [
                "0分钟",
                "2小时15分钟",
                "1小时",
                "2天2小时",
                "−5分钟",
                "350米",
                "1.8公里",
                "12公里",
                "2,140",
                "38%",
                "38.4%",
            ],
        ),
    ],
)
def test_durations_distances_and_figures_in_both_languages(lang, expected):
    speech = Speech(lang, SHANGHAI)
    said = [speech.duration(minutes) for minutes in (0, 135, 60, 3000, -5)]
    said += [speech.distance(km) for km in (0.352, 1.83, 12.3)]
    assert [*said, speech.number(2140), speech.percent(0.384), speech.percent(0.384, 1)] == expected


def test_a_distance_just_under_a_kilometre_is_never_a_thousand_metres():
    assert [Speech("en", "UTC").distance(km) for km in (0.994, 0.996, 9.96)] == ["990 m", "1 km", "10 km"]


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        Speech("en", "UTC").when(datetime(2026, 3, 14, 3, 0))  # noqa: DTZ001 - the mistake under test


def test_a_time_tag_carries_the_exact_moment():
    assert (
        Speech("en", SHANGHAI).time_tag(NIGHT) == '<time datetime="2026-03-14T03:00+08:00">Sat 03:00</time>'
    )


# -- layouts -----------------------------------------------------------------------------------------------


def console_page(**context: object) -> str:
    nav = [NavEntry("/incidents", "Incidents", "bell"), NavEntry("/volunteers", "People", "people", "Pool")]
    mei = {"name": "Mei Chen", "role": "Coordinator", "sign_out": "/logout"}
    answer = page(
        a_request("/incidents/7"), "layout/console.html", title="Flood", nav=nav, account=mei, **context
    )
    return bytes(answer.body).decode()


def test_the_console_marks_where_one_is_and_says_real_first():
    html = console_page(kind="real", band_detail="63 asked")
    tags = Tags(html.replace("<!doctype html>", "")).seen
    assert [attributes["href"] for _, attributes in tags if "aria-current" in attributes] == ["/incidents"]
    assert "<title>真实 · Flood" in html
    assert html.index("真实召集") < html.index("<h1>")


def test_the_word_drill_is_on_the_phone_in_both_languages():
    html = bytes(page(a_request(), "layout/phone.html", title="t", kind="drill").body).decode()
    assert re.findall(r'<strong(?: lang="\w+")?>(\w+)</strong>', html) == ["演练", "DRILL"]


def test_the_phone_page_needs_no_script_and_no_second_file():
    html = bytes(page(a_request(), "layout/phone.html", title="t", kind="real").body).decode()
    assert "<script" not in html
    assert 'rel="stylesheet"' not in html
    assert f"<style>{CRITICAL_STYLE}</style>" in html
    assert CRITICAL_STYLE_SOURCE.startswith("'sha256-")


def test_a_navigation_entry_is_current_below_itself_and_nowhere_else():
    entry = NavEntry("/incidents", "Incidents")
    assert [entry.current(path) for path in ("/incidents", "/incidents/7", "/incidents-old", "/")] == [
        True,
        True,
        False,
        False,
    ]


def test_the_address_of_a_static_file_changes_with_its_content_and_a_missing_file_is_an_error():
    assert re.fullmatch(r"/static/hub\.css\?v=[0-9a-f]{10}", static("hub.css"))
    with pytest.raises(FileNotFoundError):
        static("nowhere.css")
