"""promise: how soon callouts went out and their need was met, beside the phone tree."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from volunteer_hub.boards import promise as board
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.drills.promise import Kept

promise = typer.Typer(add_completion=False, rich_markup_mode=None)
_FIGURES = ("callouts", "drills", "sent", "p50", "p90", "tree_p50", "tree_p90")


@promise.command()
def show(
    email: Annotated[str | None, typer.Option("--as", help="e-mail of the account that reads")] = None,
) -> None:
    """Show the public promise as it was kept over the last year, area by area."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        view = board.view(tx)
        typer.echo(t(lang, "promise_page.text", seconds=view.seconds))
        if not view.areas:
            typer.echo(t(lang, "promise_page.empty"))
            return
        table = Table(t(lang, "promise_page.area"))
        for figure in _FIGURES:
            table.add_column(t(lang, f"promise_page.{figure}", seconds=view.seconds), justify="right")
        for one in view.areas:
            table.add_row(pick(one.area.name, lang), *_cells(one.kept, one.drills, lang))
        if len(view.areas) > 1:
            drills = sum(one.drills for one in view.areas)
            table.add_row(t(lang, "promise_page.all"), *_cells(view.everywhere, drills, lang))
    Console().print(table)
    typer.echo(t(lang, "promise_page.tree"))


def _cells(kept: Kept, drills: int, lang: str) -> list[str]:
    """As text, minutes for how long it took."""
    sent = t(lang, "promise_page.of", n=kept.in_time, all=kept.sent)
    took = (kept.p50, kept.p90, kept.tree_p50, kept.tree_p90)
    never = t(lang, "promise_page.not_met")
    minutes = [never if one is None else t(lang, "ui.minutes", n=round(one)) for one in took]
    return [str(kept.callouts), str(drills), sent, *minutes]
