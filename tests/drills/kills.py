"""kill -9 twenty times in a callout of 10,000 offers: ``python -m tests.drills.kills`` (about a quarter of an
hour on two cores); writes its report to docs/quality/kills.md."""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests import conftest, databases
from tests.drills import reports
from tests.invariants import broken
from tests.server import Server, free_port
from tests.stories.storm import ON_SITE, Storm, call_out, lost
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.simulation import mailbox


def main() -> None:
    """Runs it once; the exit code says whether every promise held."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--offers", type=int, default=10_000)
    arguments.add_argument("--kills", type=int, default=20)
    given = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hub-kills-"))
    port = free_port()
    letters = mailbox.server(port, folder / "mail")
    letters.start()
    os.environ["HUB_SMTP_URL"] = f"smtp://127.0.0.1:{port}"
    settings.cache_clear()
    try:
        with databases.cloned(databases.template("drill")) as address:
            databases.use(address)
            failures = _run(address, folder, given.offers, given.kills)
    finally:
        letters.stop()
        databases.stop(Path(os.environ["HUB_TEST_DIR"]))
    sys.exit(1 if failures else 0)


def _run(address: str, folder: Path, offers: int, kills: int) -> bool:
    tokens, began = call_out(offers), time.monotonic()
    with Server(address, folder) as server:
        server.wait_until_ready()
        storm = Storm(server, tokens, seed=random.SystemRandom().randrange(10**6))
        storm.answer(kills * 2 // 3)
        with db.read(SYSTEM) as tx:
            halfway = tx.now
        db.move_clock(halfway + ON_SITE)
        storm.leave(kills - kills * 2 // 3)
    seconds = time.monotonic() - began
    with db.read(SYSTEM) as tx:
        missing, faults = lost(tx, storm), broken(tx)
    _write(storm, seconds, missing, faults)
    return bool(missing or faults or storm.other_answers)


def _write(storm: Storm, seconds: float, missing: dict[str, int], faults: dict[str, int]) -> None:
    deeds = Counter(deed for deed, _ in storm.acknowledged)
    kills = storm.server.kills
    kinds = ", ".join(f"{count} {what}" for what, count in sorted(Counter(kills).items()))
    lines = [
        "# Killed again and again in a callout",
        "",
        "Written by `python -m tests.drills.kills`. Two web processes and a worker; eight clients repeat",
        "every deed under its Idempotency-Key until it is acknowledged, and a third of the deeds once more.",
        "",
        "| | |",
        "|---|---|",
        f"| offers | {len(storm.tokens):,} |",
        f"| seed | {storm.seed} |",
        f"| kill -9 | {len(kills)}: {kinds} |",
        *(f"| acknowledged {deed} | {count:,} |" for deed, count in sorted(deeds.items())),
        f"| refused in words | {sum(storm.refused.values()):,} |",
        f"| repeated after the answer | {storm.repeated:,}, answered otherwise: {len(storm.other_answers)} |",
        f"| acknowledged and lost | {sum(missing.values())} {missing or ''} |",
        f"| invariants broken | {len(faults)} {faults or ''} |",
        f"| minutes | {seconds / 60:.1f} |",
        "",
    ]
    reports.keep("kills.md", lines)


if __name__ == "__main__":
    assert conftest  # it has set the environment before settings were read
    main()
