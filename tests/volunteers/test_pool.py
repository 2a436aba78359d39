"""The pool as arrays: whom it holds, what they count for, and that every way of reading it gives the same."""

import re
from datetime import date, timedelta

import numpy as np
import pytest
from sqlalchemy import text

from tests.volunteers.conftest import KAI
from tests.volunteers.files import table, thousand
from tests.volunteers.test_queries import statements
from volunteer_hub import volunteers
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers import availability, pool, registry, rules, standing, week
from volunteer_hub.volunteers.exchange import importing
from volunteer_hub.volunteers.models import POOL_COLUMNS, Volunteer
from volunteer_hub.volunteers.pool import reading
from volunteer_hub.volunteers.rules import Status


def test_the_pool_holds_everybody_who_may_be_called(mei: Tx, bo: Volunteer, lin: Volunteer) -> None:
    waiting = registry.register(mei, {"name": "Hua", "community": "DQ-ST-001"}, status=Status.APPLIED)
    back = registry.register(mei, {"name": "Wei", "community": "DQ-ST-001"})
    standing.pause(mei, back, mei.now.date())
    back.paused_until = mei.now.date() - timedelta(days=3)
    standing.pause(mei, lin, None)
    mei.flush()
    found = pool.load(mei, ["/1/2/"])
    assert found.ids.tolist() == [bo.id, back.id]
    assert waiting.id not in found.ids


def test_a_person_is_the_same_in_arrays(mei: Tx, bo: Volunteer) -> None:
    changes = {
        "lat": "46.6",
        "lon": "125.2",
        "max_km": "7.5",
        "travel_mode": "car",
        "availability": "10000000000001",
        "insured_until": "2027-01-01",
    }
    registry.update(mei, bo.public_id, bo.version, changes)
    mei.refresh(bo)
    found = pool.load(mei, ["/1/2/3/"])
    assert len(found) == 1
    assert (found.lat[0], found.lon[0], found.max_km[0]) == (46.6, 125.2, 7.5)
    assert (found.birthday[0], found.insured_until[0]) == (
        date(1990, 4, 1).toordinal(),
        date(2027, 1, 1).toordinal(),
    )
    assert (found.mask[0], pool.MODES[found.mode[0]]) == (1 | 1 << 13, "car")
    assert (found.fit[0], found.pledged[0]) == (True, False)


def test_what_is_unknown_has_a_safe_value(mei: Tx) -> None:
    registry.register(mei, {"name": "Hua", "community": "DQ-ST-001"})
    found = pool.load(mei, ["/1/2/"])
    assert (
        found.max_km[0],
        found.birthday[0],
        found.insured_until[0],
        found.fit[0],
    ) == (
        np.inf,
        pool.FOREVER,
        0,
        False,
    )


def test_substitution_is_the_same_in_arrays_as_person_by_person(
    mei: Tx, bo: Volunteer, lin: Volunteer
) -> None:
    registry.update(
        mei,
        lin.public_id,
        lin.version,
        {
            "skills": "paramedic:3;first_aid:1;cooking:2;doctor:2;search:1",
            "certifications": "paramedic|1|||2020-01-01;first_aid|2|||;first_aid|3|||2020-01-01",
        },
    )
    found = pool.load(mei, ["/1/2/"])
    today = mei.now.date()
    claims = {
        bo.id: ({"nursing": 2, "driver.car": 1}, {"nursing": date(2030, 1, 1)}),
        lin.id: (
            {"paramedic": 3, "first_aid": 1, "cooking": 2, "doctor": 2, "search": 1},
            {"paramedic": date(2020, 1, 1), "first_aid": None},
        ),
    }
    skills = volunteers.skills.taxonomy()
    for row, key in enumerate(found.ids.tolist()):
        for code in skills.skills:
            until = {level: int(found.counts_until(code, level)[row]) for level in (1, 2, 3)}
            for day in (today, date(2031, 1, 1)):
                best = max((level for level in until if until[level] >= day.toordinal()), default=0)
                assert best == rules.level_on(skills, *claims[key], code, day)


