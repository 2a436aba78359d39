"""People of a made-up city whose true chances of a yes are known, at telephones behind a made-up gateway.

They know no more than their text messages say: they open the link, and say yes or no or nothing, each by a
draw from their own chance and after a delay of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import httpx2
import numpy as np

from volunteer_hub.core import clock, db
from volunteer_hub.engine.arrays import Floats, Ints
from volunteer_hub.mobilization.policy import Answers, CalloutKind
from volunteer_hub.simulation.city import build_city
from volunteer_hub.simulation.gateway import Gateway
from volunteer_hub.simulation.installation import SEED
from volunteer_hub.simulation.people import people

PERSON, COMMUNITY, CALLOUT = 1.0, 0.3, 0.2
"""Standard deviations of log-odds: of people of one community, of communities, of callouts."""
DEAD = 0.04  # share of numbers that are no more
SAYS_NO = 0.4  # of those who do not come, so many say so
_MACKAY = np.pi / 8  # the mean of chances whose log-odds are normal lies nearer to a half
_LINK = re.compile(r"/c/([A-Za-z0-9_-]{22})\b")
_AT_ONCE = 8
_QUADRATURE = 40


class People:
    """``shift``: how far, in log-odds, this city lies from what config/answers.toml assumes of any, in drills
    and callouts alike."""

    def __init__(self, n: int, shift: float, answers: Answers, today: date) -> None:
        rows = list(people(build_city(SEED), n, SEED, today=today))
        self.number = {row["external_id"]: at for at, row in enumerate(rows)}
        self.phones = [f"+86{row['phone']}" for row in rows]
        rng = np.random.default_rng(1)
        _, area = np.unique([row["community"] for row in rows], return_inverse=True)
        moved = rng.normal(0, COMMUNITY, area.max() + 1)[area] + rng.normal(0, PERSON, n)
        self.dead = rng.random(n) < DEAD
        self._odds = {kind: _centre(answers, kind) + shift + moved for kind in ("drill", "real")}
        self._shares = (0.0, *answers.delay.shares)
        self._minutes = (0.0, *answers.delay.minutes("day"))

    def chance(self, who: Ints, kind: CalloutKind, common: float = 0.0) -> Floats:
        """[n] of a yes by text message and by day, on a day that moves everybody so far."""
        return _chance(self._odds[kind][who] + common)

    def in_time(self, minutes: float) -> float:
        """The share of yeses that come within so many minutes."""
        return float(np.interp(minutes, self._minutes, self._shares))

    def met(self, who: Ints, kind: CalloutKind, need: int, minutes: float) -> float:
        """How likely so many of these people say yes in time, in truth: exactly for each kind of day."""
        middles = (np.arange(_QUADRATURE) + 0.5) / _QUADRATURE
        days = np.quantile(np.random.default_rng(2).normal(0, CALLOUT, 100_000), middles)
        shares = [_at_least(need, self.chance(who, kind, day) * self.in_time(minutes)) for day in days]
        return float(np.mean(shares))

    def answers(self, drill: int) -> tuple[Floats, Ints]:
        """What everybody would do in a drill: after how many minutes, and 1 for yes, 0 for no, -1 nothing."""
        rng = np.random.default_rng([3, drill])
        everybody = np.arange(len(self.phones))
        yes = rng.random(len(everybody)) < self.chance(everybody, "drill", rng.normal(0, CALLOUT))
        told = np.where(yes, 1, np.where(rng.random(len(yes)) < SAYS_NO, 0, -1))
        delay = np.interp(rng.random(len(yes)), (*self._shares, 1.0), (*self._minutes, np.inf))
        return delay, told


def _centre(answers: Answers, kind: CalloutKind) -> float:
    """The log-odds around which people lie whose mean chance is as assumed."""
    assumed = answers.prior("sms", "day", kind).accept
    spread = PERSON**2 + COMMUNITY**2
    return float(np.log(assumed / (1 - assumed)) * np.sqrt(1 + _MACKAY * spread))


def _chance(odds: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-odds))
    return found


def _at_least(need: int, chances: Floats) -> float:
    """The chance of at least so many yeses of independent ones: Poisson-binomial, by its recursion."""
    state = np.zeros(need + 1)
    state[0] = 1.0
    for chance in chances:
        state[need] += state[need - 1] * chance
        state[1:need] += chance * (state[: need - 1] - state[1:need])
        state[0] *= 1 - chance
    return float(state[need])


class Answering:
    """The telephones of a city and the links in their text messages."""

    def __init__(self, city: People, gateway: Gateway, address: str) -> None:
        self._city, self._gateway = city, gateway
        self._read = dict.fromkeys(city.phones, 0)
        self._web = httpx2.Client(base_url=address, timeout=60, trust_env=False)
        for number, dead in zip(city.phones, city.dead, strict=True):
            gateway.phones[number].dead = bool(dead)

    def close(self) -> None:
        """Nobody answers any more."""
        self._web.close()

    def questions(self) -> dict[int, str]:
        """Who was asked since the last look, by their number in the city, and the token of their link."""
        found = {}
        for at, number in enumerate(self._city.phones):
            inbox = self._gateway.phones[number].inbox
            new, self._read[number] = inbox[self._read[number] :], len(inbox)
            links = [link for text in new if (link := _LINK.search(text.body))]
            if links:
                found[at] = links[-1].group(1)
        return found

    def answer(self, asked: Mapping[int, str], drill: int, minutes: int) -> int:
        """Everybody answers in their minute, for so many minutes from now: time is moved from one minute to
        the next once all whose minute it is have been heard, however long that takes. How many answered."""
        delay, told = self._city.answers(drill)
        began, heard = clock.now(), 0
        with ThreadPoolExecutor(_AT_ONCE) as hands:
            for minute in range(minutes):
                due = [at for at in asked if told[at] >= 0 and minute <= delay[at] < minute + 1]
                if due:
                    db.move_clock(began + timedelta(minutes=minute + 0.5))
                    heard += len(list(hands.map(lambda at: self._say(asked[at], bool(told[at])), due)))
        db.move_clock(began + timedelta(minutes=minutes))
        return heard

    def _say(self, token: str, yes: bool) -> None:
        form = {"arrival": "30"} if yes else {"reason": "other"}
        answer = self._web.post(f"/c/{token}/{'accept' if yes else 'decline'}", data=form)
        if answer.status_code != httpx2.codes.SEE_OTHER:
            raise RuntimeError(f"an answer was taken with {answer.status_code}: {answer.text[:300]}")
