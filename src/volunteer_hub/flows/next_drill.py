"""Which drill next: proposed where each ask teaches most, weighted by risk, and accepted as a drill plan.

A drill in a community by day or at night teaches how people there answer then (`engine/answer_model/
teaching`). That is worth, over all hazards, their risk times the people they want: the risk of a hazard there
and then is how often it comes in a year, with one a year assumed beforehand that weighs as a year seen, times
the share of imagined callouts of it that go short, 1 where none was played. Nobody is counted who may not be
disturbed again at that moment (config/drills.toml, [limits]).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import drilled
from volunteer_hub.boards import next_drill as board
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.i18n import Text, t
from volunteer_hub.drills import plans
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.policy import Drills, DrillTemplate
from volunteer_hub.drills.rules import LONGEST_TITLE
from volunteer_hub.engine.answer_model.belief import Model, Own
from volunteer_hub.engine.answer_model.teaching import Teaching, between, teaching
from volunteer_hub.engine.arrays import Floats, Ints
from volunteer_hub.flows import drill_plans, learning, letters
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.mobilization import answer_rules, answers
from volunteer_hub.mobilization.answer_rules import CELLS, CHANNELS, WHENS
from volunteer_hub.mobilization.policy import Channel, When

_AT_ONCE: Final = 20  # communities whose people are counted together
_FARTHEST: Final = 90  # days ahead that a day without a blackout is looked for


@dataclass(frozen=True)
class Proposal:
    """A drill of ``asks`` people of a community, ``share_percent`` of the ``resting`` who may be called at
    that moment. ``hazard``: the one for which it is worth most, which wants ``need`` people: ``stated`` would
    be asked in the mean at the ``chance`` believed; between how many with 90 % as it is known ``before``, and
    ``after`` the drill was held. ``a_year``: how often it comes; ``short``: the share of imagined callouts
    that go short, None where none was played. ``value``: what an ask is worth, over all hazards."""

    area: Jurisdiction
    when: When
    hazard: str
    at: datetime
    resting: int
    asks: int
    share_percent: int
    need: int
    chance: float
    stated: float
    before: tuple[float, float]
    after: tuple[float, float]
    a_year: float
    short: float | None
    value: float


def proposals(tx: Tx, limit: int | None = None) -> list[Proposal]:
    """The best of the actor's areas, one for each community, the best first; as many as config/drills.toml
    shows, or ``limit``."""
    tx.actor.must(board.RIGHT)
    wanted = rules().next.shown if limit is None else limit
    seen: set[str] = set()
    found: list[Proposal] = []
    for one in _ranked(tx):
        if len(found) == wanted:
            break
        if one.area.path not in seen:
            seen.add(one.area.path)
            found.append(one)
    return sorted(found, key=lambda one: -one.value)


def accept(tx: Tx, area_code: str, when: When) -> DrillPlan:
    """Makes the drill plan that is proposed for this community, by day or at night: held once. Raises Refused
    where it is not proposed any more, and as `drill_plans.create`."""
    tx.actor.must("drill.write")
    held = (one for one in _ranked(tx, area_code) if one.when == when)
    proposal = next(held, None)
    if proposal is None:
        raise Refused("drill.not_proposed")
    template = template_of(when)
    local = proposal.at.astimezone(ZoneInfo(proposal.area.zone))
    rule = f"FREQ=YEARLY;COUNT=1;BYMONTH={local.month};BYMONTHDAY={local.day}"
    spec = replace(
        plans.from_template(template, _title(proposal, tx.actor.lang), proposal.area.zone),
        hazard=proposal.hazard,
        rule=f"{rule};BYHOUR={local.hour};BYMINUTE={local.minute}",
        share_percent=proposal.share_percent,
    )
    return drill_plans.create(tx, area_code, spec)


def reason(one: Proposal, lang: str) -> str:
    """Why it is proposed, in one sentence."""
    hazards: Hazards = policy.load("hazards", Hazards)
    name = hazards.hazards[one.hazard].name
    return t(
        lang,
        f"drills.next.why.{'unplayed' if one.short is None else 'played'}",
        hazard={"en": name.en, "zh": name.zh},
        when=Text(f"drills.next.when.{one.when}"),
        need=one.need,
        low=round(one.before[0]),
        high=round(one.before[1]),
        low_after=round(one.after[0]),
        high_after=round(one.after[1]),
        asks=one.asks,
        often=_often(one.a_year),
        short=round(100 * (one.short or 0)),
    )


def _often(a_year: float) -> Text:
    if a_year > 1.5:
        return Text("drills.next.often.times", {"n": round(a_year)})
    return Text("drills.next.often.years", {"n": round(1 / a_year)})


def rules() -> Drills:
    """config/drills.toml."""
    found: Drills = policy.load("drills", Drills)
    return found


def template_of(when: When) -> DrillTemplate:
    """The template that a drill by day or at night starts from."""
    known = rules()
    name = known.next.night if when == "night" else known.next.day
    return known.templates[name] if name else next(iter(known.templates.values()))


def _title(one: Proposal, lang: str) -> str:
    name = template_of(one.when).name
    said = t(lang, "drills.next.title", name={"en": name.en, "zh": name.zh}, area=one.area.name)
    return said[:LONGEST_TITLE]


@dataclass(frozen=True)
class _Scores:
    """What is known of communities [n] in one part of the day, by their places in the list of them."""

    when: When
    nodes: Sequence[Jurisdiction]
    chance: Floats
    variance: Floats
    correlation: float
    a_year: dict[str, float]
    short: dict[tuple[str, str, bool], float]

    def weighed(self, place: int) -> dict[str, float]:
        """Hazard -> its risk there times the people it wants."""
        path, night = self.nodes[place].path, self.when == "night"
        return {
            hazard: need * self.a_year[hazard] * self.short.get((path, hazard, night), 1.0)
            for hazard, need in board.needs().items()
        }

    def taught(self, asks: Floats) -> Teaching:
        """By drills of so many asks [n]."""
        return teaching(self.chance, self.variance, asks, np.full(len(asks), self.correlation))


def _ranked(tx: Tx, area_code: str | None = None) -> Iterator[Proposal]:
    """All that may be held, roughly the best first: people are counted only as far as somebody looks."""
    known = rules().next
    nodes = [node for node in board.places(tx) if area_code in (None, node.code)]
    if not nodes:
        return
    parts = _scores(tx, nodes)
    asks = np.full(len(nodes), float(known.asks))
    ranked = [
        (float(worth) * sum(part.weighed(place).values()), part, place)
        for part in parts
        for place, worth in enumerate(part.taught(asks).per_ask)
    ]
    ranked.sort(key=lambda row: (-row[0], row[2]))
    for first in range(0, len(ranked), _AT_ONCE):
        yield from _held(tx, [(part, place) for _, part, place in ranked[first : first + _AT_ONCE]])


def _held(tx: Tx, some: Sequence[tuple[_Scores, int]]) -> list[Proposal]:
    """Those of them for which enough people may be disturbed, the best first."""
    together: dict[datetime, list[tuple[_Scores, int]]] = defaultdict(list)
    for part, place in some:
        together[_moment(tx.now, part.when, part.nodes[place].zone)].append((part, place))
    found = []
    for moment, several in together.items():
        resting = drilled.resting(tx, [part.nodes[place].path for part, place in several], moment)
        for part, place in several:
            people = resting.get(part.nodes[place].path, 0)
            if people >= rules().next.fewest:
                found.append(_proposal(part, place, people, moment))
    return sorted(found, key=lambda one: -one.value)


def _proposal(part: _Scores, place: int, people: int, at: datetime) -> Proposal:
    share = min(100, max(1, round(100 * rules().next.asks / people)))
    asks = ceil(people * share / 100)
    taught = part.taught(np.full(len(part.nodes), float(asks)))
    weighed = part.weighed(place)
    hazard = max(weighed, key=lambda one: (weighed[one], one))
    need, node = board.needs()[hazard], part.nodes[place]
    return Proposal(
        area=node,
        when=part.when,
        hazard=hazard,
        at=at,
        resting=people,
        asks=asks,
        share_percent=share,
        need=need,
        chance=float(part.chance[place]),
        stated=need * float(taught.stated[place]),
        before=_between(need, part.chance[place], part.variance[place]),
        after=_between(need, part.chance[place], taught.left[place]),
        a_year=part.a_year[hazard],
        short=part.short.get((node.path, hazard, part.when == "night")),
        value=float(taught.per_ask[place]) * sum(weighed.values()),
    )


def _between(need: int, chance: float, variance: float) -> tuple[float, float]:
    low, high = between(np.array([chance]), np.array([variance]))
    return need * float(low[0]), need * float(high[0])


def _scores(tx: Tx, nodes: Sequence[Jurisdiction]) -> list[_Scores]:
    """What the newest answer model and the risks say of these communities, by day and at night."""
    model = learning.model_of(answers.latest(tx), tx.now)
    city = learning.ids([int(node.path.split("/")[1]) for node in nodes])
    ids = learning.ids([node.id for node in nodes])
    own, channel = learning.areas(tx, ids, city, model), _channels(tx, ids)
    years = rules().next.years
    happened, short = board.happened(tx, years), board.short(tx)
    found = []
    for when in WHENS:
        cell = np.array([answer_rules.cell(CHANNELS[way], when, "drill") for way in channel])
        a_year = {hazard: (1 + happened[hazard, when == "night"]) / (1 + years) for hazard in board.needs()}
        found.append(_part(model, when, nodes, city, own, cell, a_year, short))
    return found


def _part(
    model: Model,
    when: When,
    nodes: Sequence[Jurisdiction],
    city: Ints,
    own: Own,
    cell: Ints,
    a_year: dict[str, float],
    short: dict[tuple[str, str, bool], float],
) -> _Scores:
    return _Scores(
        when=when,
        nodes=nodes,
        chance=model.of_area(city, own.moved, cell),
        variance=model.variance(city, own, cell),
        correlation=float(model.correlation[WHENS.index(when)]),
        a_year=a_year,
        short=short,
    )


def _channels(tx: Tx, nodes: Ints) -> Ints:
    """[n] the number of the channel by which people of each community were asked most; where nobody was, of
    that most used at all, or the first that is set up."""
    found = answers.areas(tx, nodes.tolist())
    way = np.array([CHANNELS.index(channel) for channel, _, _ in CELLS])[found["cell"].astype(np.int64)]
    asked = np.zeros((len(nodes), len(CHANNELS)))
    np.add.at(asked, (np.searchsorted(nodes, found["area_id"]), way), found["asks"])
    usual = int(np.argmax(asked.sum(axis=0))) if asked.any() else CHANNELS.index(_first_set_up())
    most: Ints = np.where(asked.any(axis=1), asked.argmax(axis=1), usual)
    return most


def _first_set_up() -> Channel:
    known = [kind.value for kind in letters.kinds_for("offer")]
    return next((channel for channel in CHANNELS if channel in known), CHANNELS[0])


def _moment(now: datetime, when: When, zone: str) -> datetime:
    """The first hour that drills are proposed for, on a day without a blackout."""
    known, clock = rules(), ZoneInfo(zone)
    first = now.astimezone(clock).date() + timedelta(days=known.next.lead_days)
    days = (first + timedelta(days=n) for n in range(_FARTHEST))
    day = next((one for one in days if known.blackout(one) is None), first)
    return datetime.combine(day, known.next.night_at if when == "night" else known.next.day_at, clock)