def test_a_light_pledge_counts_for_what_it_names_only(mei: Tx) -> None:
    registry.register(
        mei,
        {
            "name": "Hua",
            "community": "DQ-ST-001",
            "skills": "site_leader:2;cooking:3",
            "pledge_for": "crowd",
        },
        status=Status.PLEDGED,
    )
    found = pool.load(mei, ["/1/2/"])
    assert found.pledged.tolist() == [True]
    counts = {
        (skill, level): int(found.counts_until(skill, level)[0])
        for skill in found.skills
        for level in (1, 2, 3)
    }
    assert {key for key, until in counts.items() if until} == {("crowd", 1), ("crowd", 2)}
    assert counts["crowd", 2] == pool.FOREVER


def test_who_is_free_throughout_follows_pattern_exceptions_and_duty(
    mei: Tx, bo: Volunteer, lin: Volunteer
) -> None:
    site: Site = policy.load("hub", Site)
    start = (
        (mei.now + timedelta(days=8))
        .astimezone(site.timezone)
        .replace(hour=9, minute=0, second=0, microsecond=0)
    )
    end = start + timedelta(hours=4)
    day = week.bit(start.weekday(), night=False)
    people = [
        bo,
        lin,
        *(registry.register(mei, {"name": f"P{n}", "community": "DQ-ST-001"}) for n in range(3)),
    ]
    for person, mask in zip(people, (day, week.ALWAYS & ~day, day, 0, 0), strict=True):
        availability.set_week(mei, person, mask)
    availability.add_exception(mei, people[2], start + timedelta(hours=1), end, available=False)
    availability.put_on_call(mei, people[3], start, end, "/1/2/3/")
    availability.add_exception(mei, people[4], start, end - timedelta(hours=1), available=True)
    found = pool.load(mei, ["/1/2/"])
    assert pool.free_throughout(found, start, end).tolist() == [True, False, False, True, False]
    assert pool.free_throughout(found, start, start + timedelta(hours=1)).tolist() == [
        True,
        False,
        True,
        True,
        True,
    ]
    whole = [availability.free_times(mei, person, start, end) == [(start, end)] for person in people]
    assert whole == [True, False, False, True, False]


def test_an_empty_pool_is_empty_arrays(mei: Tx) -> None:
    found = pool.load(mei, ["/1/2/"])
    assert (len(found), found.exception_row.tolist()) == (0, [])
    assert found.counts_until("nursing", 1).tolist() == []
    assert len(pool.load(mei, [])) == 0


def test_the_pool_of_a_foreign_area_is_not_there(mei: Tx, bo: Volunteer) -> None:
    mei.actor = KAI
    with pytest.raises(NotFound):
        pool.load(mei, ["/1/4/", "/1/2/"])


def test_reading_the_pool_takes_as_many_queries_for_a_thousand_as_for_none(mei: Tx) -> None:
    nobody = statements(mei, lambda: pool.load(mei, ["/1/2/"]))
    importing.apply(mei, table(*thousand()))
    assert statements(mei, lambda: pool.load(mei, ["/1/2/"])) == nobody
    assert len(pool.load(mei, ["/1/2/"])) == 1000


def test_a_change_of_whatever_the_pool_reads_of_a_person_carries_its_transaction() -> None:
    read = " ".join([one for expressions, _ in reading._SOURCES.values() for one in expressions])
    columns = set(re.findall(r"\bv\.(\w+)", read)) - {"id"}
    assert columns | {"area", "revision"} == set(POOL_COLUMNS)


def test_a_change_of_anything_else_does_not(mei: Tx, bo: Volunteer) -> None:
    mei.execute(text("ALTER TABLE volunteers DISABLE TRIGGER volunteers_revision"))
    mei.execute(text("UPDATE volunteers SET revision = 1"))
    mei.execute(text("ALTER TABLE volunteers ENABLE TRIGGER volunteers_revision"))
    mei.refresh(bo)
    registry.update(mei, bo.public_id, bo.version, {"name": "Bo Wang"})
    registry.count_asked(mei, [bo.id])
    mei.refresh(bo)
    assert bo.revision == 1
    registry.update(mei, bo.public_id, bo.version, {"max_km": "3"})
    mei.refresh(bo)
    assert bo.revision == mei.execute(text("SELECT pg_current_xact_id()::text::bigint")).scalar_one()
