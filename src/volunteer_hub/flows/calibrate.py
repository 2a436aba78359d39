"""The answer model is refreshed: callouts that are over teach, now and then everything is fitted anew."""

from collections import Counter
from datetime import timedelta
from typing import Final

import numpy as np

from volunteer_hub.audit import lines
from volunteer_hub.audit.rules import Operation
from volunteer_hub.boards import homes, replies
from volunteer_hub.core import db, versions
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.engine.answer_model.data import Fitted
from volunteer_hub.engine.answer_model.fit import fit, fold
from volunteer_hub.flows import learning
from volunteer_hub.mobilization import answer_rules, answers
from volunteer_hub.mobilization.answer_models import AnswerVersion

BATCH: Final = 20
"""Callouts that are added in one transaction."""


def sweep() -> int:
    """Lets what is over teach, batch after batch, and fits everything anew when that is due; how many
    callouts were added."""
    total = 0
    while True:
        with db.transaction(SYSTEM, "answers.add") as tx:
            added = add(tx)
        total += added
        if added < BATCH:
            break
    if _anew_due():
        anew()
    return total


def add(tx: Tx) -> int:
    """Settles the callouts that are due, adds what they teach to the newest version and makes one more; how
    many."""
    answers.lock(tx)
    rules = learning.assumed().learning
    due = answers.due(tx, timedelta(minutes=rules.settle_minutes), BATCH)
    if not due:
        return 0
    before = answers.latest(tx)
    model = learning.model_of(before, tx.now)
    examples = list(replies.teaching(tx, [callout.id for callout in due]))
    told = learning.columns(examples, model)
    counted = Counter(one.callout_id for one in examples)
    answers.settle(tx, {callout.id: counted[callout.id] for callout in due}, told)
    if not examples or _other_half_life(before):
        return len(due)  # the next fitting to everything has them
    asks = learning.asks_of(told, homes.of(tx, set(told["volunteer_id"].tolist())))
    fitted, people, areas = fold(model.fitted, asks, model.settings, answer_rules.day(tx.now))
    answers.merge(tx, learning.people_columns(people), learning.area_columns(areas))
    record(tx, fitted, anew=False, rows=len(people.key))
    return len(due)


def anew() -> AnswerVersion | None:
    """Fits everything that is settled anew; None when another refresh came in between, or nothing is known.

    Between reading and writing no transaction is open.
    """
    with db.read(SYSTEM) as tx:
        before, found = answers.latest(tx), answers.settled_asks(tx)
        at_home, now = homes.of(tx), answer_rules.day(tx.now)
    settings = learning.settings(learning.assumed())
    fitted, people, areas = fit(learning.asks_of(found, at_home), settings, now)
    with db.transaction(SYSTEM, "answers.anew") as tx:
        answers.lock(tx)
        newest = answers.latest(tx)
        if _id(newest) != _id(before) or not len(found["cell"]):
            return None
        answers.replace(tx, learning.people_columns(people), learning.area_columns(areas))
        return record(tx, fitted, anew=True, rows=len(np.unique(people.key)))


def record(tx: Tx, fitted: Fitted, *, anew: bool, rows: int) -> AnswerVersion:
    """A new version, with a line in the trail for the sums of so many people."""
    lines.record_many(tx, Operation.UPDATE, "answer_people", rows)
    return answers.add(
        tx,
        anew=anew,
        fitted=fitted.stored(),
        half_life_days=learning.assumed().learning.half_life_days,
        policy_version=versions.current(tx),
    )


def _anew_due() -> bool:
    """Whether there is something new since all was fitted anew so long ago, or old asks fade
    otherwise now."""
    with db.read(SYSTEM) as tx:
        newest, last = answers.latest(tx), answers.fitted_anew(tx)
        if newest is None:
            return False
        hours = timedelta(hours=learning.assumed().learning.anew_hours)
        stale = _id(newest) != _id(last) and (last is None or last.made_at <= tx.now - hours)
        return stale or _other_half_life(newest)


def _other_half_life(version: AnswerVersion | None) -> bool:
    """Sums kept under another half-life cannot be added to."""
    return version is not None and version.half_life_days != learning.assumed().learning.half_life_days


def _id(version: AnswerVersion | None) -> int:
    return version.id if version is not None else 0
