"""Every job there is: its name, how often it looks in real seconds, and its sweep."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from volunteer_hub.access import login, sessions
from volunteer_hub.audit import runs, trail
from volunteer_hub.core import db, idempotency, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.flows import (
    assess,
    award,
    calibrate,
    call_down,
    chase,
    dead_man,
    debrief,
    deliver,
    drill,
    duty,
    elsewhere,
    feedback,
    field,
    locate,
    mobilize,
    proposing,
    remind,
    roll_call,
    upward,
    waves,
    whatif,
)
from volunteer_hub.jobs.runner import Job
from volunteer_hub.notify import notes, outages, outbox, replies
from volunteer_hub.volunteers import join, lookups
from volunteer_hub.volunteers.exchange import waiting
from volunteer_hub.volunteers.pool import blocks

_RUNS_KEPT: Final = timedelta(days=30)


def _in_one(action: str, sweep: Callable[[Tx], int]) -> Callable[[], int]:
    """A column's own sweep in a transaction of the program's."""

    def run() -> int:
        with db.transaction(SYSTEM, action) as tx:
            return sweep(tx)

    return run


def _seal() -> int:
    """Seals what is committed, batch after batch; the count of lines."""
    total = 0
    while True:
        with db.transaction(SYSTEM, "audit.seal") as tx:
            link = trail.seal(tx)
            if link is None:
                return total
            total += link.count


def _pool_blocks() -> int:
    """Keeps the pool as blocks, batch after batch; how many were written."""
    total = 0
    while True:
        with db.transaction(SYSTEM, "pool.keep") as tx:
            written = blocks.keep(tx)
        if not written:
            return total
        total += written


def _old_messages(tx: Tx) -> int:
    kept = policy.load("hub", Site).retention.messages_days
    age = timedelta(days=kept)
    return (
        outbox.forgotten_older_than(tx, age)
        + replies.blank_older_than(tx, age)
        + notes.blank_older_than(tx, age)
        + outages.forget_older_than(tx, age)
    )


JOBS: Final = (
    Job("deliver", 1, deliver.sweep),
    Job("elsewhere", 5, elsewhere.sweep),
    Job("expire_offers", 2, mobilize.expire),
    Job("top_up", 2, waves.top_up),
    Job("move_up", 2, mobilize.move_up),
    Job("proposals", 5, proposing.sweep),
    Job("drills", 2, drill.sweep),
    Job("drill_progress", 2, drill.progress),
    Job("roll_calls", 2, roll_call.sweep),
    Job("im_ok", 5, field.sweep),
    Job("no_shows", 30, duty.no_shows),
    Job("settle", 3600, duty.settle_ended),
    Job("seal", 30, _seal),
    Job("locate", 30, locate.sweep),
    Job("auditor", 60, dead_man.sweep),
    Job("answers", 60, calibrate.sweep),
    Job("pool_blocks", 120, _pool_blocks),
    Job("call_downs", 300, call_down.sweep),
    Job("upward_reports", 30, upward.sweep),
    Job("survey_reminders", 60, feedback.remind),
    Job("debrief_reminders", 60, debrief.remind),
    Job("actions", 60, chase.sweep),
    Job("old_keys", 600, _in_one("idempotency.sweep", idempotency.sweep)),
    Job("old_logins", 600, _in_one("login.sweep", login.sweep)),
    Job("old_codes", 600, _in_one("join.sweep", join.sweep)),
    Job("old_files", 600, _in_one("import_file.sweep", waiting.sweep)),
    Job("old_sessions", 600, _in_one("session.sweep", sessions.sweep)),
    Job("expired_points", 6 * 3600, award.expire),
    Job("what_if", 600, whatif.sweep),
    Job("training", 60, assess.sweep),
    Job("certification_reminders", 3600, remind.certifications),
    Job("old_addresses", 3600, _in_one("address_answer.sweep", lookups.sweep)),
    Job("old_messages", 3600, _in_one("message.sweep", _old_messages)),
    Job("old_runs", 3600, _in_one("job.sweep", lambda tx: runs.sweep(tx, _RUNS_KEPT))),
)
