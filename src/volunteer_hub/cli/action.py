"""action list, add, take, close: improvement actions without a browser."""

import uuid
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import actions as board
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.i18n import t
from volunteer_hub.feedback import actions_queries as queries
from volunteer_hub.feedback.actions_queries import Wanted
from volunteer_hub.feedback.actions_rules import PENDING, Evidence, Priority, Source
from volunteer_hub.flows import improve
from volunteer_hub.flows.findings import Found

action = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Email = Annotated[str, typer.Option("--as", help="e-mail of the account that acts")]
Id = Annotated[uuid.UUID, typer.Argument(help="id of the action, as `action list` shows it")]
_MOST = 200


@action.callback()
def _action() -> None:
    """Propose, list and close improvement actions."""


@action.command("list")
def listed(
    email: Email,
    ended: Annotated[bool, typer.Option("--all", help="those done and ended too")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="only those past their due date")] = False,
) -> None:
    """What is not done yet, the overdue first: id, state, due date, owner, title."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        wanted = Wanted(states=() if ended else PENDING, overdue=overdue)
        for line in board.lines(tx, queries.listed(tx, wanted, limit=_MOST)):
            row = line.action
            state = t(lang, "actions.overdue" if line.overdue else f"action.state.{row.state}")
            zone = ZoneInfo(line.area.zone)
            due = f"{row.due_at.astimezone(zone):%Y-%m-%d}" if row.due_at is not None else "-"
            owner = line.owner.name if line.owner is not None else t(lang, "actions.nobody")
            typer.echo(f"{row.public_id}  {state}  {due}  {owner}  {row.title}")


@action.command()
def add(
    title: Annotated[str, typer.Argument(help="the change in a few words")],
    words: Annotated[str, typer.Option(help="what is to be changed")],
    finding: Annotated[str, typer.Option(help="what was found")],
    area: Annotated[str, typer.Option(help="official code of the area")],
    email: Email,
    priority: Annotated[Priority, typer.Option(help="how soon it is wanted")] = Priority.NORMAL,
) -> None:
    """Propose one, and print its id."""
    with acting.ready(), db.transaction(acting.actor(email), "action.propose") as tx:
        found = Found(Source.AFTER_ACTION, finding, area=jurisdictions.by_code(tx, area).path)
        made = str(improve.propose(tx, found, title, words, priority).public_id)
    typer.echo(made)


@action.command()
def take(
    id: Id,
    email: Email,
    due: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the last day, else by priority")
    ] = None,
) -> None:
    """Take it up yourself."""
    with acting.ready(), db.transaction(acting.actor(email), "action.take_up") as tx:
        row = queries.find(tx, "action.write", id)
        improve.take_up(tx, row, row.version, due_on=due.date() if due is not None else None)
        typer.echo(t(acting.language(), f"action.state.{row.state}"))


@action.command()
def close(
    id: Id,
    email: Email,
    evidence: Annotated[str, typer.Option(help="what was done")],
    reference: Annotated[str, typer.Option(help="a link, or the name and place of a file")],
    changed: Annotated[str, typer.Option(help="what those who raised it are told")],
) -> None:
    """Close it with evidence; whoever raised it is told, or the bound drill tests it first."""
    with acting.ready(), db.transaction(acting.actor(email), "action.close") as tx:
        row = queries.find(tx, "action.write", id)
        improve.close(tx, row, row.version, Evidence(evidence, reference, changed))
        typer.echo(t(acting.language(), f"action.state.{row.state}"))
