"""Whom a callout leaves in peace now: people in quiet hours that it may not break, and people asked enough in
the last seven days. A drill finds nobody in quiet hours: its messages wait until they are over.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, case, func, select
from sqlmodel import col

from volunteer_hub.core import bulk, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.rules import Kind as CalloutKind
from volunteer_hub.notify.policy import Messages
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Quiet, asked_enough, left_in_peace

Ints = NDArray[np.int64]
GRAVEST: Final = 1
QUIET: Final = "quiet"
SPENT: Final = "spent"
_WEEK: Final = timedelta(days=7)
_NAMED: Final = 10_000
"""People up to whom they are named to the database one by one; above, it is asked for the range of ids."""


@dataclass(frozen=True)
class Spared:
    """Ids of people, ascending: those in their quiet hours, and those asked enough this week."""

    quiet: Ints
    spent: Ints

    def among(self, ids: Ints) -> NDArray[np.bool_]:
        """Which of these people are left in peace."""
        return np.isin(ids, self.quiet) | np.isin(ids, self.spent)

    def ids(self) -> set[int]:
        """Everybody who is."""
        return {*self.quiet.tolist(), *self.spent.tolist()}

    def reason(self, volunteer_id: int) -> str | None:
        """Why a person is, QUIET or SPENT; None for who is not."""
        if volunteer_id in self.quiet:
            return QUIET
        return SPENT if volunteer_id in self.spent else None


NOBODY: Final = Spared(np.zeros(0, np.int64), np.zeros(0, np.int64))


def usual(rules: Messages) -> Quiet:
    """The quiet hours of people who have not set their own (config/messages.toml)."""
    quiet = rules.quiet
    return Quiet(_minute(quiet.starts), _minute(quiet.ends), quiet.broken_by)


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def of(tx: Tx, incident: Incident, zone: str, ids: Ints, but: Collection[int] = ()) -> Spared:
    """Whom of these people (ids ascending) an ask for this incident would not reach now, ``but`` aside.

    Two queries for any number; others may be among those found. ``zone`` is that of the incident's clocks.
    """
    if not len(ids):
        return NOBODY
    rules: Messages = policy.load("messages", Messages)
    real = incident.kind is Kind.REAL
    quiet = _quiet(tx, incident.level, zone, rules, ids) if real else []
    spent = [] if real and incident.level == GRAVEST else _spent(tx, real, rules, ids)
    return Spared(_sorted(quiet, but), _sorted(spent, but))


def _sorted(found: Sequence[int], but: Collection[int]) -> Ints:
    return np.setdiff1d(np.array(found, dtype=np.int64), np.array(list(but), dtype=np.int64))


def _among(key: Any, ids: Ints) -> ColumnElement[bool]:
    if len(ids) <= _NAMED:
        return bulk.among(key, ids.tolist())
    within: ColumnElement[bool] = key.between(int(ids[0]), int(ids[-1]))
    return within


def _quiet(tx: Tx, level: int, zone: str, rules: Messages, ids: Ints) -> list[int]:
    """People come in groups of those who set the same: the rule is asked once a group."""
    here, local = usual(rules), tx.now.astimezone(ZoneInfo(zone))
    agreed = col(Volunteer.wakes_for)
    milder = agreed < level
    if rules.quiet.broken_by < level:
        milder |= agreed.is_(None)
    alike = (col(Volunteer.quiet_from), col(Volunteer.quiet_until), agreed)
    groups = select(*alike, func.array_agg(col(Volunteer.id))).where(_among(col(Volunteer.id), ids), milder)
    return [
        person
        for starts, ends, wakes, people in tx.execute(groups.group_by(*alike))
        if left_in_peace(Quiet(starts, ends, wakes), here, local.hour * 60 + local.minute, level)
        for person in people
    ]


def _spent(tx: Tx, real: bool, rules: Messages, ids: Ints) -> list[int]:
    """Counted by the offers that went out. One callout is one ask, for however many slots it is."""
    week = rules.week
    since = tx.now - _WEEK
    price = case((col(Callout.kind) == CalloutKind.DRILL, week.drill), else_=week.callout)
    asks = (
        select(col(Offer.volunteer_id).label("person"), col(Callout.id), price.label("price"))
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .join(Incident, col(Incident.id) == col(Callout.incident_id))
        .where(
            col(Callout.expires_at) > since,
            col(Offer.asked_at) > since,
            _among(col(Offer.volunteer_id), ids),
            (col(Incident.level) != GRAVEST) | (col(Callout.kind) == CalloutKind.DRILL),
        )
        .distinct()
        .subquery()
    )
    each = select(asks.c.person, func.sum(asks.c.price).label("spent")).group_by(asks.c.person).subquery()
    groups = select(each.c.spent, func.array_agg(each.c.person)).group_by(each.c.spent)
    own = week.callout if real else week.drill
    return [
        person
        for spent, people in tx.execute(groups)
        if asked_enough(int(spent), own, week.most)
        for person in people
    ]
