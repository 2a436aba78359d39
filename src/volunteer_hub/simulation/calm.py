"""The quiet weeks after a night: courses that people are put down for, and rewards for their points."""

from datetime import datetime, timedelta
from typing import Final

from volunteer_hub.simulation.installation import CITY
from volunteer_hub.simulation.story import Story

AREA: Final = "DQ-ST"
_SESSIONS: Final = (("first_aid", 7), ("cold", 14))  # course, days from now
_PLACES: Final = 6
_ENROLLED: Final = 8  # more than there are places: the others wait
_HOURS: Final = timedelta(hours=3)
_REWARDS: Final = (("bus", 20, 200), ("clinic", 60, 40))  # what, points, pieces


class Calm:
    """The scene of the weeks in which nothing happens."""

    def __init__(self, story: Story) -> None:
        self._story, self._desk = story, story.desk

    def play(self) -> None:
        """All of it; what an earlier night has left stays as it is."""
        self._story.scene("calm")
        self._courses()
        self._rewards()

    def _courses(self) -> None:
        if self._desk.get("/training/sessions")["items"]:
            return
        people = self._desk.get("/volunteers", area=AREA, status="active", limit=_ENROLLED)["items"]
        for course, days in _SESSIONS:
            starts = self._morning(days)
            session = self._desk.post(
                "/training/sessions",
                {
                    "area": AREA,
                    "course": course,
                    "place": self._story.words("calm.place"),
                    "starts_at": starts.isoformat(),
                    "ends_at": (starts + _HOURS).isoformat(),
                    "places": _PLACES,
                },
            )
            for person in people:
                self._desk.post(f"/training/sessions/{session['id']}/enrolments", {"volunteer": person["id"]})
        self._story.say("calm_courses", n=len(_SESSIONS), people=len(people), places=_PLACES)

    def _rewards(self) -> None:
        if self._desk.get("/rewards"):
            return
        for what, cost, stock in _REWARDS:
            title, sponsor = self._story.words(f"calm.{what}"), self._story.words(f"calm.{what}.sponsor")
            body = {"area": CITY, "title": title, "sponsor": sponsor, "cost": cost, "stock": stock}
            self._desk.post("/rewards", body)
        self._story.say("calm_rewards", n=len(_REWARDS))

    def _morning(self, days: int) -> datetime:
        day = self._story.now() + timedelta(days=days)
        return day.replace(hour=9, minute=0, second=0, microsecond=0)
