"""What a text message sent back to us means: "A1", "a 2", "yes in 2 hours", 收到, 来不了, 停. Pure.

A letter names the question, a digit the answer: 1 yes, 2 no, 3 yes in so many minutes ("A3 60"). Only what
is understood to its last word counts as a yes; anything doubtful is for a person to read.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

LETTERS: Final = "ABCDEFGHJKLMPQSUVWXZ"
"""Without T, N, R, I and O, on which some gateways unsubscribe people, and without Y, which is a yes."""
LONGEST: Final = 24 * 60
_SHORTEST_NUMBER: Final = 5  # a smaller bare number may as well be a choice


class Meaning(StrEnum):
    """What somebody says."""

    YES = "yes"
    NO = "no"
    LATER = "later"
    STOP = "stop"
    START = "start"
    HELP = "help"
    UNCLEAR = "unclear"


class Handled(StrEnum):
    """Where an inbound text is: understood by the program, waiting for a person, or dealt with by one."""

    DONE = "done"
    UNCLEAR = "unclear"
    ANSWERED = "answered"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Clock:
    """An hour of the day as it was written; ``half``: it may as well be meant twelve hours later."""

    at: time
    half: bool = False


@dataclass(frozen=True)
class Said:
    """``letter``: the question that is named. ``minutes``: they are there in so many; ``clock``: or at."""

    meaning: Meaning
    letter: str | None = None
    minutes: int | None = None
    clock: Clock | None = None


_WHOLE: Final = {
    Meaning.STOP: "stop stopall unsubscribe end quit t td 退订 td退订 t退订 停 停止 停发 别发了 不要再发",
    Meaning.START: "start unstop 恢复 回来 重新接收",
    Meaning.HELP: "help info ? 帮助 怎么回复 怎么回",
}
_MEANT: Final = {word: meaning for meaning, words in _WHOLE.items() for word in words.split()}
_NUMBERS: Final = {word: n for n, word in enumerate("零一二三四五六七八九十")} | {
    "两": 2,
    "十一": 11,
    "十二": 12,
    "十五": 15,
    "二十": 20,
    "三十": 30,
    "四十": 40,
    "五十": 50,
    "六十": 60,
    "九十": 90,
    "an": 1,
    "a": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
}
_ZH_NUMBER: Final = "|".join(sorted((w for w in _NUMBERS if not w.isascii()), key=len, reverse=True))
_EN_NUMBER: Final = r"\b(?:an|a|one|two|three|four)\b"
_NUMBER: Final = rf"\d{{1,4}}(?:\.\d)?|{_ZH_NUMBER}|{_EN_NUMBER}"
_UNIT_EN: Final = r"(?:hours?|hrs?|h|minutes?|mins?|min|m)(?![a-z])"
_NO_WORDS: Final = (
    r"来不了|去不了|到不了|赶不到|赶不上|参加不了|不可以|不参加|不能来|不能去|不能到|不能参加|不能|不行|不来了?|不去了?|"
    r"不方便|没空|没时间|没法来|没办法|无法参加|无法前往|无法到场|无法|拒绝|否|"
    r"(?:can ?not|can'?t|won'?t|unable to|not able to|not)(?: (?:come|make it|go|coming|attend))?(?![a-z])|"
    r"(?:no|n|nope|nah|decline)(?![a-z])"
)
_YES_WORDS: Final = (
    r"没问题|收到|好的|好|可以|能来|能去|能到|能参加|我来|我去|会来|会去|会到|一定到|马上来|马上到|就到|参加|同意|确认|"
    r"报名|嗯|行|能|来|去|到|是|"
    r"(?:yes|yeah|yep|y|ok|okay|sure|coming|on my way|can come|will come|will be there|i'?m in)(?![a-z])"
)
_LATER_WORDS: Final = r"later(?![a-z])|晚点|晚一点|稍后|迟点|以后再|(?:from|after|not before)(?![a-z])"
_FILLER: Final = (
    r"我|的|了|啊|哦|哈|吧|呢|您|你|请放心|放心|谢谢|感谢|抱歉|对不起|不好意思|大概|大约|约|左右|今天|今晚|"
    r"需要|还要|得|"
    r"(?:i'?m|i'?ll|i|we|am|will|be|can|there|here|please|thanks|thank you|sorry|about|around|in|within|"
    r"at|by|today|then|and|come|make it|arrive)(?![a-z'])"
)
_TOKENS: Final = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("half", r"半个?(?:小时|钟头)(?:以后|之后|后|内)?|half an hour"),
        (
            "zh_time",
            rf"(?P<n>{_NUMBER}) ?个?(?P<half>半)?(?P<u>小时|钟头|分钟|分)(?P<more>半)?(?:以后|之后|后|内)?",
        ),
        ("en_time", rf"(?P<n>{_NUMBER}) ?(?P<u>{_UNIT_EN})(?P<more> and a half)?"),
        (
            "clock",
            r"(?P<day>早上|上午|中午|下午|晚上|明早|明天)?(?P<h>\d{1,2})"
            r"(?::(?P<m>\d{2})|[点时](?P<zm>\d{1,2}分?|半)?|(?= ?[ap]m))"
            r" ?(?P<ap>[ap]m)?(?P<after>以后|之后|后)?",
        ),
        ("no", _NO_WORDS),
        ("later", _LATER_WORDS),
        ("yes", _YES_WORDS),
        ("filler", _FILLER),
        ("number", r"\d+"),
        ("gap", r"[\s,.;:!\-_/()~'\"，。；：！、…]+"),
        ("ask", r"\?|吗"),
        ("unknown", r"[a-z']+|."),
    )
)
_CODE: Final = re.compile(rf"([{LETTERS.lower()}])(?![a-z])[^a-z0-9㐀-鿿]*(.*)", re.DOTALL)
_CHOICE: Final = re.compile(
    r"([123])(?!\d|[.:]\d| ?[点时个小分半]| ?(?:h|m|hours?|hrs?|min(?:ute)?s?)(?![a-z]))(.*)", re.DOTALL
)
_AGAINST: Final = re.compile("[不没无别否勿未拒]")


def letter(number: int) -> str:
    """The letter of a person's question number 0, 1, 2 ...: used anew only after all the others."""
    return LETTERS[number % len(LETTERS)]


