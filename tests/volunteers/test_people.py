"""Skills, times, addresses, consents, organisations: what hangs on a person or stands beside them."""

from datetime import date, datetime, timedelta

import pytest
from sqlmodel import col, select

from tests.volunteers.conftest import KAI, LIN
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound, PreconditionFailed, Refused
from volunteer_hub.volunteers import (
    addresses,
    availability,
    consents,
    organisations,
    registry,
    skills,
    standing,
    week,
)
from volunteer_hub.volunteers.addresses import First
from volunteer_hub.volunteers.models import Certification, Contact, SkillClaim, Volunteer
from volunteer_hub.volunteers.organisations import OrganisationIn
from volunteer_hub.volunteers.rules import (
    ClaimState,
    ConsentBy,
    ContactKind,
    Delivers,
    OrganisationKind,
    Purpose,
    Status,
)


def wrong_fields(error: pytest.ExceptionInfo[Malformed]) -> list[tuple[str, str]]:
    return [(f.where, f.code) for f in error.value.fields]


# Skills ---------------------------------------------------------------------------------------------------


def test_a_claim_at_another_level_is_no_longer_verified(mei: Tx, lin: Volunteer) -> None:
    skills.vouch(mei, lin, "cooking", 2)
    assert mei.get_one(SkillClaim, (lin.id, "cooking")).state == ClaimState.VERIFIED
    assert skills.claim(mei, lin, "cooking", 2).state == ClaimState.VERIFIED
    assert skills.claim(mei, lin, "cooking", 3).state == ClaimState.CLAIMED
    assert mei.get_one(SkillClaim, (lin.id, "cooking")).verified_at is None


def test_unknown_skills_and_levels_are_refused(mei: Tx, lin: Volunteer) -> None:
    with pytest.raises(Malformed) as caught:
        skills.claim(mei, lin, "flying", 1)
    assert wrong_fields(caught) == [("skill", "volunteer.skill")]
    with pytest.raises(Malformed) as caught:
        skills.claim(mei, lin, "cooking", 4)
    assert wrong_fields(caught) == [("level", "volunteer.level")]


def test_a_claim_is_taken_back_once(mei: Tx, lin: Volunteer) -> None:
    skills.claim(mei, lin, "cooking", 1)
    skills.unclaim(mei, lin, "cooking")
    with pytest.raises(NotFound):
        skills.unclaim(mei, lin, "cooking")


def test_an_expired_certification_never_counts(mei: Tx, bo: Volunteer) -> None:
    assert skills.level_on(mei, bo.id, "first_aid", date(2030, 1, 1)) == 2
    assert skills.level_on(mei, bo.id, "first_aid", date(2030, 1, 2)) == 0
    skills.certify(mei, bo, "nursing", number="NURSE-N-1", issuer="Red Cross", expires_on=date(2033, 1, 1))
    assert skills.level_on(mei, bo.id, "first_aid", date(2030, 1, 2)) == 2


def test_of_several_certifications_the_longest_counts(mei: Tx, lin: Volunteer) -> None:
    for number, end in (("1", date(2030, 1, 1)), ("2", date(2020, 1, 1)), ("3", date(2031, 1, 1))):
        skills.certify(mei, lin, "first_aid", number=number, expires_on=end)
    assert skills.level_on(mei, lin.id, "first_aid", date(2031, 1, 1)) == 1
    assert skills.level_on(mei, lin.id, "first_aid", date(2031, 1, 2)) == 0
    skills.certify(mei, lin, "first_aid")
    assert skills.level_on(mei, lin.id, "first_aid", date(2099, 1, 1)) == 1


def test_a_certification_makes_a_claim_and_must_end_after_it_began(mei: Tx, lin: Volunteer) -> None:
    skills.certify(mei, lin, "first_aid", issued_on=date(2026, 1, 1))
    assert mei.get_one(SkillClaim, (lin.id, "first_aid")).level == 1
    with pytest.raises(Malformed) as caught:
        skills.certify(mei, lin, "radio", issued_on=date(2026, 1, 2), expires_on=date(2026, 1, 1))
    assert wrong_fields(caught) == [("expires_on", "volunteer.certification.dates")]


