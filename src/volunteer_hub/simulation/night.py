"""One night, told as it happens, through the public API and the pages only, as people and machines do."""

import datetime as dt
from datetime import datetime, timedelta
from typing import Any, Final

from rich.table import Table

from volunteer_hub.core import clock, policy
from volunteer_hub.core.i18n import pick
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.incidents.rules import level_name
from volunteer_hub.simulation import alert, installation
from volunteer_hub.simulation.city import build_city
from volunteer_hub.simulation.desk import Broken
from volunteer_hub.simulation.installation import CITY, COMMUNITY
from volunteer_hub.simulation.story import Story

ANSWERING: Final = 60.0  # while people answer, a second is a minute
TRAVELLING: Final = 600.0
TELLING: Final = 300.0
_LAST_ANSWERS: Final = timedelta(minutes=45)
_LAST_ARRIVALS: Final = timedelta(minutes=120)
_LAST_SURVEYS: Final = timedelta(minutes=90)
_COLUMNS: Final = ("asked", "accepted", "on_site", "standing_by", "declined", "waiting")
_ANSWERED: Final = ("accepted", "on_site", "standing_by", "declined", "done", "no_show")
_GAPS_SHOWN: Final = 3
_POINTS_SHOWN: Final = 3
_MOST_DUTIES: Final = 200  # a page of the API
_MORNING: Final = dt.time(7, 31)  # when the quiet hours of config/messages.toml are over


def _next(hour: dt.time) -> datetime:
    now = Story.now()
    today = datetime.combine(now.date(), hour, now.tzinfo)
    return today if today > now else today + timedelta(days=1)


