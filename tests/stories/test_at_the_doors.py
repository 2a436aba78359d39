"""Callouts on a running server, from declaring to the answers of many people at once.

Questions leave by text message, call and mail through simulators; answers come in by the gateway's door and
by the page behind a link.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from tests.invariants import broken
from tests.people import PASSWORD
from tests.stories.town import Town, at_once, letter, number, opened
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.mobilization.offers import link_token
from volunteer_hub.simulation.gateway import Trouble
from volunteer_hub.simulation.phones import Text

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("town")]  # one town is enough


@pytest.fixture(scope="module")
def town(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with opened(template, tmp_path_factory.mktemp("town")) as made:
        yield made


def offers(town: Town, callout: str) -> list[dict[str, Any]]:
    return list(town.desk.get(f"{callout}/offers", limit=200)["items"])


def said(text: Text) -> str:
    """What a text is about."""
    return text.key.split(":")[2]


def test_a_storm_of_yes_in_two_hours(town: Town) -> None:
    town.morning()
    early, whole = {"useful_minutes": 60}, {"useful_minutes": 220}
    places = {"minimum": 4, "target": 5, "maximum": 6}
    callout = town.calls_out({**places, **early, "name": "Crew"}, {**places, **whole, "name": "Watch"})
    crew, watch = (slot["slot"] for slot in town.figures(callout))
    town.work()
    phones = {n: phone for n, phone in town.phones() if phone.inbox}
    assert len(phones) >= 24
    ways = ("{}1 2小时后", "{}1 in 2 hours", "{}1 120", "yes in 2 hours", "好的 两小时后到")
    town.at(1)
    at_once(
        [
            partial(phone.reply, ways[k % len(ways)].format(letter(phone)))
            for k, phone in enumerate(phones.values())
        ]
    )
    answered = [one for one in offers(town, callout) if number(one["volunteer"]) in phones]
    mine = [one for one in answered if one["slot"] == crew]
    assert Counter(one["state"] for one in mine) == {"accepted": 6, "standing_by": len(mine) - 6}
    assert {one["minutes_there"] for one in mine} == {120}
    # Too little of the watch is left by then: no place is held, and their hour is kept.
    late = [one for one in answered if one["slot"] == watch]
    assert {(one["state"], one["decline_reason"]) for one in late} == {("declined", "later")}
    assert len({one["later_from"] for one in late}) == 1
    filled = {slot["slot"]: slot["filled"] for slot in town.figures(callout)}
    assert filled == {crew: 6, watch: 0}
    # The forecast follows the hours stated: the crew is sure, and for the watch the next wave goes.
    town.at(5)
    town.work()
    course = town.desk.get(f"{callout}/course")
    sure = {one["slot"]: one["sure"] for one in course["forecast"]}
    assert sure[crew] > 0.95
    first, second = course["waves"]
    assert min(one["after"] for one in first["slots"]) > 0.5  # reserves stand for both
    assert (second["source"], [one["slot"] for one in second["slots"]]) == ("forecast", [watch])
    assert second["slots"][0]["before"] < 0.95
    with db.read(SYSTEM) as tx:
        assert broken(tx) == {}
    town.desk.post(f"{callout}/cancel")


def test_by_text_and_by_link_at_once_one_answer_counts_and_all_asking_ends(town: Town) -> None:
    town.morning()
    callout = town.calls_out({"minimum": 16, "target": 20, "maximum": 24})
    asked = {number(one["volunteer"]): UUID(one["id"]) for one in offers(town, callout)}
    tokens = {n: link_token(offer) for n, offer in asked.items()}
    missed = {n: town.phone(n) for n in sorted(asked) if n % 3 != 2}
    missed = {n: missed[n] for n in list(missed)[:4]}
    for one in missed.values():
        one.off = True
    town.work()
    reached = {n: phone for n, phone in town.phones() if phone.inbox}
    phones = dict(list(reached.items())[:16])
    browsers = [town.page(), town.page()]

    def answers(n: int, *more: Callable[[], Any]) -> None:
        clicks = [partial(one.post, f"/c/{tokens[n]}/accept", data={"arrival": "30"}) for one in browsers]
        *pages, _ = at_once([*clicks, *(more or [str])])
        assert [page.status_code for page in pages] == [303, 303]

    for n, phone in phones.items():
        answers(n, partial(phone.reply, f"{letter(phone)}1"))
    town.at(4)
    for one in missed.values():  # no receipt has come: they are rung up, do not pick up, and then answer
        one.off, one.silent = False, True
    town.work()  # notices
    town.work()  # and rings
    assert [len(one.calls) for one in missed.values()] == [1] * 4
    for n in missed:
        answers(n)
    everybody = [*phones, *missed]
    states = {UUID(one["id"]): one["state"] for one in offers(town, callout)}
    assert Counter(states[asked[n]] for n in everybody) == {"accepted": 20}
    assert town.figures(callout)[0]["filled"] == 20
    before = {n: letters(town, n) for n in everybody}
    for minute in (8, 30):
        town.at(minute)
        town.work()
    # Whatever they answered by, they are asked once, told once that they have a place, and left in peace.
    for phone in phones.values():
        assert [said(text) for text in phone.inbox] == ["offer", "accepted"]
        assert phone.calls == []
    for one in missed.values():
        assert [said(text) for text in one.inbox] == ["accepted"]
        assert len(one.calls) == 1
    assert {n: letters(town, n) for n in everybody} == before
    assert sum(before[n] for n in phones) == 0
    with db.read(SYSTEM) as tx:
        assert broken(tx) == {}
    town.desk.post(f"{callout}/cancel")


def test_the_gateway_is_down_for_ten_minutes_and_nobody_is_told_twice(town: Town) -> None:
    town.morning()
    town.gateway.trouble(Trouble.DOWN)
    callout = town.calls_out({"minimum": 3, "target": 4, "maximum": 5})
    town.work()
    first = [number(one["volunteer"]) for one in offers(town, callout)]
    assert town.phones() == []
    assert [letters(town, n) for n in first] == [1 if n % 3 == 2 else 0 for n in first]  # mail carries on
    [down] = town.desk.get(callout)["lines_down"]
    wait = sum(n % 3 != 2 for n in first)
    assert down == {"channel": "sms", "since": stated(town, 0), "until": None, "waiting": wait, "late": 0}
    mei = town.page()
    mei.post("/login", data={"email": "mei@example.org", "password": PASSWORD})
    assert "SMS: the line is down since 10:00" in mei.get(callout).text
    for minute in (4, 4, 8, 8):  # rung up in vain; who has a letter-box too is written to
        town.at(minute)
        town.work()
    assert [letters(town, n) for n in first] == [0 if n % 3 == 1 else 1 for n in first]
    asked = {number(one["volunteer"]): UUID(one["id"]) for one in offers(town, callout)}
    answered = next(n for n in first if n % 3 == 0)
    assert mei.post(f"/c/{link_token(asked[answered])}/accept", data={"arrival": "30"}).status_code == 303
    assert town.phones() == []
    town.at(10)
    town.gateway.trouble(None)
    for minute in (10, 14):
        town.at(minute)
        town.work()
    for n in asked:  # by text or by call and not by both; who has answered hears the answer's news alone
        phone = town.phone(n)
        told = [said(text) for text in phone.inbox]
        assert told + ["offer"] * len(phone.calls) == (
            ["accepted"] if n == answered else ["offer"] * (n % 3 != 2)
        )
    assert set(town.gateway.taken.values()) == {1}
    assert max(letters(town, n) for n in asked) == 1
    sms = town.desk.get(callout)["lines_down"][0]
    late = sms["late"]
    assert sms == down | {"until": stated(town, 10), "waiting": 0, "late": late}
    assert late >= wait - 2
    assert f"the line was down from 10:00 to 10:10; {late} messages left late" in mei.get(callout).text
    with db.read(SYSTEM) as tx:
        assert broken(tx) == {}
    town.desk.post(f"{callout}/cancel")


def letters(town: Town, n: int) -> int:
    """How many letters somebody got."""
    return len(town.office.to(f"p{n}@example.org"))


def stated(town: Town, minutes: float) -> str:
    """A moment as the API says it."""
    return f"{town.began + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"
