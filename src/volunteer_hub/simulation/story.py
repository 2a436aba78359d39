"""What every scene needs: the words in the terminal, the pace of the clock, and waiting for the server."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.status import Status
from rich.table import Table
from rich.text import Text

from volunteer_hub.core import clock, db
from volunteer_hub.core.i18n import t
from volunteer_hub.simulation.crowd import Crowd
from volunteer_hub.simulation.desk import Broken, Desk
from volunteer_hub.simulation.installation import ZONE, Staff

_PATIENCE: Final = 600.0  # an installation's first plan compiles the engine: minutes, where a machine is slow
_LOOK: Final = 0.2
_ALL_KNOW: Final = 0.6  # every process looks at the clock four times a second


class Story:
    """The teller, at the coordinator's desk; ``crowd`` are the people who read the letters meanwhile."""

    def __init__(self, console: Console, address: str, staff: Staff, lang: str, crowd: Crowd) -> None:
        self.console, self.lang, self.staff, self.crowd = console, lang, staff, crowd
        self.system = Desk(address, lang, staff.token)
        self.desk, self.second = Desk(address, lang), Desk(address, lang)
        self.sign_in()

    def sign_in(self) -> None:
        """Opens the day at both desks; a session does not outlast a jump of the clock."""
        self.desk.sign_in(self.staff.logins["coordinator"])
        self.second.sign_in(self.staff.logins["second"])

    def name(self, role: str) -> str:
        """What somebody of the staff is called."""
        return self.staff.logins[role].name

    def words(self, key: str, **params: Any) -> str:
        """A text of the story."""
        return t(self.lang, f"demo.{key}", **params)

    def say(self, key: str, **params: Any) -> None:
        """A line with the hour."""
        hour = f"{self.now():%H:%M}"
        self.console.print(Text.assemble((hour, "bold"), "  ", self.words(f"story.{key}", **params)))

    def add(self, key: str, **params: Any) -> None:
        """A line that belongs to the last one."""
        self.console.print(Text(f"       {self.words(f'story.{key}', **params)}"))

    def scene(self, key: str, **params: Any) -> None:
        """A heading."""
        self.console.print()
        self.console.rule(self.words(f"scene.{key}", **params), align="left")

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table under its title; the first column is text, the others are figures."""
        shown = Table(title=title, title_justify="left")
        for number, column in enumerate(columns):
            shown.add_column(column, justify="right" if number else "left")
        for row in rows:
            shown.add_row(*row)
        self.console.print(shown)

    def busy(self) -> AbstractContextManager[Status]:
        """A line that changes while the server works."""
        return self.console.status("")

    def live(self, shown: Callable[[], RenderableType], over: Callable[[], bool]) -> None:
        """One picture that changes every second, until it is over."""
        with Live(shown(), console=self.console, auto_refresh=False) as live:
            while not over():
                time.sleep(1)
                self._nobody_failed()
                live.update(shown(), refresh=True)
        if not self.console.is_terminal:
            self.console.print()  # where nothing can be drawn over, rich leaves the line open

    def wait(self, what: str, done: Callable[[], Any]) -> Any:
        """What ``done`` gives once it gives something. Raises Broken when that takes too long, or when one of
        the people met an error of the server."""
        ends = time.monotonic() + _PATIENCE
        while time.monotonic() < ends:
            self._nobody_failed()
            if found := done():
                return found
            self.rest()
        raise Broken(self.words("waited", what=self.words(f"wait.{what}"), seconds=int(_PATIENCE)))

    def end(self) -> None:
        """The clock runs at its own pace again. Raises Broken when anything went wrong for anybody."""
        self.pace(1.0)
        self._nobody_failed()

    def _nobody_failed(self) -> None:
        failed = self.crowd.failed
        if failed:
            raise Broken(self.words("people_failed", n=len(failed), first=failed[0]))

    @staticmethod
    def rest() -> None:
        """A moment between two looks."""
        time.sleep(_LOOK)

    @staticmethod
    def now() -> datetime:
        """The hour on the city's clocks."""
        return clock.now().astimezone(ZONE)

    @staticmethod
    def pace(rate: float) -> None:
        """How fast time runs from here on."""
        db.move_clock(clock.now(), rate)

    @staticmethod
    def jump(moment: datetime, rate: float = 1.0) -> None:
        """Makes it that moment, never an earlier one, for every process."""
        db.move_clock(max(moment, clock.now()), rate)
        time.sleep(_ALL_KNOW)
