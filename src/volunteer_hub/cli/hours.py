"""hours list, decide, recompute: doubtful hours and the ledger's rules without a browser."""

import uuid
from pathlib import Path
from typing import Annotated

import typer

from volunteer_hub.boards import hours as board
from volunteer_hub.boards import recompute as replay
from volunteer_hub.cli import acting
from volunteer_hub.core import db, policy
from volunteer_hub.core.i18n import pick, say, t
from volunteer_hub.flows import review as flow
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.review import Decision

hours = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Email = Annotated[str, typer.Option("--as", help="e-mail of the account that acts")]
_MOST = 200


@hours.callback()
def _hours() -> None:
    """Look at hours before they pay."""


@hours.command("list")
def listed(email: Email) -> None:
    """The hours that wait, the oldest first: id, name, minutes, grade, work, and what speaks against them."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        for line in board.waiting(tx, limit=_MOST):
            row, name = line.hours, line.line.name or t(lang, "pool.nameless")
            task = pick(line.line.facts.title, lang)
            typer.echo(f"{row.public_id}  {name}  {row.served_minutes}  {row.grade}  {task}")
            for doubt in line.doubts:
                typer.echo(f"    {say(lang, doubt)}")


@hours.command()
def decide(
    id: Annotated[uuid.UUID, typer.Argument(help="id of the hours, as `hours list` shows it")],
    decision: Annotated[Decision, typer.Argument(help="what you make of them")],
    email: Email,
    reason: Annotated[str, typer.Option(help="the person reads it")] = "",
    minutes: Annotated[int | None, typer.Option(help="the minutes that hold, with correct")] = None,
) -> None:
    """Accept, correct or refuse hours; the person is told."""
    with acting.ready(), db.transaction(acting.actor(email), "hours.decide") as tx:
        row = flow.decide(tx, id, decision, reason, minutes)
        typer.echo(t(acting.language(), f"hours.state.{row.state}"))


@hours.command()
def recompute(
    email: Email,
    rules: Annotated[Path | None, typer.Option(help="a rewards.toml to try, else the one in force")] = None,
) -> None:
    """Work the ledger out anew from the deeds, and print what would differ; nothing is changed."""
    lang, count, sum_of = acting.language(), 0, 0
    with acting.ready(), db.read(acting.actor(email)) as tx:
        tried = policy.read(rules or policy.path_of("rewards"), Rewards)
        for one in replay.differences(tx, tried):
            count, sum_of = count + 1, sum_of + one.would_be - one.entry.points
            kind, day = t(lang, f"points.kind.{one.entry.kind}"), f"{one.entry.at:%Y-%m-%d}"
            versions = f"{one.entry.rule_version} > {tried.version}"
            typer.echo(
                f"{one.entry.public_id}  {day}  {kind}  {one.entry.points} > {one.would_be}  ({versions})"
            )
    typer.echo(t(lang, "hours.recompute", n=count, points=sum_of))
