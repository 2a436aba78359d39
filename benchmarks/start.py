"""How long until somebody sees something: the help of the command line, a server that says it is ready.

    python -m benchmarks.start            7 calls of --help, 5 starts of a server
    python -m benchmarks.start --quick    3 and 1

Whole processes, from the call to the exit or to 200 at /readyz, each after a first one that compiled
Python's code. The server is started as an operator does, with two web processes and one worker, on an
embedded database that exists; PostgreSQL has to be started too or runs already, as the row says. No peer.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks import ground, report
from volunteer_hub.core import embedded

HELP_BAR = 0.5
READY_BAR = 6.0


def help_seconds() -> float:
    """One `volunteer-hub --help`, whole."""
    started = time.perf_counter()
    subprocess.run([ground.PROGRAM, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def ready_seconds() -> float:
    """One start of a server, until it is ready."""
    with ground.served() as served:
        return served.seconds


def tell(
    helped: Sequence[float], new: float, stopped: Sequence[float], running: Sequence[float]
) -> None:  # fmt: skip
    """The table and the bars of a run."""
    rows = [
        (name, statistics.median(seconds), min(seconds), max(seconds))
        for name, seconds in (
            ("volunteer-hub --help", helped),
            ("ready, PostgreSQL stopped before", stopped),
            ("ready, PostgreSQL running", running),
            ("ready, no database before", [new]),
        )
    ]
    report.table(f"median of {len(helped)} and of {len(stopped)}", ("what", "seconds", "least", "most"), rows)
    report.bar("start.help_seconds", rows[0][1], "<=", HELP_BAR)
    report.bar("start.ready_seconds", rows[1][1], "<=", READY_BAR)


def main() -> None:
    helps, starts = (3, 1) if "--quick" in sys.argv[1:] else (7, 5)
    report.machine()
    stopped, running = [], []
    with ground.installation(HUB_ENV="production") as folder:
        help_seconds()
        helped = [help_seconds() for _ in range(helps)]
        ready_seconds()
        embedded.stop(folder)
        shutil.rmtree(folder / "postgres")
        new = ready_seconds()
        for _ in range(starts):
            embedded.stop(folder)
            stopped.append(ready_seconds())
            running.append(ready_seconds())
    tell(helped, new, stopped, running)


if __name__ == "__main__":
    main()
