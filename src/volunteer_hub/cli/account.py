"""account create, password, grant, list: the first accounts, before anybody can sign in to make others."""

from typing import Annotated

import typer

from volunteer_hub.access import accounts, jurisdictions
from volunteer_hub.access.models import Account
from volunteer_hub.access.rules import Role
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.i18n import pick, t

account = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Email = Annotated[str, typer.Argument(help="e-mail address, which is the name to sign in with")]
Area = Annotated[str, typer.Option(help="official code of the area")]
Password = Annotated[
    str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="HUB_NEW_PASSWORD")
]


@account.callback()
def _account() -> None:
    """Create accounts, set passwords, grant roles. HUB_NEW_PASSWORD answers the question for one."""


@account.command()
def create(
    email: Email,
    name: Annotated[str, typer.Option(help="the person's name")],
    area: Area,
    password: Password,
    role: Annotated[Role | None, typer.Option(help="a role in that area")] = None,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
) -> None:
    """Create an account kept in an area, with a role there if one is named."""
    with acting.ready(), db.transaction(SYSTEM, "account.create") as tx:
        path = jurisdictions.by_code(tx, area).path
        made = accounts.create(tx, area=path, email=email, name=name, lang=lang, password=password)
        if role is not None:
            accounts.grant(tx, made, role, path)
    typer.echo(t(acting.language(), "cli.account.created", email=made.email))


@account.command()
def password(email: Email, new: Password) -> None:
    """Set an account's password; its sessions end."""
    with acting.ready(), db.transaction(SYSTEM, "account.password") as tx:
        accounts.set_password(tx, _known(tx, email), new)
    typer.echo(t(acting.language(), "cli.account.password", email=email))


@account.command()
def grant(email: Email, role: Role, area: Area) -> None:
    """Give an account a role in an area and everything below it."""
    with acting.ready(), db.transaction(SYSTEM, "role.grant") as tx:
        accounts.grant(tx, _known(tx, email), role, jurisdictions.by_code(tx, area).path)
    typer.echo(t(acting.language(), "cli.account.granted", email=email, role=role.value, area=area))


@account.command(name="list")
def list_() -> None:
    """List accounts with their roles."""
    lang = acting.language()
    with acting.ready(), db.read(SYSTEM) as tx:
        after = 0
        while rows := accounts.listed(tx, after):
            grants = accounts.grants_of(tx, [row.id for row in rows])
            names = jurisdictions.names(tx, {grant.area for held in grants.values() for grant in held})
            for row in rows:
                roles = ", ".join(f"{held.role} {pick(names[held.area], lang)}" for held in grants[row.id])
                typer.echo(f"{row.email:<32} {row.state:<9} {row.name:<20} {roles}")
            after = rows[-1].id


def _known(tx: db.Tx, email: str) -> Account:
    found = accounts.by_email(tx, email)
    if found is None:
        typer.echo(t(acting.language(), "cli.no_account", email=email), err=True)
        raise typer.Exit(1)
    return found
