"""Points for a deed that is not a duty, and points that lapse.

A part of the house that wants a deed paid calls `deed` in the deed's own transaction.
"""

from typing import Final

from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.flows import settle
from volunteer_hub.incentives import expiry, ledger
from volunteer_hub.incentives.rules import EntryKind
from volunteer_hub.volunteers.models import Volunteer

KINDS: Final = (EntryKind.TRAINING, EntryKind.REPORT)
"""What may be paid by `deed`; each has its points in config/rewards.toml under the same name."""
_BATCH: Final = 1000


def deed(tx: Tx, kind: EntryKind, source: str, volunteer_id: int, points: int | None = None) -> int:
    """Pays a person for a deed, once a ``source`` (as "course:17/2031"); the points paid, now or before.

    ``points``: by config/rewards.toml when not given; the caps cut them as any others.
    """
    if kind not in KINDS:
        raise ValueError(kind)
    by, person = settle.in_force(tx), tx.get_one(Volunteer, volunteer_id)
    worth = int(getattr(by.rewards.points, kind.value)) if points is None else points
    zone = settle.zone_of(tx, person.area)
    return ledger.settle_deed(tx, kind, source, worth, person.id, person.area, zone, by)[0].points


def expire() -> int:
    """The sweep over points that nobody has used in time; of how many people."""
    people, after = 0, 0
    while True:
        with db.transaction(SYSTEM, "points.expire") as tx:
            site: Site = policy.load("hub", Site)
            today = tx.now.astimezone(site.timezone).date()
            done = expiry.expire(tx, today, settle.in_force(tx), after=after, limit=_BATCH)
        people += len(done)
        if len(done) < _BATCH:
            return people
        after = done[-1]
