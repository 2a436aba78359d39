"""A town for stories: a running server, telephones and letter-boxes behind simulators, and the clock by hand.

What people and coordinators do goes through the server's doors; what the worker does again and again is done
by ``work``, every job once. Each story has a fortnight of its own, so that nobody was asked lately.
"""

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from sqlmodel import col, select

from tests import databases, people
from tests.flows.callouts import NOW
from tests.flows.post import PostOffice, post_office
from tests.server import Server, free_port
from tests.world import GATE, person
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.flows.planner import Planner
from volunteer_hub.jobs.table import JOBS
from volunteer_hub.simulation.desk import Desk
from volunteer_hub.simulation.gateway import Gateway
from volunteer_hub.simulation.installation import Login
from volunteer_hub.simulation.phones import Phone
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer

HELPERS: Final = 72
ADDRESSES: Final = [f"p{n}@example.org" for n in range(1, 1 + HELPERS)]
_MEI: Final = Login("coordinator", "Mei", "mei@example.org", people.PASSWORD)
_ALL_KNOW: Final = 0.3  # every process looks at the clock four times a second
_LETTER: Final = re.compile(r"Reply ([A-Z])1 yes")
_LINK: Final = re.compile(r"/c/([A-Za-z0-9_-]{22})")
_NEVER: Final = threading.Event()


@dataclass
class Town:
    """``desk`` is Mei's way to the API. Of three people one has a telephone and mail, one a telephone alone,
    one mail alone."""

    server: Server
    gateway: Gateway
    office: PostOffice
    planner: Planner
    desk: Desk
    began: datetime = NOW
    browsers: list[httpx2.Client] = field(default_factory=list)

    def morning(self) -> None:
        """Ten o'clock a fortnight later; telephones and letter-boxes are empty, Mei signs in."""
        self.began += timedelta(days=14)
        self.at(0)
        self.gateway.phones.clear()
        self.gateway.taken.clear()
        self.office.letters.clear()
        self.desk.sign_in(_MEI)

    def at(self, minutes: float) -> None:
        """So many minutes after the morning began, for every process."""
        db.move_clock(self.began + timedelta(minutes=minutes), 0.0)
        time.sleep(_ALL_KNOW)

    def work(self) -> None:
        """What a worker does, once, and what the gateway makes of it."""
        for job in JOBS:
            job.sweep()
        self.gateway.settle()

    def calls_out(self, *slots: dict[str, Any], hours: float = 4) -> str:
        """Mei declares an incident whose work begins in 90 minutes, lets it be planned, approves the plan and
        sends it; the callout's path."""
        starts = clock.now() + timedelta(minutes=90)
        task = {"title": "Sandbags", "place": "East gate", "lat": GATE[0], "lon": GATE[1], "priority": 1}
        task |= {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=hours)).isoformat()}
        wanted = {"area": "DQ-ST", "hazard": "flood", "tasks": [{**task, "slots": list(slots)}]}
        incident = self.desk.post("/incidents", wanted)["id"]
        plan = f"/plans/{self.desk.post(f'/incidents/{incident}/plans', {'seed': 1})['id']}"
        while self.planner.work_one(_NEVER):  # a re-plan that the program proposes may be before it
            continue
        assert self.desk.get(plan)["state"] == "ready"
        self.desk.post(f"{plan}/approve", {"reason": "The water is rising."})
        return f"/callouts/{self.desk.post(f'{plan}/callout')['id']}"

    def figures(self, callout: str) -> list[dict[str, Any]]:
        """What Mei is told of every slot."""
        return list(self.desk.get(callout)["slots"])

    def phones(self) -> list[tuple[int, Phone]]:
        """Everybody's telephone that anything was sent to, by their number."""
        return sorted((int(key[-8:]), phone) for key, phone in list(self.gateway.phones.items()))

    def phone(self, number: int) -> Phone:
        """Somebody's telephone, by their number."""
        return self.gateway.phones[f"+86139{number:08d}"]

    def page(self) -> httpx2.Client:
        """Somebody's browser, which comes from no other page than ours."""
        headers = {"origin": self.server.address, "accept-language": "en"}
        self.browsers.append(
            httpx2.Client(base_url=self.server.address, headers=headers, timeout=30, trust_env=False)
        )
        return self.browsers[-1]


def number(volunteer: str) -> int:
    """The number of somebody by the id that the API shows."""
    with db.read(SYSTEM) as tx:
        found = select(Volunteer.external_id).where(col(Volunteer.public_id) == uuid.UUID(volunteer))
        return int(str(tx.exec(found).one())[1:])


def letter(phone: Phone) -> str:
    """The letter under which the first question on a telephone may be answered."""
    found = next(filter(None, (_LETTER.search(text.body) for text in phone.inbox)))
    return found[1]


def link(text: str) -> str:
    """The token of the link in a text or letter."""
    found = _LINK.search(text)
    assert found is not None, text
    return found[1]


def at_once(deeds: Sequence[Callable[[], Any]]) -> list[Any]:
    """All of them at the same moment; what each came to."""
    gate = threading.Barrier(len(deeds))

    def one(deed: Callable[[], Any]) -> Any:
        gate.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [each.result() for each in [pool.submit(one, deed) for deed in deeds]]


@contextmanager
def opened(template: str, folder: Path) -> Iterator[Town]:
    """The town, from its empty database on."""
    port = free_port()
    with (
        databases.cloned(template) as database,
        pytest.MonkeyPatch.context() as environment,
        post_office(environment) as office,
        Gateway(f"http://127.0.0.1:{port}") as gateway,
        Planner() as planner,
    ):
        environment.setenv("HUB_SMS_URL", gateway.sms_url)
        environment.setenv("HUB_VOICE_URL", gateway.voice_url)
        environment.setenv("HUB_BASE_URL", gateway_base(port))
        settings.cache_clear()
        databases.use(database)
        db.follow_clock()
        db.move_clock(NOW, 0.0)
        _settle()
        try:
            with Server(database, folder, workers=0, port=port) as server:
                server.wait_until_ready()
                town = Town(server, gateway, office, planner, Desk(server.address, "en"))
                yield town
                for browser in town.browsers:
                    browser.close()
                town.desk.close()
        finally:
            clock.follow(lambda: None)
            settings.cache_clear()


def gateway_base(port: int) -> str:
    """Where the server answers."""
    return f"http://127.0.0.1:{port}"


def _settle() -> None:
    """Mei, and the people who may be called."""
    with db.transaction(SYSTEM, "test.people") as tx:
        people.mei(tx)
        for n in range(1, 1 + HELPERS):
            way: dict[str, object] = [{}, {"email": ""}, {"phone": ""}][n % 3]
            registry.register(tx, person(f"Helper {n}", n, **way))
