"""When people are taken, for the planner: one query each, plain arrays out.

Times are whole minutes since 1970-01-01 UTC; arrays of one result run in parallel, ordered by volunteer.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, text

from volunteer_hub.core.db import Tx

Minutes = NDArray[np.int64]


@dataclass(frozen=True)
class Held:
    """Promised times: ``starts`` inclusive, ``ends`` exclusive."""

    volunteer: NDArray[np.int64]
    starts: Minutes
    ends: Minutes


@dataclass(frozen=True)
class Served:
    """Work behind people: the end of their last duty, and their minutes on site in the window."""

    volunteer: NDArray[np.int64]
    last_end: Minutes
    minutes: NDArray[np.int64]


@dataclass(frozen=True)
class Burden:
    """How often people were asked, and how many duties they served."""

    volunteer: NDArray[np.int64]
    asked: NDArray[np.int64]
    served: NDArray[np.int64]


_EVERYBODY = "(CAST(:volunteers AS bigint[]) IS NULL OR volunteer_id = ANY(CAST(:volunteers AS bigint[])))"
_HELD = text(f"""
SELECT volunteer_id, floor(extract(epoch FROM lower(during)) / 60)::bigint,
       ceil(extract(epoch FROM upper(during)) / 60)::bigint
FROM offers
WHERE state IN ('accepted', 'on_site') AND during && tstzrange(:starts, :ends) AND {_EVERYBODY}
      AND id <> ALL(CAST(:but AS bigint[]))
ORDER BY volunteer_id, lower(during)
""")  # noqa: S608  # a constant of this module
_SERVED = text(f"""
SELECT volunteer_id, ceil(extract(epoch FROM max(ended)) / 60)::bigint,
       sum(floor(extract(epoch FROM ended - greatest(checked_in_at, :since)) / 60))::bigint
FROM (SELECT volunteer_id, checked_in_at, least(coalesce(checked_out_at, :before), :before) AS ended
      FROM duties WHERE checked_in_at < :before AND state IN ('done', 'on_site') AND {_EVERYBODY}) AS worked
WHERE ended >= :since
GROUP BY volunteer_id ORDER BY volunteer_id
""")  # noqa: S608  # likewise
_BURDEN = text(f"""
SELECT volunteer_id, count(*), count(*) FILTER (WHERE state = 'done')
FROM offers WHERE asked_at >= :since AND {_EVERYBODY}
GROUP BY volunteer_id ORDER BY volunteer_id
""")  # noqa: S608  # likewise


def held(
    tx: Tx,
    starts: datetime,
    ends: datetime,
    volunteers: Sequence[int] | None = None,
    but: Collection[int] = (),
) -> Held:
    """Promised times that touch [starts, ends), of these volunteers or of everybody, without offers ``but``.

    Widen the window by the rest that people must have, and the rest around a promise can be judged as well.
    """
    named = {"starts": starts, "ends": ends, "volunteers": _ids(volunteers), "but": list(but)}
    rows = tx.execute(_HELD, named).all()
    return Held(*_columns(rows))


def served(tx: Tx, before: datetime, hours: int = 24, volunteers: Sequence[int] | None = None) -> Served:
    """Work in the ``hours`` before a moment; who is still on site counts as working until then."""
    window = {"before": before, "since": before - timedelta(hours=hours)}
    return Served(*_columns(tx.execute(_SERVED, {**window, "volunteers": _ids(volunteers)}).all()))


def burden(tx: Tx, since: datetime, volunteers: Sequence[int] | None = None) -> Burden:
    """Who was asked since a moment, how often, and how many of those duties they served."""
    return Burden(*_columns(tx.execute(_BURDEN, {"since": since, "volunteers": _ids(volunteers)}).all()))


def _ids(volunteers: Sequence[int] | None) -> list[int] | None:
    return None if volunteers is None else list(volunteers)


def _columns(rows: Sequence[Row[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    table = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]
