"""incident declare, plan, replan, mobilize, roll, close, report, replay, list: the main road, no browser."""

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import field
from volunteer_hub.boards import report as reports
from volunteer_hub.cli import acting
from volunteer_hub.core import db, document_html, document_pdf, document_text
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import ahead, plan_why, preview, proposing, report_table
from volunteer_hub.flows import close as closing
from volunteer_hub.flows import declare as declaring
from volunteer_hub.flows import mobilize as mobilizing
from volunteer_hub.flows import plan as planning
from volunteer_hub.flows import replan as replanning
from volunteer_hub.flows import replay as replaying
from volunteer_hub.flows.plan import Report
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.rules import IncidentSpec, Kind, Source, State
from volunteer_hub.mobilization import plans, proposals
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.rules import PlanState

incident = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Email = Annotated[str, typer.Option("--as", help="e-mail of the account that acts")]
Id = Annotated[uuid.UUID, typer.Argument(help="id of the incident, as `incident list` shows it")]
_LOOK_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 30
_REMEDIES: Final = 3  # of each gap


@incident.callback()
def _incident() -> None:
    """Declare, plan, mobilize and close an incident."""


@incident.command()
def declare(
    hazard: Annotated[str, typer.Argument(help="a hazard of config/hazards.toml, such as flood")],
    area: Annotated[str, typer.Option(help="official code of the area")],
    email: Email,
    title: Annotated[str | None, typer.Option(help="its name; the hazard's if not given")] = None,
    lat: Annotated[float | None, typer.Option(help="latitude, WGS-84; else the area's centre")] = None,
    lon: Annotated[float | None, typer.Option(help="longitude")] = None,
    level: Annotated[int | None, typer.Option(min=1, max=4, help="1 is the gravest")] = None,
    place: Annotated[str, typer.Option(help="where to go, in words")] = "",
    drill: Annotated[bool, typer.Option("--drill", help="a drill, not a real incident")] = False,
) -> None:
    """Declare an incident with the tasks of its hazard, and print its id."""
    with acting.ready(), db.transaction(acting.actor(email), "incident.declare") as tx:
        node = jurisdictions.by_code(tx, area)
        spec = IncidentSpec(
            area=node.path,
            hazard=hazard,
            lat=node.lat if lat is None else lat,
            lon=node.lon if lon is None else lon,
            title=title,
            level=level,
            kind=Kind.DRILL if drill else Kind.REAL,
            source=Source.CLI,
        )
        made = declaring.declare(tx, spec, place=place)
        found = str(made.public_id)
    typer.echo(found)


@incident.command()
def plan(
    id: Id,
    email: Email,
    approve: Annotated[bool, typer.Option("--approve", help="approve it when it is ready")] = False,
    reason: Annotated[str | None, typer.Option(help="why one person may approve alone")] = None,
    deadline: Annotated[float | None, typer.Option(min=0.01, help="seconds it may take")] = None,
    confidence: Annotated[
        float | None, typer.Option(min=0.01, max=0.999, help="how sure each minimum shall be, such as 0.95")
    ] = None,
) -> None:
    """Ask for a plan, wait for a worker to solve it, and tell what it says. Exit 1 when none comes."""
    with acting.ready():
        actor = acting.actor(email)
        with db.transaction(actor, "plan.request") as tx:
            made = planning.request_for(tx, id, deadline_seconds=deadline)
            plan_id, seconds = made.public_id, made.deadline_seconds
        report = _waited(actor, plan_id, seconds + _PATIENCE_SECONDS)
        _tell(report)
        if report.run.state is not PlanState.READY:
            raise typer.Exit(1)
        _tell_ahead(actor, plan_id, confidence)
        if approve:
            with db.transaction(actor, "plan.approve") as tx:
                planning.approve(tx, plan_id, reason, confidence)
            typer.echo(t(acting.language(), "cli.plan.approved"))


def _waited(actor: Actor, plan_id: uuid.UUID, patience: float) -> Report:
    lang = acting.language()
    ends = time.monotonic() + patience
    with acting.progress(t(lang, "cli.plan.waiting")) as bar:
        while True:
            with db.read(actor) as tx:
                report = planning.read(tx, plan_id, lang)
            over = time.monotonic() > ends
            if over or report.run.state not in (PlanState.REQUESTED, PlanState.RUNNING):
                return report
            bar.update(bar.task_ids[0], description=report.phase or t(lang, "cli.plan.waiting"))
            time.sleep(_LOOK_SECONDS)


