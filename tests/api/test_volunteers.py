"""The pool by API: pages, changes with If-Match, standing, areas, hostile text, files."""

import io
import uuid

import pytest
from openpyxl import load_workbook
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.world import person
from volunteer_hub.audit.models import AuditLine
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer

API = "/api/v1/volunteers"
FILES = "/api/v1/volunteer-files"


def new(tx: Tx, name: str = "Bo", number: int = 1, **fields: object) -> Volunteer:
    return registry.register(tx, person(name, number) | fields)


def test_mei_lists_searches_and_pages_through_her_volunteers(tx: Tx) -> None:
    mei = people.mei(tx)
    for number in range(1, 4):
        new(tx, f"Helper {number}", number, skills="first_aid:2" if number == 2 else "general:1")
    api = client(mei)
    first = api.get(API, params={"limit": 2}).json()
    assert [row["name"] for row in first["items"]] == ["Helper 1", "Helper 2"]
    rest = api.get(API, params={"limit": 2, "cursor": first["next"]}).json()
    assert ([row["name"] for row in rest["items"]], rest["next"]) == (["Helper 3"], None)
    found = api.get(API, params={"skill": "first_aid"}).json()
    assert [row["name"] for row in found["items"]] == ["Helper 2"]
    found = api.get(API, params={"search": "helper 3"}).json()
    assert [row["community"] for row in found["items"]] == ["DQ-ST-001"]
    assert api.get(API, params={"area": "DQ-DT"}).json()["items"] == []
    counts = api.get(f"{API}/counts").json()
    assert counts["by_status"]["active"] == 3
    assert counts["by_skill"] == {"first_aid": 1, "general": 2}


def test_kai_of_another_district_cannot_tell_meis_volunteer_from_a_random_id(tx: Tx) -> None:
    people.mei(tx)
    bo = new(tx)
    api = client(people.kai(tx))
    for path in ("", "/approve", "/pause"):
        send = api.get if not path else api.post
        body = {} if not path else {"json": {} if path == "/pause" else None}
        foreign = send(f"{API}/{bo.public_id}{path}", **body)
        random = send(f"{API}/{uuid.uuid4()}{path}", **body)
        assert foreign.status_code == random.status_code == 404
        assert foreign.json() == random.json()
    assert api.get(API).json()["items"] == []
    assert api.delete(f"{API}/{bo.public_id}").status_code == 404


def test_a_change_needs_the_version_that_was_read(tx: Tx) -> None:
    mei = people.mei(tx)
    bo = new(tx)
    api, path = client(mei), f"{API}/{bo.public_id}"
    tag = api.get(path).headers["etag"]
    assert api.patch(path, json={"name": "Bo Li"}).status_code == 422
    changed = api.patch(path, json={"name": "Bo Li"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["name"]) == (200, "Bo Li")
    late = api.patch(path, json={"name": "Someone"}, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "version")
    unknown = api.patch(path, json={"nmae": "x"}, headers={"If-Match": changed.headers["etag"]})
    assert unknown.status_code == 422


def test_wrong_fields_are_each_named_in_the_readers_language(tx: Tx) -> None:
    mei = people.mei(tx)
    body = {"name": "Bo", "community": "DQ-DT-001", "phone": "12", "lat": 91, "lon": 0, "skills": "frist_aid"}
    answer = client(mei).post(API, json=body)
    assert answer.status_code == 422
    places = {error["where"]: error["detail"] for error in answer.json()["errors"]}
    assert places["skills"] == "There is no skill “frist_aid”. Did you mean “first_aid”?"
    assert set(places) == {"community", "phone", "lat", "skills"}
    chinese = client(mei, lang="zh").post(API, json=body).json()
    assert chinese["errors"][0]["detail"] != answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "{{7*7}}", "\u202eevil", "😀" * 20, "'; DROP TABLE volunteers; --"]
)
def test_hostile_text_comes_back_exactly(tx: Tx, text: str) -> None:
    mei = people.mei(tx)
    api = client(mei)
    made = api.post(API, json={"name": text, "community": "DQ-ST-001"})
    assert made.status_code == 201
    assert api.get(f"{API}/{made.json()['id']}").json()["name"] == text


