"""``volunteer-hub``: a command for every operation, loaded when it is called, so that --help is quick."""

import importlib
from typing import Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

# name: (module:attribute, one line of help). A test loads each.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "serve": ("volunteer_hub.cli.ops:serve", "Serve pages and API, with a worker beside them."),
    "work": ("volunteer_hub.cli.work:work", "Run one worker: the clock and the planner."),
    "demo": ("volunteer_hub.cli.demo:demo", "Build a made-up city, play one night, leave it running."),
    "import": ("volunteer_hub.cli.data:import_", "Import volunteers or foreign reports from a file."),
    "export": ("volunteer_hub.cli.data:export", "Export volunteers to CSV or XLSX."),
    "incident": ("volunteer_hub.cli.incident:incident", "Declare, plan, mobilize and close an incident."),
    "callout": ("volunteer_hub.cli.callout:callout", "Follow, hold, hurry, widen and stop a callout."),
    "drill": ("volunteer_hub.cli.drill:drill", "Make, preview, pause and hold drills; read their results."),
    "plan": ("volunteer_hub.cli.plan:plan", "Plan from files alone: people and slots in, plan out."),
    "tours": ("volunteer_hub.cli.tours:tours", "Plan tours of many small stops from files alone."),
    "account": ("volunteer_hub.cli.account:account", "Create accounts, set passwords, grant roles."),
    "action": ("volunteer_hub.cli.action:action", "Propose, list and close improvement actions."),
    "training": ("volunteer_hub.cli.training:training", "Courses, their sessions, and who comes."),
    "hours": ("volunteer_hub.cli.hours:hours", "Look at doubtful hours before they pay."),
    "reward": ("volunteer_hub.cli.reward:reward", "Stock rewards, hand them over; who is recognised."),
    "deduction": ("volunteer_hub.cli.deduction:deduction", "Points taken by hand, and appeals against it."),
    "gift": ("volunteer_hub.cli.gift:gift", "Points given to people in need: funds, needs, second looks."),
    "robot": ("volunteer_hub.cli.robot:robot", "Add, list and remove chat robots of areas."),
    "answers": ("volunteer_hub.cli.answers:answers", "How people answer: refresh what was learned, show it."),
    "calldown": (
        "volunteer_hub.cli.calldown:calldown",
        "Call-downs for a night without network.",
    ),
    "whatif": ("volunteer_hub.cli.whatif:whatif", "Play callouts that have not happened; readiness."),
    "certificate": (
        "volunteer_hub.cli.certificate:certificate",
        "Issue, check and withdraw certificates of service.",
    ),
    "promise": ("volunteer_hub.cli.promise:promise", "How soon the need was met, beside the phone tree."),
    "db": ("volunteer_hub.cli.database:db", "Upgrade, stop, back up and restore the database."),
    "push-key": ("volunteer_hub.cli.ops:push_key", "Show the public key of web push."),
    "doctor": ("volunteer_hub.cli.ops:doctor", "Check this installation and say what to mend."),
}


def load(name: str) -> TyperCommand | TyperGroup:
    """The command of a name, imported now."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    command = get_command(found)
    command.name = name
    return command  # type: ignore[return-value]  # typer declares its base, and gives one of these two


class _Lazy(TyperGroup):
    """Lists every command from the table, and imports only the one that is called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # typer's own Context
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | None:  # type: ignore[override]  # likewise
        del ctx
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(self, ctx, args):  # type: ignore[no-untyped-def]  # click's signature, which typer vendors
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in COMMANDS else command, rest


app = typer.Typer(cls=_Lazy, no_args_is_help=True, add_completion=False, help=__doc__, rich_markup_mode=None)


@app.callback()
def _root() -> None:
    """Volunteer Hub: a city's standing pool of volunteers, mobilized in minutes."""


def main() -> None:
    """The console script."""
    app()
