"""The clock-and-plan process: sweeps what is due, solves what is asked in a child of its own, and plays what
is imagined in another, so that no plan waits for it."""

import signal
import threading
from types import FrameType

from volunteer_hub import bootstrap
from volunteer_hub.core import db
from volunteer_hub.core.log import logger
from volunteer_hub.flows import planner, whatif_desk
from volunteer_hub.jobs import table
from volunteer_hub.jobs.runner import Runner

_PLAN_PAUSE_SECONDS = 0.25


def main() -> None:
    """Runs until SIGTERM or SIGINT, then lets sweeps end; another worker takes up a plan half solved."""
    bootstrap.start()
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    runner = Runner(table.JOBS)
    runner.start()
    imagining = threading.Thread(target=whatif_desk.work, args=(stopped,), name="what-if")
    imagining.start()
    with planner.Planner() as plans:
        while not stopped.is_set():
            try:
                busy = plans.work_one(stopped)
            except Exception as error:
                logger("worker").error("planning failed", exc_info=error)
                busy = False
            if not busy:
                stopped.wait(_PLAN_PAUSE_SECONDS)
    imagining.join()
    runner.stop()
    db.engine().dispose()


if __name__ == "__main__":
    main()
