"""gift list, need, close, grant, decide: the desk of the time bank, without a browser."""

from typing import Annotated
from uuid import UUID

import typer

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import gifts as board
from volunteer_hub.boards.gifts import GiftLine
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import give
from volunteer_hub.incentives import gifts
from volunteer_hub.incentives.gifts_models import Gift

gift = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Email = Annotated[str, typer.Option("--as", help="e-mail of the account that acts")]
Need = Annotated[UUID, typer.Argument(help="id of the need, as `gift list` shows it")]


@gift.callback()
def _gift() -> None:
    """Points given to people in need and to funds."""


@gift.command("list")
def listed(email: Email) -> None:
    """Funds with their points, people in need, and gifts: what waits for a second look first."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        found = board.desk(tx)
        codes = jurisdictions.codes(tx, [fund.area for fund in found.funds])
    for fund in found.funds:
        typer.echo(f"{codes[fund.area]}  {t(lang, 'give.fund', area=pick(fund.name, lang))}  {fund.points}")
    for need in found.needs:
        name = need.person.name if need.person is not None else None
        typer.echo(f"{need.row.public_id}  {name or t(lang, 'pool.nameless')}  {need.row.words}")
    for line in found.gifts:
        typer.echo(_told(line, lang))


def _told(line: GiftLine, lang: str) -> str:
    """Who is not known by name is the fund, or somebody whom the reader may not see."""
    row, fund = line.row, t(lang, "give.fund", area=pick(line.area, lang))
    ids, people = (row.giver_id, row.receiver_id), (line.giver, line.receiver)
    giver, receiver = (
        fund if key is None else (person and person.name) or t(lang, "pool.nameless")
        for key, person in zip(ids, people, strict=True)
    )
    return f"{row.public_id}  {giver} > {receiver}  {row.points}  {_state(row, lang)}"


def _state(row: Gift, lang: str) -> str:
    return t(lang, f"gift.state.{row.state}")


@gift.command()
def need(
    volunteer: Annotated[UUID, typer.Argument(help="id of the person in need")],
    words: Annotated[str, typer.Option(help="for what; givers read it: no name, no address")],
    email: Email,
) -> None:
    """Name somebody as in need, and print the id of the need."""
    with acting.ready(), db.transaction(acting.actor(email), "need.open") as tx:
        typer.echo(give.name(tx, volunteer, words).public_id)


@gift.command()
def close(id: Need, email: Email) -> None:
    """Nothing more is given to them."""
    with acting.ready(), db.transaction(acting.actor(email), "need.close") as tx:
        gifts.close_need(tx, id)


@gift.command()
def grant(
    id: Need,
    points: Annotated[int, typer.Argument(min=1, help="how many")],
    fund: Annotated[str, typer.Option(help="official code of the area whose fund it is")],
    email: Email,
) -> None:
    """Grant points of a fund to somebody in need; they are told."""
    with acting.ready(), db.transaction(acting.actor(email), "gift.grant") as tx:
        row = give.grant(tx, id, points, jurisdictions.by_code(tx, fund).path)
        typer.echo(_state(row, acting.language()))


@gift.command()
def decide(
    id: Annotated[UUID, typer.Argument(help="id of the gift, as `gift list` shows it")],
    email: Email,
    refused: Annotated[
        str | None, typer.Option("--refused-because", help="why not; the giver reads it")
    ] = None,
) -> None:
    """Let a gift that waits go its way, or refuse it. Not your own."""
    with acting.ready(), db.transaction(acting.actor(email), "gift.decide") as tx:
        typer.echo(_state(give.decide(tx, id, refused), acting.language()))
