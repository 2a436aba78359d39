"""The answer model against cities whose true chances are known."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from volunteer_hub.engine.answer_model.belief import Model
from volunteer_hub.engine.answer_model.calibration import calibration, summed
from volunteer_hub.engine.answer_model.data import KNOTS, Asks, Counts, Fitted, Settings, nothing, told
from volunteer_hub.engine.answer_model.fit import fit, fold
from volunteer_hub.engine.answer_model.teaching import SIDE, between, teaching
from volunteer_hub.engine.arrays import Floats, Ints
from volunteer_hub.engine.overcall import smallest_ask
from volunteer_hub.engine.shock import shock

DAY, NIGHT = 0, 1
ASSUMED = Settings(
    half_life=365.0,
    chance=np.array([0.34, 0.19]),
    asks=np.array([36.0, 36.0]),
    curves=np.tile(np.linspace(0.1, 0.99, len(KNOTS)), (2, 1)),
    group=np.array([DAY, NIGHT]),
    correlation=np.array([0.02, 0.03]),
    person=0.1,
    area=0.01,
    callouts=12.0,
    people=300.0,
    areas=30.0,
    ways=0.0,
)
TRUE = np.array([0.50, 0.28])
"""By day and by night: this city is more willing than assumed."""


@dataclass
class City:
    """People in communities, who differ; by the cell they say yes with ``chance`` [C, V] on the whole."""

    area: Ints
    odds: Floats
    rng: np.random.Generator
    shock: float = 0.25  # of log-odds, drawn for each callout

    @classmethod
    def made(cls, seed: int, people: int = 4_000, areas: int = 40, spread: float = 1.0) -> "City":
        rng = np.random.default_rng(seed)
        area = np.sort(rng.integers(0, areas, people))
        moved = rng.normal(0, 0.3, areas)[area] + rng.normal(0, spread, people)
        odds = np.log(TRUE / (1 - TRUE))[:, None] * 1.15 + moved[None, :]
        return cls(area, odds, rng)

    @property
    def chance(self) -> Floats:
        return 1 / (1 + np.exp(-self.odds))

    def callout(self, number: int, day: float, cell: int, people: Ints) -> Asks:
        common = self.rng.normal(0, self.shock)
        yes = self.rng.random(len(people)) < 1 / (1 + np.exp(-(self.odds[cell, people] + common)))
        answered = yes | (self.rng.random(len(people)) < 0.3)
        return Asks(
            person=people,
            area=self.area[people],
            city=np.full(len(people), 7),
            callout=np.full(len(people), number),
            cell=np.full(len(people), cell),
            at=np.full(len(people), day),
            yes=yes,
            answered=answered,
            weight=np.ones(len(people)),
            delay=np.where(yes, self.rng.exponential(20, len(people)), np.nan),
        )


def joined(parts: list[Asks]) -> Asks:
    return Asks(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Asks.__dataclass_fields__)
    )


def placed(counts: Counts, keys: Ints) -> Counts:
    """With keys as places in ``keys``, ascending, which hold all of them."""
    return replace(counts, key=np.searchsorted(keys, counts.key))


def believed(city: City, fitted: Fitted, people: Counts, areas: Counts, day: float, cell: int) -> Floats:
    """[V] what the model says of everybody."""
    model = Model(fitted, ASSUMED, day)
    homes = np.arange(city.area.max() + 1)
    of_area = model.areas(np.full(len(homes), 7), placed(areas, homes)).moved
    seven, moved = np.full(len(city.area), 7), of_area[city.area]
    own = model.people(seven, moved, placed(people, np.arange(len(city.area))))
    return model.of_person(seven, moved, own, cell)


def year(city: City, months: int = 12, share: float = 0.2) -> list[Asks]:
    """Monthly drills, each third at night, of a share of the people."""
    everybody = np.arange(len(city.area))
    return [
        city.callout(
            month,
            30.0 * month,
            NIGHT if month % 3 == 2 else DAY,
            np.sort(city.rng.choice(everybody, int(share * len(everybody)), replace=False)),
        )
        for month in range(months)
    ]


def test_before_the_first_ask_everybody_has_the_chance_assumed() -> None:
    city = City.made(1, 50, 5)
    none = Counts(*(np.zeros(0, kind) for kind in (np.int64, np.int64, float, float, float)))
    found = believed(city, nothing(ASSUMED), none, none, 0.0, NIGHT)
    assert found == pytest.approx(np.full(50, 0.19))
    model = Model(nothing(ASSUMED), ASSUMED, 0.0)
    assert (model.strength.tolist(), model.measured.any()) == ([[36.0, 36.0]], False)
    assert model.correlation.tolist() == [0.02, 0.03]
    assert model.curve(DAY) == pytest.approx(ASSUMED.curves[DAY])


def test_what_a_drill_teaches_is_as_worked_out_by_hand() -> None:
    # p = 1/2, standard deviation of the log-odds 2: 1/v = 1/4; two asks are known by 2 +- 2 * 1/2 * 2 = 2.
    # Three answers for themselves add 3 * 1/4: 1/v = 1, +- 1. Five that correlate by 1/6 tell as much.
    # p = 1/5, v = 1/4, one ask: 1/v = 4 + 4/25.
    taught = teaching(
        np.array([0.5, 0.5, 0.2]),
        np.array([4.0, 4.0, 0.25]),
        np.array([3.0, 5.0, 1.0]),
        np.array([0, 1 / 6, 1]),
    )
    assert taught.stated.tolist() == [2.0, 2.0, 5.0]
    assert taught.before.tolist() == [2.0, 2.0, 2.0]
    assert taught.after == pytest.approx([1.0, 1.0, 4 / math.sqrt(4.16)])
    assert taught.per_ask == pytest.approx([1 / 3, 1 / 5, 2 - 4 / math.sqrt(4.16)])
    # One person needed at even odds, known by a factor of 3 either way: a chance of 3/4 or of 1/4.
    low, high = between(np.array([0.5]), np.array([(math.log(3) / SIDE) ** 2]))
    assert (low[0], high[0]) == pytest.approx((4 / 3, 4))


def test_drill_by_drill_chances_come_nearer_the_truth_and_fewer_are_woken() -> None:
    city = City.made(3)
    asks: list[Asks] = []
    off, woken, brier = [], [], []
    need, crowd = 8, np.sort(city.rng.choice(len(city.area), 400, replace=False))
    for drill in [None, *year(city)]:
        asks += [drill] if drill is not None else []
        day = 30.0 * len(asks)
        fitted, people, areas = fit(joined(asks), ASSUMED, day) if asks else (nothing(ASSUMED), *_no_counts())
        chance = believed(city, fitted, people, areas, day, DAY)
        off.append(float(np.abs(chance - city.chance[DAY]).mean()))
        came = city.rng.random(len(chance)) < city.chance[DAY]
        brier.append(calibration(chance, came).brier or 1.0)
        model = Model(fitted, ASSUMED, day)
        law = shock(float(model.correlation[DAY]), float(model.strength[0, DAY]))
        woken.append(smallest_ask(np.sort(chance[crowd])[::-1], need, 0.95, law) or len(crowd))
    assert off[0] > 0.2 > off[6] > off[12]
    assert off[12] < 0.75 * off[0]
    assert brier[12] < 0.93 * brier[0]
    assert woken[0] > woken[4] > woken[12]
    assert woken[12] <= woken[0] / 2


def _no_counts() -> tuple[Counts, Counts]:
    none = Counts(*(np.zeros(0, kind) for kind in (np.int64, np.int64, float, float, float)))
    return none, none


def test_how_much_people_communities_and_callouts_differ_is_found() -> None:
    city = City.made(5, 6_000, 60)
    city.shock = 0.5
    settings = replace(ASSUMED, half_life=1e9, callouts=0.1)
    drills = year(city, 48)
    fitted, _, _ = fit(joined(drills), settings, 1500.0)
    model = Model(fitted, settings, 1500.0)
    assert fitted.alike.spread == pytest.approx(1.0, rel=0.15)
    homes = [city.odds[DAY, city.area == home].mean() for home in range(60)]
    in_the_mean = np.var(homes) / (1 + np.pi / 8)  # chances of people who differ lie nearer to a half
    assert fitted.alike.area_spread == pytest.approx(in_the_mean, rel=0.3)
    shares = [drill.yes.mean() for drill in drills if drill.cell[0] == DAY]
    by_hand = np.var(shares, ddof=1) / (np.mean(shares) * (1 - np.mean(shares)))
    assert model.correlation[DAY] == pytest.approx(by_hand, rel=0.1)


def test_predictions_of_the_next_drill_hold_what_they_promise() -> None:
    city, parts = City.made(8), []
    city.shock = 0.0
    drills = year(city, 14)
    asks = drills[:6]
    for drill in drills[6:]:
        cell = int(drill.cell[0])
        found = believed(city, *fit(joined(asks), ASSUMED, float(drill.at[0])), float(drill.at[0]), cell)
        parts.append(calibration(found[drill.person], drill.yes))
        asks.append(drill)
    whole = summed(parts)
    assert whole.asks == sum(len(drill) for drill in drills[6:])
    assert whole.error is not None
    assert whole.error < 0.03
    assert all(abs(t.predicted - t.yes) / t.asks < 0.08 for t in whole.tenths if t.asks > 200)


def test_a_drill_folded_in_says_what_fitting_all_anew_says() -> None:
    city = City.made(11)
    drills = year(city, 6)
    fitted, people, areas = fit(joined(drills[:5]), ASSUMED, 150.0)
    after, more, of_areas = fold(fitted, drills[5], ASSUMED, 180.0)
    anew, all_people, all_areas = fit(joined(drills), ASSUMED, 180.0)
    for name in ("asks", "yes", "squares", "answered", "delays"):
        assert getattr(after, name) == pytest.approx(getattr(anew, name))
    assert (more.key == drills[5].person).all()
    assert of_areas.asks.sum() == pytest.approx(more.asks.sum())
    anew = replace(anew, alike=fitted.alike)
    folded = _merged(people, more), _merged(areas, of_areas)
    one, other = (
        believed(city, which, *counts, 180.0, DAY)
        for which, counts in ((after, folded), (anew, (all_people, all_areas)))
    )
    assert np.abs(one - other).max() < 0.01


def _merged(one: Counts, other: Counts) -> Counts:
    key = np.concatenate([one.key, other.key]) * 2 + np.concatenate([one.cell, other.cell])
    keys, at = np.unique(key, return_inverse=True)
    sums = [
        np.bincount(at, np.concatenate([getattr(one, name), getattr(other, name)]))
        for name in ("asks", "yes", "squares")
    ]
    return Counts(keys // 2, keys % 2, *sums)


def test_what_a_person_did_by_day_tells_of_their_nights() -> None:
    city = City.made(2, 2_000, 10)
    drills = [city.callout(n, 10.0 * n, DAY, np.arange(2_000)) for n in range(8)]
    fitted, people, areas = fit(joined(drills), ASSUMED, 80.0)
    night = believed(city, fitted, people, areas, 80.0, NIGHT)
    willing = city.chance[NIGHT] > np.quantile(city.chance[NIGHT], 0.8)
    assert night[willing].mean() > 1.5 * night[~willing].mean()
    model = Model(fitted, ASSUMED, 80.0)
    assert model.measured[0].tolist() == [True, False]
    assert model.strength[0, NIGHT] == 36.0


def test_what_a_city_shows_by_day_moves_what_is_assumed_of_its_nights() -> None:
    city = City.made(2, 2_000, 10)
    drills = [city.callout(n, 10.0 * n, DAY, np.arange(2_000)) for n in range(8)]
    fitted, _, _ = fit(joined(drills), ASSUMED, 80.0)
    alone, model = (Model(fitted, replace(ASSUMED, ways=ways), 80.0) for ways in (0.0, 0.7))
    assert model.chance[0, DAY] == pytest.approx(alone.chance[0, DAY])
    assert alone.chance[0, NIGHT] == pytest.approx(0.19)
    assert model.chance[0, NIGHT] == pytest.approx(TRUE[NIGHT], abs=0.05)
    assert not model.measured[0, NIGHT]
    assert model.chance[1].tolist() == pytest.approx([0.34, 0.19])  # another city has shown nothing
    # The same as the regression of one normal quantity on another that is seen with noise.
    seen, share = alone.strength[0, DAY] - 36, alone.chance[0, DAY]
    noise = 1 / (seen * share * (1 - share))
    spread = 1 / np.sqrt(37 * ASSUMED.chance * (1 - ASSUMED.chance))
    own = spread[DAY] ** 2 + noise
    odds = [np.log(p / (1 - p)) for p in (model.chance[0, NIGHT], 0.19, share, 0.34)]
    off = (odds[2] - odds[3]) * (36 + seen) / seen
    both = 0.7 * spread[DAY] * spread[NIGHT]
    assert odds[0] - odds[1] == pytest.approx(both / own * off)
    left = 1 - both**2 / own / spread[NIGHT] ** 2
    assert model.strength[0, NIGHT] == pytest.approx(36 / left)


def test_old_answers_fade() -> None:
    city = City.made(4, 500, 5)
    old = city.callout(1, 0.0, DAY, np.arange(500))
    fitted, _, _ = fit(replace(old, yes=np.ones(500, bool)), ASSUMED, 0.0)
    soon, late = (Model(fitted, ASSUMED, day) for day in (0.0, 3650.0))
    assert soon.chance[0, DAY] > 0.45
    assert late.chance[0, DAY] == pytest.approx(0.34, abs=0.02)
    assert late.strength[0, DAY] < 37


def test_ten_thousand_answers_to_one_callout_are_not_ten_thousand() -> None:
    city = City.made(4, 10_000, 5)
    fitted, _, _ = fit(city.callout(1, 0.0, DAY, np.arange(10_000)), ASSUMED, 0.0)
    strength = Model(fitted, ASSUMED, 0.0).strength[0, DAY]
    assert 60 < strength < 100


def test_a_question_taken_back_early_is_no_whole_no() -> None:
    rng = np.random.default_rng(6)
    n, chance, refusing = 200_000, 0.4, 0.2
    kind = rng.choice(3, n, p=[chance, refusing, 1 - chance - refusing])
    open_share = np.full(n, 0.5)
    early = rng.random(n) < open_share
    yes, no = (kind == 0) & early, (kind == 1) & early
    weight = np.where(yes | no, 1.0, told(open_share, np.full(n, chance + refusing)))
    assert (yes.sum() / weight.sum()) == pytest.approx(chance, abs=0.005)


def test_what_was_fitted_comes_back_from_what_is_stored() -> None:
    city = City.made(9, 100, 3)
    for fitted in (nothing(ASSUMED), fit(city.callout(1, 3.0, DAY, np.arange(100)), ASSUMED, 3.0)[0]):
        again = Fitted.of(fitted.stored())
        assert again.stored() == fitted.stored()
        assert again.asks.shape == fitted.asks.shape


def test_the_delay_of_yeses_is_learned() -> None:
    city = City.made(10, 3_000, 3)
    fitted, _, _ = fit(city.callout(1, 0.0, DAY, np.arange(3_000)), ASSUMED, 0.0)
    curve = Model(fitted, ASSUMED, 0.0).curve(DAY)
    assert curve == pytest.approx(1 - np.exp(-np.array(KNOTS) / 20), abs=0.05)
    assert (np.diff(curve) >= 0).all()
