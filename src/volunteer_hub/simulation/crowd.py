"""The people of a made-up city at their telephones: who answers, what, how soon, who comes, who tells after.

What one person does is drawn from a seed, their address and the number of the letter, so that the same city
behaves the same again. They know no more than their letters say, and act as a person would: they open the
link, fill in the form of the page, and give their code on site.
"""

import heapq
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx2
import numpy as np

from volunteer_hub.mobilization.policy import Delay
from volunteer_hub.simulation.forms import Form, form_to
from volunteer_hub.simulation.mailbox import Letter, Watch

AT_ONCE: Final = 8
PAUSE_SECONDS: Final = 0.1
_LINK: Final = re.compile(r"/([cs])/([A-Za-z0-9_-]{22})\b")
_CODE: Final = re.compile(r"(?<![\w/-])(\d{6})(?![\w/-])")
_CODE_ON_PAGE: Final = re.compile(r"<p class=\"time\">(\d{6})</p>")
_SERVER_ERROR: Final = 500
_GOOD_MARK: Final = 3
_WRITES: Final = 0.25
LATEST: Final = 6.0  # minutes that people come after the time they gave


class Answer(StrEnum):
    """What somebody does with a question."""

    ACCEPT = "accept"
    DECLINE = "decline"
    LATER = "later"
    NONE = "none"


@dataclass(frozen=True)
class Habits:
    """Shares of those asked who say yes, no, later (the rest is silent); of those who said yes, who take it
    back and who never come; of those asked how it was, who tell."""

    accept: float
    decline: float
    later: float
    withdraw: float = 0.04
    absent: float = 0.03
    survey: float = 0.6


NIGHT: Final = Habits(accept=0.34, decline=0.1, later=0.03)
DAY: Final = Habits(accept=0.42, decline=0.16, later=0.05)


@dataclass(frozen=True)
class Mind:
    """What one person will do with one question; times are minutes. ``withdraws`` counts from the yes."""

    answer: Answer
    after: float
    withdraws: float | None
    comes: bool
    late: float
    luck: float


def mind(seed: int, letter: Letter, habits: Habits, delay: Delay, *, night: bool) -> Mind:
    """The same for the same seed and letter. Delays follow the configured shares of answers by time."""
    drawn = random.Random(f"{seed}:{letter.address}:{letter.number}")
    chance = drawn.random()
    answer = Answer.NONE
    for choice, share in zip(
        (Answer.ACCEPT, Answer.DECLINE, Answer.LATER),
        (habits.accept, habits.decline, habits.later),
        strict=True,
    ):
        if 0 <= chance < share:
            answer = choice
        chance -= share
    minutes = delay.night if night else delay.day
    after = float(np.interp(drawn.random(), (0.0, *delay.shares), (0.5, *minutes)))
    withdraws = drawn.uniform(1, 20) if drawn.random() < habits.withdraw else None
    return Mind(
        answer, after, withdraws, drawn.random() >= habits.absent, drawn.uniform(0, LATEST), drawn.random()
    )


@dataclass(order=True)
class _Due:
    """A deed that somebody will do; equal moments keep their order."""

    at: datetime
    number: int
    deed: Callable[[], None] = field(compare=False)
    worth_waiting: bool = field(compare=False)


@dataclass
class _Person:
    """One person's dealings with one offer; ``code`` as their letter tells it."""

    mind: Mind
    arrives: datetime | None = None
    code: str | None = None
    on_site: bool = False
    left: bool = False


