"""What people write back: understood in both languages, and never a no for a yes."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volunteer_hub.notify import reply_rules
from volunteer_hub.notify.reply_rules import LETTERS, Clock, Meaning, Said, letter, next_time, parse

TWO = Clock(time(14, 0))
NO_WORDS = ("来不了", "去不了", "不行", "不能", "没空", "no", "can't", "not", "nope", "不来", "拒绝")


@pytest.mark.parametrize(
    "text",
    [
        "1",
        " 1 。",
        "yes",
        "Y",
        "ＹＥＳ!",
        "收到",
        "好的！",
        "可以",
        "没问题",
        "我能来",
        "OK thanks",
        "I'm coming",
        "好的，收到",
    ],
)
def test_a_bare_yes(text: str) -> None:
    assert parse(text) == Said(Meaning.YES)


@pytest.mark.parametrize(
    "text",
    [
        "2",
        "no",
        "N",
        "来不了",
        "去不了。",
        "不行",
        "抱歉今天来不了",
        "今天加班，来不了",
        "I can't come",
        "Sorry, no",
    ],
)
def test_a_bare_no(text: str) -> None:
    assert parse(text) == Said(Meaning.NO)


@pytest.mark.parametrize("text", ["A1", "a 1", "Ａ１", "A-1", "a。1", "A yes", "A收到", "A1 好的", "(A1)"])
def test_a_letter_names_the_question(text: str) -> None:
    assert parse(text) == Said(Meaning.YES, "A")


@pytest.mark.parametrize("text", ["B2", "b 2", "Ｂ２", "B来不了", "B no", "B2 sorry"])
def test_a_letter_with_a_no(text: str) -> None:
    assert parse(text) == Said(Meaning.NO, "B")


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("yes in 2 hours", 120),
        ("Yes, in two hours", 120),
        ("两小时后到", 120),
        ("1小时", 60),
        ("半小时", 30),
        ("一个半小时", 90),
        ("1小时半", 90),
        ("1.5小时", 90),
        ("half an hour", 30),
        ("an hour and a half", 90),
        ("2 hours 30 min", 150),
        ("好的，半个小时后到", 30),
        ("二十分钟到", 20),
        ("yes 60", 60),
    ],
)
def test_a_yes_with_the_time_until_they_are_there(text: str, minutes: int) -> None:
    assert parse(text) == Said(Meaning.YES, minutes=minutes)


@pytest.mark.parametrize("text", ["A1 60", "A1, 60 min", "A3 60", "A 1 hour"])
def test_a_letter_with_minutes(text: str) -> None:
    assert parse(text) == Said(Meaning.YES, "A", 60)


@pytest.mark.parametrize("text", ["later from 14:00", "14点以后", "下午2点后", "from 2pm", "14:00之后能来"])
def test_later_from_an_hour_on(text: str) -> None:
    assert parse(text) == Said(Meaning.LATER, clock=TWO)


def test_there_at_an_hour_is_a_yes_and_later_alone_names_none() -> None:
    assert parse("yes at 14:00") == parse("14:00到") == Said(Meaning.YES, clock=TWO)
    assert parse("14:30") == parse("14点半") == Said(Meaning.LATER, clock=Clock(time(14, 30)))
    assert parse("later") == parse("晚点") == Said(Meaning.LATER)
    assert parse("2点以后") == Said(Meaning.LATER, clock=Clock(time(2, 0), half=True))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("STOP", "stop"),
        ("停", "stop"),
        ("TD退订", "stop"),
        ("T", "stop"),
        ("help", "help"),
        ("帮助", "help"),
        ("?", "help"),
        ("恢复", "start"),
        ("START", "start"),
    ],
)
def test_words_about_the_messages_themselves(text: str, meaning: str) -> None:
    assert parse(text) == Said(Meaning(meaning))


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "what is this", "能来吗", "不是不能来", "can't wait to come", "no problem", "yes no"),
        *("60", "yes 2", "12", "A3", "Y1", "明天14点", "25:00后", "yes 9999", "14:00 15:00", "yes 5 6"),
        *("1 hour 14:00", "不好", "别", "no 60", "A1 no", "来 来不了", "0分钟到", "yes 14:99"),
    ],
)
def test_what_is_doubtful_is_for_a_person(text: str) -> None:
    assert parse(text).meaning is Meaning.UNCLEAR


def test_a_doubtful_text_keeps_the_letter_it_names() -> None:
    assert parse("A perhaps") == Said(Meaning.UNCLEAR, "A")


@given(st.text(max_size=80))
def test_it_never_raises(text: str) -> None:
    said = parse(text)
    assert said.letter is None or said.letter in LETTERS
    assert said.minutes is None or 0 < said.minutes <= reply_rules.LONGEST


@given(
    st.sampled_from(NO_WORDS),
    st.lists(
        st.sampled_from(["yes", "1", "好的", "收到", "ok", "A1", "半小时", "14:00", "x", "能来", "我", " "]),
        max_size=4,
    ),
    st.integers(0, 4),
    st.sampled_from([" ", ", ", "。"]),
)
def test_a_no_word_is_never_a_yes(no: str, around: list[str], at: int, between: str) -> None:
    said = parse(between.join([*around[:at], no, *around[at:]]))
    assert said.meaning in (Meaning.NO, Meaning.UNCLEAR)


@given(
    st.sampled_from(LETTERS), st.sampled_from("12"), st.sampled_from(["", " ", ".", "，", "-"]), st.booleans()
)
def test_every_letter_and_choice_is_read_in_any_writing(name: str, digit: str, gap: str, wide: bool) -> None:
    text = f"{name}{gap}{digit}"
    written = "".join(chr(ord(c) + 0xFEE0) if "!" < c <= "~" else c for c in text) if wide else text.lower()
    assert parse(written) == Said(Meaning.YES if digit == "1" else Meaning.NO, name)


def test_letters_leave_out_what_gateways_unsubscribe_on_and_start_anew_after_the_last() -> None:
    assert not set(LETTERS) & set("TNRIOY")
    assert [letter(n) for n in (0, 1, len(LETTERS))] == ["A", "B", "A"]


@pytest.mark.parametrize(
    ("clock", "hour", "expected"),
    [
        (Clock(time(14, 0)), 10, "20 14:00"),
        (Clock(time(14, 0)), 15, "21 14:00"),
        (Clock(time(2, 0), half=True), 10, "20 14:00"),
        (Clock(time(2, 0), half=True), 1, "20 02:00"),
        (Clock(time(2, 0), half=True), 15, "21 02:00"),
    ],
)
def test_an_hour_is_the_next_one(clock: Clock, hour: int, expected: str) -> None:
    now = datetime(2031, 1, 20, hour, tzinfo=UTC)
    assert next_time(clock, now).strftime("%d %H:%M") == expected
