"""A made-up city in which something stands at every stage, for pictures: declared, planned, running, closed.

It is built by the same programs and roads as the demo, in a folder of its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from sqlmodel import select

from volunteer_hub import bootstrap
from volunteer_hub.access import sessions
from volunteer_hub.cli import running
from volunteer_hub.core import clock, db, embedded, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.core.site import Site
from volunteer_hub.mobilization.policy import Answers
from volunteer_hub.simulation import alert, installation
from volunteer_hub.simulation.city import build_city
from volunteer_hub.simulation.crowd import Crowd
from volunteer_hub.simulation.desk import Desk
from volunteer_hub.simulation.installation import CITY, COMMUNITY, FIRST_NIGHT, ZONE, Staff
from volunteer_hub.simulation.mailbox import letters
from volunteer_hub.volunteers.models import Volunteer

PEOPLE: Final = 8_000
_PATIENCE: Final = 180.0
_THERE: Final = 8
_LINK: Final = re.compile(r"/([cs])/([A-Za-z0-9_-]{22})\b")
_AFTERNOON: Final = FIRST_NIGHT.replace(hour=13)
_NIGHT: Final = FIRST_NIGHT + timedelta(hours=4, minutes=40)


@dataclass
class Stage:
    """Where everything stands. ``links`` are of people asked in the running callout, by the state of their
    offer; ``survey`` is a link not answered yet, ``me`` a session of somebody who has served."""

    address: str
    mail: Path
    staff: Staff
    paths: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    survey: str = ""
    me: str = ""


@contextmanager
def stage(folder: Path, lang: str) -> Iterator[Stage]:
    """Builds it in an empty folder and ends its processes afterwards. Raises Broken when the server fails."""
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        del os.environ[name]
    os.environ |= {"HUB_ENV": "demo", "HUB_DATA_DIR": str(folder), "HUB_LOG_LEVEL": "warning"}
    settings.cache_clear()
    bootstrap.start()
    try:
        db.move_clock(_AFTERNOON)
        at_work = running.start(folder, os.environ)
        installation.build(PEOPLE, lambda *_: None)
        staff = installation.staff(lang)
        running.wait_until_ready(at_work, folder)
        db.follow_clock()
        made = Stage(at_work.address, running.mail_of(folder), staff)
        _Director(made, lang).direct()
        yield made
    finally:
        running.stop(folder)
        embedded.stop(folder)


class _Director:
    """Brings every incident to where it shall stand, as the staff and the people would."""

    def __init__(self, made: Stage, lang: str) -> None:
        self._made, self._lang = made, lang
        self._system = Desk(made.address, lang, made.staff.token)
        self._desk, self._second = Desk(made.address, lang), Desk(made.address, lang)

    def direct(self) -> None:
        """All of it, in the order of a day and a night."""
        self._sign_in()
        with self._crowd() as crowd:
            self._closed(crowd)
        db.move_clock(_NIGHT)
        self._sign_in()
        self._made.paths["planned"] = self._declare("gas_leak", "DQ-ST-004")
        self._plan("planned")
        with self._crowd() as crowd:
            self._running(crowd)
        self._made.paths["declared"] = self._declare("missing_person", "DQ-ST-006")
        self._alert("DQ-ST-010")
        db.move_clock(clock.now())
        self._calm_times()
        self._people()

    def _sign_in(self) -> None:
        self._desk.sign_in(self._made.staff.logins["coordinator"])
        self._second.sign_in(self._made.staff.logins["second"])

    def _crowd(self) -> Crowd:
        answers, site = policy.load("answers", Answers), policy.load("hub", Site)
        return Crowd(
            self._made.mail,
            self._made.address,
            answers.delay,
            now=clock.now,
            night=lambda moment: site.night.covers(moment.astimezone(ZONE).time()),
        )

    def _declare(self, hazard: str, area: str, only: list[str] | None = None) -> str:
        body: dict[str, Any] = {"area": area, "hazard": hazard}
        made = self._desk.post("/incidents", body | ({"only": only} if only else {}))
        return f"/incidents/{made['id']}"

    def _alert(self, community: str) -> str:
        here = build_city(installation.SEED).node(community)
        names = {"en": here.name.en, "zh": here.name.zh}
        document = alert.blizzard(clock.now(), (here.lat, here.lon), names)
        return str(self._system.post_xml("/alerts", document, area=CITY)["alert"]["id"])

    def _plan(self, name: str) -> str:
        city = self._desk.get("/jurisdictions", kind="city")["items"][0]["id"]
        asked = self._desk.post(f"{self._made.paths[name]}/plans", {"pool": city, "seed": installation.SEED})
        plan = f"/plans/{asked['id']}"
        self._until(lambda: self._desk.get(plan)["state"] == "ready")
        self._made.paths[f"{name}-plan"] = plan
        return plan

    def _calm_times(self) -> None:
        """A session of a course two days ahead, with somebody on its list, and two rewards."""
        starts = (clock.now() + timedelta(days=2)).replace(hour=1, minute=0, second=0, microsecond=0)
        place, bus, tea = {
            "en": ("Xinfeng community hall, room 2", "Ten rides by bus", "A pot of tea"),
            "zh": ("新丰社区活动中心二楼", "公交乘车十次", "热茶一壶"),
        }[self._lang]
        session = {"area": CITY, "course": "first_aid", "place": place, "places": 12}
        session |= {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=3)).isoformat()}
        made = self._desk.post("/training/sessions", session)
        self._made.paths["session"] = f"/training/sessions/{made['id']}"
        for person in self._desk.get("/volunteers", status="active")["items"][:3]:
            enrolled = {"volunteer": person["id"]}
            self._desk.post(f"/training/sessions/{made['id']}/enrolments", enrolled)
        for title, cost, stock in ((bus, 20, 200), (tea, 5, 40)):
            self._desk.post("/rewards", {"area": CITY, "title": title, "cost": cost, "stock": stock})

    def _call(self, name: str) -> None:
        plan = self._plan(name)
        if self._desk.post(f"{plan}/approve")["second_needed"]:
            self._second.post(f"{plan}/approve")
        sent = self._desk.post(f"{plan}/callout")
        self._made.paths[f"{name}-callout"] = f"/callouts/{sent['id']}"

    def _closed(self, crowd: Crowd) -> None:
        self._made.paths["closed"] = self._declare("winter_power_cut", "DQ-ST-002")
        self._call("closed")
        self._let(180.0, timedelta(minutes=45), lambda: crowd.did["asked"] > 0 and not crowd.waiting())
        self._let(400.0, timedelta(minutes=120), lambda: not crowd.coming())
        tasks = self._desk.get(f"{self._made.paths['closed']}/tasks")["items"]
        db.move_clock(max(clock.now(), *(datetime.fromisoformat(task["ends_at"]) for task in tasks)))
        self._sign_in()
        crowd.go_home()
        self._desk.post(f"{self._made.paths['closed']}/release")
        surveys = self._desk.post(f"{self._made.paths['closed']}/close")["surveys"]
        self._let(300.0, timedelta(minutes=60), lambda: crowd.did["surveyed"] >= surveys)

    def _running(self, crowd: Crowd) -> None:
        alert = self._alert(COMMUNITY)
        incident = self._desk.post(f"/alerts/{alert}/accept", {"area": COMMUNITY})
        self._made.paths["running"] = f"/incidents/{incident['id']}"
        self._call("running")
        self._let(60.0, timedelta(minutes=20), lambda: False)
        self._let(200.0, timedelta(minutes=60), lambda: crowd.did["check_in"] > _THERE)

    def _let(self, rate: float, most: timedelta, over: Any) -> None:
        ends = clock.now() + most
        db.move_clock(clock.now(), rate)
        self._until(lambda: clock.now() > ends or over())
        db.move_clock(clock.now())

    @staticmethod
    def _until(done: Any) -> None:
        ends = monotonic() + _PATIENCE
        while not done():
            if monotonic() > ends:
                raise TimeoutError
            sleep(0.3)

    def _people(self) -> None:
        """Links out of the letters: one person for each state of the running callout, one survey."""
        desk = Desk(self._made.address, self._lang)
        served = ""
        for box in sorted(self._made.mail.iterdir()):
            for letter in letters(self._made.mail, box.name):
                found = _LINK.search(letter.text)
                if found is None:
                    continue
                kind, token = found.groups()
                if kind == "s":
                    served = letter.address
                    if desk.get(f"/surveys/link/{token}")["state"] == "open":
                        self._made.survey = f"/s/{token}"
                else:
                    self._made.links.setdefault(desk.get(f"/offers/link/{token}")["state"], f"/c/{token}")
        self._made.me = self._session(served)

    @staticmethod
    def _session(email: str) -> str:
        with db.transaction(SYSTEM, "screens.session") as tx:
            person = tx.scalars(select(Volunteer).where(Volunteer.email == email)).one()
            assert person.id is not None
            return sessions.open_for_volunteer(tx, person.id).token
