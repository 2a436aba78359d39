"""Accounts, roles, tokens, organisations, complaints, the trail and the inbox by API."""

import uuid

import pytest
from sqlmodel import select

from tests import people
from tests.doors import client
from tests.world import person
from volunteer_hub.access.models import Account
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.signing import new_token
from volunteer_hub.flows import telling
from volunteer_hub.notify.rules import Kind, Subject
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer

API = "/api/v1"
PASSWORD = "seven buckets by the door"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def bo(tx: Tx) -> Volunteer:
    people.mei(tx)
    return registry.register(tx, person("Bo", 1))


def test_an_account_is_made_given_a_role_and_the_role_taken_away_at_once(tx: Tx) -> None:
    api = client(people.an(tx))
    body = {"area": "DQ-ST", "email": "new@example.org", "name": "New", "password": PASSWORD}
    made = api.post(f"{API}/accounts", json=body).json()
    assert made["roles"] == []
    assert "password" not in str(made)
    path = f"{API}/accounts/{made['id']}"
    role = {"role": "coordinator", "area": "DQ-ST"}
    assert api.post(f"{path}/roles", json=role).json()["roles"] == [role]
    with db.transaction(SYSTEM, "test") as own:
        row = own.exec(select(Account).where(Account.email == "new@example.org")).one()
    hers = client(Actor("account", row.id))
    assert hers.get(f"{API}/volunteers").status_code == 200
    assert api.delete(f"{path}/roles/coordinator", params={"area": "DQ-ST"}).status_code == 204
    assert hers.get(f"{API}/volunteers").status_code == 403
    assert api.post(f"{path}/disable").json()["state"] == "disabled"
    assert hers.get(f"{API}/volunteers").status_code == 401
    assert api.post(f"{API}/accounts", json=body).json()["code"] == "account.known"


def test_nobody_gives_a_right_they_do_not_hold(tx: Tx) -> None:
    mei, kai = people.mei(tx), people.kai(tx)
    with db.transaction(SYSTEM, "test") as own:
        wen = people.account(own, "wen", "Wen", people.Role.CLERK, "dongfeng")
        other = own.get_one(Account, kai.id)
    api = client(mei)
    path = f"{API}/accounts/{wen.public_id}/roles"
    assert api.post(path, json={"role": "city_admin", "area": "DQ-ST"}).status_code == 403
    assert api.post(path, json={"role": "clerk", "area": "DQ-DT"}).status_code == 404
    assert api.get(f"{API}/accounts/{other.public_id}").status_code == 404
    assert (
        api.put(f"{API}/accounts/{other.public_id}/password", json={"password": PASSWORD}).status_code == 404
    )
    listed = api.get(f"{API}/accounts").json()["items"]
    assert {row["email"] for row in listed} == {"mei@example.org", "wen@example.org"}


def test_a_token_does_what_its_scopes_say_until_it_is_revoked(tx: Tx) -> None:
    api = client(people.mei(tx))
    body = {"label": "statistics", "scopes": ["volunteer.read"], "area": "DQ-ST-001"}
    made = api.post(f"{API}/tokens", json=body).json()
    machine = client()
    assert machine.get(f"{API}/volunteers", headers=bearer(made["token"])).status_code == 200
    assert machine.get(f"{API}/accounts", headers=bearer(made["token"])).status_code == 403
    assert machine.post(f"{API}/tokens", json=body, headers=bearer(made["token"])).status_code == 403
    assert [row["label"] for row in api.get(f"{API}/tokens").json()["items"]] == ["statistics"]
    assert made["token"] not in str(api.get(f"{API}/tokens").json())
    assert api.delete(f"{API}/tokens/{made['id']}").status_code == 204
    assert machine.get(f"{API}/volunteers", headers=bearer(made["token"])).status_code == 401


def test_random_tokens_and_cookies_never_hit(tx: Tx) -> None:
    people.mei(tx)
    api = client()
    answers = {
        api.get(f"{API}/volunteers", headers=bearer("vh_" + new_token())).status_code for _ in range(50)
    }
    for _ in range(50):
        api.cookies.set("hub_session", new_token())
        answers.add(api.get(f"{API}/volunteers").status_code)
    assert answers == {401}


def test_an_organisation_pledges_and_is_changed_with_its_version(tx: Tx) -> None:
    api = client(people.mei(tx))
    body = {"area": "DQ-ST", "name": "Plant No. 1", "kind": "oil_field", "pledges": {"general": 60}}
    made = api.post(f"{API}/organisations", json=body)
    path = f"{API}/organisations/{made.json()['id']}"
    tag = api.get(path).headers["etag"]
    more = body | {"pledges": {"general": 80}, "contact_phone": "13912345678"}
    changed = api.put(path, json=more, headers={"If-Match": tag})
    assert changed.json()["pledges"] == {"general": 80}
    assert changed.json()["contact_phone"] == "+8613912345678"
    assert api.put(path, json=more, headers={"If-Match": tag}).status_code == 412
    assert [row["name"] for row in api.get(f"{API}/organisations").json()["items"]] == ["Plant No. 1"]
    kai = client(people.kai(tx))
    assert kai.get(path).json() == kai.get(f"{API}/organisations/{uuid.uuid4()}").json()
    foreign = api.post(f"{API}/organisations", json=body | {"area": "DQ-DT"})
    assert foreign.status_code == 404