class Night:
    """The scenes in their order; each leaves behind what the next one needs."""

    def __init__(self, story: Story) -> None:
        self._story, self._desk = story, story.desk
        self._roles: dict[str, str] = {}

    def play(self) -> None:
        """All of it."""
        self._story.scene("alert")
        self.alert()
        self._story.scene("plan")
        self.plan()
        self.approve()
        self._story.scene("callout")
        self.call()
        self.arrive()
        self._story.scene("close")
        self.go_home()
        self.close()
        self.points()

    def alert(self) -> None:
        """An alert arrives; the coordinator makes it an incident."""
        story, here = self._story, build_city(installation.SEED).node(COMMUNITY)
        names = {"en": here.name.en, "zh": here.name.zh}
        document = alert.blizzard(clock.now(), (here.lat, here.lon), names)
        received = story.system.post_xml("/alerts", document, area=CITY)["alert"]
        colour = story.words(f"colour.{received['colour']}")
        story.say("alert", place=names[story.lang], colour=colour)
        incident = self._desk.post(f"/alerts/{received['id']}/accept", {"area": COMMUNITY})
        self._incident = f"/incidents/{incident['id']}"
        self._tasks = self._desk.get(f"{self._incident}/tasks")["items"]
        level = level_name(incident["level"])
        story.say("incident", name=story.name("coordinator"), title=incident["title"], level=level)
        for task in self._tasks:
            slots = [
                story.words("story.slot", role=slot["name"], low=slot["minimum"], high=slot["maximum"])
                for slot in task["slots"]
            ]
            story.add("task", task=task["title"], slots=story.words("and").join(slots))
            self._roles |= {slot["id"]: slot["name"] or task["title"] for slot in task["slots"]}

    def plan(self) -> None:
        """Who would go: asked of everybody in the city, solved, and told in words."""
        story = self._story
        city = self._desk.get("/jurisdictions", kind="city")["items"][0]
        body = {"pool": city["id"], "seed": installation.SEED}
        self._plan = f"/plans/{self._desk.post(f'{self._incident}/plans', body)['id']}"
        with story.busy() as status:
            made = story.wait("plan", lambda: self._solved(status))["result"]
        story.say("plan", state=made["state"], figures=made["figures"], seconds=f"{made['seconds']:.1f}")
        story.add("funnel", steps=" → ".join(f"{step['step']} {step['people']:,}" for step in made["funnel"]))
        if made["pairs"]:
            pair = max(made["pairs"], key=lambda pair: len(pair["why"]))
            story.add("pair", role=self._roles[pair["slot"]], km=f"{pair['km']:.1f}", why=pair["why"])
        for gap in made["gaps"][:_GAPS_SHOWN]:
            story.add("gap", role=self._roles[gap["slot"]], what=gap["what"], why=gap["why"])

    def _solved(self, status: Any) -> Any:
        plan = self._desk.get(self._plan)
        if plan["state"] == "failed":
            raise Broken(plan["failure"])
        if plan["progress"] and plan["progress"]["phase"]:
            status.update(self._story.words("story.plan_phase", **plan["progress"]))
        return plan if plan["state"] == "ready" else None

    def approve(self) -> None:
        """It is night, so a second person approves."""
        if self._desk.post(f"{self._plan}/approve")["second_needed"]:
            self._story.say("first", name=self._story.name("coordinator"))
            self._story.second.post(f"{self._plan}/approve")
        self._story.say("second", name=self._story.name("second"))

    def call(self) -> None:
        """The callout, and the answers as they come."""
        story, crowd = self._story, self._story.crowd
        sent = self._desk.post(f"{self._plan}/callout")
        self._callout = f"/callouts/{sent['id']}"
        story.say("call", n=sum(slot["asked"] for slot in sent["slots"]))
        story.pace(ANSWERING)
        ends = clock.now() + _LAST_ANSWERS
        story.live(
            self._board, lambda: clock.now() > ends or (crowd.did["asked"] > 0 and not crowd.waiting(ends))
        )
        story.say("answers", **self._did("asked", "accept", "decline", "later", "withdraw"))

    def arrive(self) -> None:
        """People come and check in."""
        self._story.say("arrivals")
        self._story.pace(TRAVELLING)
        ends = clock.now() + _LAST_ARRIVALS
        self._story.live(self._board, lambda: clock.now() > ends or not self._story.crowd.coming())

    def go_home(self) -> None:
        """The clock is moved to the end of the work; everybody checks out by their code."""
        self._story.jump(min(datetime.fromisoformat(task["ends_at"]) for task in self._tasks))
        self._story.say("over")
        self._story.crowd.go_home()
        self._story.say("home", **self._did("check_in", "check_out"))

    def close(self) -> None:
        """Released, closed, and asked how it was."""
        story = self._story
        released = self._desk.post(f"{self._incident}/release")
        closed = self._desk.post(f"{self._incident}/close")
        story.say("released", **{key: released[key] for key in ("stood_down", "released", "checked_out")})
        story.say("closed", name=story.name("coordinator"), n=closed["surveys"])
        story.jump(_next(_MORNING))
        story.say("morning")
        story.wait("surveys", lambda: story.crowd.did["surveyed"] >= closed["surveys"])
        story.pace(TELLING)
        ends = clock.now() + _LAST_SURVEYS
        story.wait("surveys", lambda: clock.now() > ends or not story.crowd.waiting(ends))
        story.say("surveys", **self._did("surveyed", "survey"))
        results = self._desk.get(f"{self._incident}/surveys/volunteer")
        if results["answered"]:
            self._tallies(results)

    def _tallies(self, results: Any) -> None:
        story = self._story
        form = policy.load("surveys", Surveys).surveys["volunteer"]
        questions = {question.code: question for question in form.questions}
        rows = []
        for tally in results["tallies"]:
            question = questions[tally["code"]]
            names = {choice.code: pick(choice.name, story.lang) for choice in question.choices}
            said = story.words("and").join(
                f"{names.get(code, code)} {count}" for code, count in tally["counts"].items() if count
            )
            mean = f"{tally['mean']:.1f}" if tally["mean"] is not None else str(tally["answered"])
            rows.append((pick(question.text, story.lang), said or str(tally["words"]), mean))
        columns = [story.words(f"table.{column}") for column in ("question", "said", "mean")]
        story.table(story.words("table.survey"), columns, rows)

    def points(self) -> None:
        """What it has earned, and why."""
        story = self._story
        incident = self._incident.rpartition("/")[2]
        duties = self._desk.get("/duties", incident=incident, state="done", limit=_MOST_DUTIES)["items"]
        for duty in sorted(duties, key=lambda duty: -duty["minutes"])[:_POINTS_SHOWN]:
            own = self._desk.get(f"/volunteers/{duty['volunteer']}/points", limit=2)
            story.say("points", name=duty["name"], minutes=duty["minutes"], balance=own["balance"])
            for entry in own["items"]:
                story.add("why_points", points=entry["points"], why=" ".join(entry["why"]))
        whole = self._desk.get("/points")
        story.say("all_points", people=whole["people"], points=whole["points"])

    def _board(self) -> Table:
        story, shown = self._story, self._desk.get(self._callout)
        table = Table(title=story.words("table.title", time=f"{story.now():%H:%M}"), title_justify="left")
        table.add_column(story.words("table.role"))
        for column in ("needed", *_COLUMNS):
            table.add_column(story.words(f"table.{column}"), justify="right")
        for slot in shown["slots"]:
            waiting = slot["asked"] - sum(slot[name] for name in _ANSWERED)
            figures = {**slot, "waiting": max(0, waiting)}
            table.add_row(
                self._roles.get(slot["slot"], slot["title"]),
                f"{slot['minimum']}-{slot['maximum']}",
                *(str(figures[column]) for column in _COLUMNS),
                style="green" if slot["filled"] >= slot["minimum"] else "",
            )
        return table

    def _did(self, *names: str) -> dict[str, int]:
        return {name: self._story.crowd.did[name] for name in names}
