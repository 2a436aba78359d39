"""answers refresh, show: what was learned of how people answer."""

from datetime import UTC
from typing import Annotated

import typer

from volunteer_hub.boards import calibration as board
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.i18n import t
from volunteer_hub.engine.answer_model.calibration import Calibration
from volunteer_hub.flows import calibrate
from volunteer_hub.mobilization import answers as store

answers = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@answers.callback()
def _answers() -> None:
    """How people answer: refresh what was learned, and show whether it was right."""


@answers.command()
def refresh(
    anew: Annotated[bool, typer.Option("--anew", help="fit everything anew, not only new callouts")] = False,
) -> None:
    """Let callouts that are over teach, now; a worker does it every minute by itself."""
    lang = acting.language()
    with acting.ready():
        typer.echo(t(lang, "answers.cli.added", n=calibrate.sweep()))
        if anew and calibrate.anew() is None:
            typer.echo(t(lang, "answers.cli.nothing"))
        with db.read(acting.actor(None)) as tx:
            _tell(tx, lang)


@answers.command()
def show(
    email: Annotated[str | None, typer.Option("--as", help="e-mail of the account that reads")] = None,
) -> None:
    """Tell the newest version, and how right the chances were by which people were asked."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        _tell(tx, lang)
        found = board.shown(tx)
        for which, one in (("assumed", found.assumed), ("said", found.said)):
            typer.echo(_line(t(lang, f"answers.which.{which}"), one, lang))


def _tell(tx: db.Tx, lang: str) -> None:
    version = store.latest(tx)
    if version is None:
        typer.echo(t(lang, "answers.empty"))
        return
    made = f"{version.made_at.astimezone(UTC):%Y-%m-%d %H:%MZ}"
    typer.echo(t(lang, "answers.version", when=made, n=version.asks, callouts=version.callouts))


def _line(which: str, one: Calibration, lang: str) -> str:
    if one.brier is None:
        return f"{which}: –"
    figures = {"brier": f"{one.brier:.3f}", "error": f"{one.error:.3f}"}
    return f"{which}: " + t(lang, "answers.cli.scores", n=round(one.asks), **figures)
