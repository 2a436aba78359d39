"""Every job there is: its name, how often it looks, and its sweep."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from volunteer_hub.access import login, sessions
from volunteer_hub.audit import runs, trail
from volunteer_hub.audit.pulse import PULSE
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


_SWEEPS: Final[Mapping[str, Callable[[], int]]] = {
    "deliver": deliver.sweep,
    "elsewhere": elsewhere.sweep,
    "expire_offers": mobilize.expire,
    "top_up": waves.top_up,
    "move_up": mobilize.move_up,
    "proposals": proposing.sweep,
    "drills": drill.sweep,
    "drill_progress": drill.progress,
    "roll_calls": roll_call.sweep,
    "im_ok": field.sweep,
    "no_shows": duty.no_shows,
    "settle": duty.settle_ended,
    "seal": _seal,
    "locate": locate.sweep,
    "auditor": dead_man.sweep,
    "answers": calibrate.sweep,
    "pool_blocks": _pool_blocks,
    "call_downs": call_down.sweep,
    "upward_reports": upward.sweep,
    "survey_reminders": feedback.remind,
    "debrief_reminders": debrief.remind,
    "actions": chase.sweep,
    "old_keys": _in_one("idempotency.sweep", idempotency.sweep),
    "old_logins": _in_one("login.sweep", login.sweep),
    "old_codes": _in_one("join.sweep", join.sweep),
    "old_files": _in_one("import_file.sweep", waiting.sweep),
    "old_sessions": _in_one("session.sweep", sessions.sweep),
    "expired_points": award.expire,
    "what_if": whatif.sweep,
    "training": assess.sweep,
    "certification_reminders": remind.certifications,
    "old_addresses": _in_one("address_answer.sweep", lookups.sweep),
    "old_messages": _in_one("message.sweep", _old_messages),
    "old_runs": _in_one("job.sweep", lambda tx: runs.sweep(tx, _RUNS_KEPT)),
}
JOBS: Final = tuple(Job(name, seconds, _SWEEPS[name]) for name, seconds in PULSE.items())
