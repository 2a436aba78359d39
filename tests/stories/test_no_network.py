"""A day without network: a call-down written the evening before, a gateway that refuses, people who muster,
and the sheets of paper keyed in when the keyboards work again."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select
from typer.testing import CliRunner

from tests import people
from tests.doors import client, gateway_post
from tests.flows.callouts import NOW, at_ten, messages, minutes_later, sent
from tests.world import person
from volunteer_hub.audit.models import AuditLine
from volunteer_hub.boards import drilled
from volunteer_hub.cli.calldown import calldown
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import call_down, deliver, forget
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization import attendance
from volunteer_hub.simulation.gateway import Gateway, Trouble
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer

PASSPHRASE = "seven geese over the lake"
HOUSE = "Dongfeng 12号楼"


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Gateway]:
    """Text messages are the only way; the data folder is this test's own."""
    with Gateway(live=False, post=gateway_post) as opened:
        for _ in at_ten(monkeypatch):
            monkeypatch.delenv("HUB_SMTP_URL")
            monkeypatch.setenv("HUB_SMS_URL", opened.sms_url)
            monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path))
            settings.cache_clear()
            yield opened


def at(minutes: float) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


def opened_on_a_laptop(
    file: Path, folder: Path, passphrase: str = PASSPHRASE, lang: str = "en"
) -> tuple[int, str]:
    """What `volunteer-hub calldown open` writes; it is given nothing but the file."""
    out = folder / f"{lang}.html"
    ran = CliRunner().invoke(
        calldown,
        ["open", str(file), str(out), "--lang", lang],
        env={"HUB_CALLDOWN_PASSPHRASE": passphrase, "HUB_DATABASE_URL": "postgresql://nowhere/"},
    )
    return ran.exit_code, out.read_text(encoding="utf-8") if out.exists() else ran.output


def rows(page: str) -> list[tuple[str, str]]:
    """(name, who knocks) of a call-down, in its order."""
    found = re.findall(r"<tr><th>([^<]*)</th><td>[^<]*</td><td>[^<]*</td><td>([^<]*)</td>", page)
    return [(name, by) for name, by in found]


