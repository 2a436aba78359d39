"""Points taken by hand: never without words, a notice and an appeal that a second person decides."""

import random
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import col, func, select
from typer.testing import CliRunner

import volunteer_hub
from tests import people
from tests.doors import client
from tests.flows.callouts import NOW, at_ten, coming, messages, minutes_later
from tests.flows.test_duty import come, go
from tests.flows.test_review import second
from tests.mobilization.rows import raises
from tests.web.test_duty_pages import action, text
from tests.world import person
from volunteer_hub.access.models import Account
from volunteer_hub.access.rules import Role
from volunteer_hub.boards import recompute
from volunteer_hub.cli.deduction import deduction as commands
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.flows import deduct, settle
from volunteer_hub.incentives import deductions, expiry, queries
from volunteer_hub.incentives.deductions_models import Deduction
from volunteer_hub.incentives.deductions_rules import DeductionState, Verdict
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry
from volunteer_hub.incentives.rules import WITH_REASON, AccountKind, EntryKind
from volunteer_hub.notify.models import Message
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer

API = "/api/v1"
DAY = 24 * 60
WRONG = "wrong_hours"


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@dataclass(frozen=True)
class House:
    """Mei and Wei of Sartu, and Bo of Dongfeng, who has 60 points."""

    mei: Actor
    wei: Actor
    bo: Volunteer

    def rich(self) -> None:
        with transaction(self.mei, "points.adjust") as mei:
            settle.adjust(mei, self.bo.public_id, 60, "A gift.")

    def taken(self, points: int = 20, reason: str = "Nobody saw him.") -> Deduction:
        with transaction(self.mei, "points.adjust") as mei:
            deduct.adjust(mei, self.bo.public_id, -points, reason, WRONG)
            return deductions.of(mei, self.bo.id)[0]

    def appealed(self) -> Deduction:
        row = self.taken()
        with transaction(Actor("volunteer", self.bo.id), "deduction.appeal") as bo:
            return deduct.appeal(bo, self.bo.id, row.public_id, "Ask Lin.")


@pytest.fixture
def house(tx: Tx) -> House:
    w = housed(tx)
    w.rich()
    return w


def housed(tx: Tx) -> House:
    wei = people.staff(tx, "wei", "Wei", Role.COORDINATOR, "sartu")
    return House(people.mei(tx), wei, registry.register(tx, person("Bo", 1)))


def decide(actor: Actor, row: Deduction, verdict: Verdict = Verdict.GIVE_BACK) -> Deduction:
    with transaction(actor, "deduction.decide") as own:
        return deduct.decide(own, row.public_id, verdict, "His leader saw him.")


def test_from_the_file_to_the_phone_and_to_a_second_person(tx: Tx, house: House) -> None:
    bo, mei, wei = client(Actor("volunteer", house.bo.id)), client(house.mei), client(house.wei)
    file = mei.get(f"/volunteers/{house.bo.public_id}").text
    form = {"points": "20", "kind": WRONG, "reason": "Nobody <b>saw</b> him."}
    at = f"/deductions/of/{house.bo.public_id}"
    assert f'action="{at}"' in file
    assert mei.post(at, data=form | {"reason": ""}).status_code == 422
    assert mei.post(at, data=form | {"kind": "spite"}).status_code == 422
    assert mei.post(at, data=form | {"points": "-5"}).status_code == 422
    assert mei.post(at, data=form).status_code == 303
    assert queries.balance(tx, house.bo.id) == 40
    [told] = messages(tx, "deduction")
    assert (told.volunteer_id, told.params["points"], told.params["why"]) == (
        house.bo.id, 20, "Nobody <b>saw</b> him.",
    )  # fmt: skip
    assert told.params["what"] == {"en": "hours that were not served", "zh": "时长与实际不符"}
    assert told.params["until_at"].startswith("2031-02-03T")

    page = bo.get("/me/points").text
    assert "<script" not in page
    assert "−20 points: hours that were not served" in text(page)
    assert "Nobody &lt;b&gt;saw&lt;/b&gt; him." in page
    assert re.search("until .{0,12}2031", text(page))
    where = action(page, "appeal")
    assert bo.post(where, data={"words": " "}).status_code == 422
    assert bo.post(where, data={"words": "Ask Lin."}).status_code == 303
    again = bo.post(where, data={"words": "And again."})
    assert (again.status_code, "already" in text(again.text)) == (409, True)
    assert "You said: Ask Lin." in text(bo.get("/me/points").text)

    queue = mei.get("/deductions").text
    assert "Ask Lin." in text(queue)
    there = re.findall(r'action="(/deductions/[\w-]{36})"', queue)[0]
    verdict = {"do": "give_back", "reason": "Lin saw him."}
    own = mei.post(there, data=verdict)
    assert (own.status_code, "You took these points." in text(own.text)) == (409, True)
    assert client(people.kai(tx)).post(there, data=verdict).status_code == 404
    assert wei.post(there, data=verdict | {"reason": ""}).status_code == 422
    assert wei.post(there, data=verdict).status_code == 303
    assert wei.post(there, data=verdict).status_code == 409
    assert queries.balance(tx, house.bo.id) == 60
    [told] = messages(tx, "deduction_given_back")
    assert (told.volunteer_id, told.params["why"]) == (house.bo.id, "Lin saw him.")
    assert "given back" in text(bo.get("/me/points").text)
    assert "Decided by Wei: Lin saw him." in text(mei.get("/deductions").text)


