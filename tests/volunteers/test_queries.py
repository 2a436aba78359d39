"""Lists of people, and the pool as arrays for planning."""

import inspect
import io
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event

from tests.volunteers.conftest import BO, CLERK, KAI, LIN
from tests.volunteers.files import table, thousand
from volunteer_hub import volunteers
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import LANGUAGES, has
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers import availability, own, pool, queries, registry, rules, standing, week
from volunteer_hub.volunteers.checking import READ
from volunteer_hub.volunteers.exchange import importing, writing
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.queries import Wanted
from volunteer_hub.volunteers.rules import Status


def names(tx: Tx, wanted: Wanted | None = None) -> list[str | None]:
    return [person.row.name for person in queries.people(tx, wanted)]


def statements(tx: Tx, work: Callable[[], object]) -> int:
    """How many statements a piece of work sends."""
    sent: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        sent.append(statement)

    connection = tx.connection()
    event.listen(connection, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return len(sent)


# Lists ----------------------------------------------------------------------------------------------------


def test_a_list_costs_as_many_queries_for_three_people_as_for_one(mei: Tx, bo: Volunteer) -> None:
    mei.expire_all()
    one = statements(mei, lambda: queries.people(mei))
    registry.register(mei, LIN)
    registry.register(mei, {"name": "Hua", "community": "DQ-ST-001", "skills": "cooking;crowd"})
    mei.expire_all()
    assert statements(mei, lambda: queries.people(mei)) == one == 5
    assert len(queries.people(mei)) == 3


def test_an_export_costs_as_many_queries_for_three_people_as_for_one(mei: Tx, bo: Volunteer) -> None:
    one = statements(mei, lambda: writing.export(mei, io.BytesIO(), "csv"))
    registry.register(mei, LIN)
    registry.register(mei, {"name": "Hua", "community": "DQ-ST-001", "skills": "cooking;crowd"})
    assert statements(mei, lambda: writing.export(mei, io.BytesIO(), "csv")) == one


def test_a_person_is_shown_with_all_their_parts(mei: Tx, bo: Volunteer) -> None:
    (shown,) = queries.people(mei)
    assert (shown.community, shown.community_name["en"]) == ("DQ-ST-001", "Dongfeng")
    assert [claim.skill for claim in shown.skills] == ["driver.car", "nursing"]
    assert [paper.number for paper in shown.certifications] == ["N-1"]
    assert [contact.address for contact in shown.contacts] == ["+8613912345678", "bo@example.org"]
    assert queries.person(mei, bo) == shown


def test_pages_follow_one_another_without_gap_or_repetition(mei: Tx) -> None:
    importing.apply(mei, table(*thousand()[:25]))
    seen: list[int] = []
    after = None
    while page := queries.people(mei, after=after, limit=10):
        seen += [person.row.id for person in page]
        after = seen[-1]
    assert len(seen) == len(set(seen)) == 25
    assert queries.count(mei) == 25


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("小雨", ["林小雨"]),
        ("林", ["林小雨"]),
        ("雨林", []),
        ("BO", ["Bo Li"]),
        ("boli", ["Bo Li"]),
        ("o l", ["Bo Li"]),
        ("5678", ["Bo Li"]),
        ("139 1234 5678", ["Bo Li"]),
        ("+8613912345678", ["Bo Li"]),
        ("95678", []),
        ("0001", ["林小雨"]),
        ("%", []),
        ("_i", []),
        ("  ", ["Bo Li", "林小雨"]),
    ],
)
def test_people_are_found_by_part_of_the_name_or_end_of_the_number(
    mei: Tx, bo: Volunteer, lin: Volunteer, search: str, found: list[str]
) -> None:
    assert names(mei, Wanted(search=search)) == found


def test_lists_are_narrowed_by_state_skill_and_area(mei: Tx, bo: Volunteer, lin: Volunteer) -> None:
    standing.pause(mei, lin, None)
    assert names(mei, Wanted(status=Status.PAUSED)) == ["林小雨"]
    assert names(mei, Wanted(skill="nursing")) == ["Bo Li"]
    assert names(mei, Wanted(area="/1/2/3/")) == ["Bo Li", "林小雨"]
    assert names(mei, Wanted(area="/1/4/")) == []
    assert queries.counts_by_status(mei)[Status.PAUSED] == 1
    assert queries.counts_by_skill(mei) == {"driver.car": 1, "nursing": 1}