@pytest.mark.parametrize("text", ["a\0b", "x" * 1_000_001, "line\nline"])
def test_what_cannot_be_kept_is_refused_in_words(tx: Tx, text: str) -> None:
    mei = people.mei(tx)
    answer = client(mei).post(API, json={"name": text, "community": "DQ-ST-001"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["detail"] != ""


def test_the_same_key_registers_once(tx: Tx) -> None:
    api = client(people.mei(tx))
    body = {"name": "Lin", "community": "DQ-ST-001"}
    first = api.post(API, json=body, headers={"Idempotency-Key": "k1"})
    again = api.post(API, json=body, headers={"Idempotency-Key": "k1"})
    assert first.json() == again.json()
    assert len(api.get(API).json()["items"]) == 1
    other = api.post(API, json=body | {"name": "Other"}, headers={"Idempotency-Key": "k1"})
    assert other.status_code == 422


def test_a_volunteer_is_paused_vouched_for_certified_suspended_and_erased(tx: Tx) -> None:
    mei = people.mei(tx)
    path = f"{API}/{new(tx).public_id}"
    api = client(mei)
    assert api.post(f"{path}/approve").json()["code"] == "volunteer.state"
    assert api.post(f"{path}/pause", json={"until": "2999-01-01"}).json()["paused_until"] == "2999-01-01"
    assert api.post(f"{path}/resume").json()["status"] == "active"
    vouched = api.put(f"{path}/skills/first_aid", json={"level": 2}).json()["skills"]
    assert {"skill": "first_aid", "level": 2, "state": "verified"} in vouched
    paper = {"skill": "first_aid", "number": "FA-1", "expires_on": "2999-01-01"}
    certified = api.post(f"{path}/certifications", json=paper)
    assert certified.json()["certifications"][0]["number"] == "FA-1"
    assert api.post(f"{path}/suspend", json={"reason": "under review"}).json()["status"] == "suspended"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_a_clerk_may_not_erase_and_a_volunteer_may_not_list(tx: Tx) -> None:
    wen = people.wen(tx)
    bo = new(tx)
    assert client(wen).delete(f"{API}/{bo.public_id}").status_code == 403
    assert client(Actor("volunteer", bo.id)).get(API).status_code == 403
    assert client().get(API).status_code == 401


def test_two_entries_of_one_person_become_one(tx: Tx) -> None:
    mei = people.mei(tx)
    keep, drop = new(tx, "Bo", 1), new(tx, "Bo Li", 2, skills="first_aid:2")
    merged = client(mei).post(f"{API}/{keep.public_id}/merge", json={"drop": str(drop.public_id)}).json()
    assert [claim["skill"] for claim in merged["skills"]] == ["first_aid", "general"]
    assert client(mei).get(f"{API}/{drop.public_id}").status_code == 404


GOOD = """name,community,phone,birthday
Bo Li,DQ-ST-001,13912345678,1990-04-01
Lin,DQ-ST-001,13800000001,2000-02-29
"""
BAD = f"""{GOOD}Kai,DQ-DT-001,13800000002,1990-01-01
,DQ-ST-001,1380,2999-01-01
Bo,DQ-ST-001,13912345678,1991-01-01
"""


def test_a_file_is_previewed_refused_whole_and_taken_in_without_its_bad_rows(tx: Tx) -> None:
    mei = people.mei(tx)
    api = client(mei)
    seen = api.post(f"{FILES}/preview", content=BAD.encode()).json()
    assert (seen["total"], seen["good"], seen["bad"]) == (5, 2, 3)
    assert sorted({(error["line"], error["column"]) for error in seen["errors"]}) == [
        (4, "community"),
        (5, "birthday"),
        (5, "name"),
        (5, "phone"),
        (6, "phone"),
    ]
    refused = api.post(f"{FILES}/import", content=BAD.encode())
    assert (refused.status_code, refused.json()["code"]) == (422, "import.bad_rows")
    assert api.get(API).json()["items"] == []
    done = api.post(f"{FILES}/import", params={"leave_out_bad": True}, content=BAD.encode()).json()
    assert done == {"added": 2, "merged": 0, "skipped": 0, "left_out": 3}
    again = api.post(f"{FILES}/import", content=GOOD.encode())
    assert (again.status_code, again.json()["code"]) == (409, "import.twins")
    lines = tx.exec(select(AuditLine).where(col(AuditLine.action) == "volunteer.import")).all()
    assert {(line.table_name, line.area) for line in lines} >= {
        ("volunteers", "/1/2/"),
        ("contacts", "/1/2/"),
    }


def test_what_is_exported_can_be_imported_and_the_export_is_on_the_trail(tx: Tx) -> None:
    mei = people.mei(tx)
    new(tx, "=cmd()", 1)
    api = client(mei)
    sheet = api.get(f"{FILES}/export", params={"form": "xlsx"})
    rows = list(load_workbook(io.BytesIO(sheet.content)).active.values)
    assert len(rows) == 2
    table = api.get(f"{FILES}/export").content
    seen = api.post(f"{FILES}/preview", content=table).json()
    assert (seen["bad"], seen["twins"][0]["name"]) == (0, "=cmd()")
    noted = tx.exec(select(AuditLine.changes).where(col(AuditLine.action) == "volunteer.export")).all()
    assert noted == [{"*": {"exported": 1}}] * 2