def test_the_same_over_the_api_and_for_a_person_without_a_telephone(tx: Tx, house: House) -> None:
    mei, wei, kai = client(house.mei), client(house.wei), client(people.kai(tx))
    body = {"volunteer": str(house.bo.public_id), "points": -20, "reason": "Nobody saw him."}
    assert mei.post(f"{API}/points", json=body).json()["code"] == "deduction.kind"
    assert mei.post(f"{API}/points", json=body | {"kind": WRONG}).json()["points"] == -20
    [row] = mei.get(f"{API}/deductions?appealed=false").json()["items"]
    assert (row["name"], row["points"], row["told"], row["state"]) == ("Bo", 20, True, "stands")
    at = f"{API}/deductions/{row['id']}"
    assert kai.get(f"{API}/deductions?appealed=false").json()["items"] == []
    assert kai.post(f"{at}/appeal", json={"words": "He says no."}).status_code == 404
    assert mei.post(f"{at}/appeal", json={"words": "He says no."}).json()["state"] == "appealed"
    assert mei.post(f"{at}/decide", json={"verdict": "confirm", "reason": "No."}).status_code == 409
    done = wei.post(f"{at}/decide", json={"verdict": "confirm", "reason": "Nobody saw him."}).json()
    assert (done["state"], done["decision"]) == ("confirmed", "Nobody saw him.")
    assert queries.balance(tx, house.bo.id) == 40
    mine = client(Actor("volunteer", house.bo.id)).get(f"{API}/volunteers/me/deductions").json()
    assert [(one["id"], one["appeal"]) for one in mine] == [(row["id"], "He says no.")]
    assert [m.volunteer_id for m in messages(tx, "deduction_confirmed")] == [house.bo.id]


def test_while_an_appeal_runs_nothing_else_is_taken_and_it_comes_in_time(tx: Tx, house: House) -> None:
    row = house.appealed()
    with raises(Refused, "deduction.appeal_runs"):
        house.taken(5)
    with raises(Refused, "deduction.appeal_other"):
        decide(house.mei, row)
    with raises(NotFound, "not_found"):
        decide(people.kai(tx), row)
    tx.get_one(Volunteer, house.bo.id).email = tx.get_one(Account, house.wei.id or 0).email
    tx.flush()
    with raises(Refused, "deduction.own"):
        decide(house.wei, row)
    decide(people.an(tx), row, Verdict.CONFIRM)
    with raises(Refused, "deduction.decided"):
        decide(people.an(tx), row)
    late = house.taken(5)
    tx.actor = Actor("volunteer", house.bo.id)
    with minutes_later(14 * DAY + 1), raises(Refused, "deduction.too_late"):
        tx.now = clock.now()
        deduct.appeal(tx, house.bo.id, late.public_id, "Ask Lin.")
    assert queries.balance(tx, house.bo.id) == 35


def test_a_duty_taken_back_is_given_back_with_its_hours(tx: Tx) -> None:
    sent = coming(tx, helpers=1, crowd=0)
    bo, wei = sent.world.bo, second(tx)
    come(tx, sent, bo)
    go(tx, sent, bo, 60 + 185)
    with minutes_later(400):
        with transaction(sent.world.mei, "points.reverse") as mei:
            entry = queries.statement(mei, bo.id)[0].entry
            with raises(Malformed, "deduction.kind"):
                deduct.reverse(mei, entry.public_id, "It was Lin.")
            back = deduct.reverse(mei, entry.public_id, "It was Lin.", "not_their_duty")
            assert deduct.reverse(mei, entry.public_id, "It was Lin.", "not_their_duty") == back
            [row] = deductions.of(mei, bo.id)
        assert (queries.balance(tx, bo.id), queries.hours(tx, bo.id).counted) == (0, 0)
        with transaction(Actor("volunteer", bo.id), "deduction.appeal") as own:
            deduct.appeal(own, bo.id, row.public_id, "It was me.")
        decide(wei, row)
    assert (queries.balance(tx, bo.id), queries.hours(tx, bo.id).counted) == (30, 185)
    tx.actor = SYSTEM
    by = settle.in_force(tx)
    assert list(recompute.differences(tx, by.rewards)) == []
    expiry.expire(tx, date(2034, 1, 1), by)
    assert queries.balance(tx, bo.id) == 0


