"""plan: who goes where, from files alone."""

import csv
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from volunteer_hub.cli import acting
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.core.i18n import t
from volunteer_hub.engine.problem import Limits, Options, ProblemError
from volunteer_hub.flows import plan_files, roster_files

plan = typer.Typer(add_completion=False, rich_markup_mode=None)
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
_SHOWN = 20
_REMEDIES = 3  # of each gap


@plan.command()
def plan_(
    people: File,
    slots: File,
    travel: Annotated[
        Path | None, typer.Option(exists=True, help="travel times: zone, slot, minutes")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="the plan: .json whole, .csv who goes where")] = None,
    seed: Annotated[int, typer.Option(help="decides between equals")] = 0,
    deadline: Annotated[float, typer.Option(min=0, help="seconds")] = 60.0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    rest_hours: Annotated[float, typer.Option(min=0, help="between two duties")] = 11.0,
    hours_in_24: Annotated[float, typer.Option(min=0, help="of duty, at most")] = 12.0,
    detour: Annotated[float, typer.Option(min=1, max=10, help="road by straight line")] = 1.3,
    duties: Annotated[int, typer.Option(min=1, help="most of them per person")] = 1,
    why: Annotated[list[str] | None, typer.Option(help="id of a person: why not, and what it takes")] = None,
) -> None:
    """Plan who goes where from two tables (CSV or JSON), with proof and reasons; no service, no database."""
    lang = acting.language()
    limits = Limits(round(60 * rest_hours), round(60 * hours_in_24), detour)
    try:
        files = plan_files.read(people, slots, travel, limits)
        options = Options(seed=seed, deadline_s=deadline, threads=threads)
        if duties > 1 or roster_files.asked_for(files):
            if why:
                raise Malformed("plan_files.roster_why")
            answer = roster_files.answer(files, options, lang, duties)
        else:
            answer = plan_files.answer(files, options, lang, why or ())
    except (HubError, ProblemError) as error:
        refused(error)
        raise typer.Exit(1) from None
    _tell(answer, lang)
    if out is not None:
        _write(answer, out)
        typer.echo(t(lang, "cli.plan_files.written", file=out))


def refused(error: HubError | ProblemError) -> None:
    """Says what is wrong with the files, and where."""
    if isinstance(error, ProblemError):
        typer.echo(str(error), err=True)
        return
    typer.echo(acting.words(error), err=True)
    for field in error.fields:
        typer.echo(f"  {acting.words(field)}", err=True)


def _tell(answer: dict[str, Any], lang: str) -> None:
    for sentence in answer["words"]:
        typer.echo(sentence)
    _list(answer["pairs"], "pair", lang)
    _list(answer["gaps"], "gap", lang)
    for one in answer.get("about", ()):
        typer.echo(f"{one['person']}: {one['said']}")
        for slot in one["slots"][:_SHOWN]:
            typer.echo(f"  {slot['slot']}: {slot['why']} {slot['would']}".rstrip())


def _list(rows: list[dict[str, Any]], what: str, lang: str) -> None:
    for row in rows[:_SHOWN]:
        words = what if "why" in row else f"roster_{what}"  # a roster gives no reason for each person
        typer.echo("  " + t(lang, f"cli.plan_files.{words}", n=row.get("short", row.get("heads", 1)), **row))
        for remedy in row.get("remedies", ())[:_REMEDIES]:
            typer.echo(f"    {remedy['what']}")
    if len(rows) > _SHOWN:
        typer.echo("  " + t(lang, "cli.plan_files.more", n=len(rows) - _SHOWN))


def _write(answer: dict[str, Any], out: Path) -> None:
    if out.suffix.lower() != ".csv":
        out.write_text(json.dumps(answer, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        rows = [*answer.get("held", ()), *answer["pairs"]]
        table = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        table.writeheader()
        table.writerows(rows)
