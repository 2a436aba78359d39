"""Answers by link per second: the real server against pgbench running the same SQL.

    python -m benchmarks.answers            3 rounds of 2,000 answers each way
    python -m benchmarks.answers --quick    1 round of 800
    (--statements prints what one answer sends)

Both answer the same offers of the same callout, each in its own copy of one database on one server, turn
about in one run. The server runs two processes; the taps come from a process of their own over 16 connections
kept alive. pgbench has 16 clients too, and prepared statements, as the program has. Its script is what the
program sent for one answer, taken down in this run, with the numbers of another offer each time; it does one
read more, by primary key, to learn whose turn it is. So the ratio is what Python, HTTP and the ways between
cost.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import answer_sql, ground, report
from benchmarks.answer_sql import NUMBERS_FROM, Variables
from benchmarks.callout_rows import callout_of, due
from volunteer_hub import bootstrap
from volunteer_hub.core import db, embedded
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import letters, respond
from volunteer_hub.migrations import runner as migrations
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.models import Offer

CONNECTIONS = 16
PROCESSES = 2
WARM = 320  # answers each way before any is timed
_HEAD = ("way", "answers/s", "p50 ms", "p99 ms")


@dataclass(frozen=True)
class Round:
    """One way's share of a round."""

    seconds: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def by_server(port: int, tokens: Sequence[str]) -> Round:
    """Every tap answered 303, which is how the page says that it is recorded."""
    order = json.dumps({"port": port, "connections": CONNECTIONS, "tokens": list(tokens)})
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.answer_load"],
        input=order,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout)
    assert found["statuses"] == {"303": len(tokens)}, found["statuses"]
    return Round(found["seconds"], found["latencies"])


def by_pgbench(address: str, script: Path, first: int, count: int) -> Round:
    """The same number of answers by pgbench, from the ``first``-th offer on."""
    log = script.with_name("transactions")
    run = subprocess.run(
        [
            embedded.program("pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={script}",
            f"--client={CONNECTIONS}", "--jobs=2", f"--transactions={count // CONNECTIONS}",
            f"--define=first={first}", "--define=turn=-1", f"--define=clients={CONNECTIONS}",
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
    return Round(count / float(tps.split()[2]), latencies)


def statements_of(offer: Offer) -> list[answer_sql.Statement]:
    """What one answer sends. It is answered by that."""
    with answer_sql.taken_down(db.engine()) as statements, db.transaction(GUEST, "offer.answer") as tx:
        respond.accept(tx, offers.link_token(offer.public_id), 30)
    return statements


def write_script(folder: Path, statements: list[answer_sql.Statement], sample: Offer) -> Path:
    """The script for pgbench."""
    with db.read(SYSTEM) as tx:
        contact = letters.reach(tx, [sample.volunteer_id])[sample.volunteer_id].contact
    assert contact is not None
    numbers = {
        sample.id: "offer", sample.volunteer_id: "person", sample.slot_id: "slot",
        sample.callout_id: "callout", contact.id: "contact",
    }  # fmt: skip
    path = folder / "answer.sql"
    plain = db.engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        path.write_text(answer_sql.script(statements, Variables(numbers, sample.token_hash), connection))
    return path


def list_due(tx: Tx, waiting: Sequence[Offer]) -> None:
    """The table that pgbench takes its offers from, in the order in which the taps come."""
    connection: Any = tx.connection().connection.dbapi_connection
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE answers_due (n int PRIMARY KEY, offer bigint, person bigint, slot bigint, "
            "callout bigint, contact bigint, token bytea)"
        )
        ways = letters.reach(tx, (offer.volunteer_id for offer in waiting))
        with cursor.copy("COPY answers_due FROM STDIN") as copy:
            for n, offer in enumerate(waiting):
                contact = ways[offer.volunteer_id].contact
                assert contact is not None
                copy.write_row(
                    (
                        n, offer.id, offer.volunteer_id, offer.slot_id, offer.callout_id, contact.id,
                        offer.token_hash,
                    )
                )  # fmt: skip


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


def tell(
    ours: Sequence[Round], peers: Sequence[Round], statements: Sequence[answer_sql.Statement],
    outcomes: Counter[str],
) -> None:  # fmt: skip
    """The table and the figures of a run."""
    rows = [
        (name, statistics.median(each.rate for each in rounds), percentile(all_, 0.5) * 1e3,
         percentile(all_, 0.99) * 1e3)
        for name, rounds in (("server, 2 processes", ours), ("pgbench, same SQL", peers))
        for all_ in ([second for each in rounds for second in each.latencies],)
    ]  # fmt: skip
    count = sum(len(each.latencies) for each in ours)
    report.table(f"{count:,} answers each way, median of {len(ours)} rounds", _HEAD, rows)
    print(f"came to: {', '.join(f'{count:,} {state}' for state, count in sorted(outcomes.items()))}")
    print("every answer acknowledged and stored; no slot above its maximum")
    ratio = statistics.median(a.rate / b.rate for a, b in zip(ours, peers, strict=True))
    report.info("answers.per_second", statistics.median(each.rate for each in ours))
    report.info("answers.p99_ms", rows[0][3])
    report.info("answers.share_of_pgbench", ratio)
    report.info("answers.queries", len(statements))


def main() -> None:
    rounds, size = (1, 800) if "--quick" in sys.argv[1:] else (3, 2_000)
    report.machine()
    with ground.installation(HUB_ENV="production", HUB_SMTP_URL="smtp://127.0.0.1:9") as folder:
        server = embedded.start(folder)
        with ground.database(server, "base") as base:
            migrations.upgrade(db.engine())
            bootstrap.start()
            with psycopg.connect(base) as connection:
                for table, first in NUMBERS_FROM.items():
                    connection.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART WITH {first}")
            callout_id = callout_of(WARM + rounds * size + 1)
            waiting = due(callout_id)
            with ground.database(server, "bench", "base") as theirs:
                sample = waiting.pop()
                statements = statements_of(sample)
                script = write_script(folder, statements, sample)
                with db.transaction(SYSTEM, "bench") as tx:
                    list_due(tx, waiting)
                with ground.database(server, "ours", "base"):
                    outcomes, ours, peers = _rounds(callout_id, waiting, theirs, script, rounds, size)
    tell(ours, peers, statements, outcomes)
    if "--statements" in sys.argv[1:]:
        print("\n".join(" ".join(text.split())[:160] for text, _ in statements))


def _rounds(
    callout_id: int, waiting: Sequence[Offer], theirs: str, script: Path, rounds: int, size: int
) -> tuple[Counter[str], list[Round], list[Round]]:
    tokens = [offers.link_token(offer.public_id) for offer in waiting]
    ours, peers = [], []
    with ground.served("--processes", str(PROCESSES), "--workers", "0") as served:
        by_server(served.port, tokens[:WARM])
        by_pgbench(theirs, script, 0, WARM)
        for first in range(WARM, WARM + rounds * size, size):
            ours.append(by_server(served.port, tokens[first : first + size]))
            peers.append(by_pgbench(theirs, script, first, size))
    return check(callout_id, WARM + rounds * size), ours, peers


if __name__ == "__main__":
    main()
