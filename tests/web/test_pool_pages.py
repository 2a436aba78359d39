"""The pool and the trail as pages of the console."""

import re
import uuid

import pytest
from httpx2 import Response
from sqlmodel import func, select

from tests import people
from tests.doors import client
from tests.world import person
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import t
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import ImportFile, Volunteer
from volunteer_hub.volunteers.rules import Status

BAD = """name,community,phone,birthday
Bo Li,DQ-ST-001,13912345678,1990-04-01
Lin,DQ-ST-001,13800000001,2000-02-29
Kai,DQ-DT-001,13800000002,1990-01-01
,DQ-ST-001,13800000003,1990-01-01
Mo,DQ-ST-001,13912345678,1991-01-01
"""


def words(answer: Response) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


def count(tx: Tx) -> int:
    return tx.exec(select(func.count()).select_from(Volunteer)).one()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_list_shows_the_actors_people_and_finds_them(tx: Tx, lang: str) -> None:
    mei = people.mei(tx)
    for number in range(1, 4):
        registry.register(tx, person(f"Helper {number}", number))
    browser = client(mei, lang=lang)
    assert len(re.findall(r'href="/volunteers/[0-9a-f-]{36}"', browser.get("/volunteers").text)) == 3
    found = browser.get("/volunteers", params={"search": "Helper 2"}).text
    assert re.findall(r">(Helper \d)<", found) == ["Helper 2"]
    assert client(people.kai(tx)).get("/volunteers").text.count("Helper") == 0
    assert browser.get("/volunteers", params={"search": "\0"}).status_code == 422
    assert browser.get("/volunteers", params={"status": "none", "skill": "x"}).status_code == 200


def test_fifty_a_page(tx: Tx) -> None:
    mei = people.mei(tx)
    for number in range(1, 53):
        registry.register(tx, person(f"Helper {number:02}", number))
    first = client(mei).get("/volunteers").text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = client(mei).get(following[1].replace("&amp;", "&")).text
    assert re.findall(r">(Helper \d\d)<", second) == ["Helper 51", "Helper 52"]


def test_a_file_of_another_district_looks_like_none(tx: Tx) -> None:
    people.mei(tx)
    row = registry.register(tx, person("Bo", 1))
    kai = client(people.kai(tx))
    foreign, random = kai.get(f"/volunteers/{row.public_id}"), kai.get(f"/volunteers/{uuid.uuid4()}")
    assert foreign.status_code == random.status_code == 404
    assert foreign.text.replace(str(row.public_id), "") == random.text.replace(
        random.request.url.path[12:], ""
    )
    assert kai.post(f"/volunteers/{row.public_id}/pause").status_code == 404


def test_the_staff_pauses_vouches_certifies_suspends_and_erases(tx: Tx) -> None:
    mei = people.mei(tx)
    row = registry.register(tx, person("Bo", 1))
    browser, path = client(mei), f"/volunteers/{row.public_id}"
    assert browser.post(f"{path}/pause", data={"until": "2999-01-01"}).headers["location"] == path
    assert browser.post(f"{path}/resume").status_code == 303
    wrong = browser.post(f"{path}/pause", data={"until": "soon"})
    assert (wrong.status_code, "This is not a date" in wrong.text) == (422, True)
    assert browser.post(f"{path}/vouch", data={"skill": "first_aid", "level": "2"}).status_code == 303
    paper = {"skill": "first_aid", "number": "FA-1", "expires_on": "2999-01-01"}
    assert browser.post(f"{path}/certify", data=paper).status_code == 303
    page = words(browser.get(path))
    assert "First aid 2 Verified" in page
    assert "FA-1" in page
    assert browser.post(f"{path}/suspend").status_code == 422
    assert browser.post(f"{path}/suspend", data={"reason": "under review"}).status_code == 303
    assert "under review" in browser.get(path).text
    assert browser.post(f"{path}/approve").status_code == 409
    assert browser.post(f"{path}/erase").status_code == 422
    assert browser.post(f"{path}/erase", data={"sure": "yes"}).headers["location"] == "/volunteers"
    assert browser.get(path).status_code == 404


