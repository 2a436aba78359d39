"""work: one worker. Apart from `serve`, whose own process needs nothing of what a worker loads."""

import typer

from volunteer_hub import worker
from volunteer_hub.cli.ops import ready

work = typer.Typer(add_completion=False, rich_markup_mode=None)


@work.command()
def _work() -> None:
    """Run one worker until stopped: sweeps what is due, solves what is asked. Any number may run."""
    ready()
    worker.main()
