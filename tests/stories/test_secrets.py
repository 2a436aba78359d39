"""After a whole small story through the real server nothing personal and no secret is left where those
who run the machines read it: in the log, the errors, the runs of jobs, the health addresses."""

import random
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from tests import people
from tests.server import Server, free_port
from tests.world import declare, person
from volunteer_hub.access import accounts, tokens
from volunteer_hub.access.models import Account
from volunteer_hub.api.errors import MEDIA_TYPE
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.simulation import mailbox
from volunteer_hub.volunteers import registry

NAME, PHONE, POSITION = "Wang Xiaobo", "13912345678", (46.58921, 125.10473)
MAIL = "xiaobo@example.org"
PATIENCE_SECONDS = 60
pytestmark = pytest.mark.slow


@pytest.fixture
def served(
    fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Server, Path, dict[str, str]]]:
    """The server with Mei's flood and ten people, Wang Xiaobo the nearest; the letters; the secrets."""
    secrets: dict[str, str] = {}
    with db.transaction(SYSTEM, "test.people") as tx:
        mei = people.mei(tx)
        for n in range(8):
            registry.register(tx, person(f"Helper {n}", n, skills="general:1;first_aid:1"))
        lat, lon = POSITION
        seeded = person(NAME, 99, phone=PHONE, email=MAIL, lat=lat, lon=lon, skills="first_aid:3;general:1")
        registry.register(tx, seeded)
    with db.transaction(mei, "token.create") as tx:
        mine = tx.get_one(Account, mei.id)
        scopes = sorted(accounts.actor_for(tx, mine).grants[0].permissions)
        _, secrets["api token"] = tokens.create(
            tx, mine, label="Test", scopes=scopes, area="/1/2/", expires_at=None
        )
    with db.transaction(mei, "incident.declare") as tx:
        secrets["incident"] = str(declare(tx).public_id)
    port = free_port()
    letters = mailbox.server(port, tmp_path / "mail")
    letters.start()
    monkeypatch.setenv("HUB_LOG_LEVEL", "debug")
    smtp = f"smtp://127.0.0.1:{port}"
    with Server(fresh_database, tmp_path, processes=1, HUB_SMTP_URL=smtp) as server:
        server.wait_until_ready()
        yield server, tmp_path / "mail", secrets
    letters.stop()
    settings.cache_clear()


def until(found: Any) -> Any:
    """The first thing found that is not empty."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        thing = found()
        if thing:
            return thing
        time.sleep(0.2)
    raise TimeoutError("nothing came")


def test_nothing_personal_and_no_secret_is_left_lying_about(
    served: tuple[Server, Path, dict[str, str]],
) -> None:
    server, mail, secrets = served
    web = httpx2.Client(base_url=server.address, timeout=30, trust_env=False)
    staff = {"authorization": f"Bearer {secrets['api token']}"}
    outputs: list[str] = []

    def asked(method: str, path: str, **more: Any) -> httpx2.Response:
        answer = web.request(method, path, **more)
        if answer.headers["content-type"] == MEDIA_TYPE:
            outputs.append(answer.text)
        return answer

    plan = asked("POST", f"/api/v1/incidents/{secrets['incident']}/plans", json={}, headers=staff).json()[
        "id"
    ]
    ready = until(lambda: asked("GET", f"/api/v1/plans/{plan}", headers=staff).json()["state"] == "ready")
    assert ready
    reason = {"reason": "The water is rising."}
    assert asked("POST", f"/api/v1/plans/{plan}/approve", json=reason, headers=staff).status_code == 200
    assert asked("POST", f"/api/v1/plans/{plan}/callout", json={}, headers=staff).is_success
    letter = until(lambda: mailbox.letters(mail, MAIL))[0]
    link = re.search(r"/c/([\w-]{22})", letter.text)
    assert link is not None
    secrets["link"] = link.group(1)
    taken = asked("POST", f"/api/v1/offers/link/{secrets['link']}/accept", json={"minutes_there": 20})
    secrets["code"] = taken.json()["code"]
    check = {"link": secrets["link"], "code": secrets["code"]}
    assert asked("POST", "/api/v1/duties/check-in", json=check).status_code == 200
    assert asked("POST", "/api/v1/duties/check-out", json=check).status_code == 200
    _mistakes(asked, secrets, staff)
    _fault(asked, staff)
    server.kill(random.Random(1))  # a start in the middle says its own lines
    server.wait_until_ready()
    asked("POST", "/login", data={"email": MAIL, "password": "a password typed wrongly"})
    jobs = asked("GET", "/api/v1/jobs", headers=staff)
    outputs += [jobs.text, web.get("/livez").text, web.get("/readyz").text]
    server.stop()
    outputs.append(server.log.read_text())
    lat, lon = POSITION
    wanted = {
        "name": NAME,
        "phone": PHONE,
        "mail": MAIL,
        "latitude": str(lat),
        "longitude": str(lon),
        "password": "a password typed wrongly",
        "api token": secrets["api token"],
        "link": secrets["link"],
        "code": secrets["code"],
        "another phone": "13912340007",
    }
    assert len(outputs) > 8
    assert "odd" in outputs[-1]  # the fault is logged
    assert leaks(wanted, outputs) == []


def _mistakes(asked: Any, secrets: Mapping[str, str], staff: Mapping[str, str]) -> None:
    """What goes wrong, with personal things in it."""
    body = {"name": NAME, "phone": PHONE, "email": MAIL, "community": "DQ-ST-001", "lat": 91, "skills": "?"}
    assert asked("POST", "/api/v1/volunteers", json=body, headers=staff).status_code == 422
    body = {"name": NAME, "phone": PHONE, "community": "DQ-ST-001", "skills": "general:1"}
    assert asked("POST", "/api/v1/volunteers", json=body, headers=staff).is_error
    wrong = {"link": secrets["link"], "code": "000000"}
    assert asked("POST", "/api/v1/duties/check-in", json=wrong).status_code == 409
    assert asked("POST", "/api/v1/duties/check-in", json={"link": secrets["link"]}).status_code == 422
    late = {"from": "2001-01-01T00:00:00+08:00"}
    assert asked("POST", f"/api/v1/offers/link/{secrets['link']}/later", json=late).is_error
    assert asked("GET", f"/api/v1/offers/link/{secrets['link'][::-1]}").status_code == 404
    assert asked("GET", "/api/v1/volunteers", headers={"authorization": "Bearer x"}).status_code == 401
    assert asked("GET", "/api/v1/volunteers", params={"search": PHONE, "limit": 0}, headers=staff).is_error


def _fault(asked: Any, staff: Mapping[str, str]) -> None:
    """A fault of ours while a person is stored: the database's own words name the whole row."""
    with db.engine().begin() as connection:
        connection.execute(text("ALTER TABLE volunteers ADD CONSTRAINT odd CHECK (max_km < 0) NOT VALID"))
    body = {"name": NAME, "phone": "13912340007", "community": "DQ-ST-001", "lat": POSITION[0]}
    body |= {"lon": POSITION[1], "max_km": 10, "precision": "building"}
    assert asked("POST", "/api/v1/volunteers", json=body, headers=staff).status_code == 500


def leaks(wanted: Mapping[str, str], outputs: list[str]) -> list[str]:
    """Which of the wanted stand in which lines."""
    return [
        f"{what}: {line[:300]}"
        for output in outputs
        for line in output.splitlines()
        for what, secret in wanted.items()
        if secret in line
    ]