def _tell(report: Report) -> None:
    lang = acting.language()
    run = report.run
    typer.echo(f"{run.public_id} {run.state.value}")
    if report.failure:
        typer.echo(report.failure, err=True)
    if run.state in (PlanState.REQUESTED, PlanState.RUNNING):
        typer.echo(t(lang, "cli.plan.no_worker"), err=True)
    if report.view is not None:
        typer.echo(" ".join(filter(None, (report.view.state, report.view.compared))))
        typer.echo(t(lang, "cli.plan.people", n=len(report.view.pairs)))
        for gap in report.view.gaps:
            typer.echo(f"  {gap.what} {gap.why}")
            for remedy in gap.remedies[:_REMEDIES]:
                typer.echo(f"    {remedy.what} {remedy.effect}")
        if report.view.tomorrow is not None:
            typer.echo(report.view.tomorrow.what)
            for line in report.view.tomorrow.worst:
                typer.echo(f"  {line}")


def _tell_ahead(actor: Actor, plan_id: uuid.UUID, confidence: float | None) -> None:
    """The funnel, and how many would be asked for which confidence."""
    lang = acting.language()
    with db.read(actor) as tx:
        run = plans.find(tx, "plan.read", plan_id)
        found = preview.before_sending(tx, run, confidence)
        steps = ahead.steps(run.result, found, lang)
        typer.echo(" > ".join(f"{one.label} {one.count}" for one in steps))
        for one in ahead.sizes(found, lang):
            typer.echo(f"  {one.said} {one.naive}".rstrip())
        if found.woken:
            typer.echo(t(lang, "funnel.woken", n=found.woken))
        if cost := ahead.cost(found, lang):
            typer.echo(cost)


@incident.command()
def replan(
    id: Id,
    email: Email,
    apply: Annotated[bool, typer.Option("--apply", help="approve it when it is ready, and send it")] = False,
    reason: Annotated[str | None, typer.Option(help="why one person may approve alone")] = None,
) -> None:
    """Ask for a re-plan of the plan in force, and tell who would change and why. Exit 1 when none comes."""
    lang = acting.language()
    with acting.ready():
        actor = acting.actor(email)
        with db.transaction(actor, "plan.request") as tx:
            made = replanning.request_for(tx, id, lang).plan
            plan_id, seconds = made.public_id, made.deadline_seconds
        report = _waited(actor, plan_id, seconds + _PATIENCE_SECONDS)
        if report.run.state is not PlanState.READY:
            _tell(report)
            raise typer.Exit(1)
        with db.read(actor) as tx:
            _tell_changes(replanning.read(tx, plan_id, lang))
        if apply:
            with db.transaction(actor, "plan.approve") as tx:
                run = planning.approve(tx, plan_id, reason)
                if run.state is PlanState.APPROVED:
                    mobilizing.send(tx, run)
                applied = run.applied_at is not None
            typer.echo(t(lang, "cli.replan.applied" if applied else "board.second.waiting"))


def _tell_changes(report: replanning.Report) -> None:
    typer.echo(f"{report.plan.public_id} {report.plan.state.value}")
    if report.difference is not None:
        typer.echo(report.difference.said)
        for one in report.difference.changes:
            before, after = (str(report.slots.get(slot or 0, "-")) for slot in (one.before, one.after))
            typer.echo(f"  {report.people[one.volunteer]}  {before} > {after}  {one.why}")


@incident.command(name="replan-rule")
def replan_rule(
    id: Id,
    email: Email,
    at_most: Annotated[int | None, typer.Option(min=1, max=1000, help="orders that may change")] = None,
    reason: Annotated[str | None, typer.Option(help="stands in for a second person, kept with it")] = None,
    off: Annotated[bool, typer.Option("--off", help="every re-plan waits for approval again")] = False,
) -> None:
    """Let re-plans that move nobody who has said yes be applied by themselves; tell the rule in force."""
    lang = acting.language()
    with acting.ready(), db.transaction(acting.actor(email), "plan.rule") as tx:
        row = queries.find(tx, "plan.approve", id)
        if off or at_most is not None:
            proposing.set_rule(tx, row, None if off else at_most, reason)
        rule = proposals.rule(tx, row.id)
        most = rule.most_changes if rule is not None else None
        said = t(lang, "cli.replan.rule", n=most) if most is not None else t(lang, "replan.rule.off")
    typer.echo(said)


