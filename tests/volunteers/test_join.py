"""Joining by telephone, one's own data, and being forgotten."""

import json
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select, text

from tests import areas
from tests.volunteers.conftest import BO, LIN, MEI
from volunteer_hub.core import clock, db, vault
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Gone, Malformed, NotFound, PreconditionFailed, Refused, TooMany
from volunteer_hub.volunteers import (
    availability,
    consents,
    forgetting,
    join,
    merging,
    own,
    queries,
    registry,
    standing,
)
from volunteer_hub.volunteers.models import JoinCode, SkillClaim, Volunteer
from volunteer_hub.volunteers.rules import ClaimState, ConsentBy, Purpose, Status

REQUIRED = (Purpose.MOBILIZATION, Purpose.MESSAGES)
APPLICATION = LIN | {"skills": "cooking:2"}


@pytest.fixture
def guest(tx: Tx, places: dict[str, str]) -> Tx:
    tx.actor = GUEST
    return tx


def proof(tx: Tx, phone: str = LIN["phone"]) -> str:
    started = join.start(tx, phone)
    found = join.verify(tx, phone, started.code)
    assert found is not None
    return found


def later(tx: Tx, **much: int) -> None:
    tx.now += timedelta(**much)


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_lin_joins_and_a_clerk_approves(guest: Tx) -> None:
    row = join.submit(guest, proof(guest), APPLICATION, [*REQUIRED, Purpose.POSITION], text_version="3")
    assert (row.status, row.area, row.phone, row.pledge_for) == (
        Status.APPLIED,
        "/1/2/3/",
        "+8613800000001",
        [],
    )
    assert [(c.purpose, c.text_version, c.by) for c in consents.in_force(guest, row.id)] == [
        (Purpose.MESSAGES, "3", ConsentBy.SELF),
        (Purpose.MOBILIZATION, "3", ConsentBy.SELF),
        (Purpose.POSITION, "3", ConsentBy.SELF),
    ]
    guest.actor = MEI
    assert standing.approve(guest, row.public_id).status == Status.ACTIVE


def test_a_light_pledge_takes_effect_at_once(guest: Tx) -> None:
    row = join.submit(guest, proof(guest), APPLICATION, REQUIRED, pledge_for=["cooking", "crowd"])
    assert (row.status, row.pledge_for) == (Status.PLEDGED, ["cooking", "crowd"])
    standing.pause(guest, row, None)
    assert standing.resume(guest, row).status == Status.PLEDGED
    guest.actor = MEI
    assert (standing.approve(guest, row.public_id).status, row.pledge_for) == (Status.ACTIVE, [])


def test_nobody_vouches_for_themselves(guest: Tx) -> None:
    boast = APPLICATION | {
        "skills": "cooking:2:VERIFIED",
        "certifications": "nursing|1",
        "basis": "employment",
        "external_id": "V1",
        "status": "active",
    }
    row = join.submit(guest, proof(guest), boast, REQUIRED)
    claim = guest.get_one(SkillClaim, (row.id, "cooking"))
    assert (claim.state, row.status, row.basis.value, row.external_id) == (
        ClaimState.CLAIMED,
        Status.APPLIED,
        "voluntary",
        None,
    )


def test_everything_missing_is_named_at_once(guest: Tx) -> None:
    with pytest.raises(Malformed) as caught:
        join.submit(guest, proof(guest), {"phone": LIN["phone"], "skills": "x"}, [Purpose.MESSAGES])
    assert sorted((f.where, f.code) for f in caught.value.fields) == [
        ("birthday", "volunteer.required"),
        ("community", "volunteer.required"),
        ("consent", "volunteer.consent"),
        ("name", "volunteer.required"),
        ("skills", "volunteer.skill"),
    ]


def test_a_minor_joins_with_the_guardian_only(guest: Tx) -> None:
    child = APPLICATION | {"birthday": str(guest.now.year - 15) + "-01-01", "guardian_consent": "2026-01-01"}
    with pytest.raises(Malformed) as caught:
        join.submit(guest, proof(guest), child, REQUIRED)
    assert [(f.where, f.code) for f in caught.value.fields] == [("guardian_consent", "volunteer.minor")]
    with pytest.raises(Malformed) as caught:
        join.submit(guest, proof(guest), child, REQUIRED, guardian_consents=True)
    assert [f.where for f in caught.value.fields] == ["guardian_name", "guardian_phone"]
    guarded = child | {"guardian_name": "Old Lin", "guardian_phone": "13700000000"}
    row = join.submit(guest, proof(guest), guarded, REQUIRED, guardian_consents=True)
    assert row.guardian_consent_at == guest.now
    assert {c.by for c in consents.in_force(guest, row.id)} == {ConsentBy.GUARDIAN}


