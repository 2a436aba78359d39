"""The parts of an area, and the next night, which figures about tomorrow are told by."""

from datetime import UTC, datetime, time

import numpy as np
from sqlmodel import col, select

from tests import people
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import area_parts
from volunteer_hub.boards.free_times import Place
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Night


def test_homes_are_counted_by_the_nodes_right_below_the_area(tx: Tx) -> None:
    people.mei(tx)
    ids = dict(
        tx.exec(select(Jurisdiction.path, Jurisdiction.id).where(col(Jurisdiction.path).like("/1/%"))).all()
    )
    homes = np.array([ids["/1/"], ids["/1/2/"], ids["/1/2/3/"], ids["/1/4/"], 0], dtype=np.int32)
    number, parts = area_parts.of(tx, "/1/", homes)
    assert [parts[n] if n >= 0 else None for n in number.tolist()] == ["/1/", "/1/2/", "/1/2/", "/1/4/", None]
    number, parts = area_parts.of(tx, "/1/2/", homes)
    assert [parts[n] if n >= 0 else None for n in number.tolist()] == [None, "/1/2/", "/1/2/3/", None, None]


def test_the_next_night_begins_after_the_first_duty_in_local_time() -> None:
    """Harbin's noon is four in the morning in UTC; nights run from ten to six."""
    place = Place.of(
        "Asia/Shanghai", Night(starts=time(22), ends=time(6)), datetime(2031, 1, 20, 4, tzinfo=UTC)
    )
    assert place.next_night(60) == (600, 600 + 480)
    assert place.next_night(600) == (600, 600 + 480)
    assert place.next_night(601) == (600 + 1440, 600 + 1440 + 480)
    by_day = Place.of(
        "Asia/Shanghai", Night(starts=time(1), ends=time(6)), datetime(2031, 1, 20, 4, tzinfo=UTC)
    )
    assert by_day.next_night(0) == (780, 780 + 300)