def test_no_points_go_by_hand_without_words_and_a_notice(tx: Tx, house: House) -> None:
    """Whatever is given, taken, taken back, appealed and decided, in any order."""
    dice = random.Random(6)
    for _ in range(40):
        rows = deductions.of(tx, house.bo.id)
        with db.transaction(house.mei, "test") as mei, mei.begin_nested() as before:
            try:
                _something(mei, house, dice, rows)
            except (Refused, Malformed):
                before.rollback()
    lost = (
        select(LedgerEntry.transfer_id)
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(
            col(LedgerAccount.kind) == AccountKind.PERSON,
            col(LedgerEntry.kind).in_(WITH_REASON),
            col(LedgerEntry.points) < 0,
        )
    )
    transfers = set(tx.exec(lost))
    rows = tx.exec(select(Deduction).execution_options(populate_existing=True)).all()
    assert {row.transfer_id for row in rows} == transfers
    assert len(transfers) > 5
    keys = set(tx.exec(select(Message.dedupe_key).where(col(Message.purpose) == "deduction")))
    assert keys == {f"deduction:{row.id}:deduction" for row in rows}
    assert all(row.told and row.reason and row.kind["zh"] for row in rows)
    assert tx.exec(select(func.sum(col(LedgerEntry.points)))).one() == 0


def _something(tx: Tx, house: House, dice: random.Random, rows: Sequence[Deduction]) -> None:
    deed = dice.choice("aaaarrrgpddd")
    if deed == "a":
        deduct.adjust(tx, house.bo.public_id, dice.randint(-9, 2), dice.choice(["said so", ""]), WRONG)
    elif deed == "r":
        entries = [line.entry for line in queries.statement(tx, house.bo.id)]
        deduct.reverse(tx, dice.choice(entries).public_id, "a slip", dice.choice([WRONG, "spite"]))
    elif deed == "g":
        deduct.adjust(tx, house.bo.public_id, 7, "a gift")
    elif rows and deed == "p":
        deduct.appeal(tx, house.bo.id, dice.choice(rows).public_id, "No.")
    elif rows:
        tx.actor = house.wei
        deduct.decide(tx, dice.choice(rows).public_id, dice.choice(list(Verdict)), "So be it.")


def test_nothing_but_the_deduction_itself_may_reach_the_verbs_that_take() -> None:
    home = Path(volunteer_hub.__file__).parent
    calls = {
        str(file.relative_to(home))
        for file in home.rglob("*.py")
        if re.search(r"ledger\.(adjust|reverse)\(|settle\.adjust\(", file.read_text(encoding="utf-8"))
    }
    assert calls == {"flows/deduct.py", "flows/settle.py", "incentives/deductions.py"}


def test_who_cannot_be_written_to_is_told_by_the_staff(tx: Tx, house: House) -> None:
    far = registry.register(tx, person("Old Sun", 2, phone="", email=""))
    with transaction(house.mei, "points.adjust") as mei:
        deduct.adjust(mei, far.public_id, -1, "A slip.", "other")
    assert "No message could be sent" in text(client(house.mei).get("/deductions").text)
    assert "无法发送通知" in client(house.mei, lang="zh").get("/deductions").text


def test_two_who_decide_at_once_give_back_once(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        w = housed(tx)
        others = [people.an(tx), w.wei]
    w.rich()
    row = w.appealed()

    def at_once(actor: Actor) -> bool:
        try:
            with clock.fixed(NOW):
                decide(actor, row)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(at_once, others)) == [False, True]
    with db.read(SYSTEM) as tx:
        assert queries.balance(tx, w.bo.id) == 60
        assert tx.get_one(Deduction, row.id).state is DeductionState.GIVEN_BACK
        kinds = select(func.count()).where(col(LedgerEntry.kind) == EntryKind.REVERSAL)
        assert tx.exec(kinds).one() == 2


def test_by_command_they_are_taken_appealed_against_and_decided_by_another(tx: Tx, house: House) -> None:
    def run(actor: str, *words: str, lang: str = "C") -> tuple[int, str]:
        done = CliRunner().invoke(commands, [*words, "--as", f"{actor}@example.org"], env={"LC_ALL": lang})
        return done.exit_code, done.output

    who = str(house.bo.public_id)
    assert run("mei", "take", who, "20", "--kind", "luck", "--reason", "Nobody saw him.")[0] == 1
    assert run("mei", "take", who, "20", "--kind", WRONG, "--reason", "Nobody saw him.") == (
        0,
        "-20 points\n",
    )
    [row] = deductions.of(tx, house.bo.id)
    assert run("wei", "list") == (0, "")
    assert run("wei", "list", "--others", lang="zh_CN.UTF-8")[1].startswith(f"{row.public_id}  Bo  20  ")
    assert run("mei", "appeal", str(row.public_id), "--words", "Ask Lin.") == (0, "appealed against\n")
    assert run("wei", "list")[1].endswith("    Nobody saw him.\n    Ask Lin.\n")
    ends = ["decide", str(row.public_id), "give_back", "--reason", "Lin saw him."]
    assert run("mei", *ends)[0] == 1
    assert run("wei", *ends) == (0, "given back\n")
    assert queries.balance(tx, house.bo.id) == 60
