"""certificate issue, check, withdraw: papers that prove somebody's service."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from volunteer_hub.cli import acting
from volunteer_hub.core import db, document_pdf
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import certificate_document as words
from volunteer_hub.flows import certify
from volunteer_hub.incentives import certificates
from volunteer_hub.incentives.certificates_rules import Named, Shows

certificate = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])]


@certificate.callback()
def _certificate() -> None:
    """Issue, check and withdraw certificates of service."""


@certificate.command()
def issue(
    volunteer: Annotated[UUID, typer.Argument(help="id of the volunteer who asked for it")],
    begins: Day,
    ends: Day,
    out: Annotated[Path, typer.Option(help="the PDF to write")],
    named: Annotated[Named, typer.Option(help="how the page behind the code names them")] = Named.MASKED,
    hours: Annotated[bool, typer.Option("--hours", help="that page shows the hours in sum")] = False,
    duties: Annotated[bool, typer.Option("--duties", help="that page shows the duties one by one")] = False,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
    email: Annotated[str | None, typer.Option("--as", help="e-mail of the account that issues")] = None,
) -> None:
    """Issue the record of somebody's service between two days, as a PDF."""
    shows = Shows(named, hours, duties)
    with acting.ready():
        with db.transaction(acting.actor(email), "certificate.issue") as tx:
            made = certify.for_volunteer(tx, volunteer, begins.date(), ends.date(), shows)
            out.write_bytes(document_pdf.pdf(certify.document(tx, made, lang)))
        said = acting.language()
        facts = {"number": certificates.number(made), "address": words.address(made)}
        typer.echo(t(said, "cli.certificate.issued", **facts))
        typer.echo(t(said, "cli.certificate.written", path=out))


@certificate.command()
def check(code: Annotated[str, typer.Argument(help="the end of the address printed on it")]) -> None:
    """Say whether a certificate is genuine."""
    lang = acting.language()
    with acting.ready(), db.read(SYSTEM) as tx:
        found = certify.check(tx, code.rsplit("/", maxsplit=1)[-1])
        typer.echo(t(lang, f"certificate.check.{found.standing.value}"))
        typer.echo(f"{certificates.number(found.certificate)}  {found.digest}")


@certificate.command()
def withdraw(code: Annotated[str, typer.Argument(help="the end of the address printed on it")]) -> None:
    """Withdraw a certificate whose holder asks for it and cannot do it on their phone."""
    with acting.ready(), db.transaction(SYSTEM, "certificate.withdraw") as tx:
        gone = certificates.withdraw(tx, certificates.by_token(tx, code.rsplit("/", maxsplit=1)[-1]))
        typer.echo(t(acting.language(), "cli.certificate.withdrawn", number=certificates.number(gone)))