def test_who_is_in_the_pool_signs_in_and_who_left_comes_back(guest: Tx) -> None:
    row = join.submit(guest, proof(guest), APPLICATION, REQUIRED)
    with pytest.raises(Refused) as caught:
        join.submit(guest, proof(guest), APPLICATION, REQUIRED)
    assert caught.value.code == "volunteer.known"
    standing.leave(guest, row)
    again = join.submit(guest, proof(guest), APPLICATION | {"name": "Lin Xiaoyu"}, REQUIRED)
    assert (again.id, again.name, again.status) == (row.id, "Lin Xiaoyu", Status.APPLIED)


def test_wrong_codes_are_counted_and_end(guest: Tx) -> None:
    started = join.start(guest, LIN["phone"])
    for _ in range(5):
        assert join.verify(guest, LIN["phone"], other(started.code)) is None
    with pytest.raises(TooMany) as caught:
        join.verify(guest, LIN["phone"], started.code)
    assert caught.value.code == "volunteer.code_tries"


def test_codes_are_few_an_hour(guest: Tx) -> None:
    for _ in range(5):
        join.start(guest, LIN["phone"])
    with pytest.raises(TooMany) as caught:
        join.start(guest, LIN["phone"])
    assert caught.value.retry_after == 3600
    later(guest, minutes=61)
    join.start(guest, LIN["phone"])


def test_codes_and_proofs_end(guest: Tx) -> None:
    started = join.start(guest, LIN["phone"])
    later(guest, minutes=10)
    with pytest.raises(Gone):
        join.verify(guest, LIN["phone"], started.code)
    found = proof(guest)
    later(guest, minutes=60)
    with pytest.raises(Gone):
        join.submit(guest, found, APPLICATION, REQUIRED)
    with pytest.raises(Malformed):
        join.start(guest, " ")


def test_a_proof_is_for_its_own_number(guest: Tx) -> None:
    with pytest.raises(Gone):
        join.submit(guest, proof(guest), APPLICATION | {"phone": "13900000009"}, REQUIRED)
    with pytest.raises(Gone):
        join.submit(guest, "made up", APPLICATION, REQUIRED)


def test_ended_codes_are_swept(guest: Tx) -> None:
    join.start(guest, LIN["phone"])
    assert join.sweep(guest) == 0
    later(guest, days=2)
    assert join.sweep(guest) == 1
    assert guest.exec(select(JoinCode)).all() == []


# One's own data -------------------------------------------------------------------------------------------


def test_a_person_takes_everything_along(mei: Tx, bo: Volunteer) -> None:
    consents.give(mei, bo.id, REQUIRED)
    availability.add_exception(mei, bo, mei.now, mei.now + timedelta(hours=1), available=False)
    held = own.everything(mei, bo.id)
    assert held["volunteer"]["name"] == "Bo Li"
    assert {name: len(rows) for name, rows in held.items() if name != "volunteer"} == {
        "skills": 2,
        "certifications": 1,
        "contacts": 2,
        "availability_exceptions": 1,
        "on_call": 0,
        "consents": 2,
    }
    assert held["certifications"][0]["number"] == "NURSE-N-1"
    assert "phone_hash" not in json.dumps(held)


def test_a_person_corrects_their_own_data_but_not_what_the_staff_says(mei: Tx, bo: Volunteer) -> None:
    mei.actor = GUEST
    own.correct(mei, bo.id, bo.version, {"address": "New Street 5", "max_km": 3})
    assert (bo.address, bo.max_km) == ("New Street 5", 3.0)
    with pytest.raises(PreconditionFailed):
        own.correct(mei, bo.id, 1, {"max_km": 4})
    with pytest.raises(Malformed) as caught:
        own.correct(mei, bo.id, bo.version, {"basis": "employment", "status": "active", "skills": "doctor"})
    assert [(f.where, f.code) for f in caught.value.fields] == [
        ("basis", "volunteer.not_own"),
        ("status", "volunteer.not_own"),
        ("skills", "volunteer.not_own"),
    ]