def parse(text: str) -> Said:
    """What a text means. Never raises; what is not understood to its end is UNCLEAR."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    plain = " ".join(plain.split()).strip(" ,.;:!，。；：！、…\"'()[]【】“”")
    whole = _MEANT.get(plain.replace(" ", ""))
    if whole is not None:
        return Said(whole)
    found = _CODE.fullmatch(plain)
    if found is None:
        return _answer(None, plain)
    named = found[1].upper()
    said = _answer(named, found[2])
    if said.meaning is Meaning.UNCLEAR:  # "a few words" may begin so too
        bare = _answer(None, plain)
        return said if bare.meaning is Meaning.UNCLEAR else bare
    return said


def _answer(named: str | None, plain: str) -> Said:
    """The answer in what follows a letter, or in the whole text."""
    choice = _CHOICE.fullmatch(plain)
    if choice is None:
        return _words(named, plain, None)
    said = _words(named, choice[2], Meaning.NO if choice[1] == "2" else Meaning.YES)
    timed = said.minutes is not None or said.clock is not None
    return said if choice[1] != "3" or timed else Said(Meaning.UNCLEAR, named)


@dataclass
class _Read:
    kinds: set[str]
    minutes: int = 0
    clock: Clock | None = None
    numbers: tuple[int, ...] = ()
    foreign: bool = False


def _words(named: str | None, plain: str, chosen: Meaning | None) -> Said:
    read = _tokens(plain)
    meaning = _meaning(read, chosen)
    if meaning in (Meaning.UNCLEAR, Meaning.NO):
        return Said(meaning, named)
    minutes = read.minutes + sum(read.numbers) if read.minutes or read.numbers else None
    if (minutes is not None and not 0 < minutes <= LONGEST) or (minutes and read.clock):
        return Said(Meaning.UNCLEAR, named)
    return Said(meaning, named, minutes, read.clock)


def _meaning(read: _Read, chosen: Meaning | None) -> Meaning:
    says = read.kinds & {"yes", "no", "later"} | ({chosen.value} if chosen is not None else set())
    timed = bool(read.minutes or read.clock)
    if "ask" in read.kinds or len(read.numbers) > 1:
        return Meaning.UNCLEAR
    if says == {"no"}:
        clear = not timed and not read.numbers and not read.foreign
        return Meaning.NO if clear else Meaning.UNCLEAR
    doubtful = "unknown" in read.kinds or "no" in says
    lonely = read.numbers and ("yes" not in says or read.numbers[0] < _SHORTEST_NUMBER)
    if doubtful or lonely or not (says or timed):
        return Meaning.UNCLEAR
    return Meaning.LATER if "later" in says or (read.clock and "yes" not in says) else Meaning.YES


def _tokens(plain: str) -> _Read:
    read, at = _Read(set()), 0
    while at < len(plain):
        name, found = next((name, m) for name, token in _TOKENS if (m := token.match(plain, at)))
        at = found.end()
        read.kinds.add(name)
        match name:
            case "half":
                read.minutes += 30
            case "zh_time" | "en_time":
                minutes = _minutes(found)
                read.minutes += minutes
                read.kinds |= set() if minutes else {"unknown"}
            case "clock":
                clock = _clock(found)
                if clock is None or read.clock is not None:
                    read.kinds.add("unknown")
                read.clock = clock
                read.kinds |= {"later"} if found["after"] else set()
            case "number":
                read.numbers += (min(int(found[0][:6]), LONGEST + 1),)
            case "unknown":
                read.foreign |= found[0].isascii() or _AGAINST.match(found[0]) is not None
    return read


def _minutes(found: re.Match[str]) -> int:
    written = found["n"]
    count = float(_NUMBERS[written]) if written in _NUMBERS else float(written)
    hours = found["u"][0] in "小钟h"
    more = 0.5 if found["more"] or found.groupdict().get("half") else 0
    return round((count + more) * 60) if hours else round(count)


def _clock(found: re.Match[str]) -> Clock | None:
    hour, minutes = int(found["h"]), found["m"] or found["zm"] or "0"
    minute = 30 if minutes == "半" else int(minutes.removesuffix("分"))
    day, half = found["day"], found["ap"] or ""
    if day in ("明早", "明天") or hour > 23 or minute > 59:
        return None  # another day is for a person to read
    if (
        (day in ("下午", "晚上", "中午") or half == "pm")
        and 1 <= hour < 12
        and not (day == "中午" and hour == 11)
    ):
        return Clock(time(hour + 12, minute))
    return Clock(time(hour, minute), half=not day and not half and 1 <= hour < 12)


def next_time(clock: Clock, local_now: datetime) -> datetime:
    """The next moment when it is that hour, within a day of ``local_now``, which has a zone."""
    today = local_now.replace(hour=clock.at.hour, minute=clock.at.minute, second=0, microsecond=0)
    steps = (0, 12, 24) if clock.half else (0, 24)
    return next(moment for step in (*steps, 36) if (moment := today + timedelta(hours=step)) > local_now)
