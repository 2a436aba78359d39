"""whatif ask, grid, show, stop, readiness: imagined callouts, and how ready communities are."""

import uuid
from typing import Annotated, Any

import typer

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import readiness as ready
from volunteer_hub.boards import whatif as board
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.drills import whatifs
from volunteer_hub.drills.whatif_models import WhatIfRun
from volunteer_hub.flows import whatif as flow
from volunteer_hub.flows import whatif_words as words

whatif = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="official code of the area")]
Email = Annotated[str | None, typer.Option("--as", help="e-mail of the account that acts; else the system")]
Id = Annotated[uuid.UUID, typer.Argument(help="id of the run")]
Hour = Annotated[int, typer.Option(min=0, max=13, help="2 x weekday + night: Monday's day is 0, its night 1")]


@whatif.callback()
def _whatif() -> None:
    """Play callouts that have not happened, and see how ready communities are. A worker does the playing."""


@whatif.command()
def ask(
    code: Code,
    hazard: Annotated[str, typer.Argument(help="code of config/hazards.toml")],
    hour: Hour = 0,
    draws: Annotated[int | None, typer.Option(min=1)] = None,
    email: Email = None,
) -> None:
    """Ask what would be if this happened there, at an hour of the week."""
    with acting.ready(), db.transaction(acting.actor(email), "whatif.request") as tx:
        _told(flow.request(tx, code, hazard, hour, draws))


@whatif.command()
def grid(code: Code, email: Email = None) -> None:
    """Ask for every hazard in every community of an area at every hour of the week."""
    with acting.ready(), db.transaction(acting.actor(email), "whatif.request") as tx:
        _told(flow.request_grid(tx, code))


def _told(run: WhatIfRun) -> None:
    typer.echo(t(acting.language(), "whatif.cli.asked", id=run.public_id, n=run.cells))


@whatif.command()
def show(id: Id, email: Email = None) -> None:
    """How far a run is, and what it came to."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        run = whatifs.find(tx, "drill.read", id)
        line, far = board.lines(tx, [run])[0], flow.progress(tx, [run])[run.id]
        typer.echo(f"{t(lang, f'whatif.state.{run.state}')}: {t(lang, 'whatif.far', n=far.percent)}")
        if line.cell is not None and line.cell.result is not None:
            _result(line.cell.hazard, line.cell.result, lang)
        for one in board.weakest(tx, run, 20) if line.cell is None else ():
            where = f"{pick(one.area.name, lang)}, {words.hour(one.cell.hour, lang)}"
            said = words.binding(one.cell.hazard, one.cell.result or {}, lang)
            typer.echo(f"{one.cell.sure or 0:.0%} {words.hazard(one.cell.hazard, lang)}, {where}: {said}")


def _result(hazard: str, result: dict[str, Any], lang: str) -> None:
    at, slots = result["minutes"].index(result["horizon"]), result["slots"]
    typer.echo(words.binding(hazard, result, lang))
    for slot in slots:
        low, middle, high = (band[at] for band in slot["bands"])
        role, sure = words.role(hazard, slot, lang), round(100 * slot["sure"][at])
        figures = {"asked": slot["asked"], "low": low, "middle": middle, "high": high, "sure": sure}
        typer.echo("  " + t(lang, "whatif.cli.slot", role=role, **figures))
    for fix in result["fixes"]:
        before, after = round(100 * slots[fix["slot"]]["sure"][at]), round(100 * fix["slot_sure"])
        told = {"fix": words.fix(fix, lang), "hours": round(fix["hours"])}
        typer.echo("  " + t(lang, "whatif.cli.fix", before=before, after=after, **told))


@whatif.command()
def stop(id: Id, email: Email = None) -> None:
    """Play no further cell of a run."""
    with acting.ready(), db.transaction(acting.actor(email), "whatif.stop") as tx:
        run = whatifs.stop(tx, whatifs.find(tx, "drill.write", id))
        typer.echo(t(acting.language(), f"whatif.state.{run.state}"))


@whatif.command()
def readiness(code: Code, skill: str = "general", hour: Hour = 1, email: Email = None) -> None:
    """How ready the communities of an area are, by the newest grid."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        found = ready.view(tx, jurisdictions.by_code(tx, code), skill, hour)
        for line in found.lines:
            area, step = pick(line.area.name, lang), t(lang, f"readiness.step.{line.step}")
            if not line.step:
                typer.echo(f"{area}: {step}")
                continue
            low, middle, high = line.bands[-1]
            parts = {name: getattr(line, name) for name in ("people", "reachable", "certified", "free")}
            bands = {"low": low, "middle": middle, "high": high, "minutes": found.minutes[-1]}
            typer.echo(t(lang, "whatif.cli.ready", area=area, step=step, **parts, **bands))
