"""The demo's processes: a server and a mail server that outlive the command, found again by a file."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FIRST_PORT: Final = 8000
_START_SECONDS: Final = 180  # a few, unless the machine has much else to do
_STOP_SECONDS: Final = 25  # the web processes may take ten, then the workers ten
_SERVE: Final = "from volunteer_hub.cli.main import main; main()"
_PROC: Final = Path("/proc")
_MARK: Final = "volunteer_hub"  # in the command line of every process of ours


@dataclass(frozen=True)
class Running:
    """A demo's address and the ids of its processes; each leads the group of whatever it starts."""

    address: str
    server: int
    mail: int


class NotStarted(Exception):
    """A process ended, or did not answer in time; the message names its log."""


class Busy(Exception):
    """Another command is just starting or stopping this demo."""


def _file(folder: Path) -> Path:
    return folder / "demo.json"


def log_of(folder: Path) -> Path:
    """What the processes had to say."""
    return folder / "demo.log"


def mail_of(folder: Path) -> Path:
    """The letters."""
    return folder / "mail"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps a second command away from the folder meanwhile. Raises Busy."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield


@contextmanager
def choosing() -> Iterator[None]:
    """Demos on one machine take their ports one after the other: none finds another's half taken."""
    with (Path(tempfile.gettempdir()) / f"volunteer-hub-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def found(folder: Path) -> Running | None:
    """The demo that runs on this folder, if one does."""
    try:
        running = Running(**json.loads(_file(folder).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return running if _ours(running.server) else None


def start(folder: Path, environment: Mapping[str, str]) -> Running:
    """Starts both and writes down where they are; `wait_until_ready` says when the server answers."""
    port, mail_port = _free_port(FIRST_PORT), _free_port(0)
    address = f"http://127.0.0.1:{port}"
    own = {
        **environment,
        "HUB_SMTP_URL": f"smtp://127.0.0.1:{mail_port}",
        "HUB_BASE_URL": address,
        "HUB_HOST": "127.0.0.1",
        "HUB_PORT": str(port),
    }
    mail_of(folder).mkdir(parents=True, exist_ok=True)
    mailbox = ["-m", "volunteer_hub.simulation.mailbox", "--port", str(mail_port)]
    mail = _spawn([*mailbox, "--folder", str(mail_of(folder))], folder, own)
    running = Running(address, _spawn(["-c", _SERVE, "serve"], folder, own), mail)
    _file(folder).write_text(json.dumps(asdict(running)))
    return running


def wait_until_ready(running: Running, folder: Path) -> None:
    """Returns when the server says that it is ready. Raises NotStarted."""
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and _ours(running.server) and _ours(running.mail):
        try:
            with urllib.request.urlopen(f"{running.address}/readyz", timeout=5) as answer:  # noqa: S310  (ours)
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise NotStarted(str(log_of(folder)))


def stop(folder: Path) -> bool:
    """Ends server, workers and mail server, gently first; False when none ran."""
    try:
        running = Running(**json.loads(_file(folder).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return False
    ours = [pid for pid in (running.server, running.mail) if _ours(pid)]
    for pid in ours:
        os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < ends and any(_ours(pid) for pid in ours):
        time.sleep(0.05)
    for pid in ours:
        _kill_group(pid)
    _file(folder).unlink()
    return bool(ours)


def _kill_group(leader: int) -> None:
    """What a leader left behind: nothing, when it ended by itself."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _spawn(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> int:
    with log_of(folder).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return process.pid


def _ours(pid: int) -> bool:
    """Whether that process lives and is of this program: numbers are given again after a while."""
    return _MARK in _command_of(pid)


def _command_of(pid: int) -> str:
    """The command line of a living process, else nothing. Small images of Linux come without ``ps``."""
    if _PROC.is_dir():
        return _told_by(_PROC / str(pid))
    shown = subprocess.run(
        ["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return "" if shown.startswith("Z") else shown


def _told_by(process: Path) -> str:
    """Its command line; nothing for one that has ended. Just after its start a process has none yet."""
    ends = time.monotonic() + 1
    try:
        while not (told := (process / "cmdline").read_text(errors="replace")):
            state = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            if state in "ZX" or time.monotonic() > ends:
                break
            time.sleep(0.005)
    except OSError:
        return ""
    return told


def _free_port(first: int) -> int:
    """The first free port of 127.0.0.1 from there on; any free one from 0."""
    for port in range(first, first + 1000) if first else (0,):
        with closing(socket.socket()) as probe:
            # As servers do, so that a port just left by the demo before counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port from {first} on")
