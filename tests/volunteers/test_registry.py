"""People into the pool, changed by two editors, seen only inside one's own areas, merged."""

import uuid
from datetime import date

import pytest
from sqlmodel import col, select

from tests.volunteers.conftest import BO, CLERK, KAI, LIN
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound, PreconditionFailed, Refused
from volunteer_hub.core.i18n import t
from volunteer_hub.volunteers import merging, registry, standing
from volunteer_hub.volunteers.models import Certification, Contact, SkillClaim, Volunteer
from volunteer_hub.volunteers.rules import ClaimState, Precision, Status


def test_bo_is_stored_as_he_was_told_of(bo: Volunteer) -> None:
    assert (bo.area, bo.name, bo.phone, bo.birthday) == (
        "/1/2/3/",
        "Bo Li",
        "+8613912345678",
        date(1990, 4, 1),
    )
    assert (bo.status, bo.fit, bo.address) == (Status.ACTIVE, True, "Dongfeng Road 1\nFlat 2")


def test_without_a_position_the_community_centre_stands_in_and_says_so(bo: Volunteer) -> None:
    assert (bo.lat, bo.lon, bo.precision) == (46.59, 125.10, Precision.COMMUNITY)


def test_skills_certifications_and_contacts_are_rows(mei: Tx, bo: Volunteer) -> None:
    claims = mei.exec(select(SkillClaim).where(col(SkillClaim.volunteer_id) == bo.id)).all()
    papers = mei.exec(select(Certification).where(col(Certification.volunteer_id) == bo.id)).all()
    contacts = mei.exec(select(Contact).where(col(Contact.volunteer_id) == bo.id)).all()
    assert sorted((c.skill, c.level, c.state) for c in claims) == [
        ("driver.car", 1, ClaimState.CLAIMED),
        ("nursing", 2, ClaimState.CLAIMED),
    ]
    assert [(p.skill, p.number, p.expires_on) for p in papers] == [("nursing", "NURSE-N-1", date(2030, 1, 1))]
    assert sorted((c.kind.value, c.address) for c in contacts) == [
        ("email", "bo@example.org"),
        ("sms", "+8613912345678"),
    ]


def test_every_wrong_field_is_named_at_once(mei: Tx) -> None:
    with pytest.raises(Malformed) as caught:
        registry.register(
            mei,
            {
                "name": "A\0B",
                "lat": 91,
                "lon": float("nan"),
                "phone": "12",
                "skills": "flying:9",
                "nose": "big",
            },
        )
    assert sorted((f.where, f.code) for f in caught.value.fields) == [
        ("community", "volunteer.required"),
        ("lat", "volunteer.latitude"),
        ("lon", "volunteer.number"),
        ("name", "volunteer.control"),
        ("nose", "volunteer.unknown"),
        ("phone", "volunteer.phone"),
        ("skills", "volunteer.skill"),
    ]


def test_a_telephone_belongs_to_one_person(mei: Tx, bo: Volunteer) -> None:
    with pytest.raises(Refused) as caught:
        registry.register(mei, LIN | {"phone": "+86 139-1234-5678"})
    assert caught.value.code == "volunteer.phone_taken"


def test_a_number_of_the_register_is_unique_in_a_city(mei: Tx) -> None:
    registry.register(mei, BO | {"external_id": "V1"})
    with pytest.raises(Refused) as caught:
        registry.register(mei, LIN | {"external_id": "V1"})
    assert caught.value.code == "volunteer.external_id_taken"


def test_the_second_of_two_editors_is_told(mei: Tx, bo: Volunteer) -> None:
    seen = bo.version
    registry.update(mei, bo.public_id, seen, {"name": "Bo Wang"})
    with pytest.raises(PreconditionFailed):
        registry.update(mei, bo.public_id, seen, {"name": "Bo Zhang"})
    assert bo.name == "Bo Wang"


def test_a_change_keeps_what_it_does_not_name(mei: Tx, bo: Volunteer) -> None:
    before = bo.model_dump(exclude={"version", "revision", "max_km"})
    registry.update(mei, bo.public_id, bo.version, {"max_km": 7.5})
    assert bo.model_dump(exclude={"version", "revision", "max_km"}) == before
    assert bo.max_km == 7.5


def test_a_new_telephone_is_where_messages_go(mei: Tx, bo: Volunteer) -> None:
    registry.update(mei, bo.public_id, bo.version, {"phone": "13912340000", "email": ""})
    rows = mei.exec(select(Contact).where(col(Contact.volunteer_id) == bo.id).order_by(col(Contact.id))).all()
    assert [(c.kind.value, c.address) for c in rows] == [("sms", "+8613912340000"), ("email", None)]


