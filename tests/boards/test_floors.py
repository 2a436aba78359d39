"""Who counts for a reserve floor when a plan is made: there today, not promised, not asked."""

from datetime import date, timedelta

import numpy as np
import pytest

from tests.boards.cases import HOUR, SARTU, held
from tests.volunteers.test_queries import statements
from tests.world import World, person, world
from volunteer_hub.boards import floors
from volunteer_hub.boards.floors import Kept
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.volunteers import floors as stored
from volunteer_hub.volunteers import pool, registry, skills
from volunteer_hub.volunteers.floors import FloorIn


@pytest.fixture
def w(tx: Tx) -> World:
    """Bo and two helpers are certified first-aiders of Dongfeng."""
    made = world(tx, crowd=8)
    for one in (made.bo, made.crowd[2], made.crowd[7]):
        skills.certify(tx, one, "first_aid", number=str(one.id), expires_on=date(2099, 1, 1))
    return made


def keep(tx: Tx, area: str = SARTU, skill: str = "first_aid", level: int = 1, most: int = 1) -> int:
    return stored.create(tx, FloorIn(area=area, skill=skill, level=level, keep=most)).id


def kept(
    tx: Tx, w: World, area: str = SARTU, asked: tuple[int, ...] = (), broken: tuple[int, ...] = ()
) -> dict[int, tuple[int, int, list[int]]]:
    """Floor -> how many are there, how many may go, the ids of its members."""
    ids = pool.load(tx, [area]).ids
    left = ids[~np.isin(ids, asked)]
    found = all_kept(tx, w, area, asked, broken)
    return {one.id: (one.there, one.spare, left[one.members].tolist()) for one in found}


def all_kept(
    tx: Tx, w: World, area: str = SARTU, asked: tuple[int, ...] = (), broken: tuple[int, ...] = ()
) -> tuple[Kept, ...]:
    people = pool.load(tx, [area])
    left = people.ids[~np.isin(people.ids, asked)]
    return floors.kept(tx, w.incident, area, lambda *_: people, left, tx.now + 6 * HOUR, broken)


def first_aiders(w: World) -> list[int]:
    return [w.bo.id, w.crowd[2].id, w.crowd[7].id]


def test_a_floor_keeps_the_certified_people_of_its_area(tx: Tx, w: World) -> None:
    assert kept(tx, w) == {}
    mine = keep(tx)
    assert kept(tx, w) == {mine: (3, 2, first_aiders(w))}
    higher = keep(tx, level=2, most=4)
    assert kept(tx, w)[higher] == (1, 0, [w.bo.id])


@pytest.mark.parametrize("state", [OfferState.ACCEPTED, OfferState.ON_SITE])
def test_who_is_promised_is_not_there(tx: Tx, w: World, state: OfferState) -> None:
    mine = keep(tx)
    held(tx, w, w.slots[0], w.bo, state)
    assert kept(tx, w) == {mine: (2, 1, first_aiders(w)[1:])}


def test_who_is_asked_may_yet_go(tx: Tx, w: World) -> None:
    mine = keep(tx)
    assert kept(tx, w, asked=(w.bo.id,)) == {mine: (2, 1, first_aiders(w)[1:])}


def test_a_promise_after_the_last_duty_takes_nobody_away(tx: Tx, w: World) -> None:
    mine = keep(tx)
    offer = held(tx, w, w.slots[0], w.bo, OfferState.ACCEPTED)
    people = pool.load(tx, [SARTU])
    before = offer.starts_at - timedelta(minutes=1)
    (found,) = floors.kept(tx, w.incident, SARTU, lambda *_: people, people.ids, before)
    assert (found.id, found.there) == (mine, 3)


def test_a_floor_above_the_pool_counts_people_beyond_it(tx: Tx, w: World) -> None:
    paper = "first_aid|77|Red Cross|2025-01-01|2099-01-01"
    far = person("Kai", 77, community="DQ-DT-001", skills="first_aid:1", certifications=paper)
    registry.register(tx, far)
    city, district, below = keep(tx, "/1/"), keep(tx), keep(tx, "/1/2/3/")
    elsewhere = keep(tx, "/1/4/")
    assert kept(tx, w) == {
        city: (4, 3, first_aiders(w)),
        district: (3, 2, first_aiders(w)),
        below: (3, 2, first_aiders(w)),
    }
    assert kept(tx, w, "/1/2/3/") == kept(tx, w)
    assert set(kept(tx, w, "/1/")) == {city, district, below, elsewhere}
    assert kept(tx, w, "/1/")[elsewhere][:2] == (1, 0)


def test_a_broken_floor_is_told_of_and_marked(tx: Tx, w: World) -> None:
    mine, other = keep(tx), keep(tx, level=2)
    assert [(one.id, one.broken) for one in all_kept(tx, w, broken=(mine,))] == [(mine, True), (other, False)]


def test_a_drill_takes_nobody_away(tx: Tx, w: World) -> None:
    keep(tx)
    w.incident.kind = Kind.DRILL
    assert kept(tx, w) == {}


def test_floors_are_read_with_as_many_queries_for_three_as_for_one(tx: Tx, w: World) -> None:
    people = pool.load(tx, [SARTU])

    def read() -> object:
        return floors.kept(tx, w.incident, SARTU, lambda *_: people, people.ids, tx.now + 6 * HOUR)

    keep(tx, "/1/")
    keep(tx)
    few = statements(tx, read)
    keep(tx, "/1/", level=2)
    keep(tx, level=2)
    keep(tx, "/1/2/3/")
    assert statements(tx, read) == few == 4


def test_the_engine_gets_the_floors_that_could_limit_a_plan(tx: Tx, w: World) -> None:
    assert floors.for_engine(all_kept(tx, w)) is None
    assert floors.digest("abc", all_kept(tx, w)) == "abc"
    first, second, third = keep(tx), keep(tx, level=2, most=1), keep(tx, "/1/2/3/", most=2)
    given = floors.for_engine(all_kept(tx, w))
    assert given is not None
    assert given.most.tolist() == [2, 0, 1]
    assert [len(given.members(g)) for g in range(3)] == [3, 1, 3]
    within = floors.for_engine(all_kept(tx, w, broken=(first, third)))
    assert within is not None
    assert within.most.tolist() == [0]
    assert floors.for_engine(all_kept(tx, w, broken=(first, second, third))) is None
    digests = {
        floors.digest("abc", all_kept(tx, w, broken=broken))
        for broken in ((), (first,), (first, third), (first, second, third))
    }
    assert len(digests) == 4
