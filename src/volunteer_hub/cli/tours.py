"""tours: who visits what and when, from files alone."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from volunteer_hub.cli import acting
from volunteer_hub.cli.plan import File, refused
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import t
from volunteer_hub.engine.tours.problem import TourOptions
from volunteer_hub.flows import tour_files

tours = typer.Typer(add_completion=False, rich_markup_mode=None)
_SHOWN = 20


@tours.command()
def tours_(
    people: File,
    stops: File,
    out: Annotated[Path | None, typer.Option(help="the tours as .json")] = None,
    seed: int = 0,
    seconds: Annotated[float, typer.Option(min=0, help="to look for better tours")] = 10.0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Plan tours of many small stops from two tables (CSV or JSON); no service, no database."""
    lang = acting.language()
    try:
        files = tour_files.read(people, stops)
        answer = tour_files.answer(files, TourOptions(seed=seed, deadline_s=seconds, threads=threads), lang)
    except HubError as error:
        refused(error)
        raise typer.Exit(1) from None
    _tell(answer, lang)
    if out is not None:
        out.write_text(json.dumps(answer, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        typer.echo(t(lang, "cli.plan_files.written", file=out))


def _tell(answer: dict[str, Any], lang: str) -> None:
    for sentence in answer["words"]:
        typer.echo(sentence)
    for tour in answer["tours"][:_SHOWN]:
        stops = " → ".join(one["stop"] for one in tour["stops"])
        typer.echo("  " + t(lang, "cli.tours.tour", n=len(tour["stops"]), person=tour["person"], stops=stops))
    for one in answer["unserved"][:_SHOWN]:
        typer.echo("  " + t(lang, "cli.tours.unserved", **one))
    hidden = max(0, len(answer["tours"]) - _SHOWN) + max(0, len(answer["unserved"]) - _SHOWN)
    if hidden:
        typer.echo("  " + t(lang, "cli.plan_files.more", n=hidden))
