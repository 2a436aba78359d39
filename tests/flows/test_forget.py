"""Erasing a person: a dump of the whole database says nothing about them, and every sum stays."""

import subprocess

import pytest
from sqlmodel import func, select

from tests import people
from tests import world as worlds
from tests.mobilization import rows
from volunteer_hub.access import bodies, sessions
from volunteer_hub.access.jurisdictions import by_path
from volunteer_hub.access.rules import Body
from volunteer_hub.core import db, embedded, vault
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused, Unauthenticated
from volunteer_hub.flows import forget
from volunteer_hub.incentives.models import LedgerEntry
from volunteer_hub.mobilization import attendance, offers, places
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.notify import outbox
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.rules import Channel, State, Subject
from volunteer_hub.volunteers import registry, standing
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status

SECRETS = {
    "name": "Zhao Xiaofeng-Uniquename",
    "phone": "13777712345",
    "email": "xiaofeng.unique@example.org",
    "address": "Lane Quietwater 77",
    "policy_no": "POLICY-QX-9981",
    "insurer": "Rareinsurer Mutual",
    "education": "Doctor of Seldomology",
    "external_id": "REG-778899",
    "street": "Hardlyknown Street",
    "emergency_contact": "Aunt Onlyone 13777799999",
    "certifications": "first_aid|CERT-ZZ-4711|Red Cross|2025-01-01|2099-01-01",
    "lat": 46.612345,
    "lon": 125.123456,
}


def dump(address: str) -> str:
    """What `db backup` writes, as text: everything but the keys."""
    done = subprocess.run(
        [embedded.program("pg_dump"), "--exclude-table-data=vault.person_keys", f"--dbname={address}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def needles() -> list[str]:
    words = [str(value) for value in SECRETS.values()]
    return [*words, "Uniquename", "CERT-ZZ-4711", "Secret grievance", "777712345"]


def test_after_erasing_a_dump_says_nothing_and_the_sums_stay(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        mei = people.mei(tx)
        person = registry.register(tx, worlds.person("x", 900) | SECRETS)
        registry.add_served(tx, {person.id: 240})
        about = by_path(tx, "/1/2/3/")
        key, outer = person.id, person.public_id
    with db.transaction(Actor("volunteer", key), "complaint.write") as own:
        bodies.complain(own, about, Body.RESIDENTS_COUNCIL, "Secret grievance of mine")
    with db.transaction(mei, "volunteer.pause") as as_mei:
        row = registry.find(as_mei, "volunteer.write", outer)
        registry.update(as_mei, outer, row.version, {"name": SECRETS["name"] + " II"})
        standing.pause(as_mei, row, None)
        standing.resume(as_mei, row)
        outbox.enqueue(as_mei, [_letter(as_mei, row)])
    with db.transaction(SYSTEM, "test") as tx:
        opened = sessions.open_for_volunteer(tx, key)
        served = tx.exec(select(func.sum(Volunteer.served_minutes))).one()
        points = tx.exec(select(func.coalesce(func.sum(LedgerEntry.points), 0))).one()
        before = tx.exec(select(func.count()).select_from(Volunteer)).one()
    assert "Uniquename" in dump(fresh_database)
    with db.transaction(mei, "volunteer.erase") as as_mei:
        forget.by_staff(as_mei, outer)
    found = [word for word in needles() if word in dump(fresh_database)]
    assert found == []
    with db.transaction(SYSTEM, "test") as tx:
        assert tx.exec(select(func.sum(Volunteer.served_minutes))).one() == served
        assert tx.exec(select(func.coalesce(func.sum(LedgerEntry.points), 0))).one() == points
        assert tx.exec(select(func.count()).select_from(Volunteer)).one() == before
        assert tx.get(vault.PersonKey, key) is None
        assert tx.exec(select(Message.state).where(Message.volunteer_id == key)).all() == [State.CANCELLED]
        with pytest.raises(Unauthenticated):
            sessions.actor_of_session(tx, opened.token)
        with pytest.raises(NotFound):
            registry.one(tx, key)


def _letter(tx: Tx, row: Volunteer) -> Draft:
    return Draft(
        purpose="certification",
        subject_kind=Subject.CERTIFICATION,
        subject_id=1,
        area=row.area,
        channel=Channel.EMAIL,
        lang="en",
        dedupe_key="certification:1",
        expires_at=tx.now.replace(year=tx.now.year + 1),
        volunteer_id=row.id,
    )


def test_a_place_held_by_the_erased_goes_to_whoever_stands_by(tx: Tx) -> None:
    small = rows.plant(tx, [1], 3)
    tx.actor = rows.staff(rows.account(tx, "Mei"))
    first, second, third = (small.offer(person) for person in range(3))
    offers.accept(tx, first)
    offers.accept(tx, second)
    forget.erase(tx, registry.one(tx, first.volunteer_id, lock=True))
    forget.erase(tx, registry.one(tx, third.volunteer_id, lock=True))
    for offer in (first, second, third):
        tx.refresh(offer)
    assert [offer.state for offer in (first, second, third)] == [
        OfferState.WITHDRAWN,
        OfferState.ACCEPTED,
        OfferState.RELEASED,
    ]


def test_nobody_is_erased_while_on_site(tx: Tx) -> None:
    small = rows.plant(tx, [1], 1)
    offer = small.offer()
    offers.accept(tx, offer)
    duty = attendance.of_offer(tx, offer)
    assert duty is not None
    attendance.check_in(tx, duty, places.duty_code(offer))
    with rows.raises(Refused, "forget.on_site"):
        forget.own(tx, offer.volunteer_id)
    assert registry.one(tx, offer.volunteer_id).status is Status.ACTIVE
