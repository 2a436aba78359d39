"""Rewards: Mei offers, Bo takes, a partner's counter hands over once, whatever comes at the same moment."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, func, select, text
from typer.testing import CliRunner

from tests import people
from tests.doors import client
from tests.flows.callouts import NOW, at_ten, minutes_later
from tests.web.test_duty_pages import action
from tests.web.test_duty_pages import text as words
from tests.world import person
from volunteer_hub.access.rules import Role
from volunteer_hub.cli.reward import reward as commands
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import HubError, Malformed, Refused
from volunteer_hub.flows import redeem, settle
from volunteer_hub.incentives import queries, rewards, rewards_rules
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry
from volunteer_hub.incentives.rewards_models import Redemption, Reward
from volunteer_hub.incentives.rewards_rules import Offer
from volunteer_hub.incentives.rules import AccountKind
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer

API = "/api/v1"
BUS = {
    "area": "DQ-ST",
    "title": "Ten rides by bus",
    "sponsor": "City Bus",
    "cost": "50",
    "stock": "2",
    "per_person": "1",
}


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@dataclass(frozen=True)
class House:
    """Mei, and Bo of Dongfeng."""

    mei: Actor
    bo: Volunteer

    def rich(self, points: int = 60) -> "House":
        """Bo has some points, given by Mei by hand."""
        with transaction(self.mei, "points.adjust") as mei:
            settle.adjust(mei, self.bo.public_id, points, "A gift of the house.")
        return self


def house(tx: Tx) -> House:
    return House(people.mei(tx), registry.register(tx, person("Bo", 1)))


def rich(tx: Tx) -> House:
    return house(tx).rich()


def offered(w: House, **more: Any) -> Reward:
    with transaction(w.mei, "reward.add") as mei:
        return rewards.add(mei, "/1/2/", Offer(**{"title": "Mug", "cost": 50, "stock": 2, **more}))


def partner(tx: Tx, name: str, area: str = "sartu") -> Actor:
    return people.staff(tx, name, name, Role.COUNTER, area)


def taken(w: House, reward: Reward) -> Redemption:
    with transaction(Actor("volunteer", w.bo.id), "reward.take") as bo:
        return redeem.take(bo, w.bo.id, reward.public_id)


def test_from_the_catalogue_over_the_phone_to_the_counter(tx: Tx) -> None:
    w = rich(tx)
    desk = client(w.mei)
    assert desk.post("/rewards", data=BUS).status_code == 303
    assert desk.post("/rewards", data=BUS | {"cost": "0", "per_person": "0"}).status_code == 422
    assert "Ten rides by bus" in words(desk.get("/rewards").text)
    phone = client(Actor("volunteer", w.bo.id))
    page = phone.get("/me/rewards").text
    assert "<script" not in page
    form = {"once": "k1"}
    where = action(page, "take")
    mine = phone.post(where, data=form).headers["location"]
    assert phone.post(where, data=form).headers["location"] == mine
    assert phone.post(where, data={"once": "k2"}).status_code == 409
    page = phone.get(mine).text
    code = re.findall(r"<strong>([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})</strong>", page)[0]
    assert phone.get(f"{mine}/qr").text.startswith("<svg")
    assert "10 points" in words(phone.get("/me/rewards").text)
    counter = client(partner(tx, "bus"))
    assert counter.get("/").headers["location"] == "/counter"
    assert [counter.get(path).status_code for path in ("/rewards", "/volunteers", "/incidents")] == [403] * 3
    assert counter.post("/counter", data={"code": code[:-1] + "?"}).status_code == 422
    there = counter.post("/counter", data={"code": code.lower().replace("0", "o")}).headers["location"]
    seen = counter.get(there).text
    assert "Good: hand it over." in words(seen)
    assert "Bo" not in words(seen).split()
    assert counter.post(there, data={}).headers["location"] == f"{there}?done=1"
    again = counter.post(there, data={})
    assert (again.status_code, "already" in words(again.text)) == (409, True)
    assert "handed over" in words(phone.get(mine).text)
    assert client(partner(tx, "other", "datong")).get(there).status_code == 404


def test_by_command_it_is_listed_stocked_and_handed_over_once(tx: Tx) -> None:
    w = rich(tx)
    reward, bus = offered(w), partner(tx, "bus")
    code = rewards.code_of(taken(w, reward).public_id)

    def run(actor: str, *words: str) -> tuple[int, str]:
        done = CliRunner().invoke(commands, [*words, "--as", f"{actor}@example.org"], env={"LC_ALL": "C"})
        return done.exit_code, done.output

    assert bus.may("reward.redeem")
    assert run("bus", "hand-over", code) == (0, "handed over: Mug\n")
    assert run("bus", "hand-over", code)[0] == 1
    assert run("bus", "list")[0] == 1
    assert run("mei", "stock", str(reward.public_id), "7", "--closed") == (0, "Mug  7\n")
    assert run("mei", "list")[1].startswith(f"{reward.public_id}  Mug  50  7  ")
    assert run("mei", "month", "DQ-ST", "--of", "2030-12") == (0, "Sartu  2030-12\n")
    assert run("mei", "month", "DQ-DT")[0] == 1


def test_two_counters_at_the_same_moment_hand_over_once_and_nobody_spends_the_same_twice(
    fresh_database: str,
) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        w = house(tx)
        counters = [partner(tx, f"c{n}") for n in range(4)]
    w.rich(120)
    reward = offered(w, stock=9)
    code = rewards.code_of(taken(w, reward).public_id)

    def hand(counter: Actor) -> bool:
        try:
            with clock.fixed(NOW), db.transaction(counter, "reward.hand_over") as own:
                redeem.hand_over(own, code)
        except Refused as error:
            return error.code != "reward.handed_over"
        return True

    def spend(_: int) -> bool:
        try:
            with clock.fixed(NOW):
                taken(w, reward)
        except Refused as error:
            return error.code != "points.too_few"
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(hand, counters)) == [False, False, False, True]
        assert sorted(pool.map(spend, range(4))) == [False, False, False, True]
    with db.read(SYSTEM) as tx:
        assert queries.balance(tx, w.bo.id) == 20
        assert tx.get_one(Reward, reward.id).stock == 7
        sums = select(func.sum(col(LedgerEntry.points))).join(LedgerAccount)
        assert tx.exec(sums.where(col(LedgerAccount.kind) == AccountKind.REWARD)).one() == 100
        assert tx.exec(sums).one() == 0


def test_the_database_lets_nobody_spend_more_than_they_have(tx: Tx) -> None:
    w = rich(tx)
    spent = taken(w, offered(w))
    copy = (
        "INSERT INTO ledger_entries (public_id, transfer_id, account_id, area, points, at, kind, source, "
        "rule_version, policy_version, lines, days) SELECT gen_random_uuid(), "
        "'00000000-0000-7000-8000-000000000001', account_id, area, points, at, kind, 'redemption:x', "
        "rule_version, policy_version, lines, days FROM ledger_entries "
        f"WHERE transfer_id = '{spent.transfer_id}'; "
        "SET CONSTRAINTS ALL IMMEDIATE"
    )
    with pytest.raises(DBAPIError, match="spends no more"), tx.begin_nested():
        tx.execute(text(copy))


def test_what_was_noted_on_paper_is_keyed_in_with_its_true_time(tx: Tx) -> None:
    w = rich(tx)
    code = rewards.code_of(taken(w, offered(w, keep_days=1)).public_id)
    with minutes_later(3 * 24 * 60):
        counter = client(partner(tx, "bus"))
        late = counter.post(f"{API}/redemptions/hand-over", json={"code": code})
        assert (late.status_code, late.json()["code"]) == (409, "reward.too_late")
        before = counter.post(f"/counter/{code}", data={"at": "2031-01-20T09:59"})
        assert (before.status_code, "cannot have been" in words(before.text)) == (422, True)
        assert counter.post(f"/counter/{code}", data={"at": "2031-01-20T10:30"}).status_code == 303
    row = tx.exec(select(Redemption).execution_options(populate_existing=True)).one()
    assert row.handed_over_at == NOW + timedelta(minutes=30)
    assert row.noted_at == NOW + timedelta(days=3)


def test_given_back_or_reversed_the_points_and_the_piece_return(tx: Tx) -> None:
    w = rich(tx)
    phone, desk = client(Actor("volunteer", w.bo.id)), client(w.mei)
    made = desk.post(f"{API}/rewards", json={"area": "DQ-ST", "title": "Mug", "cost": 50, "stock": 1}).json()
    path = f"{API}/volunteers/me"

    def left() -> tuple[int, int]:
        stock = desk.get(f"{API}/rewards").json()[0]["stock"]
        return phone.get(f"{path}/points").json()["balance"], stock

    one = phone.post(f"{path}/rewards/{made['id']}/take").json()
    assert left() == (10, 0)
    assert phone.get(f"{path}/rewards").json()[0]["stock"] == 0
    back = phone.post(f"{path}/redemptions/{one['id']}/give-back").json()
    assert (back["state"], left()) == ("returned", (60, 1))
    two = phone.post(f"{path}/rewards/{made['id']}/take").json()
    counter = client(partner(tx, "bus"))
    refused = counter.post(f"{API}/redemptions/hand-over", json={"code": one["code"]})
    assert refused.json()["code"] == "reward.returned"
    assert counter.post(f"{API}/redemptions/hand-over", json={"code": two["code"]}).status_code == 200
    assert phone.post(f"{path}/redemptions/{two['id']}/give-back").status_code == 409
    assert (
        client(people.kai(tx))
        .post(f"{API}/redemptions/{two['id']}/reverse", json={"reason": "x"})
        .status_code
        == 404
    )
    reversed_ = desk.post(f"/rewards/taken/{two['id']}/reverse", data={"reason": "It was broken."})
    assert (reversed_.status_code, left()) == (303, (60, 1))
    assert "It was broken." in words(phone.get(f"/me/rewards/{two['id']}").text)
    assert desk.put(f"{API}/rewards/{made['id']}/stock", json={"stock": 5, "closed": True}).status_code == 200
    assert phone.post(f"{path}/rewards/{made['id']}/take").status_code == 404


def test_a_slip_of_the_pen_is_no_code_and_letters_that_look_alike_are_the_same() -> None:
    code = rewards_rules.code(bytes(range(32)))
    assert rewards_rules.read(f" https://hub.example/counter/{rewards_rules.grouped(code)}/ ") == code
    for n in range(len(code)):
        wrong = code[:n] + ("A" if code[n] != "A" else "B") + code[n + 1 :]
        with pytest.raises(Malformed):
            rewards_rules.read(wrong)
    noon = datetime(2031, 1, 20, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert rewards_rules.handed_over_at(noon, noon - hour, noon + hour, None) == noon
    for noted, until in ((noon + hour, noon), (noon - 2 * hour, noon), (None, noon - hour)):
        with pytest.raises(HubError):
            rewards_rules.handed_over_at(noon, noon - hour, until, noted)
    with pytest.raises(Malformed) as caught:
        rewards_rules.check(Offer("", 0, -1, "x" * 121, "x" * 501, 0, 0, datetime(1, 1, 1, tzinfo=UTC)))
    assert len(caught.value.fields) == 8