def test_kai_vouches_for_nobody_in_sartu(mei: Tx, lin: Volunteer) -> None:
    mei.actor = KAI
    with pytest.raises(NotFound):
        skills.vouch(mei, lin, "cooking", 1)
    with pytest.raises(NotFound):
        skills.certify(mei, lin, "first_aid")


def test_holders_are_reminded_once_for_each_planned_day(mei: Tx, bo: Volunteer, lin: Volunteer) -> None:
    today = mei.now.date()
    skills.certify(mei, lin, "first_aid", number="L", expires_on=today + timedelta(days=20))
    skills.certify(mei, bo, "radio", number="R", expires_on=today + timedelta(days=7))
    due = skills.reminders_due(mei, today, 10)
    assert [paper.number for paper in due] == ["R", "L"]
    assert [paper.number for paper in skills.reminders_due(mei, today, 1)] == ["R"]
    for paper in due:
        skills.mark_reminded(mei, paper)
    assert skills.reminders_due(mei, today, 10) == []
    assert [p.number for p in skills.reminders_due(mei, today + timedelta(days=13), 10)] == ["L"]


# Times ----------------------------------------------------------------------------------------------------


def monday(hour: int) -> datetime:
    return datetime.fromisoformat(f"2026-11-23T{hour:02}:00:00+08:00")


def test_exceptions_and_on_call_duty_change_the_week(mei: Tx, lin: Volunteer) -> None:
    availability.set_week(mei, lin, week.bit(0, night=False), quiet_from=1320, quiet_until=420)
    exception = availability.add_exception(mei, lin, monday(8), monday(10), available=False)
    duty = availability.put_on_call(mei, lin, monday(23), monday(23) + timedelta(hours=2), "/1/2/3/")
    night = monday(23) + timedelta(hours=2)
    assert availability.free_times(mei, lin, monday(6), monday(6) + timedelta(days=1)) == [
        (monday(6), monday(8)),
        (monday(10), monday(22)),
        (monday(23), night),
    ]
    availability.remove_exception(mei, lin, exception.id)
    availability.take_off_call(mei, lin, duty.id)
    assert availability.free_times(mei, lin, monday(6), monday(23)) == [(monday(6), monday(22))]
    with pytest.raises(NotFound):
        availability.remove_exception(mei, lin, exception.id)
    with pytest.raises(NotFound):
        availability.take_off_call(mei, lin, duty.id)


def test_a_window_that_ends_before_it_starts_is_refused(mei: Tx, lin: Volunteer) -> None:
    with pytest.raises(Malformed) as caught:
        availability.add_exception(mei, lin, monday(9), monday(9), available=True)
    assert caught.value.code == "volunteer.window"
    with pytest.raises(Malformed) as caught:
        availability.free_times(mei, lin, monday(9), monday(9) + timedelta(days=400))
    assert caught.value.code == "volunteer.window_long"


def test_an_impossible_week_is_refused_field_by_field(mei: Tx, lin: Volunteer) -> None:
    with pytest.raises(Malformed) as caught:
        availability.set_week(mei, lin, 1 << 14, quiet_from=1440)
    assert wrong_fields(caught) == [
        ("availability", "volunteer.availability"),
        ("quiet_until", "volunteer.both"),
        ("quiet_from", "volunteer.hour"),
    ]


def test_only_people_of_the_pool_are_on_call(mei: Tx, lin: Volunteer) -> None:
    availability.put_on_call(mei, lin, mei.now, mei.now + timedelta(hours=8), "/1/2/3/")
    assert [duty.volunteer_id for duty in availability.on_call_now(mei, ["/1/2/3/"])] == [lin.id]
    assert availability.on_call_now(mei, ["/1/2/"]) == []
    standing.pause(mei, lin, None)
    with pytest.raises(Refused) as caught:
        availability.put_on_call(mei, lin, monday(8), monday(9), "/1/2/3/")
    assert caught.value.code == "volunteer.not_callable"


def test_a_pause_cannot_end_before_today(mei: Tx, lin: Volunteer) -> None:
    with pytest.raises(Malformed) as caught:
        standing.pause(mei, lin, mei.now.date() - timedelta(days=1))
    assert caught.value.code == "volunteer.pause_past"


