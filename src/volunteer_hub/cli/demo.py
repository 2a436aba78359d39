"""demo: build a made-up city, play one night on a running server, leave it running."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from volunteer_hub import bootstrap
from volunteer_hub.cli import running
from volunteer_hub.cli.running import Busy, NotStarted, Running
from volunteer_hub.core import db, embedded
from volunteer_hub.core.i18n import t
from volunteer_hub.core.settings import settings
from volunteer_hub.simulation import installation
from volunteer_hub.simulation.desk import Broken
from volunteer_hub.simulation.installation import Staff
from volunteer_hub.simulation.play import play

demo = typer.Typer(add_completion=False, rich_markup_mode=None)
DEFAULT_PEOPLE: Final = 20_000
_KEPT: Final = frozenset({"HUB_CONFIG"})
_HOUR, _MINUTE = 2, 40


@demo.command()
def _demo(
    people: Annotated[
        int, typer.Option(min=1, help="volunteers of the city, when it is built")
    ] = DEFAULT_PEOPLE,
    stop: Annotated[bool, typer.Option("--stop", help="end the demo that is running")] = False,
    lang: Annotated[str | None, typer.Option(help="en or zh; else that of LANG")] = None,
) -> None:
    """Build a made-up city, play one night, leave it running. It lives in HUB_DATA_DIR, else in ./.demo."""
    words = lang if lang in ("en", "zh") else _language()
    folder = Path(os.environ.get("HUB_DATA_DIR") or ".demo").resolve()
    _own_world(folder)
    console = Console(highlight=False, markup=False)
    try:
        with running.alone(folder):
            _stop(console, folder, words) if stop else _play(console, folder, people, words)
    except Busy:
        console.print(t(words, "demo.busy", folder=folder))
        raise typer.Exit(1) from None


def _language() -> str:
    """As the terminal is set: Chinese for zh_CN and its like, else English."""
    told = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "zh" if told.lower().startswith("zh") else "en"


def _own_world(folder: Path) -> None:
    """No setting of another installation reaches the demo: not its database, not its mail server."""
    for name in [name for name in os.environ if name.startswith("HUB_") and name not in _KEPT]:
        del os.environ[name]
    os.environ |= {"HUB_ENV": "demo", "HUB_DATA_DIR": str(folder), "HUB_LOG_LEVEL": "warning"}
    settings.cache_clear()


def _stop(console: Console, folder: Path, lang: str) -> None:
    ended = running.stop(folder)
    ended = embedded.stop(folder) or ended
    console.print(t(lang, "demo.stopped" if ended else "demo.none"))


def _play(console: Console, folder: Path, people: int, lang: str) -> None:
    at_work = running.found(folder)
    if at_work is not None:
        console.print(t(lang, "demo.running", address=at_work.address, command=_stop_command(folder)))
        raise typer.Exit(1)
    began = time.monotonic()
    try:
        at_work, staff = _ready(console, folder, people, lang)
        link = play(console, at_work.address, running.mail_of(folder), staff, lang)
    except BaseException as error:
        # Half a demo is nobody's: neither a server without logins nor a database that nobody stops.
        running.stop(folder)
        embedded.stop(folder)
        _explain(console, folder, lang, error)
        raise
    _farewell(console, folder, at_work, staff, lang)
    if link:
        console.print(t(lang, "demo.link", link=link))
    console.print(t(lang, "demo.how_to_stop", command=_stop_command(folder)))
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    console.print(t(lang, "demo.took", minutes=minutes, seconds=seconds))


def _ready(console: Console, folder: Path, people: int, lang: str) -> tuple[Running, Staff]:
    console.print(t(lang, "demo.start", folder=folder))
    running.stop(folder)  # what is left of one that was killed
    bootstrap.start()
    there = installation.volunteers()
    db.move_clock(installation.next_night(_HOUR, _MINUTE))
    with running.choosing():
        at_work = running.start(folder, os.environ)
        running.wait_until_ready(at_work, folder)
    if there:
        console.print(t(lang, "demo.there", n=there))
    else:
        with _progress(console, lang) as told:
            installation.build(people, told)
    staff = installation.staff(lang)
    return at_work, staff


@contextmanager
def _progress(console: Console, lang: str) -> Iterator[installation.Told]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as shown:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(t(lang, f"demo.build.{what}"), total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield told


def _explain(console: Console, folder: Path, lang: str, error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt):
        console.print(t(lang, "demo.interrupted"))
        raise typer.Exit(130) from None
    if isinstance(error, NotStarted | Broken):
        console.print(t(lang, "demo.failed", why=str(error), log=running.log_of(folder)))
        raise typer.Exit(1) from None


def _farewell(console: Console, folder: Path, at_work: Running, staff: Staff, lang: str) -> None:
    """Where everything is."""
    console.print()
    table = Table(title=t(lang, "demo.login.title", address=at_work.address), title_justify="left")
    for column in ("role", "name", "email", "password"):
        table.add_column(t(lang, f"demo.login.{column}"), no_wrap=True)
    for login in staff.logins.values():
        table.add_row(t(lang, f"demo.role.{login.role}"), login.name, login.email, login.password)
    console.print(table)
    console.print(t(lang, "demo.mail", folder=running.mail_of(folder)))


def _stop_command(folder: Path) -> str:
    if folder == Path.cwd() / ".demo" and (Path.cwd() / "Makefile").is_file():
        return "make demo-stop"
    return f"HUB_DATA_DIR={folder} volunteer-hub demo --stop"
