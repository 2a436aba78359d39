"""Chat robots hear of callouts in their area: what and where, and nothing of anybody."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.flows.callouts import at_ten, messages, planned, send
from tests.world import world
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import change, deliver, mobilize
from volunteer_hub.incidents.models import RoleSlot, Task
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.notify.robot_models import Robot

ROBOTS = "/api/v1/robots"


class Group:
    """The gateway of a chat: what was posted to it, by path."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posted.append((self.path, json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def titles(self, path: str) -> list[str]:
        """What was posted at a path, by its title."""
        return [said["title"] for at, said in self.posted if at == path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(autouse=True)
def group(monkeypatch: pytest.MonkeyPatch) -> Iterator[Group]:
    """A chat that we may call; a mail server is named."""
    for _ in at_ten(monkeypatch):
        opened = Group()
        monkeypatch.setenv("HUB_INTERNAL_HOSTS", json.dumps([opened.host]))
        settings.cache_clear()
        yield opened
        opened.close()


def swept() -> None:
    """Everything due is sent; a second time for what the first found out."""
    deliver.sweep()


def test_robots_above_hear_of_a_callout_sent_changed_and_ended_without_links_or_names(
    tx: Tx, group: Group
) -> None:
    w = world(tx, crowd=2)
    admin = client(people.an(tx))
    bodies = [
        {"area": area, "name": "Duty group", "url": f"json://{group.host}/{path}", "lang": lang}
        for area, path, lang in (("DQ-ST", "district", "en"), ("DQ", "city", "zh"), ("DQ-DT", "other", "en"))
    ]
    for body in bodies:
        assert admin.post(ROBOTS, json=body).status_code == 201
    assert group.host not in json.dumps([robot.model_dump(mode="json") for robot in tx.exec(select(Robot))])
    first = send(tx, w, [(w.slots[0], w.lin)])
    out = send(tx, w, [(w.slots[0], w.lin), (w.slots[1], w.bo)])  # takes the place of the first
    swept()
    assert group.titles("/district") == ["REAL CALLOUT: Flood at the east gate – callout sent"] * 2
    assert group.titles("/city") == ["【实战】Flood at the east gate：已发出召集"] * 2
    assert group.titles("/other") == []
    task = tx.get_one(Task, tx.get_one(RoleSlot, w.slots[0]).task_id)
    with transaction(w.mei, "task.change") as mei:
        change.change_task(mei, mei.get_one(Task, task.id), task.version, place="West gate")
    swept()
    with transaction(w.mei, "callout.cancel") as mei:
        mobilize.cancel(mei, mei.get_one(Callout, out.callout.id))
    swept()
    assert group.titles("/district")[2:] == [
        "REAL CALLOUT: Flood at the east gate – place or time has changed",
        "REAL CALLOUT: Flood at the east gate – called off",
    ]
    everything = json.dumps(group.posted, ensure_ascii=False)
    assert "West gate" in everything
    for secret in (
        "Lin",
        "Bo",
        "Mei",
        "http",
        "p2@example.org",
        first.token(tx, w.lin),
        out.token(tx, w.lin),
    ):
        assert secret not in everything
    assert {m.state.value for m in messages(tx) if m.channel.value == "robot"} == {"sent"}


def test_a_drill_says_so_and_its_end_too(tx: Tx, group: Group) -> None:
    w = world(tx, crowd=1, kind=Kind.DRILL)
    made = client(people.an(tx)).post(
        ROBOTS, json={"area": "DQ", "name": "City", "url": f"json://{group.host}/city", "lang": "en"}
    )
    out = send(tx, w, [(w.slots[0], w.lin)])
    with transaction(w.mei, "callout.close") as mei:
        mobilize.close(mei, mei.get_one(Callout, out.callout.id))
    swept()
    assert sorted(group.titles("/city")) == [
        "DRILL: Flood at the east gate – callout sent",
        "DRILL: Flood at the east gate – nobody more is asked",
    ]
    admin = client(people.an(tx))
    (listed,) = admin.get(ROBOTS).json()["items"]
    assert (listed["id"], listed["area"], "url" in listed) == (made.json()["id"], "DQ", False)
    mei = client(w.mei)
    assert (mei.get(ROBOTS).status_code, mei.post(ROBOTS, json={}).status_code) == (403, 403)
    assert admin.delete(f"{ROBOTS}/{listed['id']}").status_code == 204
    assert admin.get(ROBOTS).json()["items"] == []


def test_only_robots_are_taken_and_none_leads_inside(tx: Tx, group: Group) -> None:
    w = world(tx, crowd=1)
    admin = client(people.an(tx))
    body = {"area": "DQ", "name": "Group", "lang": "en"}
    for url in (
        "https://example.org/hook",
        "dbus://",
        "syslog://",
        "mailto://a:b@example.org",
        "dingtalk://",
        "x",
    ):
        refused = admin.post(ROBOTS, json=body | {"url": url})
        assert (refused.status_code, url) == (422, url)
    port = group.host.partition(":")[2]
    for url in ("json://127.0.0.1:9/x", f"ntfy://localhost:{port}/topic", "json://169.254.169.254/latest"):
        assert admin.post(ROBOTS, json=body | {"url": url}).status_code == 201
    for fixed in ("dingtalk://abcdefgh12345678", "wecombot://abcd-1234-5678", "feishu://abc-token-1234"):
        assert admin.post(ROBOTS, json=body | {"url": fixed}).status_code == 201
        newest = tx.exec(select(Robot).order_by(col(Robot.id).desc())).first()
        assert newest is not None
        tx.delete(newest)
    tx.flush()
    planned(tx, w, [])
    send(tx, w, [(w.slots[0], w.lin)])
    swept()
    errors = {m.error for m in messages(tx) if m.channel.value == "robot"}
    assert (errors, group.posted) == ({"net.port", "net.address"}, [])