def test_an_application_is_declined_with_a_reason_and_nothing_else_is(mei: Tx, lin: Volunteer) -> None:
    with pytest.raises(Refused):
        standing.decline(mei, lin.public_id, "no")
    other = registry.register(mei, {"name": "Hua", "community": "DQ-ST-001"}, status=Status.APPLIED)
    declined = standing.decline(mei, other.public_id, "lives elsewhere")
    assert (declined.status, declined.reason) == (Status.LEFT, "lives elsewhere")


# Addresses ------------------------------------------------------------------------------------------------


def test_addresses_are_tried_in_order_and_dead_ones_last(mei: Tx, bo: Volunteer) -> None:
    voice = addresses.add(mei, bo, ContactKind.VOICE, "139 1234 5678")
    sms, mail, last = addresses.of(mei, [bo.id])[bo.id]
    assert (sms.kind, mail.kind, last.id) == (ContactKind.SMS, ContactKind.EMAIL, voice.id)
    assert [c.id for c in addresses.order(mei, bo, [voice.id])] == [voice.id, sms.id, mail.id]
    addresses.note_delivery(mei, voice.id, ContactKind.VOICE, arrived=False)
    addresses.note_delivery(mei, sms.id, ContactKind.SMS, arrived=True)
    assert [c.id for c in addresses.of(mei, [bo.id])[bo.id]] == [sms.id, mail.id, voice.id]
    assert (sms.delivers, sms.verified_at) == (Delivers.YES, mei.now)


def test_the_number_for_texts_is_rung_up_next_unless_another_is_given_for_calls(
    mei: Tx, bo: Volunteer
) -> None:
    sms, mail = addresses.of(mei, [bo.id])[bo.id]
    both = (ContactKind.SMS, ContactKind.VOICE, ContactKind.EMAIL)
    rung = First(sms.id, ContactKind.VOICE)
    texted, lettered = First(sms.id, ContactKind.SMS), First(mail.id, ContactKind.EMAIL)
    assert addresses.ways(mei, [bo.id], both)[bo.id] == [texted, rung, lettered]
    assert addresses.ways(mei, [bo.id], [ContactKind.VOICE])[bo.id] == [rung]
    assert addresses.first(mei, [bo.id], both) == {bo.id: texted}
    assert addresses.first(mei, [bo.id], [ContactKind.VOICE]) == {bo.id: rung}
    own = addresses.add(mei, bo, ContactKind.VOICE, "139 1234 5678")
    mei.flush()
    given = First(own.id, ContactKind.VOICE)
    assert addresses.ways(mei, [bo.id], both)[bo.id] == [texted, lettered, given]
    assert addresses.first(mei, [bo.id], [ContactKind.VOICE]) == {bo.id: given}


def test_a_call_teaches_nothing_about_text_messages(mei: Tx, bo: Volunteer) -> None:
    sms = addresses.of(mei, [bo.id])[bo.id][0]
    addresses.note_delivery(mei, sms.id, ContactKind.VOICE, arrived=False)
    assert sms.delivers is Delivers.UNKNOWN


def test_the_same_address_is_kept_once_and_a_removed_one_is_empty(mei: Tx, bo: Volunteer) -> None:
    again = addresses.add(mei, bo, ContactKind.EMAIL, " bo@example.org ", preference=7)
    assert again.preference == 7
    addresses.remove(mei, bo, again.id)
    assert [c.kind for c in addresses.of(mei, [bo.id])[bo.id]] == [ContactKind.SMS]
    with pytest.raises(NotFound):
        addresses.remove(mei, bo, again.id)
    addresses.note_delivery(mei, again.id, ContactKind.EMAIL, arrived=True)
    assert mei.get_one(Contact, again.id).delivers == Delivers.UNKNOWN


def test_an_address_must_fit_its_channel(mei: Tx, bo: Volunteer, lin: Volunteer) -> None:
    for kind, address, code in (
        (ContactKind.EMAIL, "nowhere", "volunteer.email"),
        (ContactKind.SMS, "12", "volunteer.phone"),
        (ContactKind.CONSOLE, " ", "volunteer.required"),
    ):
        with pytest.raises(Malformed) as caught:
            addresses.add(mei, bo, kind, address)
        assert wrong_fields(caught) == [("address", code)]
    foreign = addresses.of(mei, [lin.id])[lin.id][0]
    with pytest.raises(NotFound):
        addresses.order(mei, bo, [foreign.id])


# Consents -------------------------------------------------------------------------------------------------


