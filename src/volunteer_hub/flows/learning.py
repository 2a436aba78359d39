"""The answer model between its tables and the engine: what is assumed, what was asked, what is believed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from volunteer_hub.boards import homes
from volunteer_hub.boards.replies import Example
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.engine.answer_model.belief import Model, Own
from volunteer_hub.engine.answer_model.data import KNOTS, Asks, Counts, Fitted, Settings, nothing, told
from volunteer_hub.engine.arrays import Floats, Ints
from volunteer_hub.mobilization import answer_rules, answers
from volunteer_hub.mobilization.answer_models import AnswerVersion
from volunteer_hub.mobilization.answer_rules import CELLS, NO, SILENCE, WHENS, YES
from volunteer_hub.mobilization.answers import Columns
from volunteer_hub.mobilization.policy import Answers, When
from volunteer_hub.mobilization.reply_rules import Became

_OUTCOMES: Final = {Became.ACCEPTED: YES, Became.DECLINED: NO, Became.LATER: NO}
ANYTHING: Final = ""
"""The hazard of which nothing is stated."""


def when(zone: str, moment: datetime) -> When:
    """Day or night, where the people are."""
    local = moment.astimezone(ZoneInfo(zone)).time()
    return "night" if policy.load("hub", Site).night.covers(local) else "day"


@cache
def settings(assumed: Answers) -> Settings:
    """What config/answers.toml says, as the engine takes it."""
    rows = [assumed.prior(*way) for way in CELLS]
    delays = [(assumed.delay_of(channel, kind), at) for channel, at, kind in CELLS]
    known = assumed.learning
    return Settings(
        half_life=float(known.half_life_days),
        chance=np.array([row.accept for row in rows]),
        asks=np.array([row.strength for row in rows], dtype=np.float64),
        curves=np.array(
            [np.interp(KNOTS, (0, *delay.minutes(at)), (0, *delay.shares)) for delay, at in delays]
        ),
        group=np.array([WHENS.index(at) for _, at, _ in CELLS]),
        correlation=np.array([assumed.together(at, ANYTHING) for at in WHENS]),
        person=known.person,
        area=known.area,
        callouts=float(known.callouts),
        people=float(known.people),
        areas=float(known.areas),
        ways=known.ways,
    )


def assumed() -> Answers:
    """config/answers.toml."""
    found: Answers = policy.load("answers", Answers)
    return found


def model_of(version: AnswerVersion | None, now: datetime) -> Model:
    """A version as it stands at a moment; without one what is assumed."""
    rests = settings(assumed())
    fitted = Fitted.of(version.fitted) if version is not None else nothing(rests)
    return Model(fitted, rests, answer_rules.day(now))


def columns(examples: Sequence[Example], model: Model) -> Columns:
    """Examples as the store takes them. What was taken back before it was answered weighs less, by what the
    model knows of how fast people answer."""
    cell = np.array([_cell(one) for one in examples], dtype=np.int16)
    outcome = np.array([_OUTCOMES.get(one.outcome, SILENCE) for one in examples], dtype=np.int16)
    minutes = np.array([_minutes(one.asked_at, one.open_until) for one in examples], dtype=np.float64)
    back = np.array([one.taken_back for one in examples], dtype=np.bool_)
    known = cell.astype(np.int64)
    weight = told(model.share_by(minutes, known), model.answering(known))
    return {
        "offer_id": np.array([one.offer_id for one in examples], dtype=np.int64),
        "volunteer_id": np.array([one.volunteer_id for one in examples], dtype=np.int64),
        "callout_id": np.array([one.callout_id for one in examples], dtype=np.int64),
        "day": np.array([answer_rules.day(one.asked_at) for one in examples], dtype=np.float64),
        "cell": cell,
        "outcome": outcome,
        "weight": np.where((outcome == SILENCE) & back, weight, 1).astype(np.float32),
        "delay": np.array([_delay(one) for one in examples], dtype=np.float32),
        "chance": np.array([-1 if one.chance is None else one.chance for one in examples], dtype=np.float32),
    }


def _cell(one: Example) -> int:
    channel: Any = one.channel
    return answer_rules.cell(channel, when(one.zone, one.asked_at), one.kind.value)


def _delay(one: Example) -> float:
    """Of a yes to a question that was left open: where it was taken back only the quick are seen."""
    if one.answered_at is None or one.taken_back or _OUTCOMES.get(one.outcome) != YES:
        return -1.0
    return _minutes(one.asked_at, one.answered_at)


def _minutes(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds() / 60)


def asks_of(found: Columns, at_home: homes.Homes) -> Asks:
    """Settled asks as the engine takes them."""
    area, city = at_home.of(found["volunteer_id"])
    return Asks(
        person=found["volunteer_id"],
        area=area,
        city=city,
        callout=found["callout_id"],
        cell=found["cell"].astype(np.int64),
        at=found["day"],
        yes=found["outcome"] == YES,
        answered=found["outcome"] != SILENCE,
        weight=found["weight"].astype(np.float64),
        delay=np.where(found["delay"] >= 0, found["delay"], np.nan).astype(np.float64),
    )


def people_columns(counts: Counts) -> Columns:
    """Sums of people as the store takes them."""
    return {
        "volunteer_id": counts.key,
        "cell": counts.cell.astype(np.int16),
        "asks": counts.asks.astype(np.float32),
        "yes": counts.yes.astype(np.float32),
    }


def area_columns(counts: Counts) -> Columns:
    """Sums of nodes as the store takes them."""
    return {
        "area_id": counts.key,
        "cell": counts.cell.astype(np.int16),
        "asks": counts.asks,
        "yes": counts.yes,
        "squares": counts.squares,
    }


@dataclass(frozen=True)
class Circle:
    """What the model knows of some people [n], ascending by id: their homes, how far their communities and
    they themselves are moved."""

    model: Model
    people: Ints
    area: Ints
    city: Ints
    moved: Floats
    own: Own

    def chance(self, cell: int) -> Floats:
        """[n] of a yes when asked so."""
        return self.model.of_person(self.city, self.moved, self.own, cell)

    def band(self, cell: int) -> tuple[Floats, Floats]:
        """[n] between which it lies with 90 %."""
        return self.model.band(self.city, self.moved, self.own, cell)

    def of_area(self, cell: int) -> Floats:
        """[n] that of somebody of their community of whom nothing else is known."""
        return self.model.of_area(self.city, self.moved, cell)

    def strength(self, cell: int) -> Floats:
        """[n] how many asks what is known of their city is worth."""
        found: Floats = self.model.strength[self.model.row_of(self.city), cell]
        return found

    def measured(self, cell: int) -> Any:
        """[n] whether own asks weigh more there than what was assumed."""
        return self.model.measured[self.model.row_of(self.city), cell]


def circle(tx: Tx, people: Collection[int], model: Model) -> Circle:
    """What the model knows of these people, in three queries."""
    at_home = homes.of(tx, people)
    nodes, node = np.unique(at_home.area, return_inverse=True)
    city_of = np.zeros(len(nodes), np.int64)
    city_of[node] = at_home.city
    moved = areas(tx, nodes, city_of, model).moved[node]
    of_people = answers.people(tx, at_home.person.tolist())
    own = model.people(
        at_home.city,
        moved,
        _counts(of_people, "volunteer_id", at_home.person, np.zeros(len(of_people["cell"]))),
    )
    return Circle(model, at_home.person, at_home.area, at_home.city, moved, own)


def areas(tx: Tx, nodes: Ints, city: Ints, model: Model) -> Own:
    """What the model knows of communities, ascending by id, of these cities: one query."""
    found = answers.areas(tx, nodes.tolist())
    return model.areas(city, _counts(found, "area_id", nodes, found["squares"]))


def _counts(found: Columns, key: str, places: Ints, squares: Floats) -> Counts:
    return Counts(
        key=np.searchsorted(places, found[key]),
        cell=found["cell"].astype(np.int64),
        asks=found["asks"].astype(np.float64),
        yes=found["yes"].astype(np.float64),
        squares=squares,
    )


def ids(values: Sequence[int]) -> Ints:
    """As the engine takes them."""
    return np.array(values, dtype=np.int64)
