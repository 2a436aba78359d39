"""One night, told as it happens, through the public API and the pages only, as people and machines do."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from volunteer_hub.core import clock, db, policy
from volunteer_hub.core.i18n import t
from volunteer_hub.core.site import Site
from volunteer_hub.mobilization.policy import Answers
from volunteer_hub.simulation import alert, installation
from volunteer_hub.simulation.city import build_city
from volunteer_hub.simulation.crowd import Crowd
from volunteer_hub.simulation.desk import Broken, Desk
from volunteer_hub.simulation.installation import CITY, COMMUNITY, ZONE, Staff

__all__ = ["Broken", "Night", "play"]

ANSWERING: Final = 60.0  # while people answer, a second is a minute
TRAVELLING: Final = 300.0
TELLING: Final = 240.0
_PATIENCE: Final = 90.0
_LAST_ANSWERS: Final = timedelta(minutes=45)
_LAST_ARRIVALS: Final = timedelta(minutes=150)
_LAST_SURVEYS: Final = timedelta(minutes=90)
_COLUMNS: Final = ("asked", "accepted", "on_site", "standing_by", "declined", "waiting")
_GAPS_SHOWN: Final = 3


def play(console: Console, address: str, mail: Path, staff: Staff, lang: str) -> None:
    """The whole story, from the alert to the drill's result; afterwards the clock runs at its own pace.

    Raises Broken when the server does not do its part.
    """
    db.follow_clock()
    answers, site = policy.load("answers", Answers), policy.load("hub", Site)
    crowd = Crowd(
        mail,
        address,
        answers.delay,
        now=clock.now,
        night=lambda moment: site.night.covers(moment.astimezone(ZONE).time()),
    )
    with crowd:
        night = Night(console, address, staff, lang, crowd)
        night.alert()
        night.plan()
        night.approve()
        night.call()
        night.arrive()
        night.go_home()
        night.close()
    db.move_clock(clock.now())
    if crowd.failed:
        raise Broken(t(lang, "demo.people_failed", n=len(crowd.failed), first=crowd.failed[0]))


class Night:
    """The story's teller, at the desks of the coordinator, her colleague and the command system."""

    def __init__(self, console: Console, address: str, staff: Staff, lang: str, crowd: Crowd) -> None:
        self._console, self._lang, self._crowd, self._staff = console, lang, crowd, staff
        self._city = build_city(installation.SEED)
        self._system = Desk(address, lang, staff.token)
        self._desk = Desk(address, lang).sign_in(staff.logins["coordinator"])
        self._second = Desk(address, lang).sign_in(staff.logins["second"])
        self._roles: dict[str, str] = {}

    def alert(self) -> None:
        """An alert arrives; the coordinator makes it an incident."""
        here = self._city.node(COMMUNITY)
        names = {"en": here.name.en, "zh": here.name.zh}
        document = alert.flood(clock.now(), (here.lat, here.lon), names)
        received = self._system.post_xml("/alerts", document, area=CITY)["alert"]
        colour = t(self._lang, f"demo.colour.{received['colour']}")
        self._say("alert", place=names[self._lang], colour=colour)
        incident = self._desk.post(f"/alerts/{received['id']}/accept", {"area": COMMUNITY})
        self._incident = f"/incidents/{incident['id']}"
        self._tasks = self._desk.get(f"{self._incident}/tasks")["items"]
        self._say(
            "incident", name=self._name("coordinator"), title=incident["title"], level=incident["level"]
        )
        for task in self._tasks:
            slots = [self._slot(slot) for slot in task["slots"]]
            self._add("task", task=task["title"], slots=t(self._lang, "demo.and").join(slots))
            self._roles |= {slot["id"]: slot["name"] or task["title"] for slot in task["slots"]}

    def _slot(self, slot: Any) -> str:
        heads = {"low": slot["minimum"], "high": slot["maximum"], "role": slot["name"]}
        return t(self._lang, "demo.story.slot", **heads)

    def plan(self) -> None:
        """Who would go: asked of everybody in the city, solved, proven, told in words."""
        city = self._desk.get("/jurisdictions", kind="city")["items"][0]
        body = {"pool": city["id"], "seed": installation.SEED}
        self._plan = f"/plans/{self._desk.post(f'{self._incident}/plans', body)['id']}"
        with self._console.status("") as status:
            ready = self._wait("plan", lambda: self._solved(status))
        made = ready["result"]
        self._say("plan", state=made["state"], figures=made["figures"], seconds=f"{made['seconds']:.1f}")
        self._add("funnel", steps=" → ".join(f"{step['step']} {step['people']:,}" for step in made["funnel"]))
        if made["pairs"]:
            pair = max(made["pairs"], key=lambda pair: len(pair["why"]))
            self._add("pair", role=self._roles[pair["slot"]], km=f"{pair['km']:.1f}", why=pair["why"])
        for gap in made["gaps"][:_GAPS_SHOWN]:
            self._add("gap", role=self._roles[gap["slot"]], what=gap["what"], why=gap["why"])

    def _solved(self, status: Any) -> Any:
        plan = self._desk.get(self._plan)
        if plan["state"] == "failed":
            raise Broken(plan["failure"])
        if plan["progress"] and plan["progress"]["phase"]:
            status.update(t(self._lang, "demo.story.plan_phase", **plan["progress"]))
        return plan if plan["state"] == "ready" else None

    def approve(self) -> None:
        """It is night, so a second person approves."""
        first = self._desk.post(f"{self._plan}/approve")
        if first["second_needed"]:
            self._say("first", name=self._name("coordinator"))
            self._second.post(f"{self._plan}/approve")
            self._say("second", name=self._name("second"))

    def call(self) -> None:
        """The callout, and the answers as they come."""
        sent = self._desk.post(f"{self._plan}/callout")
        self._callout = f"/callouts/{sent['id']}"
        self._say("call", n=sum(slot["asked"] for slot in sent["slots"]))
        self._pace(ANSWERING)
        ends = clock.now() + _LAST_ANSWERS
        self._watch(
            lambda: clock.now() > ends or (self._crowd.did["asked"] > 0 and not self._crowd.waiting(ends))
        )
        self._say("answers", **self._counted("asked", "accept", "decline", "later", "withdraw"))

    def arrive(self) -> None:
        """People come and check in; whoever does not is missed after an hour."""
        self._say("arrivals")
        self._pace(TRAVELLING)
        ends = clock.now() + _LAST_ARRIVALS
        self._watch(lambda: clock.now() > ends or not self._crowd.coming())

    def go_home(self) -> None:
        """The clock is moved to the end of the first task; everybody checks out by their code."""
        over = min(datetime.fromisoformat(task["ends_at"]) for task in self._tasks)
        db.move_clock(max(over, clock.now()))
        self._say("over")
        self._crowd.go_home()
        self._say("home", **self._counted("check_in", "check_out"))

    def close(self) -> None:
        """Released, closed, and asked how it was."""
        released = self._desk.post(f"{self._incident}/release")
        closed = self._desk.post(f"{self._incident}/close")
        keys = ("stood_down", "released", "checked_out")
        self._say("released", **{key: released[key] for key in keys})
        self._say("closed", name=self._name("coordinator"), n=closed["surveys"])
        self._pace(TELLING)
        ends = clock.now() + _LAST_SURVEYS
        wanted = closed["surveys"]
        self._wait(
            "surveys",
            lambda: (
                clock.now() > ends
                or (self._crowd.did["surveyed"] >= wanted and not self._crowd.waiting(ends))
            ),
        )
        self._say("surveys", **self._counted("surveyed", "survey"))

    def _watch(self, over: Callable[[], bool]) -> None:
        """One table that changes every second, until it is over."""
        with Live(self._board(), console=self._console, auto_refresh=False) as live:
            while not over():
                time.sleep(1)
                live.update(self._board(), refresh=True)

    def _board(self) -> Table:
        shown = self._desk.get(self._callout)
        table = Table(title=self._t("table.title", time=f"{self._now():%H:%M}"), title_justify="left")
        table.add_column(self._t("table.role"))
        for column in ("needed", *_COLUMNS):
            table.add_column(self._t(f"table.{column}"), justify="right")
        for slot in shown["slots"]:
            figures = {**slot, "waiting": self._silent(slot)}
            enough = slot["filled"] >= slot["minimum"]
            table.add_row(
                self._roles.get(slot["slot"], slot["title"]),
                f"{slot['minimum']}-{slot['maximum']}",
                *(str(figures[column]) for column in _COLUMNS),
                style="green" if enough else "",
            )
        return table

    @staticmethod
    def _silent(slot: Any) -> int:
        answered = ("accepted", "on_site", "standing_by", "declined", "done", "no_show")
        return max(0, int(slot["asked"]) - sum(int(slot[name]) for name in answered))

    def _counted(self, *names: str) -> dict[str, int]:
        return {name: self._crowd.did[name] for name in names}

    def _name(self, role: str) -> str:
        return self._staff.logins[role].name

    def _now(self) -> datetime:
        return clock.now().astimezone(ZONE)

    def _pace(self, rate: float) -> None:
        db.move_clock(clock.now(), rate)

    def _t(self, key: str, **params: Any) -> str:
        return t(self._lang, f"demo.{key}", **params)

    def _say(self, key: str, **params: Any) -> None:
        self._console.print(
            Text.assemble((f"{self._now():%H:%M}", "bold"), "  ", self._t(f"story.{key}", **params))
        )

    def _add(self, key: str, **params: Any) -> None:
        """A line below the last one."""
        self._console.print(Text(f"       {self._t(f'story.{key}', **params)}"))

    def _wait(self, what: str, done: Callable[[], Any]) -> Any:
        ends = time.monotonic() + _PATIENCE
        while time.monotonic() < ends:
            if found := done():
                return found
            time.sleep(0.2)
        raise Broken(self._t("waited", what=self._t(f"wait.{what}"), seconds=int(_PATIENCE)))
