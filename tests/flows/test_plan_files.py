"""A plan from files alone: no database, no service."""

import json
from pathlib import Path

import pytest

from volunteer_hub.core.errors import Malformed
from volunteer_hub.engine.problem import Limits, Options
from volunteer_hub.flows import plan_files

PEOPLE = """\
id,lat,lon,skills,max_km,free
Bo,46.60,125.10,medic:2,20,
Lin,46.61,125.12,,10,
Kai,46.70,125.00,medic:3;driver,5,
Mei,46.59,125.11,driver@2026-11-24,20,2026-11-23T08:00/2026-11-23T12:00
"""
SLOTS = """\
id,lat,lon,start,end,target,minimum,skill,nested,priority
first aid post,46.60,125.11,2026-11-23T09:00,2026-11-23T12:00,2,1,medic,,1
ferry,46.62,125.10,2026-11-23T09:00,2026-11-23T12:00,2,,,driver x1,2
"""
OPTIONS = Options(deadline_s=60)


def files(folder: Path, people: str = PEOPLE, slots: str = SLOTS, travel: str = "") -> plan_files.Files:
    (folder / "people.csv").write_text(people, encoding="utf-8")
    (folder / "slots.csv").write_text(slots, encoding="utf-8")
    (folder / "travel.csv").write_text(travel, encoding="utf-8")
    times = folder / "travel.csv" if travel else None
    return plan_files.read(folder / "people.csv", folder / "slots.csv", times, Limits())


def wrong(folder: Path, **given: str) -> list[tuple[str, str, str]]:
    """Code, place and column of everything refused."""
    with pytest.raises(Malformed) as caught:
        files(folder, **given)
    return [(one.code, one.where, one.params["column"]) for one in caught.value.fields] or [
        (caught.value.code, "", "")
    ]


def test_the_best_plan_comes_with_its_proof_its_reasons_and_its_gaps(tmp_path: Path) -> None:
    answer = plan_files.answer(files(tmp_path), OPTIONS, "en")
    assert answer["state"] == "proven"
    assert answer["proof"] == {"primal": 3438, "dual": 3438, "violated": 0, "pairs": 12}
    assert {(pair["person"], pair["slot"]) for pair in answer["pairs"]} == {
        ("Bo", "first aid post"),
        ("Mei", "ferry"),
        ("Lin", "ferry"),
    }
    assert [(gap["slot"], gap["short"], gap["below_minimum"]) for gap in answer["gaps"]] == [
        ("first aid post", 1, False)
    ]
    assert all(pair["why"] and pair["stands"] for pair in answer["pairs"])
    (remedy,) = answer["gaps"][0]["remedies"]
    assert remedy["people"] == ["Kai"]
    assert remedy["what"].startswith("Ask as far as 13.9 km:")
    assert json.loads(json.dumps(answer)) == answer


def test_it_tells_why_somebody_was_not_chosen_and_what_they_lack_comes_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = plan_files.answer(files(tmp_path), OPTIONS, "en", ["Kai", "Bo"])
    (kai,) = answer["about"]  # Bo is in the plan
    assert (kai["person"], kai["slots"][0]["slot"]) == ("Kai", "first aid post")
    assert kai["slots"][0]["would"].startswith("Would be chosen")
    nearer = PEOPLE.replace("medic:3;driver,5,", "medic:3;driver,14,")
    chosen = plan_files.answer(files(tmp_path, people=nearer), OPTIONS, "en")["pairs"]
    assert ("Kai", "first aid post") in {(pair["person"], pair["slot"]) for pair in chosen}
    with pytest.raises(Malformed, match="nobody"):
        plan_files.answer(files(tmp_path), OPTIONS, "en", ["Zhou"])
    monkeypatch.setattr(plan_files, "MARGIN_SECONDS", -1.0)  # too large a plan for prices
    (unpriced,) = plan_files.answer(files(tmp_path), OPTIONS, "en", ["Kai"])["about"]
    assert (unpriced["slots"][0]["why"], unpriced["slots"][0]["would"]) == (kai["slots"][0]["why"], "")


def test_the_words_are_the_readers(tmp_path: Path) -> None:
    said = plan_files.answer(files(tmp_path), OPTIONS, "zh")["words"]
    assert said[0].startswith("已证明为最优")


def test_json_says_the_same_as_csv(tmp_path: Path) -> None:
    rows = [
        {"id": "Bo", "lat": 46.6, "lon": 125.1, "skills": ["medic:2"], "max_km": 20, "free": None},
        {"id": "Lin", "lat": 46.61, "lon": 125.12, "max_km": 10},
        {"id": "Kai", "lat": 46.7, "lon": 125, "skills": ["medic:3", "driver"], "max_km": 5},
        {
            "id": "Mei",
            "lat": 46.59,
            "lon": 125.11,
            "skills": ["driver@2026-11-24"],
            "max_km": 20,
            "free": ["2026-11-23T08:00/2026-11-23T12:00"],
        },
    ]
    tables = files(tmp_path)
    (tmp_path / "people.json").write_text(json.dumps(rows), encoding="utf-8")
    again = plan_files.read(tmp_path / "people.json", tmp_path / "slots.csv")
    assert again.people == tables.people
    assert again.case.digest == tables.case.digest


