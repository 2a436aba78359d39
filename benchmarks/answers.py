"""The rush: everybody asked says yes by link; the real server against pgbench with one statement an answer.

    python -m benchmarks.answers            3 rounds of 3,300 answers each way, 10,000 in all
    python -m benchmarks.answers --quick    1 round of 1,600

Both answer the same offers of the same callout, each in its own copy of one database on one server, turn
about in one run. The server runs two processes; the taps come from a process of their own over 200
connections kept alive, as if as many people tapped at any moment. pgbench has 16 clients and runs
`answer_sql.SCRIPT`: all rows of an answer, outbox and trail included, by one statement that is prepared.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import answer_sql, ground, report
from benchmarks.callout_rows import callout_of, due
from volunteer_hub import bootstrap
from volunteer_hub.core import db, embedded
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.migrations import runner as migrations
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.models import Offer

CONNECTIONS = 200
CLIENTS = 16
PROCESSES = 2
WARM = 320  # answers each way before any is timed
_HEAD = ("way", "answers/s", "p50 ms", "p99 ms", "server ms", "PostgreSQL ms", "sender ms", "audit lines")
_MADE = ("duties", "answer_events", "messages", "audit_lines", "audit_pending")


@dataclass(frozen=True)
class Round:
    """One way's share of a round."""

    seconds: float
    latencies: Sequence[float]
    processor: tuple[float, float, float]
    """Seconds of processor: of the server, of PostgreSQL, of what sent the answers."""

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextmanager
def processor(*roots: int) -> Iterator[list[float]]:
    """The processor seconds of these processes and all below them, and last those of children that ended."""
    before = [_spent(root) for root in roots]
    ended = _ended()
    found: list[float] = []
    yield found
    found += [_spent(root) - spent for root, spent in zip(roots, before, strict=True)]
    found.append(_ended() - ended)


def _ended() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _spent(root: int) -> float:
    """Of a process, those below it, and those of them that have ended."""
    ticks, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            pid = int(path.parent.name)
            parents[pid], ticks[pid] = int(fields[1]), sum(map(int, fields[11:15]))
    below, more = {root}, True
    while more:
        found = {pid for pid, parent in parents.items() if parent in below} - below
        below, more = below | found, bool(found)
    return sum(ticks.get(pid, 0) for pid in below) / os.sysconf("SC_CLK_TCK")


def by_server(served: ground.Served, postgres: int, tokens: Sequence[str]) -> Round:
    """Every tap answered 303, which is how the page says that it is recorded."""
    order = json.dumps({"port": served.port, "connections": CONNECTIONS, "tokens": list(tokens)})
    with processor(served.process, postgres) as used:
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks.answer_load"],
            input=order,
            capture_output=True,
            text=True,
            check=True,
        )
    found = json.loads(run.stdout)
    assert found["statuses"] == {"303": len(tokens)}, found["statuses"]
    return Round(found["seconds"], found["latencies"], (used[0], used[1], used[2]))