def test_a_volunteer_sees_takes_along_corrects_and_erases_their_own(tx: Tx) -> None:
    row = bo(tx)
    api = client(Actor("volunteer", row.id))
    seen = api.get(f"{API}/volunteers/me")
    assert seen.json()["name"] == "Bo"
    assert api.get(f"{API}/volunteers/me/everything").json()["volunteer"]["name"] == "Bo"
    head = {"If-Match": seen.headers["etag"]}
    changed = api.patch(f"{API}/volunteers/me", json={"email": "bo@new.example"}, headers=head)
    assert changed.json()["email"] == "bo@new.example"
    forbidden = api.patch(
        f"{API}/volunteers/me", json={"basis": "employment"}, headers={"If-Match": changed.headers["etag"]}
    )
    assert forbidden.status_code == 422
    week = {"availability": "1" * 7 + "0" * 7, "quiet_from": "22:00", "quiet_until": "06:00"}
    assert api.put(f"{API}/volunteers/me/availability", json=week).json()["wakes_for"] is None
    kept = api.put(f"{API}/volunteers/me/availability", json=week | {"wakes_for": 2}).json()
    assert (kept["quiet_from"], kept["wakes_for"]) == ("22:00", 2)
    assert api.post(f"{API}/volunteers/me/pause", json={}).json()["status"] == "paused"
    assert api.post(f"{API}/volunteers/me/resume").json()["status"] == "active"
    assert api.put(f"{API}/volunteers/me/skills/first_aid", json={"level": 2}).status_code == 200
    assert api.delete(f"{API}/volunteers/me/skills/first_aid").status_code == 204
    assert api.put(f"{API}/volunteers/me/consents/sharing").status_code == 204
    assert api.delete(f"{API}/volunteers/me/consents/sharing").status_code == 204
    assert client(people.mei(tx)).get(f"{API}/volunteers/me").status_code == 403
    assert api.delete(f"{API}/volunteers/me").status_code == 204
    assert api.get(f"{API}/volunteers/me").status_code == 401


def test_who_was_suspended_cannot_resume_themselves(tx: Tx) -> None:
    row = bo(tx)
    mei = client(people.mei(tx))
    mei.post(f"{API}/volunteers/{row.public_id}/suspend", json={"reason": "under review"})
    answer = client(Actor("volunteer", row.id)).post(f"{API}/volunteers/me/resume")
    assert (answer.status_code, answer.json()["code"]) == (409, "volunteer.state")


def test_a_complaint_about_a_body_is_answered_by_the_node_above(tx: Tx) -> None:
    council, mei, kai = client(people.council(tx)), client(people.mei(tx)), client(people.kai(tx))
    body = {"about": "DQ-ST-001", "body": "workstation", "text": "My hours are missing."}
    made = client().post(f"{API}/complaints", json=body)
    assert made.status_code == 201
    assert council.post(f"{API}/complaints", json=body).status_code == 201
    path = f"{API}/complaints/{made.json()['id']}"
    assert kai.get(path).status_code == 404
    assert council.get(f"{API}/complaints").status_code == 403
    assert len(mei.get(f"{API}/complaints", params={"state": "open"}).json()["items"]) == 2
    answered = mei.post(f"{path}/answer", json={"text": "Added today."}).json()
    assert (answered["state"], answered["answer"]) == ("answered", "Added today.")
    assert mei.post(f"{path}/answer", json={"text": "Again."}).json()["code"] == "complaint.answered"


def test_the_council_reads_the_trail_without_what_is_personal(tx: Tx) -> None:
    row = bo(tx)
    mei = client(people.mei(tx))
    mei.post(f"{API}/volunteers/{row.public_id}/pause", json={})
    query = {"table": "volunteers", "row_id": str(row.id), "action": "test"}
    with_names = mei.get(f"{API}/audit", params=query).json()["items"][-1]
    without = client(people.council(tx)).get(f"{API}/audit", params=query).json()["items"][-1]
    assert with_names["changes"]["name"] == [None, "Bo"]
    assert without["changes"]["name"] == [None, "[personal]"]
    assert without["changes"]["status"] == [None, "active"]
    assert client(people.kai(tx)).get(f"{API}/audit", params=query).json()["items"] == []
    assert mei.get(f"{API}/audit/verify").json()["finding"] == "sound"
    span = {"area": "DQ-ST-001", "since": "2020-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"}
    figures = mei.get(f"{API}/audit/figures", params=span).json()["items"]
    assert {"volunteer.pause": 1}.items() <= {row["action"]: row["lines"] for row in figures}.items()


def test_the_inbox_holds_what_the_account_was_told_in_the_readers_language(tx: Tx) -> None:
    mei = people.mei(tx)
    with db.transaction(SYSTEM, "test") as own:
        account = own.get_one(Account, mei.id)
        telling.tell(
            own,
            [account],
            "incident_declared",
            about=(Subject.INCIDENT, 1),
            area="/1/2/",
            kind=Kind.DRILL,
            params={"title": "Flood <b>", "level": "III", "path": "/incidents/1"},
            deed="incident:1",
        )
    told = client(mei).get(f"{API}/messages").json()["items"]
    assert [row["purpose"] for row in told] == ["incident_declared"]
    assert told[0]["kind"] == "drill"
    assert "Flood <b>" in told[0]["subject"]
    assert client(people.kai(tx)).get(f"{API}/messages").json()["items"] == []
    counts = client(mei).get(f"{API}/messages/counts").json()["by_state"]
    assert (counts["queued"], counts["failed"]) == (1, 0)


@pytest.mark.parametrize("path", ["accounts", "organisations", "audit", "complaints", "messages", "tokens"])
def test_a_guest_is_asked_to_sign_in_everywhere(rollback: None, path: str) -> None:
    assert client().get(f"{API}/{path}").status_code == 401
