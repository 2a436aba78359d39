"""A callout answered by many at once while processes are killed: built, answered, and held to its promises.

Every offer's person says yes by link; whoever gets a place checks in, and later out; some take the yes back.
Each deed is repeated under its Idempotency-Key until it is acknowledged, and a third of them once more.
"""

import csv
import io
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
from sqlmodel import col, select, text

from tests import people
from tests.flows.callouts import NOW, approved, planned
from tests.server import Server
from tests.world import GATE, World, person
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import exchange, mobilize
from volunteer_hub.incidents import declaring, queries
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import IncidentSpec, Node, SlotSpec, TaskSpec
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.models import Offer, PlanRun
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.policy import Skills

CLIENTS = 8
SLOTS = 10
PATIENCE_SECONDS = 90.0
ON_SITE = timedelta(hours=3)


def call_out(count: int) -> list[str]:
    """A callout of ``count`` offers in the database of settings, on a moved clock; the tokens of its links.

    Places for a third of them; one person in four is asked for two tasks at the same hours.
    """
    db.follow_clock()
    db.move_clock(NOW)
    with transaction(SYSTEM, "test.people") as tx:
        mei = people.mei(tx)
        _register(tx, count * 4 // 5)
        crowd = list(tx.exec(select(Volunteer).order_by(col(Volunteer.id))))
        tx.expunge_all()
    with transaction(mei, "incident.declare") as tx:
        incident = declaring.declare(
            tx,
            policy.load("hazards", Hazards),
            IncidentSpec(area="/1/2/", hazard="flood", lat=GATE[0], lon=GATE[1], title="The great flood"),
            node=Node("/1/2/", "district"),
            skills=policy.load("skills", Skills).skills,
            tasks_wanted=[_task(tx, f"Dyke {n}", count) for n in (1, 2)],
        )
        first, second = ([slot.slot.id for slot in task.slots] for task in queries.whole(tx, incident).tasks)
    w = World(mei, incident, (*first, *second), crowd[0], crowd[0], tuple(crowd))
    pairs = [(first[n % SLOTS], one) for n, one in enumerate(crowd)]
    pairs += [(second[n % SLOTS], one) for n, one in enumerate(crowd[: count - len(crowd)])]
    with transaction(SYSTEM, "test.plan") as tx:
        plan = planned(tx, w, pairs)
    approved(w, plan)
    with transaction(mei, "callout.send") as tx:
        callout = mobilize.send(tx, tx.get_one(PlanRun, plan.id))
    with db.read(SYSTEM) as tx:
        asked = tx.exec(select(Offer.public_id).where(col(Offer.callout_id) == callout.id)).all()
    return [offers.link_token(public_id) for public_id in asked]


def _register(tx: Tx, count: int) -> None:
    rows = [person(f"Helper {n}", n) for n in range(count)]
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    exchange.take_in(tx, io.BytesIO(file.getvalue().encode()))


def _task(tx: Tx, title: str, count: int) -> TaskSpec:
    places = max(1, count // 6 // SLOTS)
    return TaskSpec(
        title=title,
        place="East gate",
        lat=GATE[0],
        lon=GATE[1],
        starts_at=tx.now + timedelta(hours=1),
        ends_at=tx.now + timedelta(hours=8),
        slots=tuple(SlotSpec(minimum=1, target=places, maximum=places) for _ in range(SLOTS)),
    )


@dataclass
class Storm:
    """The clients. ``acknowledged``: (deed, token) -> the answer as it was told to the client."""

    server: Server
    tokens: Sequence[str]
    seed: int = 1
    acknowledged: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    other_answers: list[str] = field(default_factory=list)
    _done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, kills: int) -> None:
        """Everybody says yes; with a place they check in, one in ten takes it back instead."""
        self._all(self.tokens, self._says_yes, kills)

    def leave(self, kills: int) -> None:
        """Everybody on site checks out."""
        there = [token for deed, token in self.acknowledged if deed == "check-in"]
        self._all(there, self._checks_out, kills)

    def _all(self, tokens: Sequence[str], deed: Callable[[httpx2.Client, str], None], kills: int) -> None:
        self._done = 0
        drawn = random.Random(self.seed + len(self.server.kills))
        at = sorted(drawn.sample(range(len(tokens) // 10, len(tokens) * 9 // 10), kills))
        local, made = threading.local(), []

        def one(token: str) -> None:
            if not hasattr(local, "web"):
                local.web = httpx2.Client(base_url=self.server.address, timeout=20, trust_env=False)
                made.append(local.web)
            deed(local.web, token)
            with self._lock:
                self._done += 1

        with ThreadPoolExecutor(CLIENTS) as pool:
            deeds = [pool.submit(one, token) for token in tokens]
            for moment in at:
                while self._done < moment and not deeds[-1].done():
                    time.sleep(0.05)
                self.server.kill(drawn)
            for each in deeds:
                each.result()
        for web in made:
            web.close()

    def _says_yes(self, web: httpx2.Client, token: str) -> None:
        drawn = random.Random(f"{self.seed}{token}")
        told = self._insist(web, "accept", token, f"offers/link/{token}/accept", {"minutes_there": 20}, drawn)
        if told is None or told["code"] is None:
            return
        if drawn.random() < 0.1:
            self._insist(web, "withdraw", token, f"offers/link/{token}/withdraw", {"reason": "busy"}, drawn)
            return
        body = {"link": token, "code": told["code"]}
        self._insist(web, "check-in", token, "duties/check-in", body, drawn)

    def _checks_out(self, web: httpx2.Client, token: str) -> None:
        code = self.acknowledged["accept", token]["code"]
        body = {"link": token, "code": code}
        self._insist(web, "check-out", token, "duties/check-out", body, random.Random(f"out{token}"))

    def _insist(
        self, web: httpx2.Client, deed: str, token: str, path: str, body: dict[str, Any], drawn: random.Random
    ) -> dict[str, Any] | None:
        """What was acknowledged; None for a refusal in words."""
        first = self._until_told(web, deed, token, path, body)
        if first.is_success and drawn.random() < 0.33:
            again = self._until_told(web, deed, token, path, body)
            with self._lock:
                self.repeated += 1
                if again.status_code != first.status_code or again.json() != first.json():
                    self.other_answers.append(f"{deed}: {first.text[:100]} / {again.text[:100]}")
        told: dict[str, Any] = first.json()
        with self._lock:
            if first.is_success:
                self.acknowledged[deed, token] = told
            else:
                self.refused[f"{deed} {first.status_code} {told['code']}"] += 1
        return told if first.is_success else None

    def _until_told(
        self, web: httpx2.Client, deed: str, token: str, path: str, body: dict[str, Any]
    ) -> httpx2.Response:
        """The same request under the same key, until something that is not the processes' death answers."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        headers = {"Idempotency-Key": f"{deed}-{token}"}
        heard: Counter[str] = Counter()
        while time.monotonic() < deadline:
            try:
                answer = web.post(f"/api/v1/{path}", json=body, headers=headers)
            except httpx2.HTTPError as error:
                heard[type(error).__name__] += 1
                time.sleep(0.1)
                continue
            in_flight = answer.status_code == 409 and answer.json()["code"] == "idempotency.in_flight"
            if answer.status_code < 500 and not in_flight:
                return answer
            heard[f"{answer.status_code} {answer.text[:200]}"] += 1
            time.sleep(0.1)
        raise TimeoutError(f"{deed} was not answered in {PATIENCE_SECONDS} s, but so: {dict(heard)}")


def lost(tx: Tx, storm: Storm) -> dict[str, int]:
    """How many acknowledged deeds left no trace in the database, by deed; nothing of it when none did."""
    wanted = text(
        "SELECT o.public_id, o.state, d.state, d.checked_in_at IS NOT NULL, "
        "array(SELECT kind FROM answer_events a WHERE a.offer_id = o.id), "
        "(SELECT count(*) FROM service_hours h WHERE h.duty_id = d.id) "
        "FROM offers o LEFT JOIN duties d ON d.offer_id = o.id"
    )
    stored = {offers.link_token(row[0]): row[1:] for row in tx.execute(wanted)}
    missing: Counter[str] = Counter()
    for deed, token in storm.acknowledged:
        state, duty, came, kinds, hours = stored[token]
        kept = {
            "accept": "accept" in kinds and state not in ("asked", "expired"),
            "withdraw": "withdraw" in kinds and state == "withdrawn",
            "check-in": came,
            "check-out": duty == "done" and state == "done" and hours == 1,
        }
        missing[deed] += not kept[deed]
    return {deed: count for deed, count in missing.items() if count}