def test_a_proof_beyond_what_the_planner_counts_lasts_for_ever(tmp_path: Path) -> None:
    rows = [PEOPLE.replace("driver@2026-11-24", skill) for skill in ("driver@9999-12-31", "driver")]
    late, endless = (plan_files.answer(files(tmp_path, people), OPTIONS, "en") for people in rows)
    assert late | {"seconds": {}} == endless | {"seconds": {}}


def test_measured_times_replace_the_straight_line(tmp_path: Path) -> None:
    people = "id,lat,lon,zone\nBo,46.6,125.1,north\nLin,46.6,125.1,south\n"
    slots = "id,lat,lon,start,end,target\nferry,46.6,125.1,0,60,1\n"
    travel = "zone,slot,minutes\nnorth,ferry,25\nsouth,ferry,\n"
    answer = plan_files.answer(files(tmp_path, people, slots, travel), OPTIONS, "en")
    assert [(pair["person"], pair["minutes"]) for pair in answer["pairs"]] == [("Bo", 25)]


def test_who_is_decided_for_a_slot_stays_there(tmp_path: Path) -> None:
    people = "id,lat,lon,locked\nBo,46.6,125.1,ferry\nLin,46.6,125.1,\n"
    slots = "id,lat,lon,start,end,target\ngate,46.6,125.1,0,60,1\nferry,46.6,125.1,0,60,1\n"
    answer = plan_files.answer(files(tmp_path, people, slots), OPTIONS, "en")
    assert {pair["person"]: pair["slot"] for pair in answer["pairs"]} == {"Lin": "gate"}
    assert answer["held"] == [{"person": "Bo", "slot": "ferry"}]
    assert answer["gaps"] == []


@pytest.mark.parametrize(
    ("people", "named"),
    [
        ("id,lat,lon\nBo,91,125\n", [("plan_files.cell", "people.csv:2", "lat")]),
        ("id,lat,lon\nBo,nan,125\n", [("plan_files.cell", "people.csv:2", "lat")]),
        ("id,lat,lon\nBo,46,\n", [("plan_files.missing", "people.csv:2", "lon")]),
        ("id,lat,lon\nBo,46,125\nBo,46,125\n", [("plan_files.twice", "people.csv:3", "id")]),
        ("id,lat,lon,skills\nBo,46,125,medic:4\n", [("plan_files.cell", "people.csv:2", "skills")]),
        ("id,lat,lon,locked\nBo,46,125,moon\n", [("plan_files.unknown", "people.csv:2", "locked")]),
        ("id,lat,lon,free\nBo,46,125,60/0\n", [("plan_files.cell", "people.csv:2", "free")]),
        ("id,lat,lon,shoe\nBo,46,125,44\n", [("plan_files.columns", "", "")]),
        ('id,lat,lon\n"Bo,46,125\n', [("plan_files.csv", "", "")]),
    ],
)
def test_a_bad_person_is_named(tmp_path: Path, people: str, named: list[tuple[str, str, str]]) -> None:
    assert wrong(tmp_path, people=people) == named


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("a,46,125,60,0,1,,", [("plan_files.window", "slots.csv:2", "end")]),
        ("a,46,125,0,60,1,2,", [("plan_files.heads", "slots.csv:2", "minimum")]),
        ("a,46,125,0,60,1,1,driver x2", [("plan_files.nested", "slots.csv:2", "nested")]),
        ("a,46,125,0,tomorrow,1,1,", [("plan_files.cell", "slots.csv:2", "end")]),
    ],
)
def test_a_bad_slot_is_named(tmp_path: Path, row: str, named: list[tuple[str, str, str]]) -> None:
    assert wrong(tmp_path, slots=f"id,lat,lon,start,end,target,minimum,nested\n{row}\n") == named


def test_of_ten_thousand_rows_the_three_bad_ones_are_named(tmp_path: Path) -> None:
    rows = [f"P{i},46.6,125.1" for i in range(10_000)]
    for i in (17, 4711, 9999):
        rows[i] = f"P{i},99,125.1"
    assert wrong(tmp_path, people="id,lat,lon\n" + "\n".join(rows) + "\n") == [
        ("plan_files.cell", f"people.csv:{i + 2}", "lat") for i in (17, 4711, 9999)
    ]


def test_nobody_and_nothing_are_planned_too(tmp_path: Path) -> None:
    answer = plan_files.answer(files(tmp_path, people="id,lat,lon\n"), OPTIONS, "en")
    assert (answer["pairs"], sum(gap["short"] for gap in answer["gaps"])) == ([], 4)
    nothing = plan_files.answer(files(tmp_path, slots="id,lat,lon,start,end,target\n"), OPTIONS, "en")
    assert (nothing["pairs"], nothing["gaps"]) == ([], [])
