"""Lists of people, and the pool as arrays for planning."""

import inspect
import io
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from tests.volunteers.conftest import BO, CLERK, KAI, LIN
from tests.volunteers.files import table, thousand
from volunteer_hub import volunteers
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import LANGUAGES, has
from volunteer_hub.volunteers import own, queries, registry, rules, standing
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
    assert [paper.number for paper in shown.certifications] == ["NURSE-N-1"]
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
