"""Tours from files alone."""

from pathlib import Path

import pytest

from volunteer_hub.core.errors import Malformed
from volunteer_hub.engine.tours.problem import TourOptions
from volunteer_hub.engine.tours.solve import warm
from volunteer_hub.flows import tour_files

OPTIONS = TourOptions(deadline_s=1.0, iterations=2_000)
PEOPLE = """\
id,lat,lon,since,until,skills,speed_kmh
Bo,46.60,125.10,480,600,medic:2,15
Lin,46.62,125.10,480,600,,15
"""
STOPS = """\
id,lat,lon,windows,minutes,priority,skill
Mrs Wang,46.601,125.10,480/500,10,1,medic
Mr Liu,46.621,125.10,,10,3,
Mr Zhao,48.00,125.10,,10,3,
Ms Chen,46.60,125.10,,10,3,diver
"""


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    """The search is there from the first second on."""
    warm()


def answer(folder: Path, people: str = PEOPLE, stops: str = STOPS, lang: str = "en") -> dict[str, object]:
    (folder / "people.csv").write_text(people, encoding="utf-8")
    (folder / "stops.csv").write_text(stops, encoding="utf-8")
    return tour_files.answer(tour_files.read(folder / "people.csv", folder / "stops.csv"), OPTIONS, lang)


def test_everybody_visits_what_they_can_and_what_nobody_can_is_explained(tmp_path: Path) -> None:
    found = answer(tmp_path)
    tours, unserved = found["tours"], found["unserved"]
    assert isinstance(tours, list)
    assert {tour["person"]: [one["stop"] for one in tour["stops"]] for tour in tours} == {
        "Bo": ["Mrs Wang"],
        "Lin": ["Mr Liu"],
    }
    assert 480 <= float(tours[0]["stops"][0]["begins"]) <= 500
    assert unserved == [
        {"stop": "Mr Zhao", "why": "nobody could be there and back in time, even with nothing else to do"},
        {"stop": "Ms Chen", "why": "nobody has the skill at its level"},
    ]
    assert found["state"] == "covered"


def test_dates_are_told_as_dates_and_words_in_the_readers_language(tmp_path: Path) -> None:
    people = "id,lat,lon,since,until\nBo,46.6,125.1,2026-11-23T08:00,2026-11-23T10:00\n"
    found = answer(tmp_path, people, "id,lat,lon\nA,46.6,125.1\n", "zh")
    tours, words = found["tours"], found["words"]
    assert isinstance(tours, list)
    assert tours[0]["stops"][0]["begins"].startswith("2026-11-23T")
    assert words == ["已无法服务更多地点；路程为目前找到的最短路程。", "1 个地点中安排了 1 个。"]


def test_a_proof_that_lapses_on_the_way_does_not_count(tmp_path: Path) -> None:
    people = PEOPLE.replace("medic:2", "medic:2@590")
    unserved = answer(tmp_path, people)["unserved"]
    assert isinstance(unserved, list)
    assert unserved[0] == {"stop": "Mrs Wang", "why": "nobody has the skill at its level"}


@pytest.mark.parametrize(
    ("people", "stops", "where"),
    [
        (PEOPLE.replace("480,600,,", "600,480,,"), STOPS, "people.csv:3"),
        (PEOPLE.replace("Lin,", "Bo,"), STOPS, "people.csv:3"),
        (PEOPLE, STOPS.replace("480/500", "500/480"), "stops.csv:2"),
        (PEOPLE, STOPS.replace("46.621", "nan"), "stops.csv:3"),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, people: str, stops: str, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        answer(tmp_path, people, stops)
    assert [one.where for one in caught.value.fields] == [where]


def test_nobody_and_nothing_make_no_tours(tmp_path: Path) -> None:
    assert answer(tmp_path, people=PEOPLE.splitlines()[0] + "\n")["tours"] == []
    assert answer(tmp_path, stops=STOPS.splitlines()[0] + "\n")["unserved"] == []
