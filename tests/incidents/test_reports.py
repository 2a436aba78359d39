import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.incidents.conftest import POLICY, SKILLS, World
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.core.i18n import t
from volunteer_hub.core.policy import SHIPPED, PolicyError, load, read
from volunteer_hub.incidents import queries, reports, states
from volunteer_hub.incidents.report_map import ReportMap
from volunteer_hub.incidents.rules import SlotSpec, State

HAITI = load("maps/ushahidi_haiti", ReportMap)
HEADER = "Serial,INCIDENT DATE,CATEGORY,LATITUDE,LONGITUDE"
DATA = Path(os.environ.get("HUB_DATA", "")) / "haiti_2010" / "reports.csv"


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\r\n".join([header, *rows]).encode()


def report(
    serial: str = "7",
    time: str = "22/01/2010 23:04",
    cell: str = "2b. Penurie d'eau | Water shortage, ",
    lat: str = "18.53",
    lon: str = "-72.36",
) -> str:
    return f'{serial},{time},"{cell}",{lat},{lon}'


def codes(reading: reports.Reading) -> list[tuple[str, str]]:
    return [(error.where, error.code) for error in reading.refused]


def test_a_report_becomes_one_task_at_its_place() -> None:
    reading = reports.read(table(report()), HAITI)
    assert (reading.rows, reading.refused, reading.unread) == (1, (), ())
    draft = reading.drafts[0]
    assert (draft.reference, draft.lat, draft.lon) == ("7", 18.53, -72.36)
    assert draft.reported_at == datetime(2010, 1, 23, 4, 4, tzinfo=UTC)
    assert (draft.categories, draft.priority, draft.hazards) == (("water",), 2, ("earthquake",))
    assert (draft.title.en, draft.title.zh) == ("Water shortage", "缺水")
    assert draft.slots == (SlotSpec(2, 2, 2, skill="logistics"),)


def test_several_categories_of_one_cell_join_their_roles_and_the_most_urgent_leads() -> None:
    cell = "2a. Penurie d'aliments | Food Shortage, 1c. PEOPLE  TRAPPED, 2b. Penurie d'eau | Water shortage"
    draft = reports.read(table(report(cell=cell)), HAITI).drafts[0]
    assert draft.categories == ("trapped", "food", "water")
    assert (draft.title.en, draft.priority, draft.minutes, draft.hazardous) == (
        "People trapped",
        1,
        480,
        True,
    )
    assert [(slot.skill, slot.maximum) for slot in draft.slots] == [
        ("search", 4),
        ("first_aid", 1),
        ("logistics", 2),
    ]


def test_the_same_number_before_two_categories_is_no_trap() -> None:
    cells = [
        "2c. Probleme de securite | Security Concern",
        "2c. Eau contaminee | Contaminated water",
        "8a. IDP concentration",
    ]
    drafts = reports.read(table(*(report(str(n), cell=c) for n, c in enumerate(cells))), HAITI).drafts
    assert [draft.categories for draft in drafts] == [("security",), ("foul_water",), ("shelter",)]


def test_a_report_without_a_category_is_of_the_stated_default() -> None:
    assert reports.read(table(report(cell=" , ")), HAITI).drafts[0].categories == ("unsorted",)


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (report(serial=""), "Serial", "report.id"),
        (report(serial="x" * 201), "Serial", "report.id"),
        (report(time="2010-01-22"), "INCIDENT DATE", "report.time"),
        (report(time="31/02/2010 10:00"), "INCIDENT DATE", "report.time"),
        (report(time="31/12/9999 23:59"), "INCIDENT DATE", "report.time"),
        (report(lat="91"), "LATITUDE", "report.position"),
        (report(lat="NaN"), "LATITUDE", "report.position"),
        (report(lat=""), "LATITUDE", "report.position"),
        (report(lon="inf"), "LONGITUDE", "report.position"),
        (report(lon="-181"), "LONGITUDE", "report.position"),
        (report(lat="22.27", lon="114.17"), "LATITUDE", "report.outside"),
        (report(cell="9. Dragons"), "CATEGORY", "report.category"),
        ("7,22/01/2010 23:04", "LATITUDE", "report.position"),
    ],
)
def test_a_bad_row_is_refused_by_line_column_and_reason_and_the_good_ones_stay(
    row: str, column: str, code: str
) -> None:
    reading = reports.read(table(report("1"), row, report("2")), HAITI)
    assert codes(reading) == [(f"3:{column}", code)]
    assert [draft.reference for draft in reading.drafts] == ["1", "2"]
    error = reading.refused[0]
    assert t("en", f"error.{code}", **error.params).startswith("Line 3, ")
    assert t("zh", f"error.{code}", **error.params).startswith("第 3 行")


def test_everything_wrong_with_a_row_is_said_at_once_in_the_order_of_lines() -> None:
    bad = report(lat="18.5", lon="114"), report("", time="x", cell="?", lat="x")
    assert codes(reports.read(table(*bad), HAITI)) == [
        ("2:LATITUDE", "report.outside"),
        ("3:Serial", "report.id"),
        ("3:INCIDENT DATE", "report.time"),
        ("3:LATITUDE", "report.position"),
        ("3:CATEGORY", "report.category"),
    ]


def test_a_report_that_stands_twice_in_the_file_is_taken_once() -> None:
    reading = reports.read(table(report(), "", report()), HAITI)
    assert codes(reading) == [("4:Serial", "report.twice")]
    assert len(reading.drafts) == 1


