"""reward list, stock, hand-over, month: rewards at a counter without a browser, and who is recognised."""

from typing import Annotated
from uuid import UUID

import typer

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import recognition
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import redeem
from volunteer_hub.incentives import rewards

reward = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Email = Annotated[str, typer.Option("--as", help="e-mail of the account that acts")]
_READ = "points.read"


@reward.callback()
def _reward() -> None:
    """List and stock rewards, hand them over, name who is recognised."""


@reward.command("list")
def listed(email: Email) -> None:
    """The catalogue, the newest first: id, title, points, pieces left, and whether it can be had."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        for row in rewards.listed(tx):
            state = t(lang, "rewards.closed" if row.closed_at else "rewards.open")
            typer.echo(f"{row.public_id}  {row.title}  {row.cost}  {row.stock}  {state}")


@reward.command()
def stock(
    id: Annotated[UUID, typer.Argument(help="id of the reward, as `reward list` shows it")],
    pieces: Annotated[int, typer.Argument(help="how many there are now")],
    email: Email,
    closed: Annotated[bool, typer.Option(help="nobody can take one any more")] = False,
) -> None:
    """Say how many pieces there are."""
    with acting.ready(), db.transaction(acting.actor(email), "reward.stock") as tx:
        row = rewards.set_stock(tx, id, pieces, closed=closed)
        typer.echo(f"{row.title}  {row.stock}")


@reward.command("hand-over")
def hand_over(
    code: Annotated[str, typer.Argument(help="the code that its holder shows")], email: Email
) -> None:
    """Hand over what a code stands for, once."""
    with acting.ready(), db.transaction(acting.actor(email), "reward.hand_over") as tx:
        taken = redeem.hand_over(tx, code)
        typer.echo(f"{t(acting.language(), 'reward.state.handed_over')}: {taken.reward.title}")


@reward.command()
def month(
    area: Annotated[str, typer.Argument(help="official code of the area")],
    email: Email,
    of: Annotated[str, typer.Option(help="as 2031-01; the last full month without it")] = "",
) -> None:
    """Who is recognised in an area for a month: name, community, minutes given, minutes asked for."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        node = jurisdictions.by_code(tx, area)
        tx.actor.must_cover(_READ, node.path)
        found = recognition.view(tx, node.path, of)
        typer.echo(f"{pick(dict(node.name), lang)}  {found.first:%Y-%m}")
        for line in (*found.people, *found.communities):
            name = t(lang, "recognition.unnamed") if line.name is None else line.name
            shown = "  ".join(part for part in (name, pick(line.area, lang)) if part)
            typer.echo(f"{shown}  {line.given.minutes}  {line.given.asked}")
