"""training courses, sessions, plan, list: courses and who comes, without a browser."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import newcomers
from volunteer_hub.boards import training as board
from volunteer_hub.boards.training_results import groups
from volunteer_hub.cli import acting
from volunteer_hub.core import db
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import train
from volunteer_hub.training import courses, sessions
from volunteer_hub.training.rules import SessionSpec

training = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Email = Annotated[str, typer.Option("--as", help="e-mail of the account that acts")]
_MOST = 200


@training.callback()
def _training() -> None:
    """Courses, their sessions, and who comes."""


@training.command("courses")
def listed_courses(email: Email) -> None:
    """Every course: code, skill and level that passing gives, name."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        for one in courses.for_staff(tx).values():
            gives = f"{one.course.skill}:{one.course.level}" if one.course.skill else "-"
            typer.echo(f"{one.code}  {gives}  {pick(one.name, lang)}")


@training.command("newcomers")
def listed_newcomers(email: Email) -> None:
    """Who is on their way in: id, step, days they wait there, name, mentor."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        for one in newcomers.listed(tx, limit=_MOST)[:_MOST]:
            row, mentor = one.person.row, one.mentor.name if one.mentor is not None else "-"
            step = t(lang, f"newcomer.step.{one.step}") if one.step is not None else "-"
            name = row.name or t(lang, "pool.nameless")
            typer.echo(f"{row.public_id}  {step}  {one.days(tx.now)}  {name}  {mentor}")


@training.command("sessions")
def listed_sessions(
    email: Email, past: Annotated[bool, typer.Option("--past", help="those that are over")] = False
) -> None:
    """The sessions ahead: id, start, places, waiting, state, course, place."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        for line in board.lines(tx, sessions.listed(tx, past=past, limit=_MOST)[:_MOST]):
            row = line.session
            starts = f"{row.starts_at.astimezone(ZoneInfo(line.area.zone)):%Y-%m-%d %H:%M}"
            state = t(lang, f"training.session.{row.state}")
            name = pick(line.offered.name, lang)
            typer.echo(
                f"{row.public_id}  {starts}  {row.taken}/{row.places}  +{line.waiting}  {state}  "
                f"{name}  {row.place}"
            )


@training.command()
def plan(
    course: Annotated[str, typer.Argument(help="code of the course, as `training courses` shows it")],
    area: Annotated[str, typer.Option(help="official code of the area whose people may come")],
    place: Annotated[str, typer.Option(help="where it is held")],
    starts: Annotated[datetime, typer.Option(formats=["%Y-%m-%dT%H:%M"], help="on the area's clocks")],
    ends: Annotated[datetime, typer.Option(formats=["%Y-%m-%dT%H:%M"], help="on the area's clocks")],
    email: Email,
    places: Annotated[int, typer.Option(help="how many may come")] = 20,
    trainer: Annotated[str, typer.Option(help="who holds it")] = "",
) -> None:
    """Plan a session, and print its id."""
    with acting.ready(), db.transaction(acting.actor(email), "training.plan") as tx:
        node = jurisdictions.by_code(tx, area)
        zone = ZoneInfo(node.zone)
        spec = SessionSpec(
            course, place, starts.replace(tzinfo=zone), ends.replace(tzinfo=zone), places, trainer
        )
        made = str(train.plan(tx, node.path, spec).public_id)
    typer.echo(made)


@training.command("results")
def results(
    email: Email,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="else a year ago")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="else today")] = None,
) -> None:
    """Results by course, community, level and age: what by, name, who took it, who passed."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        last = until.date() if until is not None else tx.now.date()
        first = since.date() if since is not None else last - timedelta(days=365)
        for one in groups(tx, first, last):
            typer.echo(f"{one.by}  {pick(one.name, lang)}  {one.taken}  {one.passed}")


@training.command("list")
def listed(
    id: Annotated[uuid.UUID, typer.Argument(help="id of the session, as `training sessions` shows it")],
    email: Email,
) -> None:
    """Who is on the list of a session, in the order they came: state, name, community."""
    lang = acting.language()
    with acting.ready(), db.read(acting.actor(email)) as tx:
        for one in board.listed(tx, sessions.find(tx, "training.read", id)):
            name = (one.person.row.name if one.person else None) or t(lang, "training.unnamed")
            home = pick(one.person.community_name, lang) if one.person else "-"
            typer.echo(f"{t(lang, f'training.enrolment.{one.row.state}')}  {name}  {home}")