def by_pgbench(address: str, postgres: int, script: Path, first: int, count: int) -> Round:
    """The same number of answers by pgbench, from the ``first``-th offer on."""
    log = script.with_name("transactions")
    with processor(postgres) as used:
        run = subprocess.run(
            [
                embedded.program("pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={script}",
                f"--client={CLIENTS}", "--jobs=2", f"--transactions={count // CLIENTS}",
                f"--define=first={first}", "--define=turn=-1", f"--define=clients={CLIENTS}",
                "--log", f"--log-prefix={log}", address,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if run.returncode or "number of failed transactions: 0" not in run.stdout:
        raise RuntimeError(run.stderr[-2000:] + run.stdout)
    latencies = []
    for path in script.parent.glob("transactions.*"):
        latencies += [int(line.split()[2]) / 1e6 for line in path.read_text().splitlines()]
        path.unlink()
    tps = next(line for line in run.stdout.splitlines() if line.startswith("tps"))
    assert len(latencies) == count
    return Round(count / float(tps.split()[2]), latencies, (0.0, used[0], used[1]))


def list_due(tx: Tx, waiting: Sequence[Offer]) -> None:
    """The table that pgbench takes its offers from, in the order in which the taps come."""
    connection: Any = tx.connection().connection.dbapi_connection
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE answers_due (n int PRIMARY KEY, token bytea)")
        with cursor.copy("COPY answers_due FROM STDIN") as copy:
            for n, offer in enumerate(waiting):
                copy.write_row((n, offer.token_hash))


def made() -> dict[str, int]:
    """How many rows there are of each table that an answer adds to."""
    with db.engine().connect() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in _MADE
        }


def check(callout_id: int, answered: int) -> Counter[str]:
    """Nothing lost and no slot overfilled: raises otherwise; how many answers came to what."""
    with db.engine().connect() as connection:

        def one(query: str) -> Any:
            return connection.exec_driver_sql(query, {"callout": callout_id}).scalar_one()

        over = one(
            "SELECT count(*) FROM slot_fills f WHERE callout_id = %(callout)s AND (filled > maximum OR "
            "filled <> (SELECT count(*) FROM offers o WHERE o.slot_id = f.slot_id AND o.state = 'accepted'))"
        )
        events = one("SELECT count(DISTINCT offer_id) FROM answer_events WHERE kind = 'accept'")
        duties = one("SELECT count(*) FROM duties WHERE state = 'expected'")
        rows = connection.exec_driver_sql(
            "SELECT state, count(*) FROM offers WHERE answered_at IS NOT NULL GROUP BY state"
        ).all()
    found = Counter({str(state): int(count) for state, count in rows})
    assert over == 0, f"{over} slots hold another number than they may"
    assert events == found.total() == answered, (events, found, answered)
    assert duties == found["accepted"], (duties, found)
    return found


def tell(ours: Sequence[Round], peers: Sequence[Round], found: Counter[str], lines: Sequence[float]) -> None:
    """The table and the figures of a run; ``lines`` of the trail for an answer, each way."""
    rows = [
        (
            name,
            statistics.median(each.rate for each in rounds),
            percentile(all_, 0.5) * 1e3,
            percentile(all_, 0.99) * 1e3,
            *(sum(part) / len(all_) * 1e3 for part in zip(*(each.processor for each in rounds), strict=True)),
            trail,
        )
        for name, rounds, trail in (
            ("server, 2 processes", ours, lines[0]), ("pgbench, one statement", peers, lines[1])
        )
        for all_ in ([second for each in rounds for second in each.latencies],)
    ]  # fmt: skip
    count = sum(len(each.latencies) for each in ours)
    report.table(f"{count:,} answers each way, median of {len(ours)} rounds", _HEAD, rows)
    print(f"came to: {', '.join(f'{count:,} {state}' for state, count in sorted(found.items()))}")
    print("every answer acknowledged and stored, the same rows each way; no slot above its maximum")
    rate = statistics.median(each.rate for each in ours)
    report.info("answers.per_second", rate)
    spent = [sum(sum(each.processor) for each in rounds) for rounds in (ours, peers)]
    report.info("answers.processor_share_of_pgbench", spent[1] / spent[0])
    report.bar("answers.rush_of_10000_seconds", 10_000 / rate, "<=", 60)
    report.bar("answers.p99_seconds", rows[0][3] / 1e3, "<=", 1)
    ratio = statistics.median(a.rate / b.rate for a, b in zip(ours, peers, strict=True))
    report.bar("answers.share_of_pgbench", ratio, ">=", 0.4)


def main() -> None:
    rounds, size = (1, 1_600) if "--quick" in sys.argv[1:] else (3, 3_328)
    report.machine()
    with ground.installation(HUB_ENV="production", HUB_SMTP_URL="smtp://127.0.0.1:9") as folder:
        server = embedded.start(folder)
        with ground.database(server, "base"):
            migrations.upgrade(db.engine())
            bootstrap.start()
            callout_id = callout_of(WARM + rounds * size)
            waiting = due(callout_id)
            before = made()
            with ground.database(server, "bench", "base") as theirs:
                with db.transaction(SYSTEM, "bench") as tx:
                    list_due(tx, waiting)
                with ground.database(server, "ours", "base"):
                    ours, peers = _rounds(folder, waiting, theirs, rounds, size)
                    found, after = check(callout_id, len(waiting)), made()
                assert check(callout_id, len(waiting)) == found
                other = made()
    rows = {name: (after[name] - before[name], other[name] - before[name]) for name in _MADE}
    assert all(a == b for name, (a, b) in rows.items() if not name.startswith("audit_")), rows
    tell(ours, peers, found, [lines / len(waiting) for lines in rows["audit_lines"]])


def _rounds(
    folder: Path, waiting: Sequence[Offer], theirs: str, rounds: int, size: int
) -> tuple[list[Round], list[Round]]:
    tokens = [offers.link_token(offer.public_id) for offer in waiting]
    script = folder / "answer.sql"
    script.write_text(answer_sql.SCRIPT)
    postgres = int(next(folder.rglob("postmaster.pid")).read_text().split()[0])
    ours, peers = [], []
    with ground.served("--processes", str(PROCESSES), "--workers", "0") as served:
        by_server(served, postgres, tokens[:WARM])
        by_pgbench(theirs, postgres, script, 0, WARM)
        for first in range(WARM, WARM + rounds * size, size):
            ours.append(by_server(served, postgres, tokens[first : first + size]))
            peers.append(by_pgbench(theirs, postgres, script, first, size))
    return ours, peers


if __name__ == "__main__":
    main()
