"""import and export: people, and foreign reports as tasks."""

import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.progress import Progress, TaskID

from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.errors import FieldError
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import exchange, reports
from volunteer_hub.flows.exchange import Format, OnTwin, Preview
from volunteer_hub.incidents import queries
from volunteer_hub.volunteers.queries import Wanted
from volunteer_hub.volunteers.rules import Status

import_ = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
export = typer.Typer(add_completion=False, rich_markup_mode=None)
Email = Annotated[str | None, typer.Option("--as", help="e-mail of the account that acts; else the system")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


@import_.callback()
def _import() -> None:
    """Import volunteers or foreign reports from a file."""


@import_.command()
def volunteers(
    file: File,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before taking it in")] = False,
    datum: Annotated[str, typer.Option(help="wgs84, gcj02 or bd09, for rows that name none")] = "wgs84",
    leave_out_bad: Annotated[bool, typer.Option(help="take in the good rows, name the bad ones")] = False,
    on_twin: Annotated[OnTwin, typer.Option(help="for who is in the pool already")] = OnTwin.REFUSE,
    shown: Annotated[int, typer.Option(min=1, help="how many bad rows to name")] = 20,
    email: Email = None,
) -> None:
    """Read a CSV or XLSX file, name what is wrong, and take it in: all of it, or nothing."""
    lang = acting.language()
    with acting.ready(), file.open("rb") as content:
        actor = acting.actor(email)
        with (
            acting.progress(t(lang, "cli.import.reading")) as bar,
            db.transaction(actor, "volunteer.import.preview") as tx,
        ):
            found = exchange.preview(tx, content, datum=datum, shown=shown, progress=_report(bar))
        _tell(found, lang)
        if found.bad and not leave_out_bad:
            typer.echo(t(lang, "error.import.bad_rows", n=found.bad), err=True)
            raise typer.Exit(1)
        if not yes and not typer.confirm(t(lang, "cli.import.ask", n=found.good)):
            raise typer.Exit(1)
        with (
            acting.progress(t(lang, "cli.import.taking")) as bar,
            db.transaction(actor, "volunteer.import") as tx,
        ):
            done = exchange.take_in(
                tx,
                content,
                datum=datum,
                leave_out_bad=leave_out_bad,
                on_twin=on_twin,
                progress=_report(bar),
            )
    counts = {"added": done.added, "merged": done.merged, "skipped": done.skipped, "left_out": done.left_out}
    for name, count in counts.items():
        if count or name == "added":
            typer.echo(t(lang, f"pool.import.{name}", n=count))


def _report(bar: Progress) -> Callable[[int, int], None]:
    task: TaskID = bar.task_ids[0]
    return lambda done, total: bar.update(task, completed=done, total=total)


def _tell(found: Preview, lang: str) -> None:
    typer.echo(t(lang, "pool.import.good", n=found.good))
    if found.bad:
        typer.echo(t(lang, "pool.import.bad", n=found.bad), err=True)
    for error in found.errors:
        typer.echo("  " + _row(error, lang), err=True)
    if found.twins_total:
        typer.echo(t(lang, "pool.import.twins", n=found.twins_total), err=True)
    for twin in found.twins:
        reason = t(lang, f"volunteers.twin.{twin.by}")
        typer.echo("  " + t(lang, "cli.import.twin", line=twin.line, reason=reason), err=True)


def _row(error: FieldError, lang: str) -> str:
    params = error.params
    return t(
        lang,
        "volunteers.import.at",
        line=params.get("line", "?"),
        column=params.get("column", ""),
        reason=acting.words(error),
    )


@import_.command(name="reports")
def reports_(
    file: File,
    incident: Annotated[uuid.UUID, typer.Option(help="id of the incident whose tasks they become")],
    column_map: Annotated[str, typer.Option("--map", help="a map of config/maps, or a .toml file")],
    starts: Annotated[datetime | None, typer.Option(help="when the tasks begin; now if not given")] = None,
    email: Email = None,
) -> None:
    """Turn a foreign table of reports into the tasks of an incident; bad rows are named and left out."""
    lang = acting.language()
    with acting.ready():
        begin = starts.astimezone() if starts is not None else None
        with db.transaction(acting.actor(email), "report.import") as tx:
            found = queries.find(tx, "report.import", incident)
            taken = reports.take_in(
                tx, found, file.read_bytes(), reports.column_map(column_map), starts_at=begin
            )
            made = len(taken.tasks)
    for fault in taken.refused:
        typer.echo(f"  {fault.where}: {acting.words(fault)}", err=True)
    typer.echo(
        t(
            lang,
            "cli.reports.done",
            rows=taken.rows,
            tasks=made,
            refused=len(taken.refused),
            repeated=len(taken.repeated),
        )
    )


@export.command()
def _export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="file to write; .csv or .xlsx")],
    status: Annotated[Status | None, typer.Option(help="only people of this status")] = None,
    email: Email = None,
) -> None:
    """Write the volunteers to a CSV or XLSX file that the import reads back to the same people."""
    form = file.suffix.lower().removeprefix(".")
    if form not in ("csv", "xlsx"):
        typer.echo(t(acting.language(), "cli.export.suffix"), err=True)
        raise typer.Exit(2)
    wanted = Wanted(status=status)
    with acting.ready():
        actor = acting.actor(email)
        with (
            acting.progress(str(file)) as bar,
            file.open("wb") as out,
            db.transaction(actor, "volunteer.export") as tx,
        ):
            written = exchange.export(tx, out, cast(Format, form), wanted, progress=_report(bar))
    typer.echo(t(acting.language(), "cli.export.done", n=written, file=str(file)))
