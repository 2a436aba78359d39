"""db upgrade, stop, backup, restore."""

import os
import subprocess
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from sqlalchemy import text

from volunteer_hub.core import db as database
from volunteer_hub.core import embedded, vault
from volunteer_hub.core.settings import settings
from volunteer_hub.migrations import runner as migrations

db = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
KEYS_SUFFIX = ".keys"


@db.callback()
def _db() -> None:
    """Upgrade, stop, back up and restore the database."""


@db.command()
def upgrade(revision: Annotated[str, typer.Argument(help="a revision, or head")] = "head") -> None:
    """Bring the database to this program's schema."""
    before = migrations.current(database.engine())
    migrations.upgrade(database.engine(), revision)
    typer.echo(f"{before or 'empty'} -> {migrations.current(database.engine())}")


@db.command()
def stop() -> None:
    """Stop the embedded PostgreSQL of HUB_DATA_DIR; an external one is its owner's to stop."""
    if settings().database_url is not None:
        typer.echo("HUB_DATABASE_URL is set: that server is not ours to stop.", err=True)
        raise typer.Exit(2)
    typer.echo("stopped" if embedded.stop(settings().data_dir) else "no embedded server was running")


def _plain_url() -> str:
    return database.url().replace("postgresql+psycopg://", "postgresql://", 1)


@db.command()
def backup(
    target: Annotated[
        Path, typer.Argument(help="file to write; the persons' keys go to FILE.keys beside it")
    ],
) -> None:
    """Write a dump, and beside it the persons' keys, which the dump never holds.

    Keep the two apart: whoever has the dump alone cannot read what the audit trail sealed. The keys are
    themselves sealed under HUB_SECRET_KEY, which is in neither.
    """
    if target.exists():
        typer.echo(f"{target} exists already; choose another name", err=True)
        raise typer.Exit(2)
    keys = target.with_name(target.name + KEYS_SUFFIX)
    os.umask(0o077)
    # One snapshot for both files: a person who joins in between is in both or in neither.
    with psycopg.connect(_plain_url()) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert snapshot is not None
        with keys.open("wb") as file, connection.cursor().copy("COPY vault.person_keys TO STDOUT") as rows:
            for block in rows:
                file.write(block)
        _run(
            "pg_dump",
            "--format=custom",
            "--no-owner",
            f"--snapshot={snapshot[0]}",
            f"--exclude-table-data={vault.SCHEMA}.person_keys",
            f"--file={target}",
            f"--dbname={_plain_url()}",
        )
    typer.echo(f"{target} ({target.stat().st_size:,} bytes), {keys} ({keys.stat().st_size:,} bytes)")


@db.command()
def restore(
    source: Annotated[Path, typer.Argument(help="a dump written by `db backup`, FILE.keys beside it")],
    send_waiting: Annotated[
        bool,
        typer.Option(help="send the messages that waited at the time of the dump; some may have gone since"),
    ] = False,
) -> None:
    """Restore a dump into an empty database. Nothing is sent again unless --send-waiting says so."""
    keys = source.with_name(source.name + KEYS_SUFFIX)
    for path in (source, keys):
        if not path.is_file():
            typer.echo(f"{path} is missing", err=True)
            raise typer.Exit(2)
    if migrations.current(database.engine()) is not None:
        typer.echo("The database is not empty; restore into a new one.", err=True)
        raise typer.Exit(2)
    database.engine().dispose()
    _run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={_plain_url()}", str(source))
    with psycopg.connect(_plain_url()) as connection, connection.cursor() as cursor:
        with keys.open("rb") as file, cursor.copy("COPY vault.person_keys FROM STDIN") as rows:
            while block := file.read(1 << 16):
                rows.write(block)
        if not send_waiting:
            cursor.execute(
                "UPDATE messages SET state = 'cancelled', lease_until = NULL, error = 'restored from backup' "
                "WHERE state IN ('queued', 'sending')"
            )
            typer.echo(
                f"{cursor.rowcount} waiting messages were cancelled; the runbook says how to ask again"
            )
    with database.engine().connect() as connection_:
        people = connection_.execute(text("SELECT count(*) FROM volunteers")).scalar_one()
    typer.echo(f"restored: schema {migrations.current(database.engine())}, {people:,} volunteers")
    if migrations.current(database.engine()) != migrations.head():
        typer.echo("An older schema: run `volunteer-hub db upgrade`.")


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(embedded.program(program)), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        typer.echo(done.stderr.strip(), err=True)
        raise typer.Exit(1)