class Crowd:
    """Reads the letters and acts on them, from ``with`` until its end, in moved time.

    ``now`` is the moved clock; ``habits`` and ``night`` say how people are at an hour; ``remarks`` is what
    they write where they may write freely.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        delay: Delay,
        *,
        now: Callable[[], datetime],
        night: Callable[[datetime], bool],
        seed: int = 1,
        habits: Callable[[bool], Habits] = lambda night: NIGHT if night else DAY,
        remarks: Sequence[str] = (),
    ) -> None:
        self.did: Counter[str] = Counter()
        self.failed: list[str] = []
        self._watch, self._delay, self._seed = Watch(folder), delay, seed
        self._now, self._night, self._habits, self._remarks = now, night, habits, remarks
        self._web = httpx2.Client(
            base_url=address,
            timeout=30,
            follow_redirects=True,
            limits=httpx2.Limits(max_connections=AT_ONCE),
            trust_env=False,
        )
        self._people: dict[str, _Person] = {}
        self._surveys: dict[str, bool] = {}  # whether it was answered
        self._due: list[_Due] = []
        self._numbers = count()
        self._busy: set[Future[None]] = set()
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(AT_ONCE, "crowd")
        self._life = threading.Thread(target=self._live, name="crowd", daemon=True)

    def __enter__(self) -> Self:
        self._life.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._life.join()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._web.close()

    def waiting(self, until: datetime | None = None) -> int:
        """How many deeds are still to come, by that moment."""
        with self._lock:
            later = sum(due.worth_waiting and (until is None or due.at <= until) for due in self._due)
            return later + len(self._busy)

    def coming(self) -> int:
        """How many are on their way to a place."""
        with self._lock:
            going = (it for it in self._people.values() if it.code is not None and not it.left)
            return sum(it.mind.comes and not it.on_site for it in going)

    def open_survey(self) -> str | None:
        """The page of somebody who has not told how it was; of the last ones asked."""
        return next(
            (f"/s/{token}" for token, done in reversed(list(self._surveys.items())) if not done), None
        )

    def rest(self) -> None:
        """Whatever people still had in mind is over: the clock will be moved far ahead."""
        with self._lock:
            self._due.clear()
            for person in self._people.values():
                person.left = True

    def go_home(self) -> None:
        """Everybody on site checks out by their code; returns when all have."""
        with self._lock:
            there = [(token, person) for token, person in self._people.items() if person.on_site]
        list(self._pool.map(lambda each: self._do(lambda: self._check_out(*each)), there))

    def _live(self) -> None:
        while not self._stopped.wait(PAUSE_SECONDS):
            for letter in self._watch.new():
                self._read(letter)
            self._act()

    def _act(self) -> None:
        now = self._now()
        with self._lock:
            while self._due and self._due[0].at <= now:
                task = self._pool.submit(self._do, heapq.heappop(self._due).deed)
                self._busy.add(task)
                task.add_done_callback(self._done)

    def _done(self, task: Future[None]) -> None:
        with self._lock:
            self._busy.discard(task)

    def _do(self, deed: Callable[[], None]) -> None:
        try:
            deed()
        except Exception as error:  # one person's trouble is told at the end, and stops nobody else
            with self._lock:
                self.failed.append(f"{type(error).__name__}: {error}"[:300])

    def _after(
        self, minutes: float, deed: Callable[[], None], *, at: datetime | None = None, wait: bool = True
    ) -> None:
        moment = (at or self._now()) + timedelta(minutes=minutes)
        with self._lock:
            heapq.heappush(self._due, _Due(moment, next(self._numbers), deed, wait))

    def _read(self, letter: Letter) -> None:
        found = _LINK.search(letter.text)
        if found is None:
            return
        kind, token = found.groups()
        if kind == "s":
            self._asked_how_it_was(letter, token)
        elif token not in self._people:
            self._asked(letter, token)
        elif (code := _CODE.search(letter.text)) is not None:
            self._has_a_place(token, code.group(1))

    def _asked(self, letter: Letter, token: str) -> None:
        night = self._night(self._now())
        person = _Person(mind(self._seed, letter, self._habits(night), self._delay, night=night))
        with self._lock:
            self._people[token] = person
            self.did["asked"] += 1
        if person.mind.answer is not Answer.NONE:
            self._after(person.mind.after, lambda: self._answer(token, person))

    def _answer(self, token: str, person: _Person) -> None:
        further = "" if person.mind.answer is Answer.ACCEPT else f"/{person.mind.answer}"
        form = self._form(f"/c/{token}{further}", f"/{person.mind.answer}")
        if form is None:
            self._note("too_late")
            return
        filled = self._filled(form, person.mind.luck)
        if person.mind.answer is Answer.ACCEPT:
            minutes = float(filled.get("arrival") or 30)
            person.arrives = self._now() + timedelta(minutes=minutes + person.mind.late)
        page = self._post(form, filled)
        if page is None:
            return
        self._note(person.mind.answer)
        if person.mind.answer is Answer.ACCEPT and person.mind.withdraws is not None:
            self._after(person.mind.withdraws, lambda: self._withdraw(token, person))
        if (code := _CODE_ON_PAGE.search(page)) is not None:
            self._has_a_place(token, code.group(1))

    def _withdraw(self, token: str, person: _Person) -> None:
        form = self._form(f"/c/{token}", "/withdraw")
        if form is None or person.on_site or self._post(form, self._filled(form, person.mind.luck)) is None:
            return
        person.code, person.left = None, True
        self._note("withdraw")

    def _has_a_place(self, token: str, code: str) -> None:
        """The page or a letter told a code: the place is theirs, and they set out as they said."""
        with self._lock:
            person = self._people[token]
            known, person.code = person.code is not None, code
        if known or person.left or person.on_site or not person.mind.comes:
            return
        at = max(self._now(), person.arrives or self._now())
        self._after(0, lambda: self._check_in(token, person), at=at)

    def _check_in(self, token: str, person: _Person) -> None:
        if person.code is None or person.on_site:
            return
        answer = self._web.post(
            "/api/v1/duties/check-in", json={"link": token, "code": person.code}, headers=_key(token, "in")
        )
        if self._went(answer):
            person.on_site = True
            self._note("check_in")
        else:
            person.left = True

    def _check_out(self, token: str, person: _Person) -> None:
        answer = self._web.post(
            "/api/v1/duties/check-out", json={"link": token, "code": person.code}, headers=_key(token, "out")
        )
        if self._went(answer):
            person.on_site, person.left = False, True
            self._note("check_out")

    def _asked_how_it_was(self, letter: Letter, token: str) -> None:
        if token in self._surveys:
            return
        self._surveys[token] = False
        night = self._night(self._now())
        drawn = mind(self._seed, letter, self._habits(night), self._delay, night=False)
        with self._lock:
            self.did["surveyed"] += 1
        if drawn.luck < self._habits(night).survey:
            self._after(drawn.after, lambda: self._tell(token, drawn))

    def _tell(self, token: str, drawn: Mind) -> None:
        form = self._form(f"/s/{token}", f"/s/{token}")
        if form is not None and self._post(form, told(form, drawn.late / LATEST, self._remarks)) is not None:
            self._surveys[token] = True
            self._note("survey")

    def _form(self, path: str, ending: str) -> Form | None:
        page = self._web.get(path)
        return form_to(page.text, ending) if self._went(page) else None

    def _filled(self, form: Form, luck: float) -> dict[str, str]:
        chosen = {name: _one(values, luck * luck) for name, values in form.choices.items() if values}
        return form.fields | chosen

    def _post(self, form: Form, filled: Mapping[str, str]) -> str | None:
        """The page that follows; None when the form was refused."""
        page = self._web.post(form.action, data=dict(filled))
        return page.text if self._went(page) else None

    def _went(self, answer: httpx2.Response) -> bool:
        if answer.status_code >= _SERVER_ERROR:
            raise RuntimeError(f"{answer.status_code} at {answer.url.path.rsplit('/', 1)[0]}")
        if answer.is_error:
            self._note(f"refused {answer.status_code}")
        return answer.is_success

    def _note(self, what: str) -> None:
        with self._lock:
            self.did[str(what)] += 1


def told(form: Form, luck: float, remarks: Sequence[str]) -> dict[str, str]:
    """Mostly content, sometimes not: scales from the middle up, rather the first of other choices, and one in
    four writes something. ``luck`` is from 0 to 1."""
    filled = dict(form.fields)
    for name, values in form.choices.items():
        scale = all(value.isdigit() for value in values)
        better = [value for value in values if not scale or int(value) >= _GOOD_MARK]
        filled[name] = _one(better or values, luck if scale else luck**3)
    if remarks and luck < _WRITES:
        filled |= dict.fromkeys(form.texts, _one(remarks, luck / _WRITES))
    return filled


def _one(values: Sequence[str], luck: float) -> str:
    return values[min(int(luck * len(values)), len(values) - 1)]


def _key(token: str, deed: str) -> dict[str, str]:
    return {"Idempotency-Key": f"{deed}-{token}"}