@pytest.mark.parametrize(
    ("document", "code", "params"),
    [
        (
            table(report(), header="Serial,LATITUDE"),
            "report.columns",
            {"missing": "INCIDENT DATE, LONGITUDE, CATEGORY", "found": "Serial, LATITUDE"},
        ),
        (
            b"",
            "report.columns",
            {"missing": "Serial, INCIDENT DATE, LATITUDE, LONGITUDE, CATEGORY", "found": ""},
        ),
        (table(report()) + b"\n\xff", "report.encoding", {"encoding": "utf-8", "line": 3}),
        (table('7,"x"y,,,'), "report.not_csv", {"line": 2, "reason": "',' expected after '\"'"}),
        (b" " * 50_000_001, "report.too_large", {"most": 50}),
        (table(*["1"] * 31), "report.too_many", {"most": 30}),
    ],
    ids=["columns", "empty", "encoding", "quotes", "large", "many"],
)
def test_a_table_that_cannot_be_read_is_refused_whole(
    monkeypatch: pytest.MonkeyPatch, document: bytes, code: str, params: dict[str, object]
) -> None:
    assert reports.MAX_ROWS == 200_000
    monkeypatch.setattr(reports, "MAX_ROWS", 30)  # two hundred thousand take too long to read in each run
    with pytest.raises(Malformed) as error:
        reports.read(document, HAITI)
    assert (error.value.code, error.value.params) == (code, params)


def test_chinese_reports_in_their_own_encoding_and_datum_arrive_in_ours() -> None:
    source = HAITI.model_copy(update={"encoding": "gb18030", "datum": "gcj02", "bounds": None})
    drafts = reports.read(table(report(lat="46.6", lon="125.1")).decode().encode("gb18030"), source).drafts
    shift = (round(drafts[0].lat - 46.6, 3), round(drafts[0].lon - 125.1, 3))
    assert shift == (-0.002, -0.007)
    assert reports.read(table(), source).drafts == ()


def test_a_byte_order_mark_and_columns_of_no_interest_do_no_harm() -> None:
    row = report() + ",YES"
    reading = reports.read(b"\xef\xbb\xbf" + table(row, header=HEADER + ",APPROVED"), HAITI)
    assert (len(reading.drafts), reading.unread) == (1, ("APPROVED",))


def test_drafts_become_tasks_once_however_often_they_are_imported(world: World) -> None:
    incident = world.declared()
    drafts = reports.read(table(report("1"), report("2")), HAITI).drafts
    starts = world.tx.now + timedelta(hours=1)
    first = reports.import_drafts(world.tx, incident, drafts[:1], SKILLS, starts)
    second = reports.import_drafts(world.tx, incident, drafts, SKILLS, starts)
    assert ([t.reference for t in first.tasks], first.repeated) == (["1"], ())
    assert ([t.reference for t in second.tasks], second.repeated) == (["2"], ("1",))
    views = queries.whole(world.tx, incident).tasks
    assert [(v.task.title, v.task.starts_at, v.task.ends_at - starts) for v in views] == [
        ("Water shortage · 1", starts, timedelta(hours=4)),
        ("Water shortage · 2", starts, timedelta(hours=4)),
    ]


def test_reports_for_a_closed_or_foreign_incident_and_unknown_skills_are_refused(world: World) -> None:
    incident = world.declared()
    drafts = reports.read(table(report()), HAITI).drafts
    with pytest.raises(NotFound):
        reports.import_drafts(world.act(world.kai), incident, drafts, SKILLS, world.tx.now)
    world.act(world.mei)
    with pytest.raises(Malformed) as skill:
        reports.import_drafts(world.tx, incident, drafts, SKILLS - {"logistics"}, world.tx.now)
    assert skill.value.code == "slot.skill"
    states.move(world.tx, incident, State.CLOSED)
    with pytest.raises(Refused):
        reports.import_drafts(world.tx, incident, drafts, SKILLS, world.tx.now)


def test_the_shipped_map_names_only_skills_and_hazards_that_exist() -> None:
    categories = HAITI.categories.values()
    assert {category.hazard for category in categories} <= set(POLICY.hazards)
    assert {slot.skill for category in categories for slot in category.slots} <= SKILLS


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('default_category = "unsorted"', 'default_category = "none"', '"none" is not a category'),
        ('labels = ["Autre", "Other"]', 'labels = ["fire"]', '"fire" stands under fire and unsorted'),
        ("numbering = '", "numbering = '(", "not a regular expression"),
        ('zone = "America/', 'zone = "Amerika/', "IANA time zone"),
    ],
)
def test_a_mistake_in_a_map_is_named_with_file_and_remedy(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    text = (SHIPPED / "maps" / "ushahidi_haiti.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(PolicyError, match=r"own\.toml") as error:
        read(own, ReportMap)
    assert said in str(error.value)


@pytest.mark.skipif(
    not os.environ.get("HUB_DATA") or not DATA.is_file(), reason="HUB_DATA names no folder with haiti_2010/"
)
def test_the_haiti_reports_give_1781_tasks_and_refuse_the_seven_outside() -> None:
    reading = reports.read(DATA.read_bytes(), HAITI)
    assert (reading.rows, len(reading.drafts)) == (1788, 1781)
    assert {(e.params["report"], e.code) for e in reading.refused} == {
        (serial, "report.outside") for serial in ("4050", "736", "164", "270", "1206", "1852", "386")
    }
    by_serial = {draft.reference: draft for draft in reading.drafts}
    assert [by_serial[s].categories for s in ("2436", "2130", "1182", "1178")] == [("unsorted",)] * 4
    assert sum(len(draft.categories) > 1 for draft in reading.drafts) == 1067
    assert sum(slot.maximum for draft in reading.drafts for slot in draft.slots) == 5015
