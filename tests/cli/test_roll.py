"""`incident roll` and `promise`: who is where, and how soon they came, from a terminal."""

import re
from collections.abc import Iterator

import pytest

from tests import people
from tests.cli.test_commands import hub
from tests.databases import building
from tests.flows import callouts as made
from tests.flows.test_field import check_in, coming


@pytest.fixture(autouse=True)
def _ten_o_clock(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


def test_the_roll_tells_who_is_where_and_what_is_wrong_to_those_who_may_know() -> None:
    with building() as tx:
        sent = coming(tx)
        people.kai(tx)
        check_in(tx, sent, sent.world.bo)
    key = str(sent.world.incident.public_id)
    with made.minutes_later(75):
        told = hub("incident", "roll", key, "--as", "mei@example.org")
        foreign = hub("incident", "roll", key, "--as", "kai@example.org")
    assert told.stdout.splitlines() == [
        "Lin  +8613900000002  helper, Sandbags at the east gate  not arrived in time · expected",
        "Bo  +8613900000001  First aid, Sandbags at the east gate  on site",
        "1 overdue · 1 expected · 1 on site",
    ]
    assert (foreign.returncode, foreign.stdout) == (1, "")


def test_the_promise_is_told_area_by_area_to_those_who_may_know() -> None:
    with building() as tx:
        coming(tx)
        people.kai(tx)
    told = hub("promise", "--as", "mei@example.org", COLUMNS="160").stdout
    assert re.search(r"│ Sartu +│ +1 │ +0 │ +0 of 0 │ +not met │", told), told
    assert "Nothing measured yet" in hub("promise", "--as", "kai@example.org").stdout
