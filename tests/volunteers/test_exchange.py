"""Files of people into the pool: every bad row named, nothing half-imported, nobody doubled."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlmodel import col, select

from tests import areas
from tests.databases import wait_for_somebody_waiting
from tests.volunteers.conftest import BO, CLERK, KAI, LIN, MEI
from tests.volunteers.files import count, refused, table, texts, thousand
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.volunteers import queries, registry
from volunteer_hub.volunteers.exchange import importing, writing
from volunteer_hub.volunteers.exchange.importing import Applied, OnTwin
from volunteer_hub.volunteers.exchange.layout import COLUMNS
from volunteer_hub.volunteers.models import Certification, Contact, SkillClaim, Volunteer
from volunteer_hub.volunteers.rules import Precision, Status


def test_three_bad_rows_of_a_thousand_are_named_and_nothing_is_imported(mei: Tx) -> None:
    people = thousand()
    people[10]["lat"] = "91"
    people[500]["skills"] = "cookng:1"
    people[900]["community"] = "NOWHERE"
    error = refused(mei, table(*people))
    assert (error.code, error.params) == ("import.bad_rows", {"n": 3})
    assert [(f.where, f.code) for f in error.fields] == [
        ("12:lat", "volunteer.latitude"),
        ("502:skills", "volunteer.skill.nearest"),
        ("902:community", "volunteer.community"),
    ]
    assert error.fields[1].params["nearest"] == "cooking"
    assert count(mei) == 0


def test_the_others_are_taken_only_when_asked_for(mei: Tx) -> None:
    people = thousand()
    people[10]["lat"] = "NaN"
    people[11]["name"] = " "
    assert importing.apply(mei, table(*people), leave_out_bad=True) == Applied(998, 0, 0, 2)
    assert count(mei) == 998


def test_a_preview_stores_nothing_and_says_what_would_happen(mei: Tx, bo: Volunteer) -> None:
    file = table(LIN, BO | {"name": "Li Bo"}, {**LIN, "phone": "12"})
    seen = importing.preview(mei, file)
    assert (seen.total, seen.good, seen.bad, seen.twins_total) == (3, 2, 1, 1)
    assert [(twin.line, twin.by, twin.public_id, twin.name) for twin in seen.twins] == [
        (3, "phone", bo.public_id, "Bo Li")
    ]
    assert [(f.where, f.code) for f in seen.errors] == [("5:phone", "volunteer.phone")]
    assert count(mei) == 1


def test_only_the_first_errors_are_shown_and_all_are_counted(mei: Tx) -> None:
    file = table(*({"name": "", "community": "DQ-ST-001"} for _ in range(30)), {"name": "x", "community": ""})
    seen = importing.preview(mei, file, shown=5)
    assert (len(seen.errors), seen.bad) == (5, 31)


def test_every_column_arrives(mei: Tx) -> None:
    row = {
        "external_id": "V1",
        "name": "Bo Li",
        "birthday": "1990/4/1",
        "phone": "139 1234 5678",
        "email": "bo@example.org",
        "language": "en",
        "community": "DQ-ST-001",
        "street": "Dongfeng",
        "address": "House 1\nFlat 2",
        "lat": "46.6",
        "lon": "125.1",
        "precision": "building",
        "datum": "WGS-84",
        "skills": "first_aid:2:verified;driver.car",
        "certifications": r"nursing|No\|1|Red\; Cross|2025-01-01|2027-01-01",
        "availability": "10101010101010",
        "quiet_from": "22:00",
        "quiet_until": "420",
        "travel_mode": "car",
        "max_km": "12.5",
        "basis": "employment",
        "fit": "是",
        "insured_until": "20270101",
        "insurer": "PICC",
        "policy_no": "P-1",
        "education": "college",
        "status": "paused",
        "insured_by": "node",
        "emergency_contact": "Mrs Li 13700000000",
        "guardian_name": "Old Li",
        "guardian_phone": "0459-6181234",
        "guardian_consent": "2026-01-01",
        "paused_until": "2030-01-01",
        "pledge_for": "crowd",
    }
    assert set(row) == set(COLUMNS)
    assert importing.apply(mei, table(row)) == Applied(1, 0, 0, 0)
    (found,) = texts(mei)
    assert found == {
        **row,
        "birthday": "1990-04-01",
        "phone": "+8613912345678",
        "datum": "wgs84",
        "skills": "driver.car:1;first_aid:2:verified;nursing:1",
        "quiet_until": "07:00",
        "fit": "yes",
        "insured_until": "2027-01-01",
        "guardian_phone": "+864596181234",
    }
    paper = mei.exec(select(Certification)).one()
    assert (paper.number, paper.issuer, paper.expires_on) == ("No|1", "Red; Cross", date(2027, 1, 1))
    contacts = mei.exec(select(Contact).order_by(col(Contact.preference))).all()
    assert [(c.kind.value, c.address) for c in contacts] == [
        ("sms", "+8613912345678"),
        ("email", "bo@example.org"),
    ]


def test_who_has_no_position_stands_at_the_centre_of_the_community(mei: Tx) -> None:
    importing.apply(mei, table(LIN), datum="bd09")
    row = mei.exec(select(Volunteer)).one()
    assert (row.lat, row.lon, row.precision) == (46.59, 125.10, Precision.COMMUNITY)


def test_a_row_may_state_another_datum_than_the_file(mei: Tx) -> None:
    here = {"community": "DQ-ST-001", "lat": "46.6", "lon": "125.1"}
    file = table({"name": "A", "datum": "", **here}, {"name": "B", "datum": "wgs84", **here})
    importing.apply(mei, file, datum="gcj02")
    a, b = mei.exec(select(Volunteer).order_by(col(Volunteer.name))).all()
    assert (b.lat, b.lon) == (46.6, 125.1)
    assert a.lat is not None
    assert 0.0005 < abs(a.lat - 46.6) < 0.01


def test_odd_values_of_a_row_are_named_with_their_columns(mei: Tx) -> None:
    odd = {
        "language": "la",
        "datum": "mars",
        "guardian_consent": "soon",
        "status": "forgotten",
        "quiet_from": "22:00",
        "lat": "46.6",
    }
    error = refused(mei, table(LIN | odd))
    assert [(f.where, f.code) for f in error.fields] == [
        ("2:language", "volunteer.one_of"),
        ("2:datum", "volunteer.datum"),
        ("2:guardian_consent", "volunteer.date"),
        ("2:lon", "volunteer.both"),
        ("2:quiet_until", "volunteer.both"),
        ("2:status", "volunteer.one_of"),
    ]
    with pytest.raises(Malformed) as caught:
        importing.preview(mei, table(LIN), datum="mars")
    assert caught.value.code == "volunteer.datum"


def test_people_who_are_in_the_file_twice_are_named(mei: Tx) -> None:
    ways = {"name": "A", "community": "DQ-ST-001", "birthday": "1990-01-01"}
    file = table(
        LIN | {"external_id": "V1"},
        {"name": "Other", "community": "DQ-ST-001", "phone": "+86 138 0000 0001"},
        {"name": "Third", "community": "DQ-ST-001", "external_id": "V1"},
        ways,
        ways,
    )
    error = refused(mei, file)
    assert [(f.where, f.code, f.params["first"]) for f in error.fields] == [
        ("3:phone", "import.twice", 2),
        ("4:external_id", "import.twice", 2),
        ("6:name", "import.twice", 5),
    ]


def test_a_known_person_is_offered_for_merging_and_never_silently_doubled(mei: Tx, bo: Volunteer) -> None:
    file = table(BO | {"max_km": "9", "skills": "cooking:3", "certifications": "", "email": ""}, LIN)
    with pytest.raises(Refused) as caught:
        importing.apply(mei, file)
    assert (caught.value.code, [f.where for f in caught.value.fields]) == ("import.twins", ["2:phone"])
    assert count(mei) == 1
    assert importing.apply(mei, file, on_twin=OnTwin.SKIP) == Applied(1, 0, 1, 0)


def test_a_merge_fills_what_the_file_gives_and_keeps_what_it_leaves_blank(mei: Tx, bo: Volunteer) -> None:
    registry.update(mei, bo.public_id, bo.version, {"travel_mode": "car", "lat": "46.7", "lon": "125.2"})
    version = bo.version
    file = table(
        {
            "name": "Bo Wang",
            "community": "DQ-ST-001",
            "phone": "13912345678",
            "email": "new@example.org",
            "travel_mode": "",
            "education": "college",
            "skills": "nursing:3;cooking:1",
            "certifications": "nursing|NURSE-N-1||2026-01-01|2033-01-01",
            "status": "left",
        }
    )
    assert importing.apply(mei, file, on_twin=OnTwin.MERGE) == Applied(0, 1, 0, 0)
    mei.refresh(bo)
    assert (bo.name, bo.email, bo.education, bo.birthday) == (
        "Bo Wang",
        "new@example.org",
        "college",
        date(1990, 4, 1),
    )
    assert (bo.travel_mode.value, bo.lat, bo.status, bo.version) == ("car", 46.7, Status.ACTIVE, version + 1)
    claims = mei.exec(select(SkillClaim).where(col(SkillClaim.volunteer_id) == bo.id)).all()
    assert sorted((c.skill, c.level) for c in claims) == [("cooking", 1), ("driver.car", 1), ("nursing", 3)]
    paper = mei.exec(select(Certification)).one()
    assert (paper.number, paper.issuer, paper.expires_on) == ("NURSE-N-1", "Red Cross", date(2033, 1, 1))
    mails = mei.exec(select(Contact.address).where(col(Contact.kind) == "email")).all()
    assert mails == ["new@example.org"]
    assert [p.row.id for p in queries.people(mei, queries.Wanted(search="wang"))] == [bo.id]
    assert [p.row.id for p in queries.people(mei, queries.Wanted(search="5678"))] == [bo.id]


def test_single_rows_may_be_decided_differently(mei: Tx, bo: Volunteer) -> None:
    namesake = {"name": "Bo Li", "birthday": "1990-04-01", "community": "DQ-ST-001", "phone": "13700000009"}
    file = table(BO | {"max_km": "9"}, namesake)
    seen = importing.preview(mei, file)
    assert [(twin.line, twin.by) for twin in seen.twins] == [(2, "phone")]
    seen = importing.preview(mei, table(namesake))
    assert [(twin.line, twin.by) for twin in seen.twins] == [(2, "name")]
    with pytest.raises(Refused):
        importing.apply(mei, table(BO), by_line={2: OnTwin.ADD})
    assert importing.apply(mei, table(namesake), by_line={2: OnTwin.ADD}) == Applied(1, 0, 0, 0)
    assert count(mei) == 2


def test_a_merge_with_another_address_places_the_person_anew(mei: Tx, bo: Volunteer) -> None:
    registry.update(mei, bo.public_id, bo.version, {"lat": "46.7", "lon": "125.2"})
    bo.located_at = mei.now
    mei.flush()
    same = {"name": "Bo", "community": "DQ-ST-001", "phone": "13912345678", "address": bo.address or ""}
    assert importing.apply(mei, table(same), on_twin=OnTwin.MERGE) == Applied(0, 1, 0, 0)
    mei.refresh(bo)
    assert (bo.lat, bo.precision, bo.located_at) == (46.7, Precision.ADDRESS, mei.now)
    moved = same | {"address": "Dongfeng Road 2"}
    assert importing.apply(mei, table(moved), on_twin=OnTwin.MERGE) == Applied(0, 1, 0, 0)
    mei.refresh(bo)
    assert (bo.lat, bo.precision, bo.located_at) == (46.59, Precision.COMMUNITY, None)


def test_number_and_telephone_of_two_people_are_not_merged(mei: Tx, bo: Volunteer) -> None:
    registry.register(mei, LIN | {"external_id": "V9"})
    error = refused(mei, table(BO | {"external_id": "V9"}), on_twin=OnTwin.MERGE)
    assert [(f.where, f.code) for f in error.fields] == [("2:phone", "import.two_people")]


def test_a_foreign_area_is_invisible_to_an_import(mei: Tx, bo: Volunteer) -> None:
    mei.actor = KAI
    error = refused(mei, table(LIN))
    assert [f.code for f in error.fields] == ["volunteer.community"]
    own = {"name": "Bo Li", "birthday": "1990-04-01", "community": "DQ-DT-001"}
    assert importing.preview(mei, table(own)).twins_total == 0
    error = refused(mei, table(own | {"phone": BO["phone"]}), on_twin=OnTwin.MERGE)
    assert [(f.where, f.code) for f in error.fields] == [("2:phone", "volunteer.phone_taken")]
    assert importing.apply(mei, table(own)) == Applied(1, 0, 0, 0)
    out = io.BytesIO()
    assert writing.export(mei, out, "csv") == 1


def test_an_export_of_a_foreign_area_is_empty_or_refused(mei: Tx, bo: Volunteer) -> None:
    mei.actor = KAI
    out = io.BytesIO()
    assert writing.export(mei, out, "csv", queries.Wanted(area="/1/2/")) == 0
    with pytest.raises(NotFound):
        registry.find(mei, "volunteer.export", bo.public_id)


def test_the_deed_is_noted_and_progress_told(mei: Tx) -> None:
    notes: list[tuple[str, str, int]] = []
    steps: list[tuple[int, int]] = []
    file = table(*thousand(), {"name": "", "community": "DQ-ST-001"})
    importing.apply(
        mei,
        file,
        leave_out_bad=True,
        record=lambda *note: notes.append(note),
        progress=lambda *step: steps.append(step),
    )
    assert notes == [
        ("volunteer.import", "volunteers", 0),
        ("volunteer.import", "volunteers", 1000),
        ("volunteer.import", "contacts", 1000),
        ("volunteer.import", "skill_claims", 1000),
        ("volunteer.import", "certifications", 0),
    ]
    assert steps[-1] == (1001, 1001)


def test_of_two_imports_of_one_person_at_once_one_wins_and_the_other_is_told(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        areas.plant(tx)

    def second() -> str:
        try:
            with db.transaction(MEI, "second") as tx:
                importing.apply(tx, table(LIN, {"name": "Hua", "community": "DQ-ST-001"}))
        except Refused as error:
            return error.code
        return "taken in"

    with ThreadPoolExecutor(1) as threads:
        with db.transaction(MEI, "first") as tx:
            importing.apply(tx, table(LIN))
            told = threads.submit(second)
            wait_for_somebody_waiting()
        assert told.result(timeout=30) == "import.meanwhile"
    with db.read(MEI) as tx:
        assert tx.exec(select(Volunteer.name)).all() == ["林小雨"]


def test_the_city_clerk_sees_both_districts(mei: Tx) -> None:
    mei.actor = CLERK
    file = table(LIN, {"name": "Hua", "community": "DQ-DT-001"})
    assert importing.apply(mei, file) == Applied(2, 0, 0, 0)
