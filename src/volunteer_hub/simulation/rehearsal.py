"""A drill whose hour comes: planned through the API, held by the program itself as if it were real."""

from datetime import datetime, timedelta
from typing import Any, Final

from volunteer_hub.core import clock
from volunteer_hub.simulation.story import Story

AREA: Final = "DQ-ST"
RULE: Final = "FREQ=MONTHLY;BYDAY=2TU;BYHOUR=10;BYMINUTE=0"
ANSWER_MINUTES: Final = 60
ANSWERING: Final = 180.0
_WISHED: Final = 200  # people called; a share of a small district would be nobody
_TOLD: Final = ("asked", "accept", "decline", "later", "withdraw")
_BEFORE: Final = timedelta(seconds=2)
_AFTER: Final = timedelta(minutes=1)


class Rehearsal:
    """The scenes of a drill."""

    def __init__(self, story: Story) -> None:
        self._story, self._desk = story, story.desk

    def play(self) -> None:
        """All of it."""
        self._story.scene("drill")
        drill = self._planned()
        occurrence = datetime.fromisoformat(drill["next_at"])
        runs = f"/drills/{drill['id']}/runs"
        self._story.crowd.rest()
        self._story.jump(occurrence - _BEFORE)
        self._story.sign_in()
        self._story.say("drill_hour")
        before = self._story.crowd.did.copy()
        run = self._story.wait("drill", lambda: self._run(runs, occurrence))
        if run["incident"] is None:
            self._story.say("drill_skipped", reason=run["reason"])
            return
        self._answers(before)
        figures = self._result(runs, occurrence)
        if figures["notified"]:
            story = self._story
            story.wait("surveys", lambda: story.crowd.did["surveyed"] > before["surveyed"])

    def _planned(self) -> Any:
        """The plan of an earlier night, else a new one."""
        story = self._story
        for drill in self._desk.get("/drills")["items"]:
            if drill["rule"].startswith(RULE) and drill["area"]["code"] == AREA:
                story.say("drill_there", title=drill["title"])
                return drill
        people = self._desk.get("/volunteers/counts", area=AREA)
        callable_ = max(1, int(people["by_status"].get("active", 0)))
        share = min(100, max(5, round(100 * _WISHED / callable_)))
        plan = {
            "area": AREA,
            "title": story.words("drill.title"),
            "hazard": "blizzard",
            "rule": RULE,
            "kind": "reachability",
            "notice": "partial",
            "share_percent": share,
            "answer_minutes": ANSWER_MINUTES,
        }
        drill = self._desk.post("/drills", plan)
        first = datetime.fromisoformat(drill["next_at"]).astimezone(story.now().tzinfo)
        story.say(
            "drill_planned",
            name=story.name("coordinator"),
            title=drill["title"],
            share=share,
            when=f"{first:%Y-%m-%d %H:%M}",
        )
        return drill

    def _run(self, runs: str, occurrence: datetime) -> Any:
        for run in self._desk.get(runs)["items"]:
            if datetime.fromisoformat(run["occurrence"]) == occurrence:
                return run if run["incident"] or run["reason"] else None
        return None

    def _answers(self, before: Any) -> None:
        """The letters go out, the answers come in; whoever is silent costs nobody time."""
        story, crowd = self._story, self._story.crowd
        story.wait("drill", lambda: crowd.did["asked"] > before["asked"])
        story.say("drill_called")
        story.pace(ANSWERING)
        ends = clock.now() + timedelta(minutes=ANSWER_MINUTES)
        with story.busy() as status:
            while clock.now() < ends:
                did = {name: crowd.did[name] - before[name] for name in _TOLD}
                status.update(story.words("story.drill_answers", time=f"{story.now():%H:%M}", **did))
                story.rest()
        story.say("drill_over", **did)
        story.jump(ends + _AFTER)

    def _result(self, runs: str, occurrence: datetime) -> Any:
        story = self._story

        def recorded() -> Any:
            run = self._run(runs, occurrence)
            return run["figures"] if run else None

        figures = story.wait("drill_end", recorded)
        names = ("notified", "delivered", "acknowledged", "accepted")
        rows = [(story.words(f"drill.{name}"), str(figures[name])) for name in names]
        rows += [
            (story.words("drill.within", minutes=minutes), "–" if share is None else f"{share} %")
            for minutes, share in figures["shares"].items()
        ]
        story.table(story.words("drill.result"), (story.words("drill.title"), ""), rows)
        return figures
