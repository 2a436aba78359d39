"""Points given: to a neighbour in need or to a fund, within limits, both told, never to and fro unseen."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
from sqlmodel import col, func, select
from typer.testing import CliRunner

from tests import people
from tests.doors import client
from tests.flows.callouts import NOW, at_ten, messages
from tests.mobilization.rows import raises
from tests.web.test_duty_pages import text
from tests.world import person
from volunteer_hub.cli.gift import gift as commands
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.core.i18n import say
from volunteer_hub.flows import forget, give, merge, settle
from volunteer_hub.incentives import entries, gifts, gifts_rules, queries
from volunteer_hub.incentives.gifts_models import Gift, Need
from volunteer_hub.incentives.gifts_policy import Gifts
from volunteer_hub.incentives.gifts_rules import GiftState, Standing
from volunteer_hub.incentives.models import LedgerEntry
from volunteer_hub.incentives.rules import Award, EntryKind, Grade
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer

API = "/api/v1"
WORDS = "Shopping while the lift is broken"


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@dataclass(frozen=True)
class House:
    """Mei; Bo and Lin of Dongfeng, with 100 points each of well-evidenced duties, 30 of others."""

    mei: Actor
    bo: Volunteer
    lin: Volunteer

    def named(self, who: Volunteer) -> Need:
        with transaction(self.mei, "need.open") as mei:
            return give.name(mei, who.public_id, WORDS)

    def given(self, who: Volunteer, need: Need | None, points: int) -> Gift:
        with transaction(Actor("volunteer", who.id), "gift.give") as own:
            return give.give(own, who.id, need.public_id if need is not None else None, points)


def earn(tx: Tx, who: Volunteer, points: int, grade: Grade) -> None:
    source = f"duty:{who.id}/{grade}"
    paid = entries.Transfer(
        entries.held(tx, who.id), who.area, EntryKind.DUTY, source, Award(points, {}, ()), grade
    )
    entries.pay(tx, paid, settle.in_force(tx))


def housed(tx: Tx) -> House:
    w = House(people.mei(tx), *(registry.register(tx, person(n, i)) for i, n in enumerate(("Bo", "Lin"), 1)))
    for who in (w.bo, w.lin):
        earn(tx, who, 100, Grade.A)
        earn(tx, who, 30, Grade.C)
    return w


@pytest.fixture
def house(tx: Tx) -> House:
    return housed(tx)


def test_from_a_phone_to_a_neighbour_in_need_and_to_the_fund_that_grants(tx: Tx, house: House) -> None:
    mei, bo = client(house.mei), client(Actor("volunteer", house.bo.id))
    at = f"/gifts/needs/of/{house.lin.public_id}"
    assert f'action="{at}"' in mei.get(f"/volunteers/{house.lin.public_id}").text
    assert mei.post(at, data={"words": ""}).status_code == 422
    assert mei.post(at, data={"words": WORDS}).status_code == 303
    assert mei.post(at, data={"words": WORDS}).status_code == 409
    need = str(tx.exec(select(Need.public_id)).one())
    page = bo.get("/me/give").text
    assert "<script" not in page
    assert (WORDS in page, "Lin" in text(page).split()) == (True, False)
    assert "You may give up to 40 points now." in text(page)
    sure = bo.get("/me/give", params={"to": need, "points": "30"}).text
    assert "Give 30 points?" in text(sure)
    assert "You keep 100 points." in text(sure)
    assert queries.balance(tx, house.bo.id) == 130
    form = {"to": need, "points": "30", "once": "k1"}
    assert [bo.post("/me/give", data=form).status_code for _ in range(2)] == [303, 303]
    assert (queries.balance(tx, house.bo.id), queries.balance(tx, house.lin.id)) == (100, 160)
    more = bo.post("/me/give", data=form | {"once": "k2"})
    assert (more.status_code, "at most 10 points" in text(more.text)) == (409, True)
    assert bo.post("/me/give", data=form | {"once": "k3", "to": "somebody"}).status_code == 422
    told = {m.purpose: m.volunteer_id for m in messages(tx)}
    assert (told["gift_given"], told["gift_received"]) == (house.bo.id, house.lin.id)
    lines = [queries.statement(tx, who.id)[0].explanation for who in (house.bo, house.lin)]
    assert [[say("en", one) for one in each] for each in lines] == [
        ["Given to a person in need in Dongfeng: -30"],
        ["Given to you by a volunteer: 30"],
    ]
    assert "捐赠给" in say("zh", lines[0][0])

    assert bo.post("/me/give", data={"to": "fund", "points": "25", "once": "k4"}).status_code == 303
    desk = mei.get(f"{API}/gifts").json()
    assert [(fund["area"], fund["points"]) for fund in desk["funds"]] == [("DQ-ST-001", 25)]
    grant = {"points": "20", "fund": "DQ-ST-001", "once": "g1"}
    where = f"/gifts/needs/{need}/grant"
    assert mei.post(where, data=grant | {"points": "26", "once": "g0"}).status_code == 409
    assert [mei.post(where, data=grant).status_code for _ in range(2)] == [303, 303]
    assert queries.balance(tx, house.lin.id) == 180
    assert "Fund of Dongfeng" in text(mei.get("/gifts").text)
    assert "5 points" in text(mei.get("/gifts").text)
    assert client(people.kai(tx)).post(where, data=grant).status_code == 404
    assert mei.post(f"/gifts/needs/{need}/close").status_code == 303
    assert WORDS not in bo.get("/me/give").text
    assert tx.exec(select(func.sum(col(LedgerEntry.points)))).one() == 0


def test_the_same_over_the_api(tx: Tx, house: House) -> None:
    mei, bo = client(house.mei), client(Actor("volunteer", house.bo.id))
    named = mei.post(f"{API}/needs", json={"volunteer": str(house.lin.public_id), "words": WORDS}).json()
    mine = bo.get(f"{API}/volunteers/me/gifts").json()
    assert (mine["balance"], mine["most"], [one["id"] for one in mine["needs"]]) == (130, 40, [named["id"]])
    given = bo.post(f"{API}/volunteers/me/gifts", json={"points": 10, "need": named["id"]})
    assert (given.status_code, given.json()["state"]) == (201, "given")
    assert bo.post(f"{API}/volunteers/me/gifts", json={"points": 30}).status_code == 201
    body = {"points": 5, "fund": "DQ-ST-001"}
    assert mei.post(f"{API}/needs/{named['id']}/grant", json=body).status_code == 201
    assert queries.balance(tx, house.lin.id) == 145
    assert client(people.kai(tx)).post(f"{API}/needs/{named['id']}/close").status_code == 404
    assert mei.post(f"{API}/needs/{named['id']}/close").status_code == 204
    gone = bo.post(f"{API}/volunteers/me/gifts", json={"points": 1, "need": named["id"]})
    assert gone.status_code == 404
    held = bo.get("/me/download").json()["gifts"]
    assert [(one["points"], one["from_me"]) for one in held] == [(30, True), (10, True)]


def test_who_gives_back_waits_for_somebody_who_is_neither(tx: Tx, house: House) -> None:
    first = house.given(house.bo, house.named(house.lin), 10)
    assert first.state is GiftState.GIVEN
    back = house.named(house.bo)
    waits, again = (house.given(house.lin, back, 10) for _ in range(2))
    assert (waits.state, waits.transfer_id, queries.balance(tx, house.lin.id)) == (
        GiftState.WAITING, None, 140,
    )  # fmt: skip
    mei, at = client(house.mei), f"{API}/gifts/{waits.public_id}/decide"
    assert "Given back?" in mei.get("/gifts").text
    assert client(people.kai(tx)).post(at, json={}).status_code == 404
    assert mei.post(at, json={}).json()["state"] == "given"
    assert mei.post(at, json={}).status_code == 409
    assert mei.post(f"/gifts/{again.public_id}", data={"do": "refuse", "reason": ""}).status_code == 422
    refused = {"do": "refuse", "reason": "You swap points."}
    assert mei.post(f"/gifts/{again.public_id}", data=refused).status_code == 303
    assert (queries.balance(tx, house.lin.id), queries.balance(tx, house.bo.id)) == (130, 130)
    [told] = messages(tx, "gift_refused")
    assert (told.volunteer_id, told.params["why"]) == (house.lin.id, "You swap points.")
    mine = house.named(registry.register(tx, person("An", 3, email="an@example.org")))
    with raises(Refused, "gift.own"), transaction(people.an(tx), "gift.grant") as an:
        give.grant(an, mine.public_id, 1, house.bo.area)
    with raises(Refused, "gift.self"):
        house.given(house.bo, back, 1)


GOOD = Standing(balance=200, earned=150, given=0, month=0)


@pytest.mark.parametrize(
    ("who", "most"),
    [
        (GOOD, 40),
        (replace(GOOD, balance=45), 25),
        (replace(GOOD, balance=5), 0),
        (replace(GOOD, given=120), 30),
        (replace(GOOD, month=91), 9),
        (replace(GOOD, pair=39), 1),
    ],
)
def test_the_least_of_all_limits_holds(who: Standing, most: int) -> None:
    assert gifts_rules.most(who, Gifts()) == most
    with raises(Refused, "gift.too_many"):
        gifts_rules.check(most + 1, who, Gifts())


def test_nothing_is_no_gift_and_a_need_has_words() -> None:
    with raises(Malformed, "gift.points"):
        gifts_rules.check(0, GOOD, Gifts())
    with raises(Malformed, "gift.points"):
        gifts_rules.check_grant(0, 5)
    with raises(Refused, "gift.fund_short"):
        gifts_rules.check_grant(6, 5)
    for words in (" ", "\0", "x" * 201):
        with raises(Malformed, "gift.words"):
            gifts_rules.words_of(words)


def test_a_need_goes_with_its_person_into_another_entry_and_out_of_the_house(tx: Tx, house: House) -> None:
    need = house.named(house.lin)
    house.given(house.bo, need, 10)
    third = registry.register(tx, person("Lin Again", 3))
    with transaction(house.mei, "volunteer.merge") as mei:
        merge.merge(mei, third.public_id, house.lin.public_id)
    assert queries.balance(tx, third.id) == 140
    assert [row.receiver_id for row in gifts.of(tx, third.id)] == [third.id]
    with transaction(Actor("volunteer", third.id), "me.erase") as own:
        forget.own(own, third.id)
    row = tx.exec(select(Need).execution_options(populate_existing=True)).one()
    assert (row.words, row.closed_at is None) == (None, False)
    with raises(NotFound, "not_found"):
        house.given(house.bo, need, 1)


def test_four_gifts_at_once_never_overdraw(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        w = housed(tx)
    need = w.named(w.lin)

    def at_once(number: int) -> bool:
        try:
            with clock.fixed(NOW):
                w.given(w.bo, need if number % 2 else None, 40)
        except Refused as error:
            return error.code != "gift.too_many"
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(at_once, range(4))) == [False, False, True, True]
    with db.read(SYSTEM) as tx:
        assert queries.balance(tx, w.bo.id) == 50
        assert gifts.standing(tx, give.giver(tx, w.bo.id), settle.in_force(tx)).month == 80
        assert tx.exec(select(func.sum(col(LedgerEntry.points)))).one() == 0


def test_by_command_the_desk_names_grants_and_decides(tx: Tx, house: House) -> None:
    people.kai(tx)

    def run(*words: str, actor: str = "mei", lang: str = "C") -> tuple[int, str]:
        done = CliRunner().invoke(commands, [*words, "--as", f"{actor}@example.org"], env={"LC_ALL": lang})
        return done.exit_code, done.output

    assert run("need", str(house.lin.public_id), "--words", WORDS)[0] == 0
    need = tx.exec(select(Need)).one()
    house.given(house.bo, need, 10)
    house.given(house.bo, None, 25)
    back = house.named(house.bo)
    waits, other = (house.given(house.lin, back, n) for n in (8, 9))
    grant = ["grant", str(need.public_id), "20", "--fund", "DQ-ST-001"]
    assert run(*grant, actor="kai")[0] == 1
    assert run(*grant) == (0, "given\n")
    assert run(*grant)[0] == 1
    assert run("decide", str(waits.public_id)) == (0, "given\n")
    assert run("decide", str(other.public_id), "--refused-because", "You swap points.") == (0, "not given\n")
    shown = run("list")[1].splitlines()
    assert shown[0] == "DQ-ST-001  Fund of Dongfeng  5"
    assert f"{need.public_id}  Lin  {WORDS}" in shown
    assert {line.split("  ", 1)[1] for line in shown[-5:]} == {
        "Bo > Lin  10  given",
        "Bo > Fund of Dongfeng  25  given",
        "Fund of Dongfeng > Lin  20  given",
        "Lin > Bo  8  given",
        "Lin > Bo  9  not given",
    }
    assert "基金" in run("list", lang="zh_CN.UTF-8")[1]
    assert run("list", actor="kai") == (0, "")
    assert run("close", str(need.public_id)) == (0, "")
    assert str(need.public_id) not in run("list")[1]