def test_kai_sees_his_own_district_only(mei: Tx, bo: Volunteer) -> None:
    mei.actor = CLERK
    registry.register(mei, {"name": "Hua", "community": "DQ-DT-001"})
    assert names(mei) == ["Bo Li", "Hua"]
    mei.actor = KAI
    assert names(mei) == ["Hua"]
    assert names(mei, Wanted(area="/1/2/")) == []
    assert names(mei, Wanted(search="Bo")) == []
    assert queries.count(mei) == 1
    assert queries.counts_by_skill(mei) == {}


# The pool as arrays ---------------------------------------------------------------------------------------


def holdings(found: pool.Pool, row: int) -> set[tuple[str, int, int]]:
    mine = found.holding_row == row
    return set(
        zip(
            (found.skills[index] for index in found.holding_skill[mine]),
            found.holding_level[mine].tolist(),
            found.holding_until[mine].tolist(),
            strict=True,
        )
    )


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
        "quiet_from": "22:00",
        "quiet_until": "06:00",
        "insured_until": "2027-01-01",
        "basis": "employment",
    }
    registry.update(mei, bo.public_id, bo.version, changes)
    registry.count_asked(mei, [bo.id])
    registry.add_served(mei, bo.id, 30)
    mei.refresh(bo)
    found = pool.load(mei, ["/1/2/3/"])
    assert len(found) == 1
    assert (found.lat[0], found.lon[0], found.max_km[0]) == (46.6, 125.2, 7.5)
    assert (found.birthday[0], found.insured_until[0]) == (
        date(1990, 4, 1).toordinal(),
        date(2027, 1, 1).toordinal(),
    )
    assert (found.mask[0], found.quiet_from[0], found.quiet_until[0]) == (1 | 1 << 13, 1320, 360)
    assert (pool.MODES[found.mode[0]], pool.BASES[found.basis[0]], pool.PRECISIONS[found.precision[0]]) == (
        "car",
        "employment",
        "address",
    )
    assert (found.fit[0], found.pledged[0], found.asked[0], found.served[0]) == (True, False, 1, 30)
    assert found.revision == bo.revision


def test_what_is_unknown_has_a_safe_value(mei: Tx) -> None:
    registry.register(mei, {"name": "Hua", "community": "DQ-ST-001"})
    found = pool.load(mei, ["/1/2/"])
    assert (
        found.max_km[0],
        found.birthday[0],
        found.insured_until[0],
        found.quiet_from[0],
        found.fit[0],
    ) == (
        np.inf,
        pool.FOREVER,
        0,
        -1,
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
        for day in (today, date(2031, 1, 1)):
            best = dict.fromkeys(found.skills, 0)
            for skill, level, until in holdings(found, row):
                if until >= day.toordinal():
                    best[skill] = max(best[skill], level)
            assert best == {code: rules.level_on(skills, *claims[key], code, day) for code in skills.skills}


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
    assert holdings(found, 0) == {("crowd", 2, pool.FOREVER)}


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
    assert (len(found), found.holding_row.tolist(), found.exception_row.tolist(), found.revision) == (
        0,
        [],
        [],
        0,
    )
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


# Words ----------------------------------------------------------------------------------------------------


def test_every_error_and_name_of_the_pool_has_words_in_both_languages() -> None:
    folder = Path(inspect.getfile(volunteers)).parent
    source = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    keys = {f"error.volunteer.{code}" for code in re.findall(r'Wrong\(\s*"([a-z_.]+)"', source)}
    raised = r'(?:Malformed|Refused|TooMany|Gone)\(\s*"((?:volunteer|import)\.[a-z_.]+)"'
    keys |= {f"error.{code}" for code in re.findall(raised, source)}
    keys |= {
        f"error.{code}"
        for code in re.findall(r'FieldError\([^()]*?"((?:volunteer|import)\.[a-z_.]+)"', source)
    }
    keys |= {f"error.{code}" for code in re.findall(r'_wrong\([^()]*?"(import\.[a-z_.]+)"', source)}
    keys |= {f"volunteers.field.{name}" for name in READ}
    keys |= {f"volunteers.status.{status}" for status in Status}
    keys |= {f"volunteers.purpose.{purpose}" for purpose in rules.Purpose}
    keys |= {f"error.volunteer.{name}_taken" for name in ("phone", "external_id")}
    assert len(keys) > 100
    assert [(lang, key) for lang in LANGUAGES for key in sorted(keys) if not has(lang, key)] == []


def test_everything_held_about_a_person_is_plain_json(mei: Tx, bo: Volunteer) -> None:
    held = own.everything(mei, bo.id)["volunteer"]
    assert (held["birthday"], held["name"]) == (BO["birthday"], BO["name"])
    assert datetime.fromisoformat(held["created_at"]) == mei.now
