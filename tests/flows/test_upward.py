"""First, further, final: reports upward written from what is known, due, reminded of once, mailed, frozen."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from tests import people, policies
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, messages, minutes_later
from tests.flows.post import post_office
from tests.flows.test_field import check_in, coming
from tests.web.test_duty_pages import text
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Malformed, NotFound, PreconditionFailed, Refused
from volunteer_hub.core.policy import SHIPPED
from volunteer_hub.flows import close, declare, deliver, field, upward
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.incidents.upward_models import UpwardReport
from volunteer_hub.incidents.upward_rules import UpwardKind
from volunteer_hub.mobilization.field_rules import Harm, Severity
from volunteer_hub.mobilization.injuries import Happened
from volunteer_hub.notify.models import Message

API = "/api/v1"


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    return coming(tx)


def own(mei: Tx, sent: Sent) -> Incident:
    return mei.get_one(Incident, sent.world.incident.id)


def report(sent: Sent, minutes: float, to: str = "City duty office", *, mail: bool = False) -> UpwardReport:
    """Mei sends what the program knows."""
    with minutes_later(minutes), transaction(sent.world.mei, "upward.send") as mei:
        incident = own(mei, sent)
        draft = upward.save(mei, incident, upward.prefilled(mei, incident, "en"), "en")
        return upward.send(mei, incident, draft, to, mail=mail)


def reminded(tx: Tx, purpose: str) -> list[str]:
    return [message.params["due_at"] for message in messages(tx, purpose)]


def swept(*minutes: float) -> list[int]:
    found = []
    for minute in minutes:
        with minutes_later(minute):
            found.append(upward.sweep())
    return found


def test_a_report_holds_what_the_program_knows(tx: Tx, sent: Sent) -> None:
    check_in(tx, sent, sent.world.bo)
    with minutes_later(70), transaction(sent.world.mei, "field.injury") as mei:
        what = Happened(Harm.INJURY, Severity.MINOR, "Cut a finger", NOW)
        field.injured(mei, own(mei, sent), None, what, None)
        known = upward.prefilled(mei, own(mei, sent), "en")
    assert {name: n for name, n in known.figures.items() if n} == {
        "asked": 4,
        "accepted": 2,
        "on_site": 1,
        "short": 5,
        "injured": 1,
        "tasks_open": 1,
    }
    assert known.measures == "Sandbags at the east gate: East gate"
    assert "5 more for" in known.needs
    assert "Flood" in known.situation


def test_they_are_numbered_first_further_and_final_and_stay_as_they_were_sent(tx: Tx, sent: Sent) -> None:
    one, two = report(sent, 20), report(sent, 100)
    with minutes_later(200), transaction(sent.world.mei, "incident.close") as mei:
        close.close(mei, own(mei, sent))
    three = report(sent, 210)
    assert [(r.number, r.kind) for r in (one, two, three)] == [(1, "first"), (2, "further"), (3, "final")]
    assert one.due_at is not None
    with pytest.raises(Refused, match=r"upward\.over"):
        report(sent, 220)
    with pytest.raises(IntegrityError, match="frozen"), transaction(sent.world.mei, "upward.write") as mei:
        mei.get_one(UpwardReport, one.id).situation = "other"
    with pytest.raises(IntegrityError, match="frozen"), transaction(sent.world.mei, "upward.write") as mei:
        mei.delete(mei.get_one(UpwardReport, two.id))


def test_whoever_commands_is_reminded_once_before_and_once_when_it_is_overdue(tx: Tx, sent: Sent) -> None:
    due = sent.world.incident.declared_at + timedelta(minutes=30)  # a flood is of level III
    before = (due - NOW).total_seconds() / 60
    once = swept(before - 11, before - 10, before - 9)
    assert (once[0], once[1] > 0, once[2]) == (0, True, 0)
    late = swept(before, before + 1, before + 60)
    assert (late[0] > 0, late[1:]) == (True, [0, 0])
    assert {datetime.fromisoformat(at) for at in reminded(tx, "upward_due")} == {due}
    assert {m.account_id for m in messages(tx, "upward_overdue")} == {sent.world.mei.id}
    report(sent, before + 70)
    assert swept(before + 75) == [0]


def test_a_change_of_level_makes_a_further_report_due_sooner(tx: Tx, sent: Sent) -> None:
    report(sent, 20)
    with minutes_later(40), transaction(sent.world.mei, "incident.level") as mei:
        declare.set_level(mei, own(mei, sent), 4)
    listed = client(sent.world.mei)
    with minutes_later(50):
        body = listed.get(f"{API}/incidents/{sent.world.incident.public_id}/upward-reports").json()
    # Level IV: 60 minutes after the change, not 720 after the report.
    assert (body["next"], body["due_at"], body["overdue"]) == ("further", "2031-01-20T03:40:00Z", False)


def test_a_drill_owes_no_report_but_may_send_one_marked_as_a_drill(tx: Tx) -> None:
    drill = made.sent(tx, helpers=3, crowd=4, kind=Kind.DRILL)
    assert swept(24 * 60) == [0]
    number = report(drill, 20).number
    at = f"/incidents/{drill.world.incident.public_id}/upward/{number}"
    assert "DRILL. Nothing in this report is real." in client(drill.world.mei).get(f"{at}/text").text


def test_two_who_write_at_once_do_not_overwrite_each_other(tx: Tx, sent: Sent) -> None:
    with transaction(sent.world.mei, "upward.write") as mei:
        known = upward.prefilled(mei, own(mei, sent), "en")
        assert upward.save(mei, own(mei, sent), known, "en", 0).version == 1
        assert upward.save(mei, own(mei, sent), replace(known, needs="pumps"), "en", 1).version == 2
        with pytest.raises(PreconditionFailed):
            upward.save(mei, own(mei, sent), known, "en", 1)


def test_a_draft_overtaken_by_the_close_is_not_sent_as_it_was(tx: Tx, sent: Sent) -> None:
    with transaction(sent.world.mei, "upward.write") as mei:
        draft = upward.save(mei, own(mei, sent), upward.prefilled(mei, own(mei, sent), "en"), "en")
        with pytest.raises(Malformed):
            upward.send(mei, own(mei, sent), draft, " ")
        with pytest.raises(Refused, match=r"upward\.no_email"):
            upward.send(mei, own(mei, sent), draft, "City", mail=True)
    with minutes_later(20), transaction(sent.world.mei, "incident.close") as mei:
        close.close(mei, own(mei, sent))
        with pytest.raises(Refused, match=r"upward\.outdated"):
            upward.send(mei, own(mei, sent), mei.get_one(UpwardReport, draft.id), "City")
    final = report(sent, 30)
    assert (final.id, final.kind) == (draft.id, UpwardKind.FINAL)
    with pytest.raises(Refused, match=r"upward\.sent"), transaction(sent.world.mei, "upward.send") as mei:
        upward.send(mei, own(mei, sent), mei.get_one(UpwardReport, final.id), "City")


def test_it_is_mailed_to_the_configured_address(
    tx: Tx, sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = (SHIPPED / "hazards.toml").read_text(encoding="utf-8")
    changed = shipped.replace('email = "" ', 'email = "duty@city.example"')
    (tmp_path / "hazards.toml").write_text(changed, encoding="utf-8")
    monkeypatch.setenv("HUB_CONFIG", str(tmp_path))
    with post_office(monkeypatch) as office, policies.read_anew():
        number = report(sent, 20, mail=True).number
        with minutes_later(21):
            deliver.sweep()
        letter = office.to("duty@city.example")[0]
        page = text(client(sent.world.mei).get(f"/incidents/{sent.world.incident.public_id}/upward").text)
    assert "First report no. 1" in str(letter["Subject"])
    assert "Volunteers asked: 4" in letter.get_content()
    assert (number, "mailed" in page) == (1, True)
    wanted = select(Message.params).where(col(Message.purpose) == "upward_report")
    assert tx.exec(wanted).all() == [{"title": sent.world.incident.title}]


def test_the_page_keeps_sends_prints_and_shows_what_is_due(tx: Tx, sent: Sent) -> None:
    mei, at = client(sent.world.mei), f"/incidents/{sent.world.incident.public_id}"
    with minutes_later(5):
        page = text(mei.get(f"{at}/upward").text)
        assert ("First report due" in page, "Nothing sent yet" in page) == (True, True)
        assert "First report due" in text(mei.get(at).text)
        form = {"situation": "Water rises", "sent_to": "City, by telephone", "asked": "9"}
        bad = mei.post(f"{at}/upward", data=form | {"asked": "-1", "do": "keep"})
        assert (bad.status_code, "A number from 0 to 1000000." in text(bad.text)) == (422, True)
        assert mei.post(f"{at}/upward", data=form | {"do": "keep"}).status_code == 303
        assert "Counted now: 4" in text(mei.get(f"{at}/upward").text)
        sent_off = mei.post(f"{at}/upward", data=form | {"do": "send", "version": "1"})
        assert sent_off.headers["location"] == f"{at}/upward/1"
        paper = text(mei.get(f"{at}/upward/1").text)
        assert ("Water rises" in paper, "City, by telephone" in paper) == (True, True)
        assert "Further report due" in text(mei.get(at).text)
        log = text(mei.get(at).text)
    assert "First report sent (no. 1) to: City, by telephone" in log
    assert mei.get(f"{at}/upward/2").status_code == 404
    assert client(people.kai(tx)).get(f"{at}/upward").status_code == 404
    assert (
        client(people.staff(tx, "pia", "Pia", people.Role.PARTNER, "sartu")).get(f"{at}/upward").status_code
        == 403
    )


def test_machines_write_send_and_read_it(tx: Tx, sent: Sent) -> None:
    mei, at = client(sent.world.mei), f"{API}/incidents/{sent.world.incident.public_id}/upward-reports"
    with minutes_later(5):
        draft = mei.put(f"{at}/draft", json={"figures": {"injured": 2}, "needs": "pumps", "lang": "zh"})
        assert (draft.json()["figures"]["injured"], draft.json()["counted"]["injured"]) == (2, 0)
        assert draft.headers["etag"] == '"1"'
        assert mei.put(f"{at}/draft", json={"figures": {"horses": 2}}).status_code == 409
        assert mei.put(f"{at}/draft", json={}, headers={"If-Match": '"7"'}).status_code == 412
        early = {"sent_to": "City", "sent_at": "2031-01-20T05:00:00Z"}
        assert mei.post(f"{at}/1/send", json=early).status_code == 422
        done = mei.post(f"{at}/1/send", json={"sent_to": "市值班室"}, headers={"Idempotency-Key": "a"}).json()
        again = mei.post(f"{at}/1/send", json={"sent_to": "市值班室"}, headers={"Idempotency-Key": "a"})
        assert (done["number"], done["kind"], again.json()) == (1, "first", done)
        paper = mei.get(f"{at}/1/text").text
    assert ("初报（第1期）" in paper, "受伤: 2" in paper, "需要支援事项\npumps" in paper) == (
        True,
        True,
        True,
    )
    assert mei.get(f"{at}/9/text").status_code == 404


def test_another_district_has_no_part_in_it(tx: Tx, sent: Sent) -> None:
    with transaction(people.kai(tx), "upward.write") as kai, pytest.raises(NotFound):
        upward.prefilled(kai, own(kai, sent), "en")
