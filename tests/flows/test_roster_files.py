"""Plans from files with several duties per person, leaders, teams and organisations."""

from pathlib import Path

import pytest

from volunteer_hub.core import policy
from volunteer_hub.core.errors import Malformed
from volunteer_hub.core.site import Site
from volunteer_hub.engine.problem import Limits, Options
from volunteer_hub.engine.roster.terms import TERMS
from volunteer_hub.flows import plan_files, roster_files

OPTIONS = Options(deadline_s=30)
FREE = Limits(min_rest_min=0, max_minutes_24h=1440)


def planned(folder: Path, people: str, slots: str, most: int = 9) -> dict[str, object]:
    (folder / "people.csv").write_text(people, encoding="utf-8")
    (folder / "slots.csv").write_text(slots, encoding="utf-8")
    files = plan_files.read(folder / "people.csv", folder / "slots.csv", limits=FREE)
    return roster_files.answer(files, OPTIONS, "en", most)


def pairs(answer: dict[str, object]) -> list[tuple[str, str, int]]:
    found = answer["pairs"]
    assert isinstance(found, list)
    return sorted((one["person"], one["slot"], one["heads"]) for one in found)


def test_one_person_serves_two_duties_that_leave_time_for_the_way(tmp_path: Path) -> None:
    people = "id,lat,lon\nBo,46.6,125.1\n"
    slots = (
        "id,lat,lon,start,end,target\n"
        "early,46.6,125.1,0,60,1\nnear,46.6,125.1,60,120,1\nfar,46.7,125.1,121,180,1\n"
    )
    answer = planned(tmp_path, people, slots)
    assert (answer["state"], pairs(answer)) == ("proven", [("Bo", "early", 1), ("Bo", "near", 1)])
    assert answer["gaps"] == [{"slot": "far", "short": 1, "below_minimum": True}]


def test_nobody_serves_without_the_leader(tmp_path: Path) -> None:
    people = "id,lat,lon,skills\nBo,46.6,125.1,medic:2\nLin,46.6,125.1,\nKai,46.6,125.1,\n"
    slots = (
        "id,lat,lon,start,end,target,leader\npost,46.6,125.1,0,60,2,medic:2\ngate,46.6,125.1,0,60,2,medic:2\n"
    )
    answer = planned(tmp_path, people, slots)
    served = pairs(answer)
    assert {slot for _, slot, _ in served} == {served[0][1]}
    assert ("Bo", served[0][1], 1) in served


def test_a_team_serves_together_or_not_at_all(tmp_path: Path) -> None:
    people = "id,lat,lon,team\nBo,46.6,125.1,a\nLin,46.6,125.1,a\nKai,46.6,125.1,\n"
    one_place = "id,lat,lon,start,end,target\npost,46.6,125.1,0,60,1\n"
    assert pairs(planned(tmp_path, people, one_place)) == [("Kai", "post", 1)]
    two_places = one_place.replace(",60,1", ",60,2")
    assert pairs(planned(tmp_path, people, two_places)) == [("Bo", "post", 1), ("Lin", "post", 1)]


def test_an_organisation_fills_many_places_by_one_answer(tmp_path: Path) -> None:
    people = "id,lat,lon,heads\nPlant,46.6,125.1,5-12\nBo,46.6,125.1,\n"
    slots = "id,lat,lon,start,end,target\nlevee,46.6,125.1,0,60,9\n"
    answer = planned(tmp_path, people, slots)
    assert sum(heads for _, _, heads in pairs(answer)) == 9
    assert answer["gaps"] == []


def test_only_rows_that_need_it_ask_for_a_roster(tmp_path: Path) -> None:
    (tmp_path / "slots.csv").write_text("id,lat,lon,start,end,target\na,46.6,125.1,0,60,1\n")
    for columns, wanted in (("", False), (",team", True)):
        (tmp_path / "people.csv").write_text(f"id,lat,lon{columns}\nBo,46.6,125.1{columns and ',x'}\n")
        assert (
            roster_files.asked_for(plan_files.read(tmp_path / "people.csv", tmp_path / "slots.csv")) is wanted
        )


def test_every_soft_term_has_its_weight_in_the_configuration() -> None:
    site: Site = policy.load("hub", Site)
    assert set(site.roster) == set(TERMS)


@pytest.mark.parametrize("cell", ["0", "12-5", "many"])
def test_an_offer_that_cannot_be_is_named(tmp_path: Path, cell: str) -> None:
    with pytest.raises(Malformed, match="plan_files"):
        planned(tmp_path, f"id,lat,lon,heads\nPlant,46.6,125.1,{cell}\n", "id,lat,lon,start,end,target\n")