def test_a_new_telephone_must_be_proved(mei: Tx, bo: Volunteer) -> None:
    found = proof(mei, "13900000007")
    own.change_phone(mei, bo.id, bo.version, "139 0000 0007", found)
    assert bo.phone == "+8613900000007"
    assert {c.address for c in own.contacts(mei, bo.id)} == {"+8613900000007", "bo@example.org"}
    with pytest.raises(Gone):
        own.change_phone(mei, bo.id, bo.version, "13900000008", found)


# Being forgotten ------------------------------------------------------------------------------------------

BLANKED = (
    "Bo Li",
    "+8613912345678",
    "13912345678",
    "bo@example.org",
    "Dongfeng Road",
    "NURSE-N-1",
    "REG-77",
    "POL-5",
)


def every_row(tx: Tx) -> list[str]:
    """Every row of every table as text: what a dump would hold."""
    tables = tx.execute(
        text(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
    ).scalars()
    return [row for name in tables for row in tx.execute(text(f"SELECT t::text FROM {name} AS t")).scalars()]


def hits(tx: Tx) -> list[tuple[str, str]]:
    return [(word, row) for row in every_row(tx) for word in BLANKED if word in row]


def test_an_erased_person_is_in_no_table_while_sums_stay(mei: Tx, lin: Volunteer) -> None:
    bo = registry.register(
        mei, BO | {"external_id": "REG-77", "policy_no": "POL-5", "lat": "46.61234", "lon": "125.1"}
    )
    consents.give(mei, bo.id, REQUIRED)
    proof(mei, BO["phone"])
    availability.add_exception(mei, bo, mei.now, mei.now + timedelta(hours=1), available=False)
    registry.count_asked(mei, [bo.id, lin.id])
    registry.add_served(mei, {bo.id: 45})
    sealed = vault.seal(mei, bo.id, "Bo Li")
    mei.expire_all()
    assert {word for word, _ in hits(mei)} == set(BLANKED)
    sums = text("SELECT count(*), sum(asked_count), sum(served_minutes) FROM volunteers")
    before = mei.execute(sums).one()
    erased = forgetting.erase(mei, bo)
    mei.flush()
    assert hits(mei) == []
    assert mei.execute(sums).one() == before
    assert (erased.status, erased.birthday, erased.lat, erased.phone_hash, erased.search) == (
        Status.FORGOTTEN,
        None,
        None,
        None,
        [],
    )
    assert vault.unseal(mei, bo.id, sealed) is None
    assert mei.exec(select(JoinCode)).all() == []
    assert consents.in_force(mei, bo.id) == []
    assert [person.row.id for person in queries.people(mei)] == [lin.id]
    with pytest.raises(NotFound):
        registry.find(mei, "volunteer.read", bo.public_id)
    with pytest.raises(NotFound):
        own.everything(mei, bo.id)
    with pytest.raises(Refused):
        forgetting.erase(mei, erased)


def test_the_forgotten_may_join_anew_as_somebody_new(mei: Tx, bo: Volunteer) -> None:
    forgetting.erase(mei, bo)
    assert registry.register(mei, BO).id != bo.id


def test_of_two_merged_entries_nothing_stays_after_erasing(mei: Tx, bo: Volunteer) -> None:
    twin = registry.register(mei, {"name": "Bo Li", "community": "DQ-ST-001", "external_id": "REG-77"})
    kept = merging.merge(mei, bo.public_id, twin.public_id)
    assert kept.external_id == "REG-77"
    forgetting.erase(mei, kept)
    mei.flush()
    assert hits(mei) == []


# Two editors on two connections ---------------------------------------------------------------------------


@contextmanager
def acting() -> Any:
    with db.transaction(MEI, "test") as tx:
        yield tx


def test_of_two_editors_at_once_the_second_is_told(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        areas.plant(tx)
    with acting() as tx:
        key, seen = registry.register(tx, LIN).public_id, 1
    with acting() as tx:
        registry.update(tx, key, seen, {"name": "First"})
    with pytest.raises(PreconditionFailed), acting() as tx:
        registry.update(tx, key, seen, {"name": "Second"})
    with db.read(MEI) as tx:
        assert tx.exec(select(Volunteer.name).where(col(Volunteer.public_id) == key)).one() == "First"


def test_now_is_frozen_in_a_fixed_hour(fresh_database: str) -> None:
    moment = datetime.fromisoformat("2026-01-19T21:30:00+00:00")
    with db.transaction(SYSTEM, "test") as tx:
        areas.plant(tx)
    with clock.fixed(moment), acting() as tx:
        row = registry.register(tx, LIN | {"birthday": "2008-01-20"})
    assert row.birthday == date(2008, 1, 20)
