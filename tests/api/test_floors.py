"""Floors by API: set, read with who is there, changed by version, removed."""

import uuid

from tests import people
from tests.doors import client
from tests.world import person
from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers import registry

API = "/api/v1"
MEDICS = {"area": "DQ-ST", "skill": "first_aid", "keep": 2}
PAPER = "first_aid|F-1|Red Cross|2025-01-01|2099-01-01"


def test_a_floor_is_set_changed_and_removed_with_its_version(tx: Tx) -> None:
    api = client(people.mei(tx))
    registry.register(tx, person("Bo", 1, skills="first_aid:2", certifications=PAPER))
    registry.register(tx, person("Lin", 2, skills="first_aid:1"))  # without a certification
    made = api.post(f"{API}/floors", json=MEDICS)
    assert made.status_code == 201
    path = f"{API}/floors/{made.json()['id']}"
    seen = api.get(path)
    shown = {name: seen.json()[name] for name in ("area", "skill", "level", "keep", "present", "version")}
    assert shown == {
        "area": {"code": "DQ-ST", "name": {"en": "Sartu", "zh": "萨尔图区"}},
        "skill": "first_aid",
        "level": 1,
        "keep": 2,
        "present": 1,
        "version": 1,
    }
    assert api.put(path, json={"keep": 3}).status_code == 422
    tag = {"If-Match": seen.headers["etag"]}
    assert api.put(path, json={"keep": 3}, headers=tag).json()["keep"] == 3
    assert api.put(path, json={"keep": 4}, headers=tag).status_code == 412
    assert [row["keep"] for row in api.get(f"{API}/floors").json()["items"]] == [3]
    assert api.delete(path, headers=tag).status_code == 412
    assert api.delete(path, headers={"If-Match": '"2"'}).status_code == 204
    assert api.get(path).status_code == 404


def test_a_second_floor_for_the_same_skill_is_refused_in_words(tx: Tx) -> None:
    api = client(people.mei(tx))
    api.post(f"{API}/floors", json=MEDICS)
    again = api.post(f"{API}/floors", json=MEDICS | {"keep": 9})
    assert (again.status_code, again.json()["code"]) == (409, "floor.there")
    assert "already has a floor" in again.json()["title"]


def test_a_clerk_reads_floors_and_sets_none_and_another_district_sees_nothing(tx: Tx) -> None:
    mei, wen, kai = client(people.mei(tx)), client(people.wen(tx)), client(people.kai(tx))
    mei.post(f"{API}/floors", json=MEDICS)
    made = mei.post(f"{API}/floors", json=MEDICS | {"area": "DQ-ST-001"}).json()
    listed = wen.get(f"{API}/floors").json()["items"]
    assert [row["id"] for row in listed] == [made["id"]]
    assert wen.post(f"{API}/floors", json=MEDICS | {"level": 2}).status_code == 403
    path = f"{API}/floors/{made['id']}"
    assert wen.delete(path, headers={"If-Match": '"1"'}).status_code == 403
    assert kai.get(f"{API}/floors").json()["items"] == []
    assert kai.get(path).json() == kai.get(f"{API}/floors/{uuid.uuid4()}").json()
    assert kai.post(f"{API}/floors", json=MEDICS).status_code == 404


def test_the_list_goes_on_from_its_cursor(tx: Tx) -> None:
    api = client(people.mei(tx))
    for level in (1, 2, 3):
        api.post(f"{API}/floors", json=MEDICS | {"level": level})
    first = api.get(f"{API}/floors", params={"limit": 2}).json()
    rest = api.get(f"{API}/floors", params={"limit": 2, "cursor": first["next"]}).json()
    assert [row["level"] for row in first["items"] + rest["items"]] == [1, 2, 3]
    assert rest["next"] is None
