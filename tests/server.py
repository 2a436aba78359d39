"""The real thing: `volunteer-hub serve` in processes of its own on a test's database, killed at will."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx2

START_SECONDS = 180.0  # a few seconds without other work on the machine
_PROGRAM = "from volunteer_hub.cli.main import main; main()"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class Server:
    """Two web processes and a worker; what they say goes to ``log``. A context that stops it at its end."""

    def __init__(
        self,
        database: str,
        folder: Path,
        *,
        processes: int = 2,
        workers: int = 1,
        port: int | None = None,
        **env: str,
    ) -> None:
        self.port = port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.kills: list[str] = []
        self._arguments = ["--processes", str(processes), "--workers", str(workers), "--port", str(self.port)]
        self._env = dict(os.environ) | {
            "HUB_DATABASE_URL": database,
            "HUB_BASE_URL": self.address,
            "HUB_POOL_SIZE": "8",
            **env,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts every process; does not wait."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, "serve", *self._arguments],
                env=self._env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Until it answers that it may be sent requests."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(httpx2.HTTPError):
                if httpx2.get(f"{self.address}/readyz", timeout=5, trust_env=False).status_code == 200:
                    return
            time.sleep(0.1)
        raise TimeoutError(f"no answer in {START_SECONDS} s:\n{self.log.read_text()[-2000:]}")

    def kill(self, drawn: random.Random) -> None:
        """kill -9 of one web process, of the worker, or of all at once, which are then started anew."""
        victims = {
            "web": [pid for pid, what in self.children() if "spawn_main" in what],
            "worker": [pid for pid, what in self.children() if "volunteer_hub.worker" in what],
            "all": [],
        }
        what = ("all", "web", "worker")[len(self.kills) % 3]
        self.kills.append(what)
        if what != "all" and victims[what]:
            os.kill(drawn.choice(victims[what]), signal.SIGKILL)
            return
        self._kill_all()
        self.start()

    def children(self) -> list[tuple[int, str]]:
        """(process id, command line) of every process that the first one started."""
        assert self._process is not None
        shown = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        ).stdout
        rows = [line.split(None, 2) for line in shown.splitlines()]
        mine = str(self._process.pid)
        return [(int(pid), args[0]) for pid, parent, *args in rows if parent == mine and args]

    def stop(self) -> float:
        """Asks it to stop, as an operator would; the seconds it took. After half a minute it is killed."""
        process, started = self._process, time.monotonic()
        if process is None:
            return 0.0
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        self._kill_all()
        return time.monotonic() - started

    def _kill_all(self) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
