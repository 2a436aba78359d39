"""callout show, watch, hold, resume, wave, widen, tell, stop: a running callout without a browser."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from volunteer_hub.boards import callout as board
from volunteer_hub.boards.callout import LiveCallout
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import course, mobilize, note, waves
from volunteer_hub.flows.course import Course
from volunteer_hub.flows.note import Audience, Who
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import callouts
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.notify import replies

callout = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Email = Annotated[str, typer.Option("--as", help="e-mail of the account that acts")]
_LOOK_SECONDS: Final = 1.0
_FIGURES: Final = ("asked", "accepted", "standing_by", "declined", "silent", "on_site")
Id = Annotated[uuid.UUID, typer.Argument(help="id of the callout, as `incident mobilize` prints it")]


@callout.callback()
def _callout() -> None:
    """Follow a callout, hold it, hurry it, widen it, stop it."""


@callout.command()
def show(id: Id, email: Email) -> None:
    """Tell how it is going: every role's forecast, every wave and why it went."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        row = callouts.find(tx, "callout.read", id)
        view, told = board.live(tx, row), course.told(tx, row, lang)
        typer.echo(f"{row.public_id} {t(lang, f'callout.state.{row.state.value}')}")
        for line in view.slots:
            key, figures = line.facts.slot.id, line.figures
            said = told.slots[key].said if key in told.slots else ""
            name = f"{pick(line.facts.title, lang)} · {pick(line.facts.role, lang)}"
            typer.echo(f"  {name}: {figures.filled}/{figures.minimum}-{figures.maximum}  {said}".rstrip())
        if told.rests_on:
            typer.echo(
                t(lang, "waves.forecast", time=f"{told.deadline.astimezone(UTC):%H:%MZ}", rests=told.rests_on)
            )
        for one in told.waves:
            number = t(lang, "waves.number", number=one.wave.number, n=one.wave.people)
            typer.echo(f"  {one.wave.decided_at.astimezone(UTC):%H:%MZ}  {number} {one.why}")
        if told.held_at is not None:
            typer.echo(t(lang, "waves.held.text"))
        if told.widening:
            typer.echo(told.widening)


@callout.command()
def watch(
    id: Id, email: Email, once: Annotated[bool, typer.Option("--once", help="print it once and end")] = False
) -> None:
    """Follow it in the terminal, each role's figures and forecast, until it ends or Ctrl-C."""
    console = Console(markup=False, emoji=False, highlight=False)  # titles are as written
    with acting.ready():
        who = acting.actor(email)
        table, live = _table(who, id)
        if once or not live:
            console.print(table)
            return
        with suppress(KeyboardInterrupt), Live(table, console=console, auto_refresh=False) as shown:
            while live:
                time.sleep(_LOOK_SECONDS)
                table, live = _table(who, id)
                shown.update(table, refresh=True)


def _table(who: Actor, id: uuid.UUID) -> tuple[Table, bool]:
    """The callout as it stands, and whether it still takes people."""
    lang = acting.language()
    with db.read(who) as tx:
        row = callouts.find(tx, "callout.read", id)
        view, told = board.live(tx, row), course.told(tx, row, lang)
        state, moment = t(lang, f"callout.state.{row.state.value}"), tx.now.astimezone(UTC)
        table = Table(title=f"{view.incident.title} · {state} · {moment:%H:%M:%SZ}", title_justify="left")
        table.add_column(t(lang, "cli.watch.role"))
        table.add_column(t(lang, "cli.watch.places"), justify="right")
        for name in _FIGURES:
            table.add_column(t(lang, f"cli.watch.{name}"), justify="right")
        table.add_column(t(lang, "cli.watch.forecast"))
        for line in view.slots:
            key, figures = line.facts.slot.id, line.figures
            table.add_row(
                f"{pick(line.facts.title, lang)} · {pick(line.facts.role, lang)}",
                f"{figures.filled}/{figures.minimum}-{figures.maximum}",
                *(str(getattr(figures, name)) for name in _FIGURES),
                told.slots[key].said if key in told.slots else "",
            )
        table.caption = "\n".join(_beside(tx, view, told, lang)) or None
    return table, view.live