def test_a_day_without_network(tx: Tx, gateway: Gateway, tmp_path: Path) -> None:
    out = sent(tx, helpers=4, crowd=4, kind=Kind.DRILL)
    mei, dongfeng = client(out.world.mei), "Dongfeng"
    for one in (out.world.bo, out.world.lin):
        one.address = f"{HOUSE}030{one.id % 10}室"
    registry.register(
        tx,
        person("Xi", 60, birthday="2016-05-01", guardian_name="Lin", guardian_phone="13900000002")
        | {"guardian_consent": "2030-01-01", "address": f"{HOUSE}0901室"},
    )
    tx.flush()

    # The evening before: a muster point, a passphrase, and at its hour the list.
    page = mei.get("/call-downs").text
    node = re.search(r'href="(/call-downs/[0-9a-f-]{36})">' + dongfeng, page)
    assert node is not None
    assert call_down.sweep() == 0
    assert "Say where people gather." in mei.post(f"{node[1]}/muster", data={"name": ""}).text
    point = {"name": "School yard", "lat": "46.6", "lon": "125.1", "words": "Bring a torch"}
    assert mei.post(f"{node[1]}/muster", data=point).status_code == 303
    assert mei.post(f"{node[1]}/passphrase", data={"passphrase": "short"}).status_code == 422
    assert mei.post(f"{node[1]}/passphrase", data={"passphrase": PASSPHRASE}).status_code == 303
    assert (call_down.sweep(), call_down.sweep()) == (1, 0)
    (file,) = tmp_path.glob("call-down/*/*.calldown")
    assert (file.stem, file.stat().st_mode & 0o777) == ("2031-01-19", 0o600)
    assert str(out.world.bo.phone).encode() not in file.read_bytes()
    code, sheet = opened_on_a_laptop(file, tmp_path)
    assert code == 0
    assert "School yard" in sheet
    assert HOUSE in sheet
    inside = dict(rows(sheet.partition(HOUSE)[2].partition("</section>")[0]))
    assert inside.keys() == {"Bo", "Lin", "Xi"}
    assert inside["Xi"] in ("Bo", "Lin")
    assert "under 18; guardian Lin" in sheet
    assert "按楼叫门名单" in opened_on_a_laptop(file, tmp_path, lang="zh")[1]
    assert opened_on_a_laptop(file, tmp_path / "x", "another passphrase", "zh")[0] == 1
    downloaded = mei.get(f"{node[1]}/2031-01-19.calldown")
    assert downloaded.content == file.read_bytes()
    shown = mei.post(f"{node[1]}/open", data={"day": "2031-01-19", "passphrase": PASSPHRASE})
    assert "School yard" in shown.text
    assert mei.post(f"{node[1]}/open", data={"day": "2031-01-19", "passphrase": "no"}).status_code == 409
    taken = select(AuditLine.action).where(col(AuditLine.table_name) == "jurisdictions")
    assert list(tx.exec(taken)) == ["calldown.download", "calldown.open", "calldown.open"]
    assert client(people.kai(tx)).get(f"{node[1]}/2031-01-19.calldown").status_code == 404

    # The day: masts are dead, nothing goes out; people are knocked at and muster.
    gateway.trouble(Trouble.DOWN)
    for minute in (0, 5, 30, 60):
        with minutes_later(minute):
            deliver.sweep()
    assert {message.state.value for message in messages(tx, "offer")} == {"queued"}
    assert gateway.phones == {}

    # The afternoon: the sheets are keyed in, twice, with a slip of the pen.
    crowd = out.world.crowd
    lines: list[dict[str, Any]] = [
        {
            "phone": str(out.world.bo.phone),
            "answer": "accept",
            "at": at(4),
            "came_at": at(50),
            "left_at": at(290),
        },
        {"phone": str(out.world.lin.phone), "answer": "accept", "at": at(12), "came_at": at(62)},
        {"phone": str(crowd[0].phone), "answer": "decline", "at": at(14)},
        {"phone": str(crowd[1].phone), "answer": "accept", "at": at(700)},
    ]
    where = f"/api/v1/callouts/{out.callout.public_id}/paper"
    with minutes_later(300):
        first = mei.post(where, json={"lines": lines}).json()
        assert (first["taken"], [line["code"] for line in first["lines"]]) == (
            3,
            [None] * 3 + ["paper.future"],
        )
        lines[3]["at"] = at(26)
        second = mei.post(where, json={"lines": lines}).json()
        assert (second["taken"], [line["new"] for line in second["lines"]]) == (1, [False] * 3 + [True])
    tx.expire_all()
    figures = drilled.record(tx, tx.get_one(Incident, out.world.incident.id), (5, 15, 30, 60)).figures
    assert (figures.notified, figures.delivered) == (5, 0)
    assert (figures.acknowledged, figures.accepted, figures.assembled) == (4, 3, 2)
    assert figures.within == {5: 1, 15: 3, 30: 4, 60: 4}
    duty = attendance.of_offer(tx, out.offer(tx, out.world.bo))
    assert duty is not None
    assert (duty.grade and duty.grade.value, duty.minutes) == ("C", 240)

    # The masts are back: nobody who answered on paper is asked again.
    gateway.trouble(None)
    with minutes_later(301):
        deliver.sweep()
    gateway.settle()
    asked = {number for number, phone in gateway.phones.items() if any("?" in t.body for t in phone.inbox)}
    assert asked.isdisjoint({str(one.phone) for one in (out.world.bo, out.world.lin, *crowd[:2])})

    # The next evening: who was forgotten is out of the list, and old lists go.
    with transaction(people.an(tx), "volunteer.erase") as as_an:
        forget.by_staff(as_an, tx.get_one(Volunteer, crowd[3].id).public_id)
    with minutes_later(9 * 60):
        assert call_down.sweep() == 1
    newest = max(tmp_path.glob("call-down/*/*.calldown"))
    assert newest.stem == "2031-01-20"
    names = {name for name, _ in rows(opened_on_a_laptop(newest, tmp_path)[1])}
    assert {str(crowd[3].name)} & names == set()
    assert "Bo" in names
    with minutes_later(4 * 24 * 60):
        call_down.sweep()
    assert {path.stem for path in tmp_path.glob("call-down/*/*.calldown")} == {"2031-01-23"}
