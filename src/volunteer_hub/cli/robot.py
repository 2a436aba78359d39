"""robot add, list, remove: the chat robots of areas, which hear of callouts there."""

from typing import Annotated
from uuid import UUID

import typer

from volunteer_hub.access import jurisdictions
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.i18n import t
from volunteer_hub.notify import robots

robot = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Url = Annotated[
    str, typer.Option(prompt=True, hide_input=True, envvar="HUB_ROBOT_URL", help="dingtalk://...")
]


@robot.callback()
def _robot() -> None:
    """Add, list and remove chat robots. HUB_ROBOT_URL answers the question for its secret address."""


@robot.command()
def add(
    name: Annotated[str, typer.Argument(help="what the group is called")],
    area: Annotated[str, typer.Option(help="official code of the area whose callouts it hears of")],
    url: Url,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
) -> None:
    """Tell a group's robot of callouts in an area and below."""
    with acting.ready(), db.transaction(SYSTEM, "robot.add") as tx:
        path = jurisdictions.by_code(tx, area).path
        made = robots.add(tx, area=path, name=name, url=url, lang=lang)
    typer.echo(t(acting.language(), "cli.robot.added", name=made.name, id=made.public_id))


@robot.command("list")
def list_() -> None:
    """List the robots: id, area, language, name."""
    with acting.ready(), db.read(SYSTEM) as tx:
        for one in robots.listed(tx):
            code = jurisdictions.by_path(tx, one.area).code
            typer.echo(f"{one.public_id}  {code}  {one.lang}  {one.name}")


@robot.command()
def remove(id: Annotated[UUID, typer.Argument(help="as `robot list` shows it")]) -> None:
    """Take a robot away."""
    with acting.ready(), db.transaction(SYSTEM, "robot.remove") as tx:
        robots.remove(tx, id)
