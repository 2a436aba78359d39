"""Odd patterns are flagged with the right reason; honest service is not."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.incentives.served import REWARDS
from tests.incentives.stays import CENTRE, DAY, MINUTE, each_with_near, honest, keyed, stay
from volunteer_hub.core.i18n import LANGUAGES, Text, say
from volunteer_hub.incentives.flag_rules import Doubt, How, Standing, Stay, flags
from volunteer_hub.incentives.rules import Grade

LIMITS = REWARDS.flags
NOBODY = Standing()
FAR_OFF = {"lat": CENTRE[0] + 1.0, "lon": CENTRE[1]}
"""111 km further north."""


def crowd(count: int, make: Callable[[int], Stay]) -> tuple[Stay, list[Stay], Standing]:
    stays = [make(number) for number in range(1, count + 1)]
    return stays[-1], stays[:-1], NOBODY


def clerks(number: int) -> Stay:
    """Ten people's hours within a quarter of an hour, each with times of their own."""
    one = stay(number, number, 540 + 7 * number, 720 + 3 * number)
    return keyed(one, by=950, after=300 - 3 * number + number)


def on_the_hour(number: int) -> Stay:
    """One desk, a week's hours that all begin and end on the hour."""
    one = stay(number, number, 480 + 60 * number, 780 + 60 * number)
    return keyed(one, by=950, after=60 * 24)


def half_on_the_hour(number: int) -> Stay:
    odd = stay(number, number, 500 + number, 700 + number)
    return on_the_hour(number) if number % 2 == 0 else keyed(odd, by=950, after=1500 + 40 * number)


def telephone(number: int) -> Stay:
    one = stay(number, number, 540 + 2 * number, 720 + number)
    came, went = (replace(mark, device="one") for mark in one.marks)
    return replace(one, came=came, went=went)


def with_mark(one: Stay, **more: object) -> Stay:
    return replace(one, came=replace(one.came, **more))


Case = tuple[Stay, list[Stay], Standing]
FRAUD: dict[str, tuple[Doubt, Case]] = {
    "two duties at once": (Doubt.OVERLAP, (stay(), [stay(2, 1, 600, 700)], NOBODY)),
    "two places at once, the ends touching": (Doubt.OVERLAP, (stay(), [stay(2, 1, 400, 555)], NOBODY)),
    "111 km in twenty minutes": (Doubt.TRAVEL, (stay(), [stay(2, 1, 740, 800, **FAR_OFF)], NOBODY)),
    "the same backwards": (Doubt.TRAVEL, (stay(), [stay(2, 1, 400, 520, **FAR_OFF)], NOBODY)),
    "nineteen hours of a day": (
        Doubt.MARATHON,
        (stay(), [stay(2, 1, 0, 520), stay(3, 1, -480, -10), stay(4, 1, -700, -490)], NOBODY),
    ),
    "ten people's hours typed in within minutes": (Doubt.BATCH, crowd(10, clerks)),
    "people's own codes typed in at a desk": (
        Doubt.BATCH,
        crowd(10, lambda n: keyed(stay(n, n, 540 + 7 * n, 720 + 3 * n), by=7, after=9, how=How.CODE)),
    ),
    "everything on the hour": (Doubt.ROUND, crowd(6, on_the_hour)),
    "the very same times for four": (
        Doubt.TWINS,
        crowd(4, lambda n: keyed(stay(n, n, 541, 719), by=950 + n)),
    ),
    "one telephone for four": (Doubt.DEVICE, crowd(4, telephone)),
    "the code used at home": (Doubt.FAR, (with_mark(stay(), metres=8_000), [], NOBODY)),
    "there before the yes": (Doubt.EARLY, (stay(ready_at=DAY + 600 * MINUTE), [], NOBODY)),
    "there sooner than anybody drives": (
        Doubt.EARLY,
        (stay(ready_at=DAY + 530 * MINUTE, home_km=90.0), [], NOBODY),
    ),
    "four hours before the work": (Doubt.AHEAD, (stay(begins=300, ends=600), [], NOBODY)),
    "eight hours of a morning": (Doubt.LONG, (stay(ends=540 + 480), [], NOBODY)),
    "while suspended": (Doubt.BARRED, (stay(), [], Standing(barred="suspended"))),
    "one's own hours": (Doubt.SELF, (stay(), [], Standing(own_entry=True))),
    "entered ten days later": (Doubt.LATE, (keyed(stay(), by=950, after=60 * 24 * 10), [], NOBODY)),
}


@pytest.mark.parametrize("name", FRAUD)
def test_a_pattern_of_fraud_is_flagged_with_its_reason(name: str) -> None:
    doubt, (one, near, standing) = FRAUD[name]
    assert [flag.code for flag in flags(one, near, standing, Grade.A, LIMITS)] == [doubt]
    assert {doubt for doubt, _ in FRAUD.values()} == set(Doubt) - {Doubt.TYPED}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_doubt_is_told_in_words(lang: str) -> None:
    found = {
        flag.code: say(lang, Text(f"hours.flag.{flag.code}", flag.params))
        for _, (one, near, standing) in FRAUD.values()
        for flag in flags(one, near, standing, Grade.C, LIMITS)
    }
    assert set(found) == set(Doubt)
    assert all(words and "{" not in words for words in found.values())


def test_just_short_of_each_limit_nothing_is_flagged() -> None:
    plain: dict[str, Case] = {
        "ten minutes of handover": (stay(), [stay(2, 1, 400, 550)], NOBODY),
        "an hour for the way": (stay(), [stay(2, 1, 772, 900, **FAR_OFF)], NOBODY),
        "another's duty": (stay(), [stay(2, 2, 600, 700, **FAR_OFF)], NOBODY),
        "nine at a desk": crowd(9, clerks),
        "five on the hour": crowd(5, on_the_hour),
        "a leader's list": crowd(30, lambda n: keyed(stay(n, n, 540, 720), by=9, after=0, how=How.LEADER)),
        "half of the desk's on the hour": crowd(
            12,
            lambda n: (
                on_the_hour(n)
                if n % 2 == 0
                else keyed(stay(n, n, 500 + n, 700 + n), by=950, after=1500 + 40 * n)
            ),
        ),
        "a couple and a friend": crowd(3, telephone),
        "a wavering position": (with_mark(stay(), metres=900), [], NOBODY),
        "near home": (stay(ready_at=DAY + 535 * MINUTE, home_km=2.0), [], NOBODY),
        "proven by a position": (
            stay(how=How.POSITION, ready_at=DAY + 539 * MINUTE, home_km=90.0),
            [],
            NOBODY,
        ),
        "an hour of overtime": (stay(ends=780), [], NOBODY),
        "the next evening": (keyed(stay(), by=950, after=60 * 30), [], NOBODY),
    }
    found = {name: flags(*case, Grade.A, LIMITS) for name, case in plain.items()}
    assert {name: flag for name, flag in found.items() if flag} == {}


def test_at_most_one_honest_duty_in_a_hundred_is_flagged() -> None:
    stays = honest(seed=6, tasks=160)
    found = Counter(
        flag.code for one, near in each_with_near(stays) for flag in flags(one, near, NOBODY, Grade.A, LIMITS)
    )
    flagged = sum(bool(flags(one, near, NOBODY, Grade.A, LIMITS)) for one, near in each_with_near(stays))
    print(f"{flagged} of {len(stays)} honest duties flagged: {flagged / len(stays):.2%} {dict(found)}")
    assert len(stays) >= 1000
    assert flagged <= len(stays) / 100
    assert timedelta(days=10) < stays[-1].came.at - stays[0].came.at
