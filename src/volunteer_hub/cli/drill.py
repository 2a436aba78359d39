"""drill list, propose, accept, make, next, results, run, pause, resume: drill plans without a browser."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from volunteer_hub.boards import drill_plans as board
from volunteer_hub.boards import drill_result
from volunteer_hub.boards.drill_plans import RunLine
from volunteer_hub.cli import acting
from volunteer_hub.core import db, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.drills import plans
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.record import By
from volunteer_hub.flows import drill as drills
from volunteer_hub.flows import drill_plans as flow
from volunteer_hub.flows import next_drill

drill = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Email = Annotated[str, typer.Option("--as", help="e-mail of the account that acts")]
Id = Annotated[uuid.UUID, typer.Argument(help="id of the plan, as `drill list` shows it")]
_MOST: Final = 500


@drill.callback()
def _drill() -> None:
    """Make, preview, pause, hold drills on a calendar, and read what they showed."""


@drill.command("list")
def list_(email: Email) -> None:
    """List the plans of the account's areas: id, state, next date, area, name."""
    with acting.ready(), db.read(acting.actor(email)) as tx:
        for line in board.listed(tx, limit=_MOST)[:_MOST]:
            plan = line.plan
            date = f"{plan.next_at:%Y-%m-%d %H:%M %Z}" if plan.next_at else "-"
            typer.echo(f"{plan.public_id}  {plan.state.value}  {date}  {line.area.code}  {plan.title}")


@drill.command()
def make(
    template: Annotated[str, typer.Argument(help="a template of config/drills.toml")],
    area: Annotated[str, typer.Option(help="official code of the area")],
    email: Email,
    rule: Annotated[str | None, typer.Option(help="cron or RRULE, else the template's")] = None,
    title: Annotated[str | None, typer.Option(help="its name, else the template's")] = None,
) -> None:
    """Make a plan from a template, and print its id."""
    with acting.ready(), db.transaction(acting.actor(email), "drill.create") as tx:
        known = policy.load("drills", Drills).templates
        if template not in known:
            raise NotFound("drill.template", name=template[:60], names=", ".join(sorted(known)))
        name = title or pick(known[template].name, acting.language())
        spec = plans.from_template(known[template], name, flow.zone_of(tx, area))
        made = flow.create(tx, area, plans.with_rule(spec, rule))
        found = str(made.public_id)
    typer.echo(found)


@drill.command()
def propose(email: Email) -> None:
    """Print which drills would teach most next: area, day or night, date, asks, and why."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        for one in next_drill.proposals(tx):
            date = f"{one.at:%Y-%m-%d %H:%M}"
            typer.echo(f"{one.area.code}  {one.when}  {date}  {one.asks}  {next_drill.reason(one, lang)}")


@drill.command()
def accept(
    area: Annotated[str, typer.Argument(help="official code of the area, as `drill propose` shows it")],
    email: Email,
    night: Annotated[bool, typer.Option("--night", help="the one at night, else by day")] = False,
) -> None:
    """Make the plan of a drill that is proposed, and print its id."""
    with acting.ready(), db.transaction(acting.actor(email), "drill.accept") as tx:
        typer.echo(next_drill.accept(tx, area, "night" if night else "day").public_id)


@drill.command("next")
def next_(id: Id, email: Email) -> None:
    """Print the next five dates, on the clocks of the plan's zone."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        plan = plans.find(tx, "drill.read", id)
        for one in flow.ahead(plan, tx.now):
            local = one.at.astimezone(plans.zone_of(plan))
            name = pick(one.blackout, lang) if one.blackout is not None else ""
            left_out = f"  {t(lang, 'drills.blackout', name=name)}" if name else ""
            typer.echo(f"{local:%Y-%m-%d %H:%M}{left_out}")


@drill.command()
def results(id: Id, email: Email) -> None:
    """Print what became of the plan's dates, the newest first."""
    with acting.ready(), db.read(acting.actor(email)) as tx:
        for line in board.runs(tx, plans.find(tx, "drill.read", id)):
            typer.echo(_told(line))


@drill.command()
def result(
    id: Id,
    run: Annotated[uuid.UUID, typer.Argument(help="id from `drill results`")],
    email: Email,
) -> None:
    """Print the record of one drill by community, skill, hour and channel."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        shown = drill_result.result(tx, id, run)
        typer.echo(_told(shown.line))
        for by in By:
            typer.echo(t(lang, f"drills.by.{by}"))
            for key, figures in shown.groups(by):
                node = shown.communities.get(key)
                name = pick(node.name, lang) if node is not None else key or t(lang, "drills.by.unreached")
                typer.echo(
                    f"  {name}: {figures.acknowledged} / {figures.notified}  {_shares(figures.shares())}"
                )


@drill.command()
def run(id: Id, email: Email) -> None:
    """Hold the drill now, outside its rule."""
    _do(id, email, "run_now", drills.run_now)


@drill.command()
def pause(id: Id, email: Email) -> None:
    """No drill is due until it is resumed."""
    _do(id, email, "pause", lambda tx, plan: plans.pause(tx, plan, plan.version))


@drill.command()
def resume(id: Id, email: Email) -> None:
    """Due again from now on."""
    _do(id, email, "resume", lambda tx, plan: plans.resume(tx, plan, plan.version))


def _do(id: uuid.UUID, email: str, name: str, deed: Callable[[Tx, DrillPlan], Any]) -> None:
    with acting.ready(), db.transaction(acting.actor(email), f"drill.{name}") as tx:
        typer.echo(deed(tx, plans.find(tx, "drill.write", id)).public_id)


def _told(line: RunLine) -> str:
    lang, run, figures = acting.language(), line.result.run, line.result.figures
    head = f"{run.public_id}  {run.occurrence:%Y-%m-%d %H:%M %Z}"
    if run.reason is not None:
        return f"{head}  {t(lang, f'drill.skipped.{run.reason}')}"
    if figures is None:
        return f"{head}  {t(lang, 'drills.running')}"
    counts = f"{figures.notified} > {figures.delivered} > {figures.acknowledged} > {figures.accepted}"
    return f"{head}  {counts}  {_shares(line.result.shares)}"


def _shares(shares: dict[int, int | None]) -> str:
    known = {minutes: share for minutes, share in shares.items() if share is not None}
    lang = acting.language()
    return ", ".join(f"{t(lang, 'drills.within', n=minutes)} {share} %" for minutes, share in known.items())