def test_an_import_names_three_bad_rows_and_takes_in_the_others(tx: Tx) -> None:
    mei = people.mei(tx)
    browser = client(mei)
    kept = browser.post("/volunteers/import", files={"file": ("people.csv", BAD.encode())})
    target = kept.headers["location"]
    preview = words(browser.get(target))
    assert "2 rows can be taken" in preview
    assert "3 rows cannot" in preview
    assert "4 Community There is no community “DQ-DT-001” in your area." in preview
    assert "5 Name This is needed. Fill it in." in preview
    assert "6 Telephone This is the same person as in line 2." in preview
    assert count(tx) == 0
    refused = browser.post(target)
    assert (refused.status_code, count(tx)) == (422, 0)
    done = browser.post(target, data={"leave_out_bad": "yes"})
    assert "2 volunteers were added. 3 bad rows were left out." in words(done)
    assert count(tx) == 2
    assert tx.exec(select(ImportFile)).all() == []
    assert browser.get(target).status_code == 404


def test_people_who_are_there_already_are_merged(tx: Tx) -> None:
    mei = people.mei(tx)
    registry.register(tx, {"name": "Bo", "phone": "13912345678", "community": "DQ-ST-001"})
    browser = client(mei)
    content = b"name,community,phone,email\nBo Li,DQ-ST-001,13912345678,bo@example.org\n"
    target = browser.post("/volunteers/import", files={"file": ("p.csv", content)}).headers["location"]
    assert "same telephone" in words(browser.get(target))
    done = browser.post(target, data={"on_twin": "merge"})
    assert "1 was merged with an entry in the pool." in words(done)
    assert tx.exec(select(Volunteer.email)).all() == ["bo@example.org"]


def test_a_file_that_is_no_table_is_refused_with_what_to_do(tx: Tx) -> None:
    browser = client(people.mei(tx))
    answer = browser.post("/volunteers/import", files={"file": ("x.csv", b"nmae,phone\nBo,1\n")})
    assert answer.status_code == 422
    assert "Did you mean “name”?" in words(answer)
    assert browser.get("/volunteers/import").status_code == 200


def test_anothers_file_is_not_theirs_to_take_in(tx: Tx) -> None:
    mei, an = client(people.mei(tx)), client(people.an(tx))
    target = mei.post("/volunteers/import", files={"file": ("p.csv", BAD.encode())}).headers["location"]
    assert an.get(target).status_code == 404
    assert an.post(target).status_code == 404


def test_the_list_leaves_as_a_file(tx: Tx) -> None:
    mei = people.mei(tx)
    registry.register(tx, person("Bo", 1))
    table = client(mei).get("/volunteers/export.csv", params={"status": Status.ACTIVE.value})
    assert table.headers["content-disposition"] == 'attachment; filename="volunteers.csv"'
    assert table.content.decode("utf-8-sig").splitlines()[1].startswith("P00001,Bo,")
    assert client(mei).get("/volunteers/export.xlsx").content.startswith(b"PK")
    assert client(people.council(tx)).get("/volunteers/export.csv").status_code == 403


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_trail_is_read_filtered_and_found_sound(tx: Tx, lang: str) -> None:
    mei = people.mei(tx)
    row = registry.register(tx, person("Bo", 1))
    browser = client(mei, lang=lang)
    assert "volunteers" in browser.get("/audit").text
    query = {"table": "volunteers", "row_id": str(row.id)}
    assert "Bo" in words(browser.get("/audit", params=query)).split()
    checked = browser.post("/audit/verify")
    assert t(lang, "audit.verdict.sound") in checked.text
    assert "Bo" not in words(client(people.council(tx), lang=lang).get("/audit", params=query)).split()