def _beside(tx: Tx, view: LiveCallout, told: Course, lang: str) -> Iterator[str]:
    """What else waits for somebody: a hold, a change of place or time, texts that nobody understood."""
    if told.held_at is not None:
        yield t(lang, "waves.held.text")
    for line in view.lines_down:
        if line.until is None:
            channel = t(lang, f"board.channel.{line.channel}")
            since = f"{line.since.astimezone(UTC):%H:%M:%SZ}"
            yield t(lang, "callouts.line.down", channel=channel, time=since)
    if view.changed:
        yield t(lang, "callouts.became.changed", seen=view.acknowledged, n=view.changed)
    if unclear := replies.count_waiting(tx):
        yield t(lang, "unclear.count", n=unclear)


@callout.command()
def hold(id: Id, email: Email) -> None:
    """Let no further wave go out by itself."""
    _done(id, email, "callout.hold", waves.hold)


@callout.command()
def resume(id: Id, email: Email) -> None:
    """Let waves go out by the forecast again."""
    _done(id, email, "callout.resume", waves.resume)


@callout.command()
def wave(
    id: Id,
    email: Email,
    people: Annotated[int | None, typer.Option(min=1, help="for each role still short")] = None,
) -> None:
    """Send the next wave now: as many as it takes though nobody still silent answers."""
    asked = _done(id, email, "callout.wave", lambda tx, row: waves.send_now(tx, row, people))
    typer.echo(t(acting.language(), "cli.callout.asked", n=asked))


@callout.command()
def widen(id: Id, email: Email, km: Annotated[float, typer.Option(help="how far away, at most")]) -> None:
    """Look for people farther away; nobody is asked before a worker has planned it."""
    _done(id, email, "callout.widen", lambda tx, row: waves.widen(tx, row, km))


@callout.command()
def tell(
    id: Id,
    email: Email,
    words: Annotated[str, typer.Argument(help="what they read, REAL or DRILL first")],
    slot: Annotated[uuid.UUID | None, typer.Option(help="only those of one role, by its id")] = None,
    who: Annotated[Who, typer.Option(help="both: coming and on site")] = Who.BOTH,
    yes: Annotated[bool, typer.Option("--yes", help="send it without asking first")] = False,
) -> None:
    """Write to everybody who is coming or on site; says to how many, by what and at what price, and asks."""
    lang = acting.language()
    with acting.ready():
        actor = acting.actor(email)
        with db.read(actor) as tx:
            found = note.ahead(tx, _audience(tx, id, slot, who), words)
        ways = ", ".join(f"{t(lang, f'board.channel.{way}')} {n}" for way, n in found.by)
        price = f"{found.currency} {found.thousandths / 1000:.2f}"
        typer.echo(f"{t(lang, 'note.ahead.people', n=found.people)}: {ways}")
        typer.echo(t(lang, "note.ahead.cost", cost=price, n=found.parts))
        if found.unreachable:
            typer.echo(t(lang, "note.ahead.unreachable", n=found.unreachable))
        if found.behind_link:
            typer.echo(t(lang, "note.ahead.behind_link" if found.approved else "note.ahead.unapproved"))
        for text in found.read_as.values():
            typer.echo(f"  {text}")
        if not yes and not typer.confirm(t(lang, "note.send", n=found.people)):
            raise typer.Exit(1)
        with db.transaction(actor, "note.send") as tx:
            sent = note.send(tx, _audience(tx, id, slot, who), words).people
        typer.echo(t(lang, "note.sent", n=sent))


def _audience(tx: Tx, id: uuid.UUID, slot: uuid.UUID | None, who: Who) -> Audience:
    incident = tx.get_one(Incident, callouts.find(tx, note.TO_MANY, id).incident_id)
    return note.audience(tx, incident.public_id, id, slot, who)


@callout.command()
def stop(id: Id, email: Email) -> None:
    """Ask nobody more and stand down who stands by; who accepted comes."""
    _done(id, email, "callout.close", mobilize.close)


def _done(id: uuid.UUID, email: str, action: str, deed: Callable[[Tx, Callout], Any]) -> Any:
    with acting.ready(), db.transaction(acting.actor(email), action) as tx:
        return deed(tx, callouts.find(tx, "callout.send", id))
