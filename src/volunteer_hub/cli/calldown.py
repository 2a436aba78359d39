"""calldown write, open, passphrase: who knocks at whom when the network is down."""

from pathlib import Path
from typing import Annotated

import typer

from volunteer_hub.access import jurisdictions, muster
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import call_down as flow

calldown = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="official code of the community")]
Email = Annotated[str | None, typer.Option("--as", help="e-mail of the account that acts; else the system")]


@calldown.callback()
def _calldown() -> None:
    """Write and open call-downs by building. HUB_CALLDOWN_PASSPHRASE answers the question for one."""


@calldown.command()
def write(code: Code, email: Email = None) -> None:
    """Write a community's call-down now, and print where it lies; the worker does it every day by itself."""
    with acting.ready(), db.read(acting.actor(email)) as tx:
        typer.echo(str(flow.write(tx, jurisdictions.by_code(tx, code))))


@calldown.command(name="open")
def open_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    out: Annotated[Path, typer.Argument(dir_okay=False, help="HTML file to write, for printing")],
    passphrase: Annotated[str, typer.Option(prompt=True, hide_input=True, envvar="HUB_CALLDOWN_PASSPHRASE")],
    lang: Annotated[str, typer.Option(help="zh or en; as the terminal is set if not given")] = "",
) -> None:
    """Open a sealed file on any computer that has this program: it needs neither database nor network."""
    chosen = lang if lang in ("en", "zh") else acting.language()
    try:
        page = flow.opened(file.read_bytes(), passphrase, chosen)
    except HubError as error:
        typer.echo(acting.words(error), err=True)
        raise typer.Exit(1) from None
    out.write_text(page, encoding="utf-8")
    typer.echo(t(acting.language(), "calldown.cli.opened", file=str(out)))


@calldown.command()
def passphrase(
    code: Code,
    new: Annotated[
        str,
        typer.Option(
            prompt=True, hide_input=True, confirmation_prompt=True, envvar="HUB_CALLDOWN_PASSPHRASE"
        ),
    ],
    email: Email = None,
) -> None:
    """Set what opens the call-downs of an area and everything below it, from the next one on."""
    with acting.ready(), db.transaction(acting.actor(email), "calldown.passphrase") as tx:
        muster.set_passphrase(tx, jurisdictions.by_code(tx, code), new)
    typer.echo(t(acting.language(), "calldown.cli.set", code=code))
