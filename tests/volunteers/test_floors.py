"""Reserve floors: Sartu keeps its last nurses; who counts for it is who could be called today."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.volunteers.conftest import BO, CLERK, KAI, LIN, MEI
from tests.volunteers.test_queries import statements
from volunteer_hub.core.actor import Actor, Grant
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Forbidden, Malformed, NotFound, PreconditionFailed, Refused
from volunteer_hub.volunteers import floors, pool, registry, skills, standing
from volunteer_hub.volunteers.floors import FloorIn
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status

NURSES = FloorIn(area="/1/2/", skill="nursing", keep=2)
PAPER = "|N-{}|Red Cross|2025-01-01|2035-01-01"


def also(actor: Actor, *rights: str) -> Actor:
    """The same actor with further rights in the same areas."""
    return replace(actor, grants=tuple(Grant(g.area, g.permissions | set(rights)) for g in actor.grants))


@pytest.fixture
def mei(mei: Tx) -> Tx:
    mei.actor = also(MEI, "floor.read", "floor.write")
    return mei


def nurse(tx: Tx, number: int, status: Status = Status.ACTIVE, **other: Any) -> Volunteer:
    told = {
        "name": f"Nurse {number}",
        "birthday": "1990-01-01",
        "community": "DQ-ST-001",
        "skills": "nursing:1",
        "certifications": "nursing" + PAPER.format(number),
    }
    return registry.register(tx, told | other, status=status)


def present(tx: Tx, given: FloorIn, away: tuple[int, ...] = ()) -> int:
    row = floors.create(tx, given)
    return floors.present(tx, [row], away)[row.id]


def test_a_floor_is_set_changed_and_removed_by_the_version_that_was_read(mei: Tx) -> None:
    row = floors.create(mei, NURSES)
    assert (row.area, row.skill, row.level, row.keep, row.version) == ("/1/2/", "nursing", 1, 2, 1)
    assert (row.set_by, row.set_at) == (None, mei.now)
    assert floors.change(mei, row.public_id, 1, 3).keep == 3
    with pytest.raises(PreconditionFailed):
        floors.change(mei, row.public_id, 1, 4)
    with pytest.raises(PreconditionFailed):
        floors.remove(mei, row.public_id, 1)
    floors.remove(mei, row.public_id, 2)
    assert floors.floors(mei) == []


def test_an_area_has_one_floor_for_a_skill_at_a_level(mei: Tx) -> None:
    first = floors.create(mei, NURSES)
    with pytest.raises(Refused) as caught:
        floors.create(mei, NURSES.model_copy(update={"keep": 5}))
    assert caught.value.code == "floor.there"
    second = floors.create(mei, NURSES.model_copy(update={"level": 2}))
    assert [row.id for row in floors.floors(mei)] == [first.id, second.id]
    assert [row.id for row in floors.floors(mei, limit=1)] == [first.id]
    assert [row.id for row in floors.floors(mei, after=first.id)] == [second.id]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"skill": "flying"}, ("skill", "volunteer.skill")),
        ({"level": 4}, ("level", "volunteer.level")),
        ({"level": 0}, ("level", "volunteer.level")),
        ({"keep": 0}, ("keep", "floor.keep")),
        ({"keep": floors.MOST_KEPT + 1}, ("keep", "floor.keep")),
    ],
)
def test_what_is_wrong_with_a_floor_is_named(mei: Tx, change: dict[str, Any], wrong: tuple[str, str]) -> None:
    with pytest.raises(Malformed) as caught:
        floors.create(mei, NURSES.model_copy(update=change))
    assert [(fault.where, fault.code) for fault in caught.value.fields] == [wrong]


def test_the_most_that_can_be_kept_can_be_kept(mei: Tx) -> None:
    assert floors.create(mei, NURSES.model_copy(update={"keep": floors.MOST_KEPT})).keep == floors.MOST_KEPT


def test_another_districts_floor_is_not_there(mei: Tx) -> None:
    row = floors.create(mei, NURSES)
    mei.actor = also(KAI, "floor.read", "floor.write")
    assert floors.floors(mei) == []
    for deed in (
        lambda: floors.find(mei, "floor.read", row.public_id),
        lambda: floors.change(mei, row.public_id, 1, 3),
        lambda: floors.remove(mei, row.public_id, 1),
        lambda: floors.create(mei, NURSES),
    ):
        with pytest.raises(NotFound):
            deed()


def test_who_may_only_read_floors_sets_none(mei: Tx) -> None:
    row = floors.create(mei, NURSES)
    mei.actor = also(CLERK, "floor.read")
    assert [one.id for one in floors.floors(mei)] == [row.id]
    with pytest.raises(Forbidden):
        floors.create(mei, NURSES.model_copy(update={"level": 2}))
    with pytest.raises(Forbidden):
        floors.change(mei, row.public_id, 1, 3)


def test_the_floors_of_an_area_are_its_own_those_below_and_those_above(mei: Tx) -> None:
    mei.actor = also(CLERK, "floor.read", "floor.write")
    made = {
        area: floors.create(mei, NURSES.model_copy(update={"area": area})).id
        for area in ("/1/", "/1/2/", "/1/2/3/", "/1/4/")
    }
    assert [row.id for row in floors.touching(mei, "/1/2/")] == [
        made["/1/"],
        made["/1/2/"],
        made["/1/2/3/"],
    ]
    assert [row.id for row in floors.touching(mei, "/1/4/5/")] == [made["/1/"], made["/1/4/"]]


def test_present_is_who_holds_the_skill_with_proof_and_may_be_called(mei: Tx) -> None:
    nurse(mei, 1)
    nurse(mei, 2, skills="doctor:2", certifications="doctor" + PAPER.format(2))  # a doctor nurses too
    nurse(mei, 3, certifications="nursing|N-3|Red Cross|2015-01-01|2020-01-01")
    nurse(mei, 4, certifications="")
    nurse(mei, 5, skills="cooking:3", certifications="")
    registry.register(mei, LIN | {"skills": "nursing:1"})
    away = standing.pause(mei, nurse(mei, 6), mei.now.date() + timedelta(days=1))
    assert away.status == Status.PAUSED
    suspended = nurse(mei, 7)
    standing.suspend(mei, suspended.public_id, "under review")
    assert present(mei, NURSES) == 2
    assert present(mei, NURSES.model_copy(update={"level": 2})) == 1
    assert present(mei, NURSES.model_copy(update={"level": 3})) == 0


def test_who_is_away_is_not_present(mei: Tx) -> None:
    one, two = nurse(mei, 1), nurse(mei, 2)
    assert present(mei, NURSES, (one.id,)) == 1
    row = floors.floors(mei)[0]
    assert floors.present(mei, [row], (one.id, two.id)) == {row.id: 0}


def test_a_light_pledge_is_present_for_what_it_names(mei: Tx) -> None:
    nurse(mei, 1, pledge_for="cooking", status=Status.PLEDGED)
    nurse(mei, 2, pledge_for="nursing", status=Status.PLEDGED)
    assert present(mei, NURSES) == 1


def test_everybody_counts_for_what_everybody_can_do(mei: Tx) -> None:
    nurse(mei, 1)
    registry.register(mei, LIN)
    assert present(mei, FloorIn(area="/1/2/", skill="general", keep=1)) == 2


def test_people_count_where_they_live(mei: Tx) -> None:
    nurse(mei, 1)
    mei.actor = also(CLERK, "floor.read", "floor.write")
    nurse(mei, 2, community="DQ-DT-001")
    counts = [
        present(mei, NURSES.model_copy(update={"area": area}))
        for area in ("/1/", "/1/2/", "/1/2/3/", "/1/4/")
    ]
    assert counts == [2, 1, 1, 1]


def test_present_is_what_planning_counts(mei: Tx) -> None:
    registry.register(mei, BO)
    registry.register(mei, LIN | {"skills": "cooking:2;nursing:3"})
    nurse(mei, 1, skills="paramedic:2", certifications="paramedic" + PAPER.format(1))
    nurse(mei, 2, skills="doctor:3", certifications="doctor" + PAPER.format(2))
    nurse(mei, 3, skills="site_leader:2;cooking:3", pledge_for="crowd", status=Status.PLEDGED)
    found = pool.load(mei, ["/1/2/"])
    rows = [
        floors.create(mei, FloorIn(area="/1/2/", skill=code, level=level, keep=1))
        for code in skills.taxonomy().skills
        for level in (1, 2, 3)
    ]
    counted = {row.id: int((found.counts_until(row.skill, row.level) > 0).sum()) for row in rows}
    assert floors.present(mei, rows) == counted
    assert sum(counted.values()) > 20


def test_present_takes_one_query_for_any_number_of_floors(mei: Tx) -> None:
    rows = [floors.create(mei, NURSES.model_copy(update={"level": level})) for level in (1, 2, 3)]
    assert statements(mei, lambda: floors.present(mei, rows)) == 1
    assert statements(mei, lambda: floors.present(mei, rows[:1])) == 1


def test_a_pause_that_is_over_ends_by_itself(mei: Tx) -> None:
    back = standing.pause(mei, nurse(mei, 1), mei.now.date() + timedelta(days=1))
    back.paused_until = date(2020, 1, 1)
    mei.flush()
    assert present(mei, NURSES) == 1
