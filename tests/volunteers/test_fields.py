"""One field at a time: what is taken, what is refused, and in which words."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volunteer_hub.core.i18n import LANGUAGES, has
from volunteer_hub.volunteers import fields
from volunteer_hub.volunteers.checking import Known, _certifications, _skills, escaped, split
from volunteer_hub.volunteers.fields import Wrong
from volunteer_hub.volunteers.rules import TravelMode

TODAY = date(2026, 11, 22)
KNOWN = Known({}, frozenset({"nursing", "first_aid", "driver.car"}), TODAY, "CN")


def code(read: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(Wrong) as caught:
        read(*arguments)
    for lang in LANGUAGES:
        assert has(lang, f"error.{caught.value.code}")
    return caught.value.code.removeprefix("volunteer.")


@given(st.integers(13_000_000_000, 19_999_999_999), st.sampled_from(["", "+86", "86", "+86 ", "86-"]))
def test_the_fast_path_answers_as_the_library_does(number: int, prefix: str) -> None:
    try:
        parsed = phonenumbers.parse(f"+86{number}")
        expected = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        valid = phonenumbers.is_valid_number(parsed)
    except phonenumbers.NumberParseException:
        valid = False
    if valid:
        assert fields.phone(f"{prefix}{number}", "CN") == expected
    else:
        assert code(fields.phone, f"{prefix}{number}", "CN") == "phone"


@pytest.mark.parametrize(
    ("raw", "region", "number"),
    [
        ("139 1234 5678", "CN", "+8613912345678"),
        ("139-1234-5678", "CN", "+8613912345678"),
        ("0459-6181234", "CN", "+864596181234"),
        ("+44 20 7946 0958", "CN", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
    ],
)
def test_telephones_are_stored_in_one_form(raw: str, region: str, number: str) -> None:
    assert fields.phone(raw, region) == number


@pytest.mark.parametrize("raw", ["", "12", "1" * 41, "abc", "１３９１２３４５６７８９", "+8613912345678;1"])
def test_other_things_are_no_telephones(raw: str) -> None:
    assert code(fields.phone, raw, "CN") == "phone"


@pytest.mark.parametrize("raw", ["2026-07-31", "2026/7/31", "2026.07.31", "20260731"])
def test_days_are_read_as_people_write_them(raw: str) -> None:
    assert fields.day(raw) == date(2026, 7, 31)


@pytest.mark.parametrize(
    "raw", ["2026-02-30", "31.07.2026", "yesterday", "2026/7-31", "0000-01-01", "2026/13/1"]
)
def test_other_things_are_no_days(raw: str) -> None:
    assert code(fields.day, raw) == "date"


@pytest.mark.parametrize(
    ("raw", "why"),
    [("2026-11-23", "future"), ("1900-01-01", "too_old"), ("2018-11-23", "too_young")],
)
def test_birthdays_are_those_of_people_who_may_serve(raw: str, why: str) -> None:
    assert code(fields.birthday, raw, TODAY) == f"birthday.{why}"
    assert fields.birthday("2018-11-22", TODAY) == date(2018, 11, 22)


@pytest.mark.parametrize(
    ("raw", "sign"),
    [
        ("a\0b", "U+0000"),
        ("a\x1bb", "U+001B"),
        ("a\ud800", "U+D800"),
        ("a\uffff", "U+FFFF"),
        ("a\x85", "U+0085"),
    ],
)
def test_signs_that_no_file_holds_are_named(raw: str, sign: str) -> None:
    with pytest.raises(Wrong) as caught:
        fields.lines(raw)
    assert caught.value.params == {"sign": sign}


@pytest.mark.parametrize("raw", ["🙂", "\u202eabc", "<script>", "{{7*7}}", "name\u3000name", "=1+1", "a\tb"])
def test_odd_but_harmless_text_stays_as_it_is(raw: str) -> None:
    assert fields.line(raw) == raw


def test_lines_end_in_one_way_and_names_stay_on_one() -> None:
    assert fields.lines("a\r\nb\rc") == "a\nb\nc"
    assert code(fields.line, "a\nb") == "one_line"
    assert code(fields.line, "a" * 101) == "too_long"


@pytest.mark.parametrize(
    ("read", "raw", "why"),
    [
        (lambda raw: fields.degrees(raw, 90, "latitude"), "91", "latitude"),
        (lambda raw: fields.degrees(raw, 180, "longitude"), "-180.1", "longitude"),
        (lambda raw: fields.degrees(raw, 90, "latitude"), "nan", "number"),
        (lambda raw: fields.degrees(raw, 90, "latitude"), "1e400", "number"),
        (lambda raw: fields.degrees(raw, 90, "latitude"), "1_0", "number"),
        (lambda raw: fields.degrees(raw, 90, "latitude"), "north", "number"),
        (fields.kilometres, "0", "max_km"),
        (fields.kilometres, "501", "max_km"),
        (fields.yes_no, "maybe", "yes_no"),
        (fields.minute_of_day, "24:00", "hour"),
        (fields.minute_of_day, "22:60", "hour"),
        (fields.minute_of_day, "1440", "hour"),
        (fields.minute_of_day, "²2", "hour"),
        (fields.minute_of_day, "22:", "hour"),
        (fields.cells, "1" * 13, "availability"),
        (fields.email, "bo@example", "email"),
        (fields.email, "bo example@example.org", "email"),
        (fields.email, "a" * 65 + "@example.org", "email"),
        (lambda raw: fields.one_of(raw, TravelMode), "rocket", "one_of"),
    ],
)
def test_wrong_values_are_refused_in_words(read: Callable[[str], Any], raw: str, why: str) -> None:
    assert code(read, raw) == why


@pytest.mark.parametrize(("raw", "minute"), [("22:30", 1350), ("07:00:00", 420), ("0", 0), ("1439", 1439)])
def test_times_of_day_are_minutes(raw: str, minute: int) -> None:
    assert fields.minute_of_day(raw) == minute
    assert fields.minute_of_day(fields.hour_text(minute)) == minute


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (13912345678.0, "13912345678"),
        (46.6, "46.6"),
        (5, "5"),
        (datetime(2026, 1, 2), "2026-01-02"),  # noqa: DTZ001  (spreadsheets know no zones)
        (datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=8))), "2026-01-02T00:00:00+08:00"),
        (time(22, 30), "22:30"),
        (["a:1", "b"], "a:1;b"),
    ],
)
def test_values_of_spreadsheets_and_json_become_text(value: Any, text: str) -> None:
    assert fields.as_text(value) == text


def test_people_are_found_by_parts_of_names_and_ends_of_numbers() -> None:
    assert fields.search_keys("张伟民", "+8613912345678") == ["#5678", "^张", "伟民", "张伟"]
    assert fields.search_keys("Bo Li", None) == ["^b", "bo", "li", "ol"]
    assert fields.search_keys(None, None) == []


@given(st.lists(st.text(max_size=8).map(str.strip), min_size=1, max_size=4))
def test_parts_with_separators_in_them_come_back_whole(parts: list[str]) -> None:
    inner = "|".join(map(escaped, parts))
    assert split(inner, "|") == parts
    assert [split(part, "|") for part in split(f"{inner};{inner}", ";")] == [parts, parts]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("nursing:4", "level"),
        ("nursing:x", "level"),
        ("nursing;nursing:2", "skill.twice"),
        ("nursin", "skill.nearest"),
        ("zzz", "skill"),
        ("nursing:1:sworn", "one_of"),
    ],
)
def test_skills_are_named_when_wrong(raw: str, why: str) -> None:
    assert code(_skills, raw, KNOWN) == why


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("nursing|1|x|2026-01-01|2025-01-01", "certification.dates"),
        ("nursing|1;nursing|1", "certification.twice"),
        ("nursing|1|2|3|4|5", "certification"),
        ("nursing|1|x|soon", "date"),
        ("nurse|1", "skill"),
    ],
)
def test_certifications_are_named_when_wrong(raw: str, why: str) -> None:
    assert code(_certifications, raw, KNOWN) == why
