"""What commands share: a ready installation, who acts, errors in words."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from volunteer_hub import bootstrap
from volunteer_hub.access import accounts
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.errors import FieldError, HubError
from volunteer_hub.core.i18n import t


def language() -> str:
    """As the terminal is set: Chinese for zh_CN and its like, else English."""
    told = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "zh" if told.lower().startswith("zh") else "en"


def words(error: HubError | FieldError) -> str:
    """What an error says to whoever typed the command."""
    return t(language(), f"error.{error.code}", **error.params)


@contextmanager
def ready() -> Iterator[None]:
    """Starts the installation, and tells errors in words: exit 2 for a broken start, 1 for a refusal."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # its greetings are for a server's log
    try:
        bootstrap.start()
        yield
    except (policy.PolicyError, bootstrap.NotReady, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    except HubError as error:
        typer.echo(words(error), err=True)
        for field in error.fields:
            typer.echo(f"  {field.where}: {words(field)}", err=True)
        raise typer.Exit(1) from None


def actor(email: str | None) -> Actor:
    """Who acts: the account of an address, or the installation itself."""
    if email is None:
        return SYSTEM
    with db.read(SYSTEM) as tx:
        account = accounts.by_email(tx, email)
        if account is None:
            typer.echo(t(language(), "cli.no_account", email=email), err=True)
            raise typer.Exit(1)
        return accounts.actor_for(tx, account)


@contextmanager
def progress(label: str) -> Iterator[Progress]:
    """A bar on the terminal, nothing in a pipe."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        bar.add_task(label, total=None)
        yield bar
