"""What is hashed, byte by byte: whoever checks the trail with other tools must come to the same."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from hashlib import sha256

import pytest

from volunteer_hub.audit.rules import (
    Operation,
    StoredLine,
    Verdict,
    common_area,
    first_unlike,
    leaves,
    line_digest,
    seal_digest,
)

LINE = StoredLine(
    id=7,
    at=datetime(2026, 1, 20, 10, 40, tzinfo=timezone(timedelta(hours=8))),
    actor_kind="account",
    actor_id=3,
    action="incident.declare",
    table_name="incidents",
    row_id="41",
    area="/1/2/",
    op=Operation.INSERT,
    changes='{"title": ["", "大水"]}',
)
DIGESTS = [sha256(bytes([number])).digest() for number in range(4)]


@pytest.fixture
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine set to the time of Daqing."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_line_is_hashed_as_a_json_array_in_utf8_at_its_moment_in_utc(far_from_greenwich: None) -> None:
    written = (
        '[7,"2026-01-20T02:40:00.000000+00:00","account",3,"incident.declare","incidents","41","/1/2/",'
        '"insert","{\\"title\\": [\\"\\", \\"大水\\"]}"]'
    )
    assert line_digest(LINE) == sha256(written.encode()).digest()


def test_a_seal_is_hashed_over_the_one_before_and_its_lines() -> None:
    assert seal_digest(DIGESTS[0], DIGESTS[1:]) == sha256(b"".join(DIGESTS)).digest()
    assert seal_digest(DIGESTS[0], []) == sha256(DIGESTS[0]).digest()


def test_eight_bytes_of_each_line_are_kept() -> None:
    assert leaves(DIGESTS) == DIGESTS[0][:8] + DIGESTS[1][:8] + DIGESTS[2][:8] + DIGESTS[3][:8]


def test_the_first_line_that_differs_from_what_was_kept_is_named() -> None:
    assert first_unlike(leaves(DIGESTS), DIGESTS) is None
    assert first_unlike(leaves(DIGESTS), DIGESTS[:2]) is None
    for place in range(4):
        changed = [*DIGESTS[:place], sha256(b"other").digest(), *DIGESTS[place + 1 :]]
        assert first_unlike(leaves(DIGESTS), changed) == place
    assert first_unlike(leaves(DIGESTS[:3]), DIGESTS) == 3


def test_the_smallest_area_that_holds_some_areas() -> None:
    assert common_area(["/1/2/3/", "/1/4/"]) == "/1/"
    assert common_area(["/1/2/", "/1/23/"]) == "/1/"
    assert common_area(["/1/2/", "/1/2/3/"]) == "/1/2/"
    assert common_area(["/1/2/3/", "/1/9/3/"]) == "/1/"
    assert common_area(["/1/2/3/"]) == "/1/2/3/"
    assert common_area(["/1/", "/2/"]) == "/"
    assert common_area([]) is None


def test_only_a_sound_trail_is_sound() -> None:
    assert Verdict("sound", "", 1).sound
    assert not Verdict("line_changed", "", 1).sound
