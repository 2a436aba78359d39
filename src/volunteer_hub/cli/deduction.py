"""deduction list, take, appeal, decide: points taken by hand, without a browser."""

from typing import Annotated
from uuid import UUID

import typer

from volunteer_hub.boards import deductions as board
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import deduct
from volunteer_hub.incentives.deductions_rules import Verdict

deduction = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Email = Annotated[str, typer.Option("--as", help="e-mail of the account that acts")]
Id = Annotated[UUID, typer.Argument(help="id of the deduction, as `deduction list` shows it")]
Reason = Annotated[str, typer.Option(help="the person reads it")]
_MOST = 200


@deduction.callback()
def _deduction() -> None:
    """Take points by hand, write down an appeal, decide on one."""


@deduction.command("list")
def listed(
    email: Email,
    others: Annotated[bool, typer.Option("--others", help="those without an appeal that waits")] = False,
) -> None:
    """Those whose appeal waits, the newest first: id, name, points, state, for what, and what was said."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        for line in board.listed(tx, appealed=not others, limit=_MOST)[:_MOST]:
            row, name = line.row, line.name or t(lang, "pool.nameless")
            state = t(lang, f"deduction.state.{row.state}")
            typer.echo(f"{row.public_id}  {name}  {row.points}  {state}  {pick(row.kind, lang)}")
            for said in filter(None, (row.reason, row.appeal, row.decision)):
                typer.echo(f"    {said}")


@deduction.command()
def take(
    volunteer: Annotated[UUID, typer.Argument(help="id of the volunteer")],
    points: Annotated[int, typer.Argument(min=1, help="how many are taken")],
    kind: Annotated[str, typer.Option(help="for what: a kind of rewards.toml, such as paid_twice")],
    reason: Reason,
    email: Email,
) -> None:
    """Take points; the person is told and may appeal."""
    with acting.ready(), db.transaction(acting.actor(email), "points.adjust") as tx:
        entry = deduct.adjust(tx, volunteer, -points, reason, kind)
        typer.echo(t(acting.language(), "points.balance", n=entry.points))


@deduction.command()
def appeal(
    id: Id, words: Annotated[str, typer.Option(help="what the person says against it")], email: Email
) -> None:
    """Write down the appeal of a person who cannot send it themselves."""
    with acting.ready(), db.transaction(acting.actor(email), "deduction.appeal") as tx:
        row = deduct.appeal_for(tx, id, words)
        typer.echo(t(acting.language(), f"deduction.state.{row.state}"))


@deduction.command()
def decide(
    id: Id,
    verdict: Annotated[Verdict, typer.Argument(help="what you make of the appeal")],
    reason: Reason,
    email: Email,
) -> None:
    """Give the points back or confirm; the person is told. Not what you took yourself, nor your own."""
    with acting.ready(), db.transaction(acting.actor(email), "deduction.decide") as tx:
        row = deduct.decide(tx, id, verdict, reason)
        typer.echo(t(acting.language(), f"deduction.state.{row.state}"))