def test_who_moves_house_stands_at_the_new_centre_until_placed(mei: Tx, bo: Volunteer) -> None:
    registry.update(mei, bo.public_id, bo.version, {"lat": "46.6", "lon": "125.0"})
    assert (bo.lat, bo.lon, bo.precision) == (46.6, 125.0, Precision.ADDRESS)
    registry.update(mei, bo.public_id, bo.version, {"address": "Elsewhere 3"})
    assert (bo.lat, bo.lon, bo.precision) == (46.59, 125.10, Precision.COMMUNITY)


def test_a_position_is_brought_to_wgs84(mei: Tx, bo: Volunteer) -> None:
    registry.update(mei, bo.public_id, bo.version, {"lat": "46.6", "lon": "125.0", "datum": "GCJ-02"})
    assert (bo.lat, bo.lon) != (46.6, 125.0)
    assert abs((bo.lat or 0) - 46.6) < 0.01
    placed = (bo.lat, bo.lon)
    registry.update(mei, bo.public_id, bo.version, {"name": "Bo Wang", "datum": "gcj02"})
    assert (bo.lat, bo.lon) == placed


def test_a_foreign_person_looks_like_none(mei: Tx, bo: Volunteer) -> None:
    mei.actor = KAI
    answers = []
    for key in (bo.public_id, uuid.uuid4()):
        with pytest.raises(NotFound) as caught:
            registry.find(mei, "volunteer.read", key)
        answers.append((caught.value.code, caught.value.params))
    assert answers[0] == answers[1]


def test_kai_cannot_register_anybody_in_sartu(mei: Tx) -> None:
    mei.actor = KAI
    with pytest.raises(Malformed) as caught:
        registry.register(mei, LIN)
    assert [(f.where, f.code) for f in caught.value.fields] == [("community", "volunteer.community")]


def test_a_minor_needs_the_guardian(mei: Tx) -> None:
    child = LIN | {"birthday": "2015-05-05"}
    with pytest.raises(Malformed) as caught:
        registry.register(mei, child)
    assert [(f.where, f.code) for f in caught.value.fields] == [("guardian_consent", "volunteer.minor")]
    waiting = registry.register(mei, child, status=Status.APPLIED)
    with pytest.raises(Refused) as refused:
        standing.approve(mei, waiting.public_id)
    assert refused.value.code == "volunteer.guardian"
    registry.update(mei, waiting.public_id, waiting.version, {"guardian_consent": mei.now})
    assert standing.approve(mei, waiting.public_id).status == Status.ACTIVE


def test_states_follow_the_table(mei: Tx, bo: Volunteer) -> None:
    assert standing.pause(mei, bo, None).status == Status.PAUSED
    assert standing.resume(mei, bo).status == Status.ACTIVE
    assert standing.suspend(mei, bo.public_id, "missed three duties").reason == "missed three duties"
    assert standing.leave(mei, bo).status == Status.LEFT
    with pytest.raises(Refused) as caught:
        standing.resume(mei, bo)
    assert t("en", f"error.{caught.value.code}", **caught.value.params) == (
        "This cannot be done: the person is Left, which does not lead to Active."
    )


def test_two_entries_become_one(mei: Tx, bo: Volunteer) -> None:
    twin = registry.register(
        mei,
        {
            "name": "Bo Li",
            "community": "DQ-ST-001",
            "phone": "13700000000",
            "education": "college",
            "skills": "nursing:1:verified;cooking:3",
            "certifications": "nursing|NURSE-N-2||2026-01-01|2032-01-01",
        },
    )
    registry.count_asked(mei, [bo.id, twin.id])
    registry.add_served(mei, {twin.id: 90})
    kept = merging.merge(mei, bo.public_id, twin.public_id)
    for row in (kept, twin):
        mei.refresh(row)
    assert (kept.phone, kept.education, kept.asked_count, kept.served_minutes) == (
        "+8613912345678",
        "college",
        2,
        90,
    )
    claims = mei.exec(select(SkillClaim).where(col(SkillClaim.volunteer_id) == kept.id)).all()
    assert sorted((c.skill, c.level, c.state.value) for c in claims) == [
        ("cooking", 3, "claimed"),
        ("driver.car", 1, "claimed"),
        ("nursing", 1, "verified"),
    ]
    papers = mei.exec(select(Certification).where(col(Certification.volunteer_id) == kept.id)).all()
    assert sorted(p.number or "" for p in papers) == ["NURSE-N-1", "NURSE-N-2"]
    assert (twin.status, twin.merged_into, twin.name, twin.phone) == (Status.LEFT, kept.id, None, None)


def test_nobody_is_merged_with_themselves_or_across_areas(mei: Tx, bo: Volunteer) -> None:
    with pytest.raises(Refused):
        merging.merge(mei, bo.public_id, bo.public_id)
    mei.actor = CLERK
    foreign = registry.register(mei, {"name": "Hua", "community": "DQ-DT-001"})
    mei.actor = KAI
    with pytest.raises(NotFound):
        merging.merge(mei, foreign.public_id, bo.public_id)