@incident.command()
def why(
    plan: Annotated[uuid.UUID, typer.Argument(help="id of the plan, as `incident plan` tells it")],
    person: Annotated[uuid.UUID, typer.Argument(help="id of the volunteer")],
    email: Email,
) -> None:
    """Tell why somebody is in a plan or not, and what would have to be otherwise."""
    with acting.ready(), db.read(acting.actor(email)) as tx:
        told = plan_why.read(tx, plan, person, acting.language())
        typer.echo(told.person.said)
        for slot in told.person.slots:
            typer.echo(f"  {told.slots[slot.slot]}  {slot.why} {slot.would}".rstrip())


@incident.command()
def mobilize(
    id: Id,
    email: Email,
    answer_minutes: Annotated[int | None, typer.Option(min=1, help="minutes people have to answer")] = None,
) -> None:
    """Send the callout of the incident's approved plan."""
    with acting.ready(), db.transaction(acting.actor(email), "callout.send") as tx:
        row = queries.find(tx, "callout.send", id)
        approved: PlanRun | None = plans.latest(tx, row.id, (PlanState.APPROVED,))
        if approved is None:
            typer.echo(t(acting.language(), "error.plan.not_approved"), err=True)
            raise typer.Exit(1)
        callout = mobilizing.send(tx, approved, answer_minutes=answer_minutes)
        found = str(callout.public_id)
    typer.echo(found)


@incident.command()
def close(id: Id, email: Email) -> None:
    """Release everybody who is still there, close the incident, and ask them how it was."""
    with acting.ready(), db.transaction(acting.actor(email), "incident.close") as tx:
        row = queries.find(tx, "incident.close", id)
        if row.state in (State.MOBILIZING, State.ACTIVE):
            closing.demobilise(tx, row)
        asked = closing.close(tx, row)
        count = len(asked)
    typer.echo(t(acting.language(), "cli.incident.closed", n=count))


@incident.command()
def roll(id: Id, email: Email) -> None:
    """Tell who is where, whoever needs attention first, with telephones for those who may know them."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        view = field.people(tx, queries.find(tx, "duty.read", id))
        for line in view.lines:
            said = [t(lang, f"field.need.{need}") for need in line.needs]
            said.append(t(lang, f"field.place.{line.place}"))
            who = line.name or str(line.person)
            where = f"{pick(line.facts.role, lang)}, {pick(line.facts.title, lang)}"
            typer.echo("  ".join(filter(None, (who, line.phone, where, " · ".join(said)))))
        typer.echo(" · ".join(t(lang, f"field.count.{name}", n=n) for name, n in view.counts.items() if n))


@incident.command()
def report(id: Id, email: Email) -> None:
    """Print what people said after it, a drill too: rates, answers and themes, as a table with commas."""
    with acting.ready(), db.read(acting.actor(email)) as tx:
        found = reports.view(tx, queries.find(tx, "survey.read", id))
        table = report_table.as_csv(found, acting.language())
    typer.echo(table.removeprefix("\ufeff"), nl=False)


@incident.command()
def replay(
    id: Id,
    email: Email,
    out: Annotated[Path | None, typer.Option(help="a file to write: .html or .pdf")] = None,
) -> None:
    """Print the after-action replay, or write it to a file: the plan against what happened."""
    with acting.ready(), db.read(acting.actor(email)) as tx:
        found = replaying.document(replaying.read(tx, id), tx.now, acting.language())
    if out is None:
        typer.echo(document_text.lines(found))
    elif out.suffix == ".pdf":
        out.write_bytes(document_pdf.pdf(found))
    else:
        out.write_text(document_html.page(found), encoding="utf-8")


@incident.command(name="list")
def list_(
    email: Email,
    everything: Annotated[bool, typer.Option("--all", help="closed ones too")] = False,
) -> None:
    """List incidents of the account's areas, the newest first."""
    open_ones = [state for state in State if state not in (State.CLOSED, State.REVIEWED)]
    with acting.ready(), db.read(acting.actor(email)) as tx:
        after = None
        while rows := queries.incidents(tx, after=after, limit=100, states=None if everything else open_ones):
            for row in rows[:100]:
                moment: datetime = row.declared_at.astimezone(UTC)
                typer.echo(
                    f"{row.public_id}  {moment:%Y-%m-%d %H:%MZ}  {row.kind:<5}  {row.state:<13}  {row.title}"
                )
            if len(rows) <= 100:
                break
            after = rows[99].id
