"""A backup under load, restored into an empty cluster: ``python -m tests.drills.backup``.

Takes about five minutes and writes its report to docs/quality/backup.md. A callout is answered while
`volunteer-hub db backup` runs beside it; the dump is restored into a new PostgreSQL cluster, the program is
started on it for a while, and no letter leaves it that had left before.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

from sqlalchemy import create_engine

from tests import conftest, databases
from tests.drills import reports
from tests.invariants import broken
from tests.server import Server, free_port
from tests.stories.storm import Storm, call_out
from volunteer_hub.core import clock, db, embedded
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.simulation import mailbox

RUNS_SECONDS = 30.0
_PROGRAM = "from volunteer_hub.cli.main import main; main()"


@dataclass
class Findings:
    """What the report tells."""

    offers: int
    answered_before: int = 0
    answered: int = 0
    dump_bytes: int = 0
    backup_seconds: float = 0.0
    restore_seconds: float = 0.0
    restored_answers: int = 0
    letters_before: int = 0
    letters_after: int = 0
    repeated: int = 0
    cancelled: str = ""
    faults: dict[str, int] | None = None


def hub(*arguments: str, **env: str) -> str:
    """A command of the program in a process of its own; what it said."""
    command = [sys.executable, "-c", _PROGRAM, *arguments]
    done = subprocess.run(command, env=dict(os.environ) | env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def letters_of(folder: Path) -> list[str]:
    """The Message-ID of every letter that has left."""
    return [str(message_from_bytes(path.read_bytes())["Message-ID"]) for path in folder.rglob("*.eml")]


def main() -> None:
    """Runs it once; the exit code says whether every promise held."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--offers", type=int, default=2_000)
    found = Findings(arguments.parse_args().offers)
    folder = Path(tempfile.mkdtemp(prefix="hub-backup-"))
    port = free_port()
    post = mailbox.server(port, folder / "mail")
    post.start()
    os.environ["HUB_SMTP_URL"] = f"smtp://127.0.0.1:{port}"
    settings.cache_clear()
    dump = folder / "hub.dump"
    try:
        with databases.cloned(databases.template("drill")) as address:
            databases.use(address)
            _under_load(address, folder, dump, found)
        clock.follow(lambda: None)
        before = set(letters_of(folder / "mail"))
        found.letters_before = len(before)
        _restored(folder, dump, found)
        after = letters_of(folder / "mail")
        found.letters_after = len(after) - len(before)
        found.repeated = len(after) - len(set(after))
    finally:
        post.stop()
        databases.stop(Path(os.environ["HUB_TEST_DIR"]))
    _write(found)
    lost = found.restored_answers < found.answered_before
    sys.exit(1 if lost or found.faults or found.repeated else 0)


def _under_load(address: str, folder: Path, dump: Path, found: Findings) -> None:
    tokens = call_out(found.offers)
    with Server(address, folder) as server:
        server.wait_until_ready()
        storm = Storm(server, tokens)
        answering = threading.Thread(target=storm.answer, args=(0,))
        answering.start()
        while len(storm.acknowledged) < found.offers // 4:
            time.sleep(0.1)
        found.answered_before, began = _accepted(storm), time.monotonic()
        hub("db", "backup", str(dump), HUB_DATABASE_URL=address)
        found.backup_seconds = time.monotonic() - began
        answering.join()
    found.answered = _accepted(storm)
    found.dump_bytes = dump.stat().st_size


def _accepted(storm: Storm) -> int:
    return sum(deed == "accept" for deed, _ in list(storm.acknowledged))


def _restored(folder: Path, dump: Path, found: Findings) -> None:
    cluster = folder / "cluster"
    address = embedded.start(cluster)
    try:
        began = time.monotonic()
        said = hub("db", "restore", str(dump), HUB_DATABASE_URL=address)
        found.restore_seconds, found.cancelled = time.monotonic() - began, said.splitlines()[0]
        with Server(address, folder) as server:
            server.wait_until_ready()
            time.sleep(RUNS_SECONDS)
        engine = create_engine(address.replace("postgresql://", "postgresql+psycopg://", 1))
        with engine.connect() as connection, db.bound(connection), db.read(SYSTEM) as tx:
            found.faults = broken(tx)
            counted = "SELECT count(*) FROM answer_events WHERE kind = 'accept'"
            found.restored_answers = int(connection.exec_driver_sql(counted).scalar_one())
        engine.dispose()
    finally:
        embedded.stop(cluster)


def _write(found: Findings) -> None:
    lines = [
        "# A backup under load, restored into an empty cluster",
        "",
        "Written by `python -m tests.drills.backup`. A callout is answered by eight clients while",
        "`volunteer-hub db backup` runs; the dump is restored into a new cluster, and the program runs on it",
        f"for {RUNS_SECONDS:.0f} seconds with the mail server at hand.",
        "",
        "| | |",
        "|---|---|",
        f"| offers | {found.offers:,} |",
        f"| acknowledged yeses when the backup began | {found.answered_before:,} |",
        f"| acknowledged yeses at the end | {found.answered:,} |",
        f"| backup: seconds, bytes | {found.backup_seconds:.1f}, {found.dump_bytes:,} |",
        f"| restore: seconds | {found.restore_seconds:.1f} |",
        f"| yeses in the restored database | {found.restored_answers:,} |",
        f"| said by the restore | {found.cancelled} |",
        f"| letters that left before | {found.letters_before:,} |",
        f"| letters from the restored program | {found.letters_after:,} |",
        f"| letters sent again | {found.repeated} |",
        f"| invariants broken | {len(found.faults or {})} {found.faults or ''} |",
        "",
    ]
    reports.keep("backup.md", lines)


if __name__ == "__main__":
    assert conftest  # it has set the environment before settings were read
    main()