def test_consents_are_kept_by_purpose_with_words_and_time(mei: Tx, lin: Volunteer) -> None:
    consents.give(mei, lin.id, [Purpose.MESSAGES, Purpose.MOBILIZATION], text_version="7")
    assert consents.give(mei, lin.id, [Purpose.MESSAGES], text_version="7") == []
    assert [(c.purpose, c.text_version, c.given_at, c.by) for c in consents.in_force(mei, lin.id)] == [
        (Purpose.MESSAGES, "7", mei.now, ConsentBy.SELF),
        (Purpose.MOBILIZATION, "7", mei.now, ConsentBy.SELF),
    ]


def test_without_leave_to_send_messages_nobody_is_called(mei: Tx, lin: Volunteer) -> None:
    consents.give(mei, lin.id, [Purpose.MESSAGES, Purpose.POSITION])
    consents.withdraw(mei, lin, Purpose.POSITION)
    assert lin.status == Status.ACTIVE
    consents.withdraw(mei, lin, Purpose.MESSAGES)
    assert (lin.status, consents.in_force(mei, lin.id)) == (Status.PAUSED, [])
    with pytest.raises(NotFound):
        consents.withdraw(mei, lin, Purpose.MESSAGES)


# Organisations --------------------------------------------------------------------------------------------

HOSPITAL = OrganisationIn(
    area="/1/2/",
    name="Oil-field Hospital",
    kind=OrganisationKind.HOSPITAL,
    contact_name="Dr Wang",
    contact_phone="0459 618 1234",
    contact_email="duty@example.org",
    activation_minutes=45,
    lat=46.6,
    lon=125.1,
    pledges={"doctor": 4, "nursing": 12},
)


def test_an_organisation_pledges_people_by_skill(mei: Tx) -> None:
    row = organisations.create(mei, HOSPITAL)
    assert (row.contact_phone, row.activation_minutes) == ("+864596181234", 45)
    assert organisations.pledges_of(mei, [row.id]) == {row.id: {"doctor": 4, "nursing": 12}}
    changed = HOSPITAL.model_copy(update={"pledges": {"nursing": 20}})
    organisations.update(mei, row.public_id, 1, changed)
    assert organisations.pledges_of(mei, [row.id]) == {row.id: {"nursing": 20}}
    with pytest.raises(PreconditionFailed):
        organisations.update(mei, row.public_id, 1, HOSPITAL)


def test_organisations_of_another_district_are_invisible(mei: Tx) -> None:
    row = organisations.create(mei, HOSPITAL)
    assert [o.id for o in organisations.organisations(mei)] == [row.id]
    assert organisations.organisations(mei, after=row.id) == []
    mei.actor = KAI
    assert organisations.organisations(mei) == []
    with pytest.raises(NotFound):
        organisations.find(mei, "organisation.read", row.public_id)
    with pytest.raises(NotFound):
        organisations.create(mei, HOSPITAL)


def test_everything_wrong_with_an_organisation_is_named(mei: Tx) -> None:
    given = HOSPITAL.model_copy(
        update={"name": " ", "contact_phone": "1", "lon": None, "pledges": {"flying": 1, "doctor": 0}}
    )
    with pytest.raises(Malformed) as caught:
        organisations.create(mei, given)
    assert wrong_fields(caught) == [
        ("name", "volunteer.required"),
        ("contact_phone", "volunteer.phone"),
        ("pledges", "volunteer.skill"),
        ("pledges", "volunteer.heads"),
        ("lon", "volunteer.both"),
    ]


def test_changing_skills_as_a_whole_keeps_who_vouched(mei: Tx, lin: Volunteer) -> None:
    registry.update(mei, lin.public_id, lin.version, LIN | {"skills": "cooking:2:verified;crowd:1"})
    first = mei.get_one(SkillClaim, (lin.id, "cooking")).verified_at
    assert first == mei.now
    registry.update(
        mei, lin.public_id, lin.version, {"skills": "cooking:2:verified", "certifications": "radio|1"}
    )
    rows = mei.exec(select(SkillClaim).where(col(SkillClaim.volunteer_id) == lin.id)).all()
    assert sorted((c.skill, c.verified_at) for c in rows) == [("cooking", first), ("radio", None)]
    registry.update(mei, lin.public_id, lin.version, {"certifications": ""})
    assert mei.exec(select(Certification)).all() == []
